//! nginx: one upstream of weighted servers, whose `backup` servers are the fallback. It does not read bodies, so that
//! one group alone can be served.

use super::{Exported, ReadyMade, Tuning, template, templates};
use crate::coverage::{Notes, SettingSupport, is_basic, otherwise};
use crate::install_recipe::InstallRecipe;
use crate::routing_view::{
    DeploymentView, GroupView, RoutingView, burst, failures_to_trip, name_pattern, plain_name,
    whole_seconds,
};
use SettingSupport::{Kept, Missing};
use core::fmt::Write as _;
use squall_scenario::{
    ChangedSetting, ReadyCheck, Scenario, SettingOwner, TargetConfig, TargetStart,
};

/// nginx of Debian 12.
#[derive(Debug)]
pub(super) struct Nginx;

impl ReadyMade for Nginx {
    fn name(&self) -> &'static str {
        "nginx"
    }

    fn version(&self) -> &'static str {
        "1.22"
    }

    fn install(&self) -> InstallRecipe {
        InstallRecipe::Debian { package: "nginx" }
    }

    fn export(&self, scenario: &Scenario, tuning: Tuning) -> Exported {
        let view = RoutingView::new(scenario);
        let command = ["nginx", "-e", "stderr", "-p", "${dir}/", "-c", "nginx.conf"];
        let start = TargetStart {
            command: templates(&command),
            files: vec![("nginx.conf".to_owned(), template(&configuration(&view, tuning)))],
            ready: ReadyCheck { get: None, ..ReadyCheck::default() },
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
    let mut out = String::from(HEAD);
    if tuning.is_tuned() {
        out.push_str(&limit_zones(&target));
    }
    for group in view.groups() {
        out.push_str(&upstream(view, &group, tuning));
    }
    let by_model = view.asks_for_several();
    if by_model {
        out.push_str(&group_by_model(view, &target));
    }
    out.push_str("  server {\n    listen 127.0.0.1:${port};\n");
    if tuning.is_tuned() {
        out.push_str(&limits(&target));
    }
    out.push_str("    location / {\n");
    if by_model {
        out.push_str(
            "      mirror /body; # reads the body, so that it is known which group it asks for\n",
        );
        out.push_str("      proxy_pass http://$group;\n");
    } else {
        let _ = writeln!(out, "      proxy_pass http://{};", plain_name(&target.config.name));
    }
    if tuning.is_tuned() {
        out.push_str(&proxy_settings(view, &target));
    }
    out.push_str("    }\n");
    if by_model {
        out.push_str("    location = /body { internal; return 204; }\n");
    }
    out.push_str("  }\n}\n");
    out
}

fn upstream(view: &RoutingView<'_>, group: &GroupView<'_>, tuning: Tuning) -> String {
    let fallbacks = view.fallbacks(group.config);
    let name = plain_name(&group.config.name);
    let mut out = format!("  upstream {name} {{\n");
    if tuning.is_tuned() {
        let _ = writeln!(out, "    zone {name} 256k;");
        if let Some(method) = method(group, &fallbacks) {
            let _ = writeln!(out, "    {method};");
        }
    }
    out.push_str(&servers(group, &fallbacks, tuning));
    if tuning.is_tuned() {
        out.push_str("    keepalive 128;\n");
    }
    out.push_str("  }\n");
    out
}

/// The group that a body asks for by its model.
fn group_by_model(view: &RoutingView<'_>, target: &GroupView<'_>) -> String {
    let mut out = format!(
        "  map $request_body $group {{\n    default {};\n",
        plain_name(&target.config.name)
    );
    for group in view.groups() {
        for name in group.names() {
            let pattern = name_pattern(name);
            let group = plain_name(&group.config.name);
            let _ = writeln!(out, "    '~\"model\"\\s*:\\s*\"{pattern}\"' {group};");
        }
    }
    out.push_str("  }\n");
    out
}

/// What nginx needs to run in a folder that its owner alone may read.
const HEAD: &str = "\
daemon off;
worker_processes auto;
pid nginx.pid;
events { worker_connections 8192; }
http {
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  client_body_buffer_size 1m;
";

/// The balancing method; `None` for nginx's own smooth weighted round robin. Servers with `backup` rule the random ones
/// and hashing out.
fn method(group: &GroupView<'_>, fallbacks: &[GroupView<'_>]) -> Option<&'static str> {
    let has_backups = !fallbacks.is_empty() || group.tiers().len() > 1;
    match group.config.strategy.name() {
        "least_busy" => Some("least_conn"),
        "two_choices" if !has_backups => Some("random two least_conn"),
        "weighted_random" if !has_backups => Some("random"),
        "consistent_hash" if !has_backups => Some("hash $http_x_squall_session consistent"),
        _ => None,
    }
}

