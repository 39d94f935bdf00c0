//! Bifrost: a provider of its own for each deployment, and a routing rule with weighted targets for each group. Written by its
//! documentation: the registries do not have its program, so that this export has not been tried.

use super::{ExportNote, Exported, ReadyMade, Tuning, template, templates};
use crate::coverage::{Notes, SettingSupport, is_basic, otherwise};
use crate::install_recipe::InstallRecipe;
use crate::routing_view::{DeploymentView, GroupView, RoutingView, plain_name, whole_seconds};
use SettingSupport::{Kept, Missing};
use serde_json::{Map, Value, json};
use squall_scenario::{ChangedSetting, Scenario, SettingOwner, TargetConfig, TargetStart};
use squall_wire::Format;

/// Bifrost's HTTP gateway.
#[derive(Debug)]
pub(super) struct Bifrost;

impl ReadyMade for Bifrost {
    fn name(&self) -> &'static str {
        "bifrost"
    }

    fn version(&self) -> &'static str {
        "1.6.3"
    }

    fn program(&self) -> &'static str {
        "bifrost-http"
    }

    fn install(&self) -> InstallRecipe {
        InstallRecipe::Elsewhere {
            why: "is in no registry: its npm package fetches the program from the vendor's host when it is first run. \
                  Have it as `bifrost-http` in PATH",
        }
    }

    fn export(&self, scenario: &Scenario, tuning: Tuning) -> Exported {
        let view = RoutingView::new(scenario);
        let text = format!("{:#}\n", configuration(&view, tuning));
        let command =
            ["bifrost-http", "-app-dir", "${dir}", "-host", "127.0.0.1", "-port", "${port}"];
        let start = TargetStart {
            command: templates(&command),
            files: vec![("config.json".to_owned(), template(&text))],
            ..TargetStart::default()
        };
        let target = TargetConfig {
            url: template("http://127.0.0.1:${port}/v1"),
            start: Some(start),
            ..TargetConfig::default()
        };
        Exported { target, notes: notes(&view, tuning) }
    }
}

fn configuration(view: &RoutingView<'_>, tuning: Tuning) -> Value {
    let groups = view.groups();
    let mut providers = Map::new();
    for deployment in groups.iter().flat_map(|group| &group.deployments) {
        providers.insert(provider_name(deployment), provider(deployment, tuning));
    }
    let rules = groups.iter().enumerate().map(|(place, group)| rule(view, group, place));
    let rules: Vec<_> = rules.collect();
    json!({
        "client": { "drop_excess_requests": false, "enable_logging": false },
        "config_store": { "enabled": true, "type": "sqlite", "config": { "path": "${dir}/config.db" } },
        "logs_store": { "enabled": false },
        "providers": providers,
        "governance": { "routing_rules": rules },
    })
}

fn provider_name(deployment: &DeploymentView<'_>) -> String {
    plain_name(&deployment.config.name)
}

fn provider(deployment: &DeploymentView<'_>, tuning: Tuning) -> Value {
    let (base, origin) = match deployment.provider.format {
        Format::OpenAi => ("openai", deployment.placeholder("origin")),
        Format::Azure => ("azure", deployment.placeholder("origin")),
        Format::Anthropic => ("anthropic", deployment.placeholder("origin")),
        Format::Gemini => ("gemini", deployment.placeholder("url")),
    };
    let mut network = json!({ "base_url": origin, "allow_private_network": true });
    if tuning.is_tuned() {
        let timeouts = deployment.timeouts();
        network["default_request_timeout_in_seconds"] = json!(whole_seconds(timeouts.total));
        let silence = timeouts.first_token.max(timeouts.between_tokens);
        network["stream_idle_timeout_in_seconds"] = json!(whole_seconds(silence));
        // Retries stay with the provider: only where a group has no other.
        let alone = deployment.group.deployments.len() == 1;
        network["max_retries"] = json!(if alone { deployment.group.retries.max } else { 0 });
    }
    json!({
        "keys": [{
            "name": format!("{}-key", provider_name(deployment)),
            "value": deployment.api_key(),
            "models": ["*"],
            "weight": 1.0,
        }],
        "network_config": network,
        "custom_provider_config": { "base_provider_type": base },
    })
}

/// Where requests for a group go: to a target by weight, then to the others of the group, then to those of its fallbacks.
fn rule(view: &RoutingView<'_>, group: &GroupView<'_>, place: usize) -> Value {
    let total: u32 = group.deployments.iter().map(|each| each.config.weight).sum();
    let targets = group.deployments.iter().map(|each| {
        json!({
            "provider": provider_name(each),
            "model": each.model,
            "weight": f64::from(each.config.weight) / f64::from(total.max(1)),
        })
    });
    let targets: Vec<_> = targets.collect();
    let fallbacks = view.fallbacks(group.config);
    let others =
        group.deployments.iter().chain(fallbacks.iter().flat_map(|each| &each.deployments));
    let others: Vec<_> =
        others.map(|each| format!("{}/{}", provider_name(each), each.model)).collect();
    let names: Vec<_> = group.names().map(condition).collect();
    let weight = |each: &DeploymentView<'_>| format!("{} {}", each.config.name, each.config.weight);
    let weights: Vec<_> = group.deployments.iter().map(weight).collect();
    json!({
        "id": format!("group-{place}"),
        "name": group.config.name,
        "description": format!("weights: {}", weights.join(", ")),
        "enabled": true,
        "scope": "global",
        "priority": place,
        "cel_expression": names.join(" || "),
        "targets": targets,
        "fallbacks": others,
    })
}

/// What a model's name has to be.
fn condition(name: &str) -> String {
    match name.contains('*') {
        true => format!("model.matches('^{}$')", crate::routing_view::name_pattern(name)),
        false => format!("model == '{name}'"),
    }
}

fn notes(view: &RoutingView<'_>, tuning: Tuning) -> Vec<ExportNote> {
    let mut notes = Notes::new(view, "Bifrost");
    notes.add(
        "target",
        "written by Bifrost's documentation and not tried: no registry has its program",
    );
    if !tuning.is_tuned() {
        notes.left_at_defaults(is_basic);
        notes.of_the_run();
        return notes.finish();
    }
    notes.of_groups("cooldown", "there is none in the open-source edition");
    notes.of_groups(
        "retries",
        "with several deployments, each that was not drawn is tried once as a fallback, in the order of the file; with one, \
         `max_retries`",
    );
    notes.settings(support);
    notes.of_the_run();
    notes.finish()
}

/// What becomes of a setting in an export that is tuned.
fn support(setting: &ChangedSetting) -> SettingSupport {
    match (setting.owner, setting.key.as_str()) {
        (SettingOwner::Group, "fallback" | "aliases" | "retries" | "retries.default")
        | (SettingOwner::Group | SettingOwner::Deployment, "timeouts.total")
        | (SettingOwner::Deployment, "weight") => Kept,
        (
            SettingOwner::Group | SettingOwner::Deployment,
            "timeouts.first_token" | "timeouts.between_tokens",
        ) => otherwise(
            "`stream_idle_timeout_in_seconds`: the longer of both, for any silence, in whole seconds",
        ),
        (SettingOwner::Group, key) if key.starts_with("cooldown") => {
            otherwise("Bifrost has no cooldown in its open-source edition")
        }
        (SettingOwner::Group, "strategy") => match setting.value.as_str() {
            "weighted_random" => Kept,
            other => otherwise(format!("a draw by weight in place of `{other}`")),
        },
        (SettingOwner::Router | SettingOwner::Group | SettingOwner::Deployment, _) => Missing,
    }
}
