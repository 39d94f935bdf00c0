//! TensorZero: a function for each group, and a variant of it for each deployment that may serve it.

use super::{ExportNote, Exported, ReadyMade, Tuning, template, templates};
use crate::coverage::{Notes, SettingSupport, is_basic, otherwise};
use crate::install_recipe::InstallRecipe;
use crate::routing_view::{DeploymentView, GroupView, RoutingView, plain_name};
use SettingSupport::{Kept, Missing};
use core::fmt::Write as _;
use squall_scenario::{
    ChangedSetting, Scenario, SettingOwner, TargetConfig, TargetStart, Template,
};
use squall_wire::Format;

/// TensorZero's gateway, out of the wheel of its Python client.
#[derive(Debug)]
pub(super) struct TensorZero;

impl ReadyMade for TensorZero {
    fn name(&self) -> &'static str {
        "tensorzero"
    }

    fn version(&self) -> &'static str {
        "2026.6.0"
    }

    fn program(&self) -> &'static str {
        "python3"
    }

    fn install(&self) -> InstallRecipe {
        InstallRecipe::Python { requirements: &["tensorzero==2026.6.0", "openai>=3,<4"] }
    }

    fn export(&self, scenario: &Scenario, tuning: Tuning) -> Exported {
        let view = RoutingView::new(scenario);
        let start = TargetStart {
            command: templates(&[
                "python3",
                "${dir}/serve.py",
                "${dir}/tensorzero.toml",
                "${port}",
            ]),
            files: vec![
                ("tensorzero.toml".to_owned(), template(&configuration(&view, tuning))),
                ("serve.py".to_owned(), Template::from(SERVE)),
            ],
            env: keys(&view),
            ..TargetStart::default()
        };
        let models = view.router.groups.iter().map(|group| {
            let model = format!("tensorzero::function_name::{}", plain_name(&group.name));
            (group.name.clone(), template(&model))
        });
        let target = TargetConfig {
            url: template("http://127.0.0.1:${port}/openai/v1"),
            models: models.collect(),
            start: Some(start),
            ..TargetConfig::default()
        };
        Exported { target, notes: notes(&view, tuning) }
    }
}

/// The gateway in the wheel listens at a port of its own choice, so that this forwards one to it.
const SERVE: &str = r#"import asyncio
import sys
import urllib.parse

from tensorzero.tensorzero import _start_http_gateway