fn servers(group: &GroupView<'_>, fallbacks: &[GroupView<'_>], tuning: Tuning) -> String {
    let mut out = String::new();
    for (tier, deployments) in group.tiers().iter().enumerate() {
        for deployment in deployments {
            out.push_str(&server(deployment, tier > 0, tuning));
        }
    }
    for deployment in fallbacks.iter().flat_map(|group| &group.deployments) {
        out.push_str(&server(deployment, true, tuning));
    }
    out
}

fn server(deployment: &DeploymentView<'_>, is_backup: bool, tuning: Tuning) -> String {
    let mut out = format!("    server {}", deployment.authority());
    match deployment.config.weight {
        0 => out.push_str(" down"),
        weight => {
            let _ = write!(out, " weight={weight}");
        }
    }
    if tuning.is_tuned() {
        match deployment.failure_cooldown() {
            Some(failure) => {
                let (fails, seconds) = (failures_to_trip(&failure), whole_seconds(failure.base));
                let _ = write!(out, " max_fails={fails} fail_timeout={seconds}s");
            }
            None => out.push_str(" max_fails=0"),
        }
        if let Some(most) = deployment.config.limits.concurrency {
            let _ = write!(out, " max_conns={most}");
        }
    }
    if is_backup {
        out.push_str(" backup");
    }
    let _ = writeln!(out, "; # {}", deployment.config.name);
    out
}

fn limit_zones(group: &GroupView<'_>) -> String {
    let mut out = String::new();
    if let Some(rpm) = group.config.limits.rpm {
        let _ = writeln!(
            out,
            "  limit_req_zone $server_port zone=requests:64k rate={}r/m;",
            rpm.per_minute
        );
    }
    if group.config.limits.concurrency.is_some() {
        out.push_str("  limit_conn_zone $server_port zone=connections:64k;\n");
    }
    out
}

fn limits(group: &GroupView<'_>) -> String {
    let mut out = String::new();
    if let Some(rpm) = group.config.limits.rpm {
        let burst = burst(&rpm);
        let _ = writeln!(
            out,
            "    limit_req zone=requests burst={burst} nodelay;\n    limit_req_status 429;"
        );
    }
    if let Some(most) = group.config.limits.concurrency {
        let _ = writeln!(out, "    limit_conn connections {most};\n    limit_conn_status 429;");
    }
    out
}

fn proxy_settings(view: &RoutingView<'_>, group: &GroupView<'_>) -> String {
    let silence = group.silence(view.streams());
    let connect = group.config.timeouts.connect.as_millis();
    let fallbacks = view.fallbacks(group.config);
    let tries: usize = core::iter::once(group)
        .chain(&fallbacks)
        .map(|group| group.deployments.len().min(usize::from(group.config.retries.max) + 1))
        .sum();
    let deadline = whole_seconds(group.config.deadline);
    format!(
        "      proxy_http_version 1.1;
      proxy_set_header Connection \"\";
      proxy_buffering off;
      proxy_request_buffering on;
      proxy_connect_timeout {connect}ms;
      proxy_send_timeout {silence}ms;
      proxy_read_timeout {silence}ms;
      proxy_next_upstream error timeout invalid_header http_403 http_404 http_429 http_500 http_502 http_503 http_504 non_idempotent;
      proxy_next_upstream_tries {tries};
      proxy_next_upstream_timeout {deadline}s;
",
        silence = silence.as_millis(),
    )
}

