//! Envoy's clusters: one for each group, and one around those that a request may move through.

use super::routes::seconds;
use crate::ready_made::Tuning;
use crate::routing_view::{DeploymentView, GroupView, RoutingView, failures_to_trip, plain_name};
use core::fmt::Write as _;
use core::time::Duration;
use squall_router::UnavailablePolicy;

/// How often hosts that were ejected are looked at.
const SWEEP: Duration = Duration::from_millis(500);

/// The cluster of a group, and the aggregate of it and its fallbacks.
pub(super) fn of_group(view: &RoutingView<'_>, group: &GroupView<'_>, tuning: Tuning) -> String {
    let name = plain_name(&group.config.name);
    let mut out = format!("  - name: {name}\n    type: STATIC\n");
    if tuning.is_tuned() {
        out.push_str(&policies(view, group));
    }
    let _ = writeln!(out, "    load_assignment:\n      cluster_name: {name}");
    if tuning.is_tuned() {
        // One healthy host is enough for a tier not to spill over into the next.
        let _ = writeln!(
            out,
            "      policy: {{ overprovisioning_factor: {} }}",
            100 * group.deployments.len().max(1)
        );
    }
    out.push_str("      endpoints:\n");
    for (tier, deployments) in group.tiers().iter().enumerate() {
        let _ = writeln!(out, "      - priority: {tier}\n        lb_endpoints:");
        for deployment in deployments {
            out.push_str(&endpoint(deployment));
        }
    }
    let fallbacks = view.fallbacks(group.config);
    if fallbacks.is_empty() {
        return out;
    }
    let members: Vec<_> = core::iter::once(group)
        .chain(&fallbacks)
        .map(|each| plain_name(&each.config.name))
        .collect();
    let aggregate =
        "\"@type\": type.googleapis.com/envoy.extensions.clusters.aggregate.v3.ClusterConfig";
    let _ = writeln!(
        out,
        "  - name: {name}+fallbacks
    lb_policy: CLUSTER_PROVIDED
    cluster_type:
      name: envoy.clusters.aggregate
      typed_config: {{ {aggregate}, clusters: [{}] }}",
        members.join(", ")
    );
    if tuning.is_tuned() {
        let _ = writeln!(out, "    connect_timeout: {}", seconds(group.config.timeouts.connect));
        out.push_str(&circuit_breakers(view, group, false));
    }
    out
}

fn endpoint(deployment: &DeploymentView<'_>) -> String {
    let address = format!(
        "{{ socket_address: {{ address: {}, port_value: {} }} }}",
        deployment.placeholder("host"),
        deployment.placeholder("port")
    );
    let state = match deployment.config.weight {
        0 => "health_status: DRAINING, load_balancing_weight: 1".to_owned(),
        weight => format!("load_balancing_weight: {weight}"),
    };
    format!(
        "        - {{ {state}, endpoint: {{ address: {address} }} }} # {}\n",
        deployment.config.name
    )
}

fn policies(view: &RoutingView<'_>, group: &GroupView<'_>) -> String {
    let config = group.config;
    let mut out = format!("    connect_timeout: {}\n", seconds(config.timeouts.connect));
    out.push_str(&balancing(group));
    let panic = match config.when_unavailable {
        UnavailablePolicy::Panic if config.panic_threshold.ppm() == 0 => 1.0,
        UnavailablePolicy::Panic
        | UnavailablePolicy::Wait
        | UnavailablePolicy::Fail
        | UnavailablePolicy::FailStating(_) => f64::from(config.panic_threshold.ppm()) / 10_000.0,
    };
    let _ =
        writeln!(out, "    common_lb_config: {{ healthy_panic_threshold: {{ value: {panic} }} }}");
    out.push_str(&circuit_breakers(view, group, true));
    out.push_str(&outlier_detection(group));
    out.push_str(FAILURES);
    if let Some(checks) = view.router.health_checks {
        let _ = writeln!(
            out,
            "    health_checks:
    - {{ timeout: {}, interval: {}, unhealthy_threshold: {}, healthy_threshold: {}, http_health_check: {{ path: /v1/models, expected_statuses: [ {{ start: 200, end: 500 }} ] }} }}",
            seconds(checks.timeout),
            seconds(checks.every),
            checks.unhealthy,
            checks.healthy
        );
    }
    out
}

