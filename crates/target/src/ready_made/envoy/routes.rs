//! Envoy's listener: the body's `model` and `stream` as metadata, and a route for each group and each kind of answer.

use crate::ready_made::Tuning;
use crate::routing_view::{GroupView, RoutingView, burst, name_pattern, plain_name};
use core::fmt::Write as _;
use core::time::Duration;

/// How long retries wait where Squall moves on at once.
const AT_ONCE: &str = "0.001s";

pub(super) fn listener(view: &RoutingView<'_>, tuning: Tuning) -> String {
    let mut out = String::from(LISTENER);
    if needs_body(view, tuning) {
        out.push_str(BODY_FILTER);
    }
    if tuning.is_tuned() && view.groups().iter().any(|group| group.config.limits.rpm.is_some()) {
        out.push_str(RATE_LIMIT_FILTER);
    }
    out.push_str(ROUTER_FILTER);
    let target = view.target();
    if view.asks_for_several() {
        for group in view.groups() {
            for name in group.names() {
                out.push_str(&routes(view, &group, Some(name), tuning));
            }
        }
    }
    out.push_str(&routes(view, &target, None, tuning));
    out
}

fn needs_body(view: &RoutingView<'_>, tuning: Tuning) -> bool {
    view.asks_for_several() || (tuning.is_tuned() && view.streams().some && !view.streams().all)
}

const LISTENER: &str = r#"  listeners:
  - name: clients
    address: { socket_address: { address: 127.0.0.1, port_value: ${port} } }
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: clients
          http_filters:
"#;

const BODY_FILTER: &str = r#"          - name: envoy.filters.http.json_to_metadata
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.json_to_metadata.v3.JsonToMetadata
              request_rules:
                rules:
                - selectors: [ { key: model } ]
                  on_present: { metadata_namespace: squall, key: model }
                  on_missing: { metadata_namespace: squall, key: model, value: "" }
                - selectors: [ { key: stream } ]
                  on_present: { metadata_namespace: squall, key: stream }
                  on_missing: { metadata_namespace: squall, key: stream, value: false }
"#;

const RATE_LIMIT_FILTER: &str = r#"          - name: envoy.filters.http.local_ratelimit
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit
              stat_prefix: requests
"#;

const ROUTER_FILTER: &str = r#"          - name: envoy.filters.http.router
            typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
"#;

/// The routes of a group that is asked for as `name`, or by any name.
fn routes(
    view: &RoutingView<'_>,
    group: &GroupView<'_>,
    name: Option<&str>,
    tuning: Tuning,
) -> String {
    let model = name.map(|name| {
        let matches = match name.contains('*') {
            true => format!("safe_regex: {{ regex: '{}' }}", name_pattern(name)),
            false => format!("exact: \"{name}\""),
        };
        format!("{{ filter: squall, path: [ {{ key: model }} ], value: {{ string_match: {{ {matches} }} }} }}")
    });
    if !tuning.is_tuned() {
        return route(view, group, model.as_slice(), None, tuning);
    }
    let (silence, total) = (group.stream_silence(), group.config.timeouts.total);
    let streams = view.streams();
    let mut out = String::new();
    if streams.some && !streams.all {
        let of_streams =
            "{ filter: squall, path: [ { key: stream } ], value: { bool_match: true } }".to_owned();
        let mut matches: Vec<_> = model.iter().cloned().collect();
        matches.push(of_streams);
        let times = TryTimes { headers: group.config.timeouts.first_token, silence };
        out.push_str(&route(view, group, &matches, Some(times), tuning));
    }
    let times = match streams.all {
        true => TryTimes { headers: group.config.timeouts.first_token, silence },
        false => TryTimes { headers: total, silence: total.max(silence) },
    };
    out.push_str(&route(view, group, model.as_slice(), Some(times), tuning));
    out
}

/// How long an attempt may take to its headers, and be silent.
#[derive(Clone, Copy)]
struct TryTimes {
    headers: Duration,
    silence: Duration,
}