fn notes(view: &RoutingView<'_>, tuning: Tuning) -> Vec<super::ExportNote> {
    let mut notes = Notes::new(view, "nginx");
    let target = view.target();
    if view.fallbacks(target.config).len() > 1 {
        let path = format!("router.groups.{}.fallback", target.config.name);
        notes.add(
            path,
            "all fallback groups together are the backup servers; nginx has one list of them",
        );
    }
    if !tuning.is_tuned() {
        notes.left_at_defaults(is_basic);
        notes.of_unread_bodies();
        notes.of_the_run();
        return notes.finish();
    }
    let path = format!("router.groups.{}.timeouts", target.config.name);
    let silence = target.silence(view.streams());
    notes.add(
        path,
        format!(
            "nginx cannot tell streams from whole answers: `proxy_read_timeout` is {} s of silence for both",
            silence.as_secs_f64()
        ),
    );
    notes.of_groups(
        "cooldown.throttled",
        "a 429 counts as a failure of its server and no more; Retry-After is not read",
    );
    notes.settings(|setting| {
        let is_others = setting.group.as_ref().is_some_and(|group| *group != target.config.name);
        match is_others && is_of_all(setting) {
            true => otherwise(format!("`{}`'s holds for every group", target.config.name)),
            false => support(setting),
        }
    });
    notes.of_unread_bodies();
    notes.of_the_run();
    notes.finish()
}

/// Whether nginx has a setting once, for all upstreams.
fn is_of_all(setting: &ChangedSetting) -> bool {
    let key = setting.key.as_str();
    setting.owner == SettingOwner::Group
        && (["retries", "deadline", "limits.concurrency"].contains(&key)
            || ["timeouts.", "limits.rpm"].iter().any(|of_all| key.starts_with(of_all)))
}

/// What becomes of a setting in an export that is tuned.
fn support(setting: &ChangedSetting) -> SettingSupport {
    match (setting.owner, setting.key.as_str()) {
        (
            SettingOwner::Group,
            "fallback" | "aliases" | "retries" | "deadline" | "timeouts.connect",
        )
        | (
            SettingOwner::Group,
            "timeouts.first_token" | "timeouts.between_tokens" | "timeouts.total",
        )
        | (SettingOwner::Group, "limits.concurrency" | "cooldown.failure.base")
        | (SettingOwner::Group, "cooldown.failure.consecutive")
        | (SettingOwner::Deployment, "weight" | "cooldown.failure.base")
        | (SettingOwner::Deployment, "cooldown.failure.consecutive") => Kept,
        (SettingOwner::Group | SettingOwner::Deployment, "cooldown") => Kept,
        (SettingOwner::Deployment, "limits.concurrency") => {
            otherwise("`max_conns`: one more goes to another server at once, and to nobody's queue")
        }
        (SettingOwner::Deployment, "order") => {
            otherwise("all but the first tier are backup servers, in one list with the fallbacks")
        }
        (SettingOwner::Group, key) if key.starts_with("limits.rpm") => {
            otherwise("`limit_req`, a leaky bucket per minute for the whole gateway")
        }
        (SettingOwner::Group, "strategy") => match setting.value.as_str() {
            "least_busy" => otherwise("`least_conn`, which counts open connections"),
            "two_choices" | "weighted_random" | "consistent_hash" => otherwise(
                "nginx has it for upstreams without backup servers alone; else smooth weighted round robin",
            ),
            other => otherwise(format!("smooth weighted round robin in place of `{other}`")),
        },
        (
            _,
            "cooldown.failure.share" | "cooldown.failure.min_attempts" | "cooldown.failure.window",
        ) => otherwise("failures are counted (`max_fails` within `fail_timeout`), not their share"),
        (_, "cooldown.failure.cap") => {
            otherwise("every cooldown is as long as the first (`fail_timeout`)")
        }
        (SettingOwner::Group, "slow_start" | "health_checks")
        | (SettingOwner::Router, "health_checks") => {
            otherwise("of nginx's commercial edition alone")
        }
        (SettingOwner::Router | SettingOwner::Group | SettingOwner::Deployment, _) => Missing,
    }
}
