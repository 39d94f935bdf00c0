//! The families that are exposed, in the order of a page.

use super::histogram::LatencyHistogram;
use super::text_format::{MetricKind, MetricsPage};
use super::{MetricsSnapshot, OperationFacts, RequestCounters, SHARES_OVER};
use crate::decisions::DecisionLogCounts;
use crate::tls::TlsSnapshot;
use squall_router::{
    DeploymentId, DeploymentSnapshot, DeploymentState, GroupId, GroupSnapshot, LimitUse, Money,
    SharedStoreSnapshot, SpendBudgetSnapshot,
};
use std::collections::BTreeMap;

pub(super) fn text(
    snapshot: &MetricsSnapshot,
    is_ready: bool,
    tls_snapshot: Option<&TlsSnapshot>,
) -> String {
    let counts = &snapshot.counts;
    let mut page = MetricsPage::default();
    process(is_ready, &mut page);
    if let Some(snapshot) = tls_snapshot {
        tls(snapshot, &mut page);
    }
    requests(snapshot, &mut page);
    attempts(counts, &mut page);
    moves(counts, &mut page);
    deployments(snapshot, &mut page);
    limits(snapshot, &mut page);
    spend_budgets(snapshot, &mut page);
    weights(snapshot, &mut page);
    if let Some(store) = snapshot.shared_store {
        shared_store(store, &mut page);
    }
    page.into_text()
}

fn process(is_ready: bool, page: &mut MetricsPage) {
    let help = "1, with the version of the gateway.";
    page.family("squall_build_info", MetricKind::Gauge, help);
    page.sample(&[("version", env!("CARGO_PKG_VERSION"))], 1.0);
    let help = "1 while `/ready` returns 200.";
    page.family("squall_ready", MetricKind::Gauge, help);
    page.sample(&[], u8::from(is_ready).into());
}

fn shared_store(store: SharedStoreSnapshot, page: &mut MetricsPage) {
    let SharedStoreSnapshot { is_away, replicas, expected } = store;
    let help = "1 while the store of shared state answers; 0 while each replica uses its part of every limit.";
    page.family("squall_shared_store_up", MetricKind::Gauge, help);
    page.sample(&[], u8::from(!is_away).into());
    let help = "Replicas that share state, as the store has told last.";
    page.family("squall_shared_store_replicas", MetricKind::Gauge, help);
    page.sample(&[], replicas as f64);
    let help = "Replicas that the configuration states.";
    page.family("squall_shared_store_replicas_expected", MetricKind::Gauge, help);
    page.sample(&[], expected as f64);
}

fn tls(snapshot: &TlsSnapshot, page: &mut MetricsPage) {
    let help = "When the gateway's own certificate expires, in seconds since 1970.";
    let name = "squall_tls_certificate_not_after_timestamp_seconds";
    page.family(name, MetricKind::Gauge, help);
    page.sample(&[], snapshot.not_after as f64);
    let help =
        "Times that the files of TLS were read again; after a failure those of before are used on.";
    page.family("squall_tls_certificate_reloads_total", MetricKind::Counter, help);
    for &(outcome, count) in &snapshot.reloads {
        page.sample(&[("outcome", outcome)], count as f64);
    }
    let help = "TLS handshakes that ended.";
    page.family("squall_tls_handshakes_total", MetricKind::Counter, help);
    for &(outcome, count) in &snapshot.handshakes {
        page.sample(&[("outcome", outcome)], count as f64);
    }
    let help = "TLS handshakes under way.";
    page.family("squall_tls_handshakes_in_progress", MetricKind::Gauge, help);
    page.sample(&[], snapshot.handshakes_in_progress as f64);
}

fn requests(snapshot: &MetricsSnapshot, page: &mut MetricsPage) {
    let metrics = &snapshot.counts;
    page.family(
        "squall_requests_total",
        MetricKind::Counter,
        "Requests that ended, by the group asked for.",
    );
    for (&(group, (outcome, class)), &count) in &metrics.ended {
        let labels =
            [("group", metrics.names.group(group)), ("outcome", outcome), ("error_class", class)];
        page.sample(&labels, count as f64);
    }
    page.family("squall_requests_in_flight", MetricKind::Gauge, "Requests that have not ended.");
    page.sample(&[], snapshot.in_flight as f64);
    let name = "squall_request_duration_seconds";
    page.family(name, MetricKind::Histogram, "From a request's arrival to its end.");
    for (&group, histogram) in &metrics.durations {
        buckets(page, &[("group", metrics.names.group(group))], histogram);
    }
    let name = "squall_time_to_first_token_seconds";
    page.family(
        name,
        MetricKind::Histogram,
        "From the arrival of a streamed request to its first token.",
    );
    for (&group, histogram) in &metrics.first_tokens {
        buckets(page, &[("group", metrics.names.group(group))], histogram);
    }
}