async def pump(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


async def main(config, port):
    gateway = await _start_http_gateway(
        config_file=config, clickhouse_url=None, postgres_url=None, valkey_url=None, async_setup=True
    )
    at = urllib.parse.urlsplit(gateway.base_url)

    async def serve(reader, writer):
        try:
            up_reader, up_writer = await asyncio.open_connection(at.hostname, at.port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(pump(reader, up_writer), pump(up_reader, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", int(port), backlog=4096)
    await server.serve_forever()


asyncio.run(main(*sys.argv[1:]))
"#;

/// The variable that holds the key of a deployment.
fn variable(deployment: &DeploymentView<'_>) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    let name: String = deployment.config.name.chars().map(plain).collect();
    format!("SQUALL_KEY_{name}")
}

fn keys(view: &RoutingView<'_>) -> Vec<(String, Template)> {
    let mut keys: Vec<(String, Template)> = Vec::new();
    for deployment in view.groups().iter().flat_map(|group| &group.deployments) {
        let name = variable(deployment);
        if keys.iter().all(|(known, _)| *known != name) {
            keys.push((name, template(&deployment.api_key())));
        }
    }
    keys
}

fn configuration(view: &RoutingView<'_>, tuning: Tuning) -> String {
    let mut out = String::from(
        "[gateway]\nobservability.enabled = false\ndisable_pseudonymous_usage_analytics = true\n",
    );
    if tuning.is_tuned() {
        let target = view.target();
        let between = target.config.timeouts.between_tokens.as_millis();
        let _ = writeln!(out, "global_outbound_http_intra_stream_read_timeout_ms = {between}");
    }
    for deployment in view.groups().iter().flat_map(|group| &group.deployments) {
        out.push_str(&model(deployment));
    }
    for group in view.groups() {
        out.push_str(&function(view, &group, tuning));
    }
    out
}

fn model(deployment: &DeploymentView<'_>) -> String {
    let name = &deployment.config.name;
    let (kind, base) = match deployment.provider.format {
        // Of Gemini it knows Google's own address alone, and a run calls nobody but its own providers: asked in
        // OpenAI's words, this one refuses.
        Format::OpenAi | Format::Gemini => {
            ("openai", format!("api_base = \"{}/\"\n", deployment.placeholder("url")))
        }
        Format::Anthropic => {
            ("anthropic", format!("api_base = \"{}/messages\"\n", deployment.placeholder("url")))
        }
        Format::Azure => (
            "azure",
            format!(
                "endpoint = \"{}\"\ndeployment_id = \"{}\"\n",
                deployment.placeholder("origin"),
                deployment.model
            ),
        ),
    };
    let mut out = format!(
        "\n[models.\"{name}\"]\nrouting = [\"{name}\"]\n[models.\"{name}\".providers.\"{name}\"]\n"
    );
    let _ = writeln!(out, "type = \"{kind}\"");
    if deployment.provider.format != Format::Azure {
        let _ = writeln!(out, "model_name = \"{}\"", deployment.model);
    }
    out.push_str(&base);
    let _ = writeln!(out, "api_key_location = \"env::{}\"", variable(deployment));
    out
}

fn function(view: &RoutingView<'_>, group: &GroupView<'_>, tuning: Tuning) -> String {
    let name = plain_name(&group.config.name);
    let mut out = format!(
        "\n[functions.\"{name}\"]\ntype = \"chat\"\n[functions.\"{name}\".experimentation]\ntype = \"static\"\n"
    );
    let tiers = if tuning.is_tuned() { group.tiers() } else { vec![group.deployments.clone()] };
    let weights: Vec<_> = tiers[0]
        .iter()
        .map(|each| format!("\"{}\" = {}", each.config.name, f64::from(each.config.weight)))
        .collect();
    let fallbacks = view.fallbacks(group.config);
    let later = tiers.iter().skip(1).flatten();
    let later = later.chain(fallbacks.iter().flat_map(|fallback| &fallback.deployments));
    let later: Vec<_> = later.copied().collect();
    let _ = writeln!(out, "candidate_variants = {{ {} }}", weights.join(", "));
    if !later.is_empty() {
        let names: Vec<_> = later.iter().map(|each| format!("\"{}\"", each.config.name)).collect();
        let _ = writeln!(out, "fallback_variants = [{}]", names.join(", "));
    }
    let mut written: Vec<&str> = Vec::new();
    for deployment in tiers[0].iter().chain(&later) {
        let variant = deployment.config.name.as_str();
        if written.contains(&variant) {
            continue;
        }
        written.push(variant);
        let _ = writeln!(
            out,
            "[functions.\"{name}\".variants.\"{variant}\"]\ntype = \"chat_completion\"\nmodel = \"{variant}\""
        );
        if tuning.is_tuned() {
            out.push_str(&policies(group, deployment));
        }
    }
    out
}

/// Time-outs and retries of a variant. Among several variants a failed one is followed by another at once; a retry of its own
/// would come first, after a wait.
fn policies(group: &GroupView<'_>, deployment: &DeploymentView<'_>) -> String {
    let timeouts = deployment.timeouts();
    let (first, total) = (timeouts.first_token.as_millis(), timeouts.total.as_millis());
    let stream_total = timeouts
        .stream_total
        .map_or_else(String::new, |total| format!(", total_ms = {}", total.as_millis()));
    let mut out = format!(
        "timeouts = {{ non_streaming = {{ total_ms = {total} }}, streaming = {{ ttft_ms = {first}{stream_total} }} }}\n"
    );
    if deployment.group.deployments.len() == 1 && deployment.group.retries.max > 0 {
        let (_, cap) = group.backoff();
        let _ = writeln!(
            out,
            "retries = {{ num_retries = {}, max_delay_s = {:?} }}",
            deployment.group.retries.max,
            cap.as_secs_f64()
        );
    }
    out
}

fn notes(view: &RoutingView<'_>, tuning: Tuning) -> Vec<ExportNote> {
    let mut notes = Notes::new(view, "TensorZero");
    notes.add("target", "the gateway in the wheel chooses its own port: `serve.py` forwards `${port}` to it, which costs CPU and time");
    for deployment in view.groups().iter().flat_map(|group| &group.deployments) {
        if deployment.provider.format == Format::Gemini {
            let path = format!("providers.{}.format", deployment.provider.name);
            notes.add(
                path,
                "TensorZero calls Google's own address alone: this provider is asked in OpenAI's format, and refuses",
            );
        }
    }
    if !tuning.is_tuned() {
        notes.left_at_defaults(is_basic);
        notes.of_the_run();
        return notes.finish();
    }
    notes.of_groups(
        "cooldown",
        "there is none: what failed is drawn as before by the next request, a 429 included",
    );
    notes.of_groups(
        "retries",
        "with several deployments, each is tried once, at once and in a drawn order, however many retries there are; with one, \
         `retries` of its variant",
    );
    notes.settings(|setting| support(setting, view));
    notes.of_the_run();
    notes.finish()
}

/// What becomes of a setting in an export that is tuned.
fn support(setting: &ChangedSetting, view: &RoutingView<'_>) -> SettingSupport {
    match (setting.owner, setting.key.as_str()) {
        (SettingOwner::Group, "fallback" | "retries" | "retries.default")
        | (
            SettingOwner::Group | SettingOwner::Deployment,
            "timeouts.total" | "timeouts.first_token" | "timeouts.stream_total",
        )
        | (SettingOwner::Deployment, "weight" | "order") => Kept,
        (SettingOwner::Group, "timeouts.between_tokens") => match setting.group.as_ref()
            == Some(&view.target().config.name)
        {
            true => Kept,
            false => {
                otherwise(format!("there is one for all: that of `{}`", view.target().config.name))
            }
        },
        (SettingOwner::Group, "aliases") => otherwise("a function has one name"),
        (SettingOwner::Group, "backoff.base") => otherwise("1 s at first"),
        (SettingOwner::Group, "backoff.cap") => {
            otherwise("`max_delay_s`, of a group of one deployment")
        }
        (SettingOwner::Group, key) if key.starts_with("cooldown") => {
            otherwise("TensorZero has no cooldown")
        }
        (SettingOwner::Group | SettingOwner::Deployment, key) if key.starts_with("limits.") => {
            otherwise("`rate_limiting` needs Valkey or Postgres, which this target does not have")
        }
        (SettingOwner::Router, key) if key.starts_with("tenants.") => otherwise(
            "`rate_limiting` by tag needs Valkey or Postgres, which this target does not have",
        ),
        (SettingOwner::Group, "strategy") => match setting.value.as_str() {
            "weighted_random" => Kept,
            other => otherwise(format!("a draw by weight in place of `{other}`")),
        },
        (SettingOwner::Router | SettingOwner::Group | SettingOwner::Deployment, _) => Missing,
    }
}