fn route(
    view: &RoutingView<'_>,
    group: &GroupView<'_>,
    matches: &[String],
    times: Option<TryTimes>,
    tuning: Tuning,
) -> String {
    let mut out = String::from("              - match:\n                  prefix: /\n");
    if !matches.is_empty() {
        out.push_str("                  dynamic_metadata:\n");
        for each in matches {
            let _ = writeln!(out, "                  - {each}");
        }
    }
    let fallbacks = view.fallbacks(group.config);
    let name = plain_name(&group.config.name);
    let cluster = if fallbacks.is_empty() { name } else { format!("{name}+fallbacks") };
    let _ = writeln!(out, "                route:\n                  cluster: {cluster}");
    let Some(times) = times else { return out };
    let _ = writeln!(out, "                  timeout: {}", seconds(group.config.deadline));
    let _ = writeln!(out, "                  idle_timeout: {}", seconds(times.silence));
    if group.config.strategy.name() == "consistent_hash" {
        out.push_str(
            "                  hash_policy: [ { header: { header_name: x-squall-session } } ]\n",
        );
    }
    out.push_str(&retry_policy(group, &fallbacks, times));
    if tuning.is_tuned() {
        out.push_str(&rate_limit(group));
    }
    out
}

fn retry_policy(group: &GroupView<'_>, fallbacks: &[GroupView<'_>], times: TryTimes) -> String {
    const INDENT: &str = "                    ";
    let own = usize::from(group.config.retries.max) + 1;
    let tries: usize =
        own + fallbacks.iter().map(|each| usize::from(each.config.retries.max) + 1).sum::<usize>();
    let hosts = group.deployments.len();
    // Among several hosts a retry goes to another one at once; to the same one only after a while.
    let backoff = match hosts {
        1 if fallbacks.is_empty() => {
            let (base, cap) = group.backoff();
            format!("base_interval: {}, max_interval: {}", seconds(base), seconds(cap.max(base)))
        }
        _ => format!("base_interval: {AT_ONCE}, max_interval: {AT_ONCE}"),
    };
    let mut out = String::from("                  retry_policy:\n");
    let lines = [
        "retry_on: \"5xx,reset,connect-failure,retriable-status-codes\"".to_owned(),
        "retriable_status_codes: [401, 403, 404, 408, 429]".to_owned(),
        format!("num_retries: {}", tries - 1),
        format!("per_try_timeout: {}", seconds(times.headers)),
        format!("per_try_idle_timeout: {}", seconds(times.silence)),
        format!("retry_back_off: {{ {backoff} }}"),
        format!("host_selection_retry_max_attempts: {}", (4 * hosts).max(4)),
        "retry_host_predicate:".to_owned(),
        "- name: envoy.retry_host_predicates.previous_hosts".to_owned(),
        "  typed_config: { \"@type\": type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate }".to_owned(),
    ];
    for line in lines {
        let _ = writeln!(out, "{INDENT}{line}");
    }
    if !fallbacks.is_empty() {
        let priority = "\"@type\": type.googleapis.com/envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig";
        let _ = writeln!(out, "{INDENT}retry_priority:");
        let _ = writeln!(out, "{INDENT}  name: envoy.retry_priorities.previous_priorities");
        let _ = writeln!(out, "{INDENT}  typed_config: {{ {priority}, update_frequency: {own} }}");
    }
    out
}

fn rate_limit(group: &GroupView<'_>) -> String {
    let Some(rpm) = group.config.limits.rpm else { return String::new() };
    // Filled each second, so that what is used up comes back evenly.
    let fill = rpm.per_minute.div_ceil(60).max(1);
    let interval = Duration::from_secs(60).mul_f64(fill as f64 / rpm.per_minute.max(1) as f64);
    format!(
        r#"                typed_per_filter_config:
                  envoy.filters.http.local_ratelimit:
                    "@type": type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit
                    stat_prefix: requests
                    token_bucket: {{ max_tokens: {}, tokens_per_fill: {fill}, fill_interval: {} }}
                    filter_enabled: {{ default_value: {{ numerator: 100, denominator: HUNDRED }} }}
                    filter_enforced: {{ default_value: {{ numerator: 100, denominator: HUNDRED }} }}
"#,
        burst(&rpm).max(fill),
        seconds(interval),
    )
}

/// A duration as Envoy's files write it.
pub(super) fn seconds(duration: Duration) -> String {
    format!("{}s", duration.as_millis() as f64 / 1000.0)
}
