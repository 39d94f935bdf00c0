//! HAProxy: a backend for each group, found by the model in the body; the fallback's servers are `backup` servers.

use super::{ExportNote, Exported, ReadyMade, Tuning, template, templates};
use crate::coverage::{Notes, SettingSupport, is_basic, otherwise};
use crate::install_recipe::InstallRecipe;
use crate::routing_view::{
    DeploymentView, GroupView, RoutingView, failures_to_trip, name_pattern, plain_name,
};
use SettingSupport::{Kept, Missing};
use core::fmt::Write as _;
use squall_scenario::{ChangedSetting, Scenario, SettingOwner, TargetConfig, TargetStart};

/// HAProxy of Debian 12.
#[derive(Debug)]
pub(super) struct Haproxy;

/// The largest weight of a server.
const MAX_WEIGHT: u32 = 256;

impl ReadyMade for Haproxy {
    fn name(&self) -> &'static str {
        "haproxy"
    }

    fn version(&self) -> &'static str {
        "2.6"
    }

    fn install(&self) -> InstallRecipe {
        InstallRecipe::Debian { package: "haproxy" }
    }

    fn export(&self, scenario: &Scenario, tuning: Tuning) -> Exported {
        let view = RoutingView::new(scenario);
        let start = TargetStart {
            command: templates(&["haproxy", "-db", "-f", "${dir}/haproxy.cfg"]),
            files: vec![("haproxy.cfg".to_owned(), template(&configuration(&view, tuning)))],
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
    let target = view.target();
    let mut out = String::from("global\n  maxconn 8192\n");
    if tuning.is_tuned() {
        // A retry needs the whole request, which has to fit a buffer.
        out.push_str("  tune.bufsize 262144\n");
    }
    out.push_str("defaults\n  mode http\n");
    if tuning.is_tuned() || view.asks_for_several() {
        out.push_str("  option http-buffer-request\n");
    }
    if tuning.is_tuned() {
        let _ = writeln!(out, "  timeout client {}ms", target.silence(view.streams()).as_millis());
        out.push_str(
            "  timeout http-request 10s\n  option redispatch 1\n  retry-on all-retryable-errors\n",
        );
    }
    out.push_str("frontend clients\n  bind 127.0.0.1:${port}\n");
    if tuning.is_tuned() || view.asks_for_several() {
        out.push_str("  http-request set-var(txn.model) req.body,json_query('$.model')\n");
        out.push_str("  http-request set-var(txn.stream) req.body,json_query('$.stream')\n");
    }
    if view.asks_for_several() {
        for group in view.groups() {
            for name in group.names() {
                let backend = plain_name(&group.config.name);
                let matches = match name.contains('*') {
                    true => format!("-m reg ^{}$", name_pattern(name)),
                    false => format!("-m str {name}"),
                };
                let _ = writeln!(out, "  use_backend {backend} if {{ var(txn.model) {matches} }}");
            }
        }
    }
    let _ = writeln!(out, "  default_backend {}", plain_name(&target.config.name));
    for group in view.groups() {
        out.push_str(&backend(view, &group, tuning));
    }
    out
}

fn backend(view: &RoutingView<'_>, group: &GroupView<'_>, tuning: Tuning) -> String {
    let mut out = format!("backend {}\n", plain_name(&group.config.name));
    if tuning.is_tuned() {
        out.push_str(&backend_settings(view, group));
    } else {
        out.push_str("  balance roundrobin\n");
    }
    let fallbacks = view.fallbacks(group.config);
    if !fallbacks.is_empty() || group.tiers().len() > 1 {
        out.push_str("  option allbackups\n");
    }
    let scale = weight_scale(group, &fallbacks);
    for (tier, deployments) in group.tiers().iter().enumerate() {
        for deployment in deployments {
            out.push_str(&server(deployment, tier > 0, scale, tuning));
        }
    }
    for deployment in fallbacks.iter().flat_map(|group| &group.deployments) {
        out.push_str(&server(deployment, true, scale, tuning));
    }
    out
}

fn backend_settings(view: &RoutingView<'_>, group: &GroupView<'_>) -> String {
    let (config, timeouts) = (group.config, &group.config.timeouts);
    let mut out = format!("  balance {}\n", algorithm(group));
    let _ = writeln!(out, "  retries {}", config.retries.max);
    let _ = writeln!(out, "  timeout connect {}ms", timeouts.connect.as_millis());
    let _ = writeln!(
        out,
        "  timeout server {}ms",
        timeouts.total.max(group.stream_silence()).as_millis()
    );
    let _ = writeln!(out, "  timeout queue {}ms", config.max_queue_wait.as_millis().max(1));
    if view.streams().some {
        let silence = group.stream_silence().as_millis();
        let _ = writeln!(
            out,
            "  http-request set-timeout server {silence}ms if {{ var(txn.stream) -m str true }}"
        );
    }
    if let Some(rpm) = config.limits.rpm {
        out.push_str("  stick-table type integer size 1k expire 60s store http_req_rate(60s)\n");
        out.push_str("  http-request track-sc0 int(1)\n");
        let _ = writeln!(
            out,
            "  http-request deny deny_status 429 if {{ sc_http_req_rate(0) gt {} }}",
            rpm.per_minute
        );
    }
    if let Some(most) = config.limits.concurrency {
        let _ = writeln!(out, "  http-request deny deny_status 429 if {{ be_conn gt {most} }}");
    }
    let (every, fall, rise) = match view.router.health_checks {
        Some(checks) => (checks.every, checks.unhealthy, checks.healthy),
        None => (failure_base(group), 2, 1),
    };
    let every = every.as_millis().max(1);
    // Whatever says that chats fail is seen by `observe`; the check says whether anybody is there.
    out.push_str("  option httpchk GET /v1/models\n  http-check expect ! rstatus ^5\n");
    let slow = config
        .slow_start
        .map_or_else(String::new, |slow| format!(" slowstart {}ms", slow.window.as_millis()));
    let _ = writeln!(
        out,
        "  default-server check inter {every}ms fastinter 500ms fall {fall} rise {rise}{slow}"
    );
    out
}

/// How long the first deployment of a group is left alone after failures.
fn failure_base(group: &GroupView<'_>) -> core::time::Duration {
    let first = group.deployments.first().and_then(DeploymentView::failure_cooldown);
    first.unwrap_or_default().base
}

fn algorithm(group: &GroupView<'_>) -> &'static str {
    match group.config.strategy.name() {
        "least_busy" => "leastconn",
        "two_choices" | "peak_ewma" => "random(2)",
        "weighted_random" => "random(1)",
        "consistent_hash" => {
            "hdr(x-squall-session)\n  hash-type consistent\n  hash-balance-factor 125"
        }
        _ => "roundrobin",
    }
}

/// What weights are divided by, so that the largest can be written.
fn weight_scale(group: &GroupView<'_>, fallbacks: &[GroupView<'_>]) -> u32 {
    let all = group.deployments.iter().chain(fallbacks.iter().flat_map(|each| &each.deployments));
    all.map(|each| each.config.weight.div_ceil(MAX_WEIGHT)).max().unwrap_or(1).max(1)
}

fn server(deployment: &DeploymentView<'_>, is_backup: bool, scale: u32, tuning: Tuning) -> String {
    let weight = match deployment.config.weight {
        0 => 0,
        weight => (weight / scale).max(1),
    };
    let name = plain_name(&deployment.config.name);
    let mut out = format!("  server {name} {} weight {weight}", deployment.authority());
    if tuning.is_tuned() {
        if let Some(failure) = deployment.failure_cooldown() {
            let fails = failures_to_trip(&failure);
            let _ = write!(out, " observe layer7 error-limit {fails} on-error mark-down");
        }
        if let Some(most) = deployment.config.limits.concurrency {
            let _ = write!(out, " maxconn {most}");
        }
    }
    if is_backup {
        out.push_str(" backup");
    }
    out.push('\n');
    out
}

fn notes(view: &RoutingView<'_>, tuning: Tuning) -> Vec<ExportNote> {
    let mut notes = Notes::new(view, "HAProxy");
    for group in view.groups() {
        let fallbacks = view.fallbacks(group.config);
        if !fallbacks.is_empty() {
            let path = format!("router.groups.{}.fallback", group.config.name);
            notes.add(path, "backup servers: they serve only while every server of the group is down, and not what others failed to serve");
        }
        if weight_scale(&group, &fallbacks) > 1 {
            let path = format!("router.groups.{}.deployments.*.weight", group.config.name);
            notes.add(
                path,
                format!("weights go up to {MAX_WEIGHT}: all are divided, and rounded down"),
            );
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
        "a 429 goes to the client: HAProxy 2.6 can neither retry one nor count it as a failure",
    );
    notes.of_groups(
        "cooldown.failure",
        "`observe layer7` sees no answer that is retried: a server that answers 5xx is left alone only once retries \
         are used up, one that accepts no connections after two checks",
    );
    notes.of_groups(
        "retries",
        "a retry goes to the next server by `redispatch`, which may be the one that failed",
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
            "fallback" | "aliases" | "retries" | "retries.default" | "max_queue_wait",
        )
        | (SettingOwner::Group, "timeouts.connect" | "timeouts.total" | "limits.concurrency")
        | (
            SettingOwner::Group | SettingOwner::Deployment,
            "cooldown" | "cooldown.failure.consecutive",
        )
        | (SettingOwner::Deployment, "weight" | "limits.concurrency")
        | (
            SettingOwner::Router,
            "health_checks.every" | "health_checks.unhealthy" | "health_checks.healthy",
        ) => Kept,
        (SettingOwner::Group, "timeouts.first_token" | "timeouts.between_tokens") => {
            otherwise("`timeout server` of streams: the longer of both, for any silence")
        }
        (_, "cooldown.failure.base") => otherwise("the interval of checks (`inter`)"),
        (
            _,
            "cooldown.failure.share" | "cooldown.failure.min_attempts" | "cooldown.failure.window",
        ) => otherwise("failures in a row are counted (`error-limit`), not their share"),
        (SettingOwner::Group, "limits.rpm" | "limits.window") => {
            otherwise("over the last 60 s (`http_req_rate`)")
        }
        (SettingOwner::Group, "slow_start.window") => Kept,
        (SettingOwner::Deployment, "order") => {
            otherwise("all but the first tier are backup servers, beside those of the fallbacks")
        }
        (SettingOwner::Group, "strategy") => match setting.value.as_str() {
            "least_busy" => otherwise("`leastconn`"),
            "two_choices" => otherwise("`random(2)`"),
            "weighted_random" => otherwise("`random(1)`"),
            "consistent_hash" => {
                otherwise("`balance hdr(x-squall-session)` with consistent hashing")
            }
            "peak_ewma" => otherwise("`random(2)`, by connections under way and not by latency"),
            other => otherwise(format!("`roundrobin` in place of `{other}`")),
        },
        (SettingOwner::Router | SettingOwner::Group | SettingOwner::Deployment, _) => Missing,
    }
}
