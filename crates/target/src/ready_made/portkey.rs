//! Portkey's gateway: its whole policy is one JSON document in a header of each request.

use super::{ExportNote, Exported, ReadyMade, Tuning, template, templates};
use crate::coverage::{Notes, SettingSupport, is_basic, otherwise};
use crate::install_recipe::InstallRecipe;
use crate::routing_view::{DeploymentView, GroupView, RoutingView};
use SettingSupport::{Kept, Missing};
use serde_json::{Map, Value, json};
use squall_scenario::{ChangedSetting, Scenario, SettingOwner, TargetConfig, TargetStart};
use squall_wire::Format;

/// Portkey's gateway. Its server's adapter for Node is pinned: with later ones (1.19 was tried) every stream ends with a 500,
/// as it appends to headers that are immutable there.
#[derive(Debug)]
pub(super) struct Portkey;

const MANIFEST: &str = r#"{
  "name": "squall-target-portkey",
  "private": true,
  "dependencies": { "@portkey-ai/gateway": "1.15.2" },
  "overrides": { "@hono/node-server": "1.14.0" }
}
"#;

/// The statuses that are retried and that lead to a fallback; time-outs of Portkey's own are 408.
const STATUSES: [u16; 10] = [401, 403, 404, 408, 429, 500, 502, 503, 504, 529];

/// At so many targets a policy that never tries one twice is too long for a header: it then draws anew for each try.
const MOST_TARGETS: usize = 48;

impl ReadyMade for Portkey {
    fn name(&self) -> &'static str {
        "portkey"
    }

    fn version(&self) -> &'static str {
        "1.15.2"
    }

    fn program(&self) -> &'static str {
        "gateway"
    }

    fn install(&self) -> InstallRecipe {
        InstallRecipe::Node { manifest: MANIFEST }
    }

    fn export(&self, scenario: &Scenario, tuning: Tuning) -> Exported {
        let view = RoutingView::new(scenario);
        let start = TargetStart {
            command: templates(&["gateway", "--port=${port}", "--headless"]),
            ..TargetStart::default()
        };
        let policy = policy(&view, tuning).to_string();
        let target = TargetConfig {
            url: template("http://127.0.0.1:${port}/v1"),
            headers: vec![("x-portkey-config".to_owned(), template(&policy))],
            start: Some(start),
            ..TargetConfig::default()
        };
        Exported { target, notes: notes(&view, tuning) }
    }
}

fn policy(view: &RoutingView<'_>, tuning: Tuning) -> Value {
    let group = |group: &GroupView<'_>| of_group(view, group, tuning);
    let mut policy = match view.asks_for_several() {
        false => group(&view.target()),
        true => by_model(view, tuning),
    };
    if tuning.is_tuned() {
        // So that the token by which requests and attempts are joined gets through.
        policy["forward_headers"] = json!(["x-squall-token"]);
    }
    policy
}

/// A target for each group, chosen by the model that is asked for.
fn by_model(view: &RoutingView<'_>, tuning: Tuning) -> Value {
    let groups = view.groups();
    let conditions = groups.iter().flat_map(|group| {
        let then = group.config.name.as_str();
        group.names().map(move |name| {
            let matches = match name.contains('*') {
                true => json!({ "$regex": crate::routing_view::name_pattern(name) }),
                false => json!({ "$eq": name }),
            };
            json!({ "query": { "params.model": matches }, "then": then })
        })
    });
    let conditions: Vec<_> = conditions.collect();
    let targets = groups.iter().map(|group| {
        let mut target = of_group(view, group, tuning);
        target["name"] = json!(group.config.name);
        target
    });
    let targets: Vec<_> = targets.collect();
    let default = view.target().config.name.clone();
    json!({
        "strategy": { "mode": "conditional", "conditions": conditions, "default": default },
        "targets": targets,
    })
}

/// A group, then those that it falls back to.
fn of_group(view: &RoutingView<'_>, group: &GroupView<'_>, tuning: Tuning) -> Value {
    let mut tries = tries(view, group, tuning);
    for fallback in view.fallbacks(group.config) {
        tries.extend(self::tries(view, &fallback, tuning));
    }
    in_turn(tries)
}

/// Targets one after the other, until one serves the request.
fn in_turn(mut targets: Vec<Value>) -> Value {
    match targets.len() {
        1 => targets.swap_remove(0),
        _ => {
            json!({ "strategy": { "mode": "fallback", "on_status_codes": STATUSES }, "targets": targets })
        }
    }
}

/// What a group is tried as: its tiers in turn. Each draws a target by weight; tuned, and where there are retries, the rest is
/// drawn from after a failure, at once.
fn tries(view: &RoutingView<'_>, group: &GroupView<'_>, tuning: Tuning) -> Vec<Value> {
    let retries = usize::from(group.config.retries.max);
    let tiers = if tuning.is_tuned() { group.tiers() } else { vec![group.deployments.clone()] };
    let mut out = Vec::new();
    for deployments in tiers {
        let leaves: Vec<_> =
            deployments.iter().map(|each| leaf(view, group, each, tuning)).collect();
        let weights: Vec<_> = deployments.iter().map(|each| each.config.weight).collect();
        let all: Vec<usize> = (0..leaves.len()).collect();
        let draws = retries.min(leaves.len().saturating_sub(1));
        if !tuning.is_tuned() || leaves.len() == 1 {
            out.push(draw(&all, 0, &leaves, &weights));
        } else if count(leaves.len(), draws) <= MOST_TARGETS {
            out.push(draw(&all, draws, &leaves, &weights));
        } else {
            out.extend((0..=retries).map(|_| draw(&all, 0, &leaves, &weights)));
        }
    }
    out
}