fn attempts(metrics: &RequestCounters, page: &mut MetricsPage) {
    let help = "Attempts that ended: `succeeded`, a class of failure, `deadline`, `client_gone` or `lost_race`.";
    page.family("squall_attempts_total", MetricKind::Counter, help);
    by_deployment(metrics, page, &metrics.attempts, "outcome");
    let help = "Attempts that ended and were the first of their request.";
    page.family("squall_first_attempts_total", MetricKind::Counter, help);
    for (&deployment, &count) in &metrics.first_attempts {
        page.sample(&metrics.names.labels(deployment), count as f64);
    }
    let name = "squall_attempt_duration_seconds";
    page.family(name, MetricKind::Histogram, "From an attempt's start to its end.");
    for (&deployment, histogram) in &metrics.attempt_durations {
        buckets(page, &metrics.names.labels(deployment), histogram);
    }
    let help = "Tokens of attempts that ended well, as providers counted them, and of streams that broke off and went on elsewhere, estimated.";
    page.family("squall_tokens_total", MetricKind::Counter, help);
    for (&deployment, usage) in &metrics.tokens {
        let [group, name, provider] = metrics.names.labels(deployment);
        for (kind, tokens) in [("input", usage.input), ("output", usage.output)] {
            page.sample(&[group, name, provider, ("kind", kind)], tokens as f64);
        }
    }
    let help = "Price of those tokens, of deployments that have a price.";
    page.family("squall_cost_dollars_total", MetricKind::Counter, help);
    for (&deployment, &cost) in &metrics.cost {
        page.sample(&metrics.names.labels(deployment), dollars(cost));
    }
    let help = "Attempts that were stopped because they took too long.";
    page.family("squall_timeouts_total", MetricKind::Counter, help);
    by_deployment(metrics, page, &metrics.timeouts, "reason");
}

fn moves(metrics: &RequestCounters, page: &mut MetricsPage) {
    let help = "Second attempts beside a first that ended, by how they ended: `succeeded`, `lost_race` or as attempts.";
    page.family("squall_hedges_total", MetricKind::Counter, help);
    by_deployment(metrics, page, &metrics.hedges, "outcome");
    let help = "Streams that broke off and went on at this deployment, by how it was asked: `prefill` or `instruction`.";
    page.family("squall_streams_continued_total", MetricKind::Counter, help);
    by_deployment(metrics, page, &metrics.continued, "by");
    let help = "Attempts after the first in the same group, by that group.";
    page.family("squall_retries_total", MetricKind::Counter, help);
    by_group(metrics, page, &metrics.retries);
    let help = "Retries refused because the retry budget was exhausted.";
    page.family("squall_retry_budget_exhausted_total", MetricKind::Counter, help);
    by_group(metrics, page, &metrics.retry_budget_exhausted);
    let help =
        "Further attempts that were not begun: they could not have ended before the deadline.";
    page.family("squall_too_late_total", MetricKind::Counter, help);
    by_group(metrics, page, &metrics.too_late);
    page.family(
        "squall_fallbacks_total",
        MetricKind::Counter,
        "Moves of requests to another group.",
    );
    for (&(from, to), &count) in &metrics.fallbacks {
        page.sample(
            &[("from", metrics.names.group(from)), ("to", metrics.names.group(to))],
            count as f64,
        );
    }
    let help = "Requests that met a group all of whose deployments cool down.";
    page.family("squall_group_unavailable_total", MetricKind::Counter, help);
    by_group(metrics, page, &metrics.group_unavailable);
    page.family("squall_queued_total", MetricKind::Counter, "Requests that had to wait.");
    by_group(metrics, page, &metrics.queued);
    let help = "Requests that a full queue refused or pushed out.";
    page.family("squall_queue_full_total", MetricKind::Counter, help);
    by_group(metrics, page, &metrics.queue_full);
    let help = "Requests refused since their queue would not have served them in time.";
    page.family("squall_shed_total", MetricKind::Counter, help);
    by_group(metrics, page, &metrics.shed);
    let help = "Picks of a custom strategy that were nobody, or no candidate.";
    page.family("squall_picks_rejected_total", MetricKind::Counter, help);
    by_group(metrics, page, &metrics.picks_rejected);
    let help = "Requests that a limit of their group or tenant held back.";
    page.family("squall_rate_limited_total", MetricKind::Counter, help);
    for (&(tenant, limit), &count) in &metrics.rate_limited {
        let of = if tenant { "tenant" } else { "group" };
        page.sample(&[("scope", of), ("limit", limit)], count as f64);
    }
    page.family("squall_reconfigurations_total", MetricKind::Counter, "Changes of configuration.");
    page.sample(&[], metrics.reconfigurations as f64);
}