fn balancing(group: &GroupView<'_>) -> String {
    let slow_start = group.config.slow_start.map(|slow| {
        let least = f64::from(slow.least.ppm()) / 10_000.0;
        let aggression = f64::from(slow.aggression) / 1000.0;
        format!(
            "slow_start_config: {{ slow_start_window: {}, aggression: {{ default_value: {aggression}, runtime_key: none }}, min_weight_percent: {{ value: {least} }} }}",
            seconds(slow.window)
        )
    });
    match group.config.strategy.name() {
        name @ ("least_busy" | "two_choices" | "peak_ewma") => {
            let choices = if name == "least_busy" { group.deployments.len().max(2) } else { 2 };
            let slow = slow_start.map(|slow| format!(", {slow}")).unwrap_or_default();
            format!(
                "    lb_policy: LEAST_REQUEST\n    least_request_lb_config: {{ choice_count: {choices}{slow} }}\n"
            )
        }
        "consistent_hash" => "    lb_policy: RING_HASH\n".to_owned(),
        _ => {
            let slow = slow_start.map(|slow| format!("    round_robin_lb_config: {{ {slow} }}\n"));
            format!("    lb_policy: ROUND_ROBIN\n{}", slow.unwrap_or_default())
        }
    }
}

/// Envoy's limits on what is under way; without them it refuses the 1,025th request.
fn circuit_breakers(view: &RoutingView<'_>, group: &GroupView<'_>, has_hosts: bool) -> String {
    const UNBOUNDED: u32 = 1_000_000;
    let most = group.config.limits.concurrency.unwrap_or(UNBOUNDED);
    let budget = &view.router.retry_budget;
    let retries = match budget.min_per_second {
        u32::MAX => format!("max_retries: {UNBOUNDED}"),
        // What is under way is counted by the members of an aggregate alone: a budget of its own would always be the least.
        _ if !has_hosts => {
            let share = f64::from(budget.ratio.ppm()) / 1e6;
            let most = share * view.scenario.workload.most_in_flight();
            format!("max_retries: {}", (most.ceil() as u64).max(3))
        }
        _ => {
            let share = f64::from(budget.ratio.ppm()) / 10_000.0;
            format!(
                "retry_budget: {{ budget_percent: {{ value: {share} }}, min_retry_concurrency: 3 }}"
            )
        }
    };
    let mut out = format!(
        "    circuit_breakers:
      thresholds: [ {{ max_connections: {UNBOUNDED}, max_pending_requests: {UNBOUNDED}, max_requests: {most}, {retries} }} ]\n"
    );
    let of_hosts = group.deployments.iter().filter_map(|each| each.config.limits.concurrency).min();
    if let Some(most) = of_hosts.filter(|_| has_hosts) {
        let _ = writeln!(out, "      per_host_thresholds: [ {{ max_connections: {most} }} ]");
    }
    out
}

/// What counts as a failure of a host: 5xx, as always, and 429, which Envoy alone would take for an answer like any other.
const FAILURES: &str = r#"    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: { http_protocol_options: {} }
        outlier_detection:
          error_matcher:
            or_match:
              rules:
              - http_response_headers_match: { headers: [ { name: ":status", string_match: { prefix: "5" } } ] }
              - http_response_headers_match: { headers: [ { name: ":status", string_match: { exact: "429" } } ] }
"#;

fn outlier_detection(group: &GroupView<'_>) -> String {
    let first = group.deployments.first().and_then(DeploymentView::failure_cooldown);
    let Some(failure) = first else { return String::new() };
    let mut lines = vec![
        format!("interval: {}", seconds(SWEEP)),
        format!("base_ejection_time: {}", seconds(failure.base)),
        format!("max_ejection_time: {}", seconds(failure.cap.max(failure.base))),
        "max_ejection_percent: 100".to_owned(),
        "always_eject_one_host: true".to_owned(),
        "enforcing_success_rate: 0".to_owned(),
        "enforcing_consecutive_gateway_failure: 0".to_owned(),
    ];
    match failure.consecutive {
        0 => lines.push("enforcing_consecutive_5xx: 0".to_owned()),
        _ => lines.push(format!("consecutive_5xx: {}", failures_to_trip(&failure))),
    }
    let share = failure.share.ppm() / 10_000;
    if (1..=100).contains(&share) {
        lines.extend([
            "enforcing_failure_percentage: 100".to_owned(),
            format!("failure_percentage_threshold: {}", share.min(100)),
            "failure_percentage_minimum_hosts: 1".to_owned(),
            format!("failure_percentage_request_volume: {}", failure.min_attempts),
        ]);
    }
    let lines: Vec<_> = lines.iter().map(|line| format!("      {line}\n")).collect();
    format!("    outlier_detection:\n{}", lines.concat())
}