/// One of `among` by weight, and after its failure, `retries` times, one of the others.
fn draw(among: &[usize], retries: usize, leaves: &[Value], weights: &[u32]) -> Value {
    let targets = among.iter().map(|&place| {
        let others: Vec<_> = among.iter().copied().filter(|&other| other != place).collect();
        let mut target = match retries {
            0 => leaves[place].clone(),
            _ if others.is_empty() => leaves[place].clone(),
            _ => in_turn(vec![leaves[place].clone(), draw(&others, retries - 1, leaves, weights)]),
        };
        target["weight"] = json!(weights[place]);
        target
    });
    let targets: Vec<_> = targets.collect();
    json!({ "strategy": { "mode": "loadbalance" }, "targets": targets })
}

/// How many targets [`draw`] writes.
fn count(among: usize, retries: usize) -> usize {
    match retries {
        0 => among,
        _ => among.saturating_mul(1 + count(among - 1, retries - 1)),
    }
}

fn leaf(
    view: &RoutingView<'_>,
    group: &GroupView<'_>,
    deployment: &DeploymentView<'_>,
    tuning: Tuning,
) -> Value {
    let (provider, base) = match deployment.provider.format {
        Format::OpenAi => ("openai", deployment.placeholder("url")),
        Format::Azure => ("azure-openai", deployment.placeholder("url")),
        Format::Anthropic => ("anthropic", deployment.placeholder("url")),
        Format::Gemini => ("google", deployment.placeholder("origin")),
    };
    let mut leaf = Map::new();
    leaf.insert("name".to_owned(), json!(deployment.config.name));
    leaf.insert("provider".to_owned(), json!(provider));
    leaf.insert("api_key".to_owned(), json!(deployment.api_key()));
    leaf.insert("custom_host".to_owned(), json!(base));
    leaf.insert("override_params".to_owned(), json!({ "model": deployment.model }));
    leaf.insert("weight".to_owned(), json!(deployment.config.weight));
    if tuning.is_tuned() {
        let timeouts = deployment.timeouts();
        let mix = view.streams();
        let headers =
            if mix.all { timeouts.first_token } else { timeouts.total.max(timeouts.first_token) };
        leaf.insert("request_timeout".to_owned(), json!(headers.as_millis() as u64));
        if group.deployments.len() == 1 && group.config.retries.max > 0 {
            // A retry goes to the same target after 1 s, 2 s, …: only where there is no other.
            let attempts = group.config.retries.max.min(5);
            let retry = json!({ "attempts": attempts, "on_status_codes": STATUSES, "use_retry_after_header": true });
            leaf.insert("retry".to_owned(), retry);
        }
    }
    Value::Object(leaf)
}

fn notes(view: &RoutingView<'_>, tuning: Tuning) -> Vec<ExportNote> {
    let mut notes = Notes::new(view, "Portkey");
    if !tuning.is_tuned() {
        notes.left_at_defaults(is_basic);
        notes.of_the_run();
        return notes.finish();
    }
    notes.of_groups(
        "cooldown",
        "there is none: what failed is drawn as before by the next request (a circuit breaker is of Portkey's hosted product)",
    );
    notes.of_groups(
        "retries",
        "as nested fallbacks among several deployments: none is tried twice, and nobody waits; with one, `retry`, which waits \
         1 s, 2 s, 4 s without jitter",
    );
    notes.of_groups(
        "timeouts",
        "`request_timeout` ends with the answer's headers; nothing bounds a stream after them",
    );
    notes.settings(support);
    notes.of_the_run();
    notes.finish()
}

/// What becomes of a setting in an export that is tuned.
fn support(setting: &ChangedSetting) -> SettingSupport {
    match (setting.owner, setting.key.as_str()) {
        (SettingOwner::Group, "fallback" | "aliases" | "retries" | "retries.default")
        | (
            SettingOwner::Deployment,
            "weight" | "order" | "timeouts.total" | "timeouts.first_token",
        ) => Kept,
        (SettingOwner::Group, "timeouts.total" | "timeouts.first_token") => otherwise(
            "`request_timeout`, one for streams and whole answers: `total`, unless all are streams",
        ),
        (SettingOwner::Group, key) if key.starts_with("cooldown") => {
            otherwise("Portkey has no cooldown")
        }
        (SettingOwner::Group, "strategy") => match setting.value.as_str() {
            "weighted_random" => Kept,
            other => otherwise(format!("a draw by weight in place of `{other}`")),
        },
        (SettingOwner::Group, "backoff.base" | "backoff.cap") => {
            otherwise("always 1 s, 2 s, 4 s, and at one target alone")
        }
        (SettingOwner::Router | SettingOwner::Group | SettingOwner::Deployment, _) => Missing,
    }
}