fn deployments(snapshot: &MetricsSnapshot, page: &mut MetricsPage) {
    let metrics = &snapshot.counts;
    page.family("squall_cooldowns_total", MetricKind::Counter, "Cooldowns that began.");
    by_deployment(metrics, page, &metrics.cooldowns, "cause");
    let now = &snapshot.deployments;
    let help = "0: it takes requests; 1: a probe decides; 2: it cools down.";
    page.family("squall_deployment_state", MetricKind::Gauge, help);
    for deployment in now {
        let state = match deployment.state {
            DeploymentState::Available => 0.0,
            DeploymentState::Probing => 1.0,
            DeploymentState::Cooling => 2.0,
        };
        page.sample(&metrics.names.labels(deployment.id), state);
    }
    let help = "1 while its health checks pass, or while there are none.";
    page.family("squall_deployment_healthy", MetricKind::Gauge, help);
    for deployment in now {
        page.sample(&metrics.names.labels(deployment.id), u8::from(deployment.healthy).into());
    }
    page.family("squall_attempts_in_flight", MetricKind::Gauge, "Attempts under way.");
    for deployment in now {
        page.sample(&metrics.names.labels(deployment.id), deployment.running.into());
    }
}

fn limits(snapshot: &MetricsSnapshot, page: &mut MetricsPage) {
    let metrics = &snapshot.counts;
    let help = "Times a deployment was passed over for a limit of the router's.";
    page.family("squall_limits_reached_total", MetricKind::Counter, help);
    by_deployment(metrics, page, &metrics.limits_reached, "limit");
    let families = [
        ("squall_limit_used", "How much of a limit is in use: of a minute, or at once."),
        ("squall_limit_allowed", "How much of a limit there is."),
    ];
    for (which, (name, help)) in families.into_iter().enumerate() {
        page.family(name, MetricKind::Gauge, help);
        for &DeploymentSnapshot { id, limits, .. } in &snapshot.deployments {
            let labels = metrics.names.labels(id);
            for (limit, numbers) in each(limits) {
                let [group, name, provider] = labels;
                page.sample(&[group, name, provider, ("limit", limit)], numbers[which]);
            }
        }
        for &GroupSnapshot { id, limits, .. } in &snapshot.groups {
            for (limit, numbers) in each(limits) {
                page.sample(
                    &[("group", metrics.names.group(id)), ("limit", limit)],
                    numbers[which],
                );
            }
        }
    }
    page.family(
        "squall_requests_waiting",
        MetricKind::Gauge,
        "Requests that wait for a deployment.",
    );
    for &GroupSnapshot { id, queued, .. } in &snapshot.groups {
        page.sample(&[("group", metrics.names.group(id))], queued as f64);
    }
}

/// An amount of a spend budget.
type MoneyOf = fn(&SpendBudgetSnapshot) -> Money;

fn spend_budgets(snapshot: &MetricsSnapshot, page: &mut MetricsPage) {
    let families: [(_, _, MoneyOf); 2] = [
        (
            "squall_spend_budget_spent_dollars",
            "Dollars spent in the current period of a spend budget.",
            |budget| budget.spent,
        ),
        (
            "squall_spend_budget_limit_dollars",
            "Limit of a spend budget, in dollars per period.",
            |budget| budget.limit,
        ),
    ];
    for (name, help, of) in families {
        page.family(name, MetricKind::Gauge, help);
        for (budget, name) in snapshot.spend_budgets.iter().zip(&snapshot.spend_budget_names) {
            // Only a budget that was built in code has no name.
            let number = budget.id.0.to_string();
            let name = if name.is_empty() { &number } else { name };
            page.sample(&[("budget", name)], dollars(of(budget)));
        }
    }
}

fn dollars(money: Money) -> f64 {
    money.0 as f64 / Money::DOLLAR.0 as f64
}

/// Limits that there are: used, and allowed.
fn each(limits: LimitUse) -> impl Iterator<Item = (&'static str, [f64; 2])> {
    let all =
        [("requests", limits.rpm), ("tokens", limits.tpm), ("concurrency", limits.concurrency)];
    all.into_iter().filter_map(|(limit, numbers)| {
        let (used, allowed) = numbers?;
        Some((limit, [used as f64, allowed as f64]))
    })
}

