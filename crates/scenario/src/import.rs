//! A LiteLLM file in our own syntax: a gateway file, or the router of a scenario. Settings are written from their
//! declarations, and those that have their defaults are left out.

use crate::effective::{AsGateway, NamesOfNumbers, without_settings, written_router};
use crate::read::UPSTREAM;
use crate::settings::{Written, quoted};
use core::fmt::Write as _;
use squall_litellm::{InitOptions, LitellmDeployment, LitellmFile};
use squall_router::{
    DeploymentConfig, LitellmStrategy, Profile, RateLimit, RateWindow, RouterConfig, Strategy,
    UnavailablePolicy,
};

/// The gateway file, in our own syntax, that says the same as a LiteLLM file by the formulas of `profile`. Of
/// deployments whose API is not spoken here it has their names, in a comment.
#[must_use]
pub fn gateway_yaml(file: &LitellmFile, profile: Profile) -> String {
    let mut out = String::new();
    let path = file.path().replace('\n', " ");
    let _ = writeln!(out, "# Imported from {path}, a LiteLLM configuration.");
    for left in file.deployments().iter().filter(|each| !each.is_spoken) {
        let plain = |text: &str| text.replace(char::is_control, " ");
        let (name, provider, model) = (left.name, plain(left.provider), plain(left.model));
        let _ = writeln!(
            out,
            "# Left out: {name} (line {}), {provider}/{model}: its API is not spoken here.",
            left.line
        );
    }
    out.push_str("providers:\n");
    let spoken = file.spoken();
    let file = spoken.as_ref().unwrap_or(file);
    let as_gateway = AsGateway::new(file, 0);
    let usual = UPSTREAM.write(&Default::default());
    for (provider, upstream) in as_gateway.providers.iter().zip(file.upstreams()) {
        let _ = writeln!(out, "  {}:", quoted(&provider.name));
        for (key, value) in entries(&UPSTREAM.write(provider).beyond(&usual)) {
            let caveat = match key {
                "base_url" => upstream.caveat,
                "api_key" => upstream.key_caveat,
                _ => None,
            };
            let caveat = caveat.map_or_else(String::new, |caveat| format!("  # {caveat}"));
            let _ = writeln!(out, "    {key}: {value}{caveat}");
        }
    }
    out.push('\n');
    out.push_str(&router_yaml(file, profile, true));
    out
}

/// A scenario around a LiteLLM file: see [`LitellmFile::scenario_yaml`].
#[must_use]
pub fn litellm_scenario_yaml(file: &LitellmFile, options: &InitOptions) -> String {
    let inline = match options.reference {
        Some(_) => String::new(),
        None => router_yaml(file, options.profile, false),
    };
    file.scenario_yaml(options, &inline)
}

/// The `router:` of a file. `upstream`: its deployments run at the providers that the LiteLLM file names; else each at
/// the provider of its own name.
fn router_yaml(file: &LitellmFile, profile: Profile, upstream: bool) -> String {
    let config = writable(file, profile);
    let as_gateway = AsGateway::new(file, config.spend_budgets.len());
    let names = NamesOfNumbers { declared: false, ..as_gateway.names(file) };
    let mut out = String::from("router:\n");
    if profile != Profile::default() {
        let _ = writeln!(out, "  profile: {}", profile.as_str());
        let checked = file.router(profile).groups.into_iter().flat_map(|group| group.deployments);
        if checked.into_iter().any(|deployment| deployment.limits.rpm.is_some()) {
            out.push_str(
                "  # In this profile `rpm` is a weight. Pre-call checks, which also enforce it as a\n",
            );
            out.push_str("  # limit, are kept only by `router: { litellm: FILE }`.\n");
        }
    }
    let now = Written::Map(written_router(&config, &names));
    let usual = Written::Map(written_router(&without_settings(&config), &names));
    for (key, value) in entries(&now) {
        if key != "groups" {
            put(&mut out, "  ", key, &value.beyond(part(&usual, key)));
            continue;
        }
        out.push_str("  groups:\n");
        let mut deployments = file.deployments().into_iter();
        for (name, group) in entries(value) {
            let _ = writeln!(out, "    {}:", quoted(name));
            let usual = part(part(&usual, "groups"), name);
            write_group(group, usual, &mut deployments, upstream, &mut out);
        }
    }
    out
}

