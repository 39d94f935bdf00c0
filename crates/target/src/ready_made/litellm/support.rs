//! What LiteLLM does not have, or has otherwise.

use super::settings::{RETRY_POLICY, own_budget, strategy};
use crate::coverage::{Notes, SettingSupport, is_basic, otherwise};
use crate::ready_made::{ExportNote, Tuning};
use crate::routing_view::RoutingView;
use SettingSupport::{Kept, Missing};
use squall_router::LitellmStrategy;
use squall_scenario::{ChangedSetting, SettingOwner};

pub(super) fn notes(view: &RoutingView<'_>, tuning: Tuning) -> Vec<ExportNote> {
    let mut notes = Notes::new(view, "LiteLLM");
    if !tuning.is_tuned() {
        let special = ["context_window_fallback", "content_policy_fallback"];
        notes.left_at_defaults(|setting| {
            is_basic(setting) || special.contains(&setting.key.as_str())
        });
        notes.of_the_run();
        return notes.finish();
    }
    notes.of_groups(
        "cooldown",
        "a counter for each kind of error and deployment, in windows of `cooldown_time`; when it is over, all traffic \
         is back at once, without a probe; connections that fail never count",
    );
    notes.of_groups(
        "retries",
        "with several deployments, `enable_weighted_failover` tries each that was not tried, at once, and `num_retries` is \
         0, as a retry may go to the deployment that failed; with one, `num_retries`",
    );
    notes.of_groups(
        "timeouts.between_tokens",
        "`stream_timeout` bounds any silence of a stream: the longer of it and `first_token`",
    );
    of_groups_that_differ(view, &mut notes);
    for deployment in view.groups().iter().flat_map(|group| &group.deployments) {
        if !deployment.config.spends_from.is_empty() && own_budget(view, deployment).is_none() {
            let path = format!(
                "router.groups.{}.deployments.{}.budgets",
                deployment.group.name, deployment.config.name
            );
            notes.add(path, "LiteLLM has budgets of one deployment, and none that several share");
        }
    }
    notes.settings(|setting| support(setting, view));
    notes.of_the_run();
    notes.finish()
}

/// LiteLLM has strategy and cooldown once, for all groups.
fn of_groups_that_differ(view: &RoutingView<'_>, notes: &mut Notes<'_>) {
    let target = view.target();
    for group in &view.router.groups {
        let path = |key: &str| format!("router.groups.{}.{key}", group.name);
        if strategy(&group.strategy) != strategy(&target.config.strategy) {
            let name = strategy(&target.config.strategy);
            notes
                .add(path("strategy"), format!("there is one for all groups: `{}`", name.as_str()));
        }
        if group.cooldown != target.config.cooldown {
            notes.add(
                path("cooldown"),
                format!("there is one for all groups: that of `{}`", target.config.name),
            );
        }
    }
}

/// What becomes of a setting in an export that is tuned.
fn support(setting: &ChangedSetting, view: &RoutingView<'_>) -> SettingSupport {
    let key = setting.key.as_str();
    match (setting.owner, key) {
        (SettingOwner::Router, "fallback_rule.max_moves") => Kept,
        (SettingOwner::Router, key) if key.starts_with("budgets.") => otherwise(
            "with a budget of one deployment: `max_budget` from the first that is spent on; nothing was spent before",
        ),
        (SettingOwner::Router, key) if key.starts_with("health_checks.") => otherwise(
            "LiteLLM's background checks send whole chats every 300 s and do not route while `allowed_fails_policy` is set",
        ),
        (SettingOwner::Router, _) => Missing,
        (SettingOwner::Group, key) => of_group(key, setting, view),
        (SettingOwner::Deployment, key) => of_deployment(key),
    }
}

fn of_group(key: &str, setting: &ChangedSetting, view: &RoutingView<'_>) -> SettingSupport {
    if let Some(class) = key.strip_prefix("retries.") {
        let is_known = class == "default" || RETRY_POLICY.iter().any(|(known, _)| *known == class);
        return if is_known { Kept } else { Missing };
    }
    match key {
        "fallback"
        | "context_window_fallback"
        | "content_policy_fallback"
        | "aliases"
        | "retries"
        | "timeouts.first_token"
        | "timeouts.total"
        | "cooldown"
        | "cooldown.failure.consecutive"
        | "cooldown.litellm.cooldown_time"
        | "cooldown.litellm.allowed_fails" => Kept,
        "cooldown.failure.base" => otherwise("`cooldown_time`, in whole seconds"),
        "cooldown.failure.share" | "cooldown.failure.min_attempts" | "cooldown.failure.window" => {
            otherwise("failures are counted (`allowed_fails`), not their share")
        }
        "cooldown.failure.cap" => {
            otherwise("every cooldown is as long as the first (`cooldown_time`)")
        }
        "timeouts.connect" => otherwise("part of `timeout`: a connection has none of its own"),
        "timeouts.between_tokens" => Kept,
        "backoff.base" | "backoff.cap" => {
            otherwise("always 0.5 to 8 s with jitter, and none beside a deployment that is well")
        }
        "strategy" => {
            let group =
                view.router.groups.iter().find(|group| Some(&group.name) == setting.group.as_ref());
            let strategy =
                group.map_or(LitellmStrategy::SimpleShuffle, |group| strategy(&group.strategy));
            otherwise(format!("`{}`", strategy.as_str()))
        }
        key if key.starts_with("strategy") => otherwise("its formula is LiteLLM's"),
        "mid_stream" if setting.value == "continue" => otherwise(
            "`enable_mid_stream_fallback_continuation`: at a fallback group, not within the group",
        ),
        "tag_match" => otherwise("one tag in common is enough"),
        _ => Missing,
    }
}

fn of_deployment(key: &str) -> SettingSupport {
    match key {
        "weight"
        | "order"
        | "max_input_tokens"
        | "region"
        | "price.input"
        | "price.output"
        | "tags"
        | "default_pool"
        | "assistant_prefill"
        | "timeouts.first_token"
        | "timeouts.total"
        | "timeouts.between_tokens"
        | "budget.limit"
        | "budgets" => Kept,
        "budget.period" => otherwise("`budget_duration`, from the first that is spent on"),
        "limits.rpm" | "limits.tpm" => otherwise(
            "minutes of the clock (`enforce_model_rate_limits`); without `weight` they would weigh too",
        ),
        "limits.burst" | "limits.window" => {
            otherwise("minutes of the clock, each with the whole number")
        }
        "limits.concurrency" => {
            otherwise("`max_parallel_requests`: one more is refused at once and retried")
        }
        "timeouts.connect" => otherwise("part of `timeout`: a connection has none of its own"),
        _ => Missing,
    }
}