/// Configured shares beside those of the last minute: where they drift apart, something is out.
fn weights(snapshot: &MetricsSnapshot, page: &mut MetricsPage) {
    let metrics = &snapshot.counts;
    let now: Vec<_> =
        snapshot.deployments.iter().map(|each| (each.id, each.group, each.weight)).collect();
    let mut sums: BTreeMap<GroupId, f64> = BTreeMap::new();
    let mut firsts: BTreeMap<DeploymentId, u64> = BTreeMap::new();
    let mut first_sums: BTreeMap<GroupId, f64> = BTreeMap::new();
    for (_, counts) in &metrics.firsts {
        counts.iter().for_each(|(&id, &count)| *firsts.entry(id).or_default() += count);
    }
    for &(id, group, weight) in &now {
        *sums.entry(group).or_default() += f64::from(weight);
        let first = firsts.get(&id).copied().unwrap_or(0);
        *first_sums.entry(group).or_default() += first as f64;
    }
    let part = |of: f64, sums: &BTreeMap<GroupId, f64>, group| {
        let sum = sums.get(&group).copied().unwrap_or(0.0);
        if sum > 0.0 { of / sum } else { 0.0 }
    };
    let help = "A deployment's configured share of its group.";
    page.family("squall_weight_ratio", MetricKind::Gauge, help);
    for &(id, group, weight) in &now {
        page.sample(&metrics.names.labels(id), part(weight.into(), &sums, group));
    }
    let help = "The share of its group's first attempts that a deployment gets while all can be used; none if the strategy goes by measurements.";
    page.family("squall_expected_first_attempt_ratio", MetricKind::Gauge, help);
    for &(id, ..) in &now {
        if let Some(&share) = metrics.configured.expected.get(&id) {
            page.sample(&metrics.names.labels(id), share);
        }
    }
    let help = format!("Its share of its group's first attempts over the last {SHARES_OVER} s.");
    page.family("squall_first_attempt_ratio", MetricKind::Gauge, &help);
    for &(id, group, _) in &now {
        let first = firsts.get(&id).copied().unwrap_or(0);
        page.sample(&metrics.names.labels(id), part(first as f64, &first_sums, group));
    }
}

fn by_group(metrics: &RequestCounters, page: &mut MetricsPage, counts: &BTreeMap<GroupId, u64>) {
    for (&group, &count) in counts {
        page.sample(&[("group", metrics.names.group(group))], count as f64);
    }
}

fn by_deployment(
    metrics: &RequestCounters,
    page: &mut MetricsPage,
    counts: &BTreeMap<(DeploymentId, &'static str), u64>,
    label: &'static str,
) {
    for (&(deployment, value), &count) in counts {
        let [group, name, provider] = metrics.names.labels(deployment);
        page.sample(&[group, name, provider, (label, value)], count as f64);
    }
}

fn buckets(page: &mut MetricsPage, labels: &[(&str, &str)], histogram: &LatencyHistogram) {
    for (bound, count) in histogram.cumulative() {
        let bound = bound.to_string();
        let labels: Vec<_> = labels.iter().copied().chain([("le", bound.as_str())]).collect();
        page.suffixed("_bucket", &labels, count as f64);
    }
    let all: Vec<_> = labels.iter().copied().chain([("le", "+Inf")]).collect();
    page.suffixed("_bucket", &all, histogram.count as f64);
    page.suffixed("_sum", labels, histogram.sum);
    page.suffixed("_count", labels, histogram.count as f64);
}

/// What is counted beside the core: what operators have done, keys that were refused, reloads of the configuration.
pub(super) fn operations(facts: &OperationFacts) -> String {
    let mut page = MetricsPage::default();
    let help = "1 while an operator has paused the intake.";
    page.family("squall_paused", MetricKind::Gauge, help);
    page.sample(&[], u8::from(facts.paused).into());
    let help = "What operators have changed by hand and not taken back.";
    page.family("squall_operator_overrides", MetricKind::Gauge, help);
    for (kind, count) in facts.overrides {
        page.sample(&[("kind", kind)], count as f64);
    }
    let help = "Requests that were refused for their key.";
    page.family("squall_key_refused_total", MetricKind::Counter, help);
    for (reason, count) in facts.key_refusals {
        page.sample(&[("reason", reason)], count as f64);
    }
    let help = "1 if the configuration was taken when it was last read.";
    page.family("squall_config_last_reload_successful", MetricKind::Gauge, help);
    page.sample(&[], u8::from(facts.reloads.successful).into());
    let help = "When a configuration was last taken, in seconds since 1970.";
    page.family("squall_config_last_reload_success_timestamp_seconds", MetricKind::Gauge, help);
    page.sample(&[], (facts.reloads.success_nanos / 1_000_000) as f64 / 1e3);
    let help = "Configurations that were not taken.";
    page.family("squall_config_reload_failed_total", MetricKind::Counter, help);
    page.sample(&[], facts.reloads.failed as f64);
    if let Some(DecisionLogCounts { written, dropped, failed }) = facts.decision_log {
        let help = "Lines of the decision log: written, dropped for want of time, and not written for an error.";
        page.family("squall_decision_log_lines_total", MetricKind::Counter, help);
        for (outcome, count) in [("written", written), ("dropped", dropped), ("failed", failed)] {
            page.sample(&[("outcome", outcome)], count as f64);
        }
    }
    page.into_text()
}