fn write_group(
    group: &Written,
    usual: &Written,
    deployments: &mut dyn Iterator<Item = LitellmDeployment<'_>>,
    upstream: bool,
    out: &mut String,
) {
    const INDENT: &str = "      ";
    for (key, value) in entries(group) {
        let Written::List(items) = value else {
            put(out, INDENT, key, &value.beyond(part(usual, key)));
            continue;
        };
        if key != "deployments" {
            put(out, INDENT, key, value);
            continue;
        }
        let _ = writeln!(out, "{INDENT}deployments:");
        for item in items {
            let Some(deployment) = deployments.next() else { return };
            let name = quoted(deployment.name);
            let _ = writeln!(out, "{INDENT}  - name: {name}  # line {}", deployment.line);
            write_deployment(item, group, upstream.then_some(&deployment), &name, out);
        }
    }
}

fn write_deployment(
    item: &Written,
    group: &Written,
    served: Option<&LitellmDeployment<'_>>,
    name: &str,
    out: &mut String,
) {
    const INDENT: &str = "          ";
    let usual = Written::Map(crate::read::DEPLOYMENT_SETTINGS.write(&DeploymentConfig::default()));
    for (key, value) in entries(item) {
        match (key, served) {
            ("name", _) | ("model", None) => {}
            ("provider", None) => {
                let _ = writeln!(out, "{INDENT}provider: {name}");
            }
            // Its own are read over the group's.
            ("timeouts" | "cooldown", _) => put(out, INDENT, key, &value.beyond(part(group, key))),
            _ => put(out, INDENT, key, &value.beyond(part(&usual, key))),
        }
    }
}

/// The router as a file can say it: by LiteLLM's profile limits are read as what its formulas weigh by, and its shuffle is
/// told by what it weighs by.
fn writable(file: &LitellmFile, profile: Profile) -> RouterConfig {
    let mut config = file.router(profile);
    let ours = file.router(Profile::Squall);
    for (group, ours) in config.groups.iter_mut().zip(&ours.groups) {
        if group.strategy == Strategy::Litellm(LitellmStrategy::SimpleShuffle) {
            group.strategy = ours.strategy.clone();
        }
        if let UnavailablePolicy::FailStating(_) = group.when_unavailable {
            // The profile makes it of what holds without a word.
            group.when_unavailable = UnavailablePolicy::default();
        }
        for deployment in &mut group.deployments {
            let steady = |per_minute: u64| RateLimit {
                per_minute,
                window: RateWindow::Gcra { burst: None },
            };
            let declared = |number: Option<u64>| number.filter(|number| *number > 0).map(steady);
            let (limits, said) = (&mut deployment.limits, deployment.declared);
            limits.rpm = limits.rpm.or_else(|| declared(said.rpm));
            limits.tpm = limits.tpm.or_else(|| declared(said.tpm));
        }
    }
    config
}

pub(crate) fn put(out: &mut String, indent: &str, key: &str, value: &Written) {
    if *value != Written::Unset {
        let _ = writeln!(out, "{indent}{key}: {value}");
    }
}

pub(crate) fn entries(value: &Written) -> impl Iterator<Item = (&str, &Written)> {
    let entries = match value {
        Written::Map(entries) => entries.as_slice(),
        Written::Unset
        | Written::Plain(_)
        | Written::Text(_)
        | Written::Secret(_)
        | Written::List(_) => &[],
    };
    entries.iter().map(|(key, value)| (key.as_str(), value))
}

/// The part of a mapping under a key.
pub(crate) fn part<'w>(value: &'w Written, key: &str) -> &'w Written {
    let found = entries(value).find(|(known, _)| *known == key);
    found.map_or(&Written::Unset, |(_, value)| value)
}
