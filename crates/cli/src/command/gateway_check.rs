//! `squall gateway check`: what a start would find, and what would be served, without serving it.

use super::{client_tls, serve};
use crate::args::GatewayCheckArgs;
use crate::error::{CliError, Exit};
use crate::{keys_file, terminal};
use serde_json::{Value, json};
use squall_gateway::{CheckedStart, ProbedDeployment, VirtualKey, check_keys};
use squall_scenario::{ApiKey, GatewayFile};
use std::collections::BTreeSet;
use std::time::Duration;

/// How long a deployment may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) fn check(args: &GatewayCheckArgs) -> Result<Exit, CliError> {
    let file = serve::read(&args.path)?;
    let keys = args.keys.as_deref().map(keys_file::read).transpose()?.unwrap_or_default();
    if let Some(path) = &args.keys {
        let tenants: BTreeSet<_> =
            file.router.tenants.iter().map(|tenant| tenant.name.as_str()).collect();
        check_keys(&keys, |name| tenants.contains(name))
            .map_err(|why| CliError::Keys { path: path.clone(), why })?;
    }
    let tls = client_tls::of_file(&args.path, &file);
    let listen = file.listen;
    let served = served(&file);
    let remarks = remarks(&file, &keys);
    // On a runtime, as connections are made ready for it.
    let probed = serve::runtime()?.block_on(async {
        let checked = CheckedStart::new(serve::reload(&args.path, file)?, tls)?;
        Ok::<_, CliError>(if args.probe { checked.probe(PATIENCE).await } else { Vec::new() })
    })?;
    terminal::data(format_args!("{}: a gateway can start with it", args.path.display()));
    terminal::data(format_args!("listen: {listen}"));
    served.iter().for_each(|group| tell(group, &probed));
    if args.keys.is_some() {
        terminal::data(format_args!("virtual keys: {}", keys.len()));
    }
    remarks.iter().for_each(terminal::status);
    terminal::field("listen", || listen.to_string().into());
    terminal::field("groups", || served.into());
    terminal::field("keys", || keys.len().into());
    terminal::field("remarks", || remarks.into());
    terminal::field("probed", || {
        let each = |probed: &ProbedDeployment| json!({ "deployment": probed.name, "passed": probed.passed });
        probed.iter().map(each).collect()
    });
    Ok(if probed.iter().all(|probed| probed.passed) { Exit::Met } else { Exit::Missed })
}

/// What would be served: groups with their deployments.
fn served(file: &GatewayFile) -> Vec<Value> {
    let mut links = file.deployments.iter();
    let group = |group: &squall_router::GroupConfig| {
        let deployments = group.deployments.iter().zip(&mut links).map(|(deployment, link)| {
            let provider = &file.providers[usize::from(link.provider)];
            json!({
                "name": deployment.name,
                "provider": provider.name,
                "format": provider.format.as_str(),
                "model": link.model,
                "weight": deployment.weight,
            })
        });
        let deployments: Vec<_> = deployments.collect();
        let name = |id: &squall_router::GroupId| {
            file.router.groups.get(id.index()).map(|group| group.name.clone())
        };
        let fallbacks: Vec<_> = group.fallbacks.general.iter().filter_map(name).collect();
        json!({
            "name": group.name,
            "aliases": group.aliases,
            "strategy": group.strategy.name(),
            "fallbacks": fallbacks,
            "deployments": deployments,
        })
    };
    file.router.groups.iter().map(group).collect()
}

fn tell(group: &Value, probed: &[ProbedDeployment]) {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |value: &Value| -> String {
        value.as_array().into_iter().flatten().map(word).collect::<Vec<_>>().join(", ")
    };
    let mut line = format!("group {} ({})", word(&group["name"]), word(&group["strategy"]));
    for (what, names) in [("aliases", &group["aliases"]), ("fallbacks", &group["fallbacks"])] {
        if names.as_array().is_some_and(|names| !names.is_empty()) {
            line.push_str(&format!(", {what}: {}", list(names)));
        }
    }
    terminal::data(line);
    for deployment in group["deployments"].as_array().into_iter().flatten() {
        let name = word(&deployment["name"]);
        let answer = match probed.iter().find(|probed| probed.name == name) {
            None => "",
            Some(ProbedDeployment { passed: true, .. }) => ": answered",
            Some(ProbedDeployment { passed: false, .. }) => {
                ": no answer, an error of the server, or the key was refused"
            }
        };
        terminal::data(format_args!(
            "  {name}: {} at {} ({}), weight {}{answer}",
            word(&deployment["model"]),
            word(&deployment["provider"]),
            word(&deployment["format"]),
            deployment["weight"],
        ));
    }
}

/// What is allowed, and not advisable.
fn remarks(file: &GatewayFile, keys: &[VirtualKey]) -> Vec<String> {
    let mut remarks = Vec::new();
    let literal = |key: &Option<ApiKey>| matches!(key, Some(ApiKey::Literal(_)));
    let providers = file.providers.iter().filter(|provider| literal(&provider.api_key));
    remarks.extend(providers.map(|provider| {
        format!("the key of provider `{}` is written out: name a variable, `$NAME`", provider.name)
    }));
    let tenants = file.router.tenants.iter().zip(&file.tenants).filter(|(_, key)| literal(key));
    remarks.extend(tenants.map(|(tenant, _)| {
        format!(
            "the key of tenant `{}` is written out: name a variable, `$NAME`, or use `--keys`, which has hashes",
            tenant.name
        )
    }));
    let names: BTreeSet<&str> = file
        .router
        .groups
        .iter()
        .flat_map(|group| group.aliases.iter().chain([&group.name]))
        .map(String::as_str)
        .collect();
    for key in keys {
        let models = key.document.models.iter().flatten();
        let unknown =
            models.filter(|model| !model.ends_with('*') && !names.contains(model.as_str()));
        remarks.extend(unknown.map(|model| {
            format!(
                "the key `{}` may ask for `{model}`, which no group or alias is called",
                key.id()
            )
        }));
    }
    remarks
}
