//! A snapshot as OpenMetrics text, for a Prometheus that watches a run beside everything else it watches. Counters have
//! the names that they have in `squall report --openmetrics`, so that one dashboard shows both.

use crate::model::{DeploymentPanel, Snapshot};
use squall_report::{FamilyKind, MetricFamily, MetricsText, metric_labels};

/// What the text is, by its standard.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The text of a snapshot.
pub(crate) fn metrics(snapshot: &Snapshot) -> String {
    let seed = snapshot.seed.to_string();
    let run = metric_labels(&[("scenario", &snapshot.scenario), ("seed", &seed)]);
    let mut text = MetricsText::new(run);
    of_the_run(snapshot, &mut text);
    of_deployments(&snapshot.deployments, &mut text);
    text.finish()
}

fn of_the_run(snapshot: &Snapshot, text: &mut MetricsText) {
    let totals = &snapshot.so_far;
    let counters = [
        ("squall_run_requests_intended", totals.offered, "Requests sent."),
        ("squall_run_requests_succeeded", totals.succeeded, "Requests that succeeded."),
        (
            "squall_run_requests_lost",
            totals.failed + totals.gave_up,
            "Requests that failed or whose client gave up.",
        ),
    ];
    for (name, count, help) in counters {
        text.family(MetricFamily { name, kind: FamilyKind::Counter, unit: None, help });
        text.sample("_total", "", count as f64);
    }
    let gauges = [
        (
            "squall_run_requests_in_flight",
            None,
            snapshot.in_flight as f64,
            "Requests that have not ended.",
        ),
        (
            "squall_run_elapsed_seconds",
            Some("seconds"),
            snapshot.elapsed_s,
            "Time since the start of the run.",
        ),
        (
            "squall_run_planned_seconds",
            Some("seconds"),
            snapshot.duration_s,
            "How long traffic is sent.",
        ),
    ];
    for (name, unit, value, help) in gauges {
        text.family(MetricFamily { name, kind: FamilyKind::Gauge, unit, help });
        text.sample("", "", value);
    }
    recent_latency(snapshot, text);
    text.family(MetricFamily {
        name: "squall_run_fault",
        kind: FamilyKind::Gauge,
        unit: None,
        help: "A fault of the scenario that is there: 1.",
    });
    for fault in &snapshot.faults {
        let labels = metric_labels(&[("provider", &fault.provider), ("fault", &fault.what)]);
        text.sample("", &labels, 1.0);
    }
}

/// Percentiles of the last seconds; none where none of its requests ended.
fn recent_latency(snapshot: &Snapshot, text: &mut MetricsText) {
    text.family(MetricFamily {
        name: "squall_run_recent_latency_seconds",
        kind: FamilyKind::Gauge,
        unit: Some("seconds"),
        help: "A percentile of the latency of requests that succeeded in the last seconds.",
    });
    for (percentile, millis) in [("0.5", snapshot.now.p50_ms), ("0.95", snapshot.now.p95_ms)] {
        if let Some(millis) = millis {
            let labels = metric_labels(&[("percentile", percentile)]);
            text.sample("", &labels, millis as f64 / 1e3);
        }
    }
}

/// A number of a deployment.
type OfDeployment = fn(&DeploymentPanel) -> Option<f64>;

fn of_deployments(deployments: &[DeploymentPanel], text: &mut MetricsText) {
    let families: [(&'static str, FamilyKind, OfDeployment, &'static str); 4] = [
        (
            "squall_run_attempts_ended",
            FamilyKind::Counter,
            |deployment| Some(deployment.attempts_so_far as f64),
            "Attempts that have ended.",
        ),
        (
            "squall_run_attempts_failed",
            FamilyKind::Counter,
            |deployment| Some(deployment.failed_so_far as f64),
            "Attempts that failed.",
        ),
        (
            "squall_run_attempts_throttled",
            FamilyKind::Counter,
            |deployment| Some(deployment.throttled_so_far as f64),
            "Attempts answered 429.",
        ),
        (
            "squall_run_weight_ratio",
            FamilyKind::Gauge,
            |deployment| deployment.weight_share,
            "The share that the weights give a deployment.",
        ),
    ];
    for (name, kind, value, help) in families {
        let unit = (kind == FamilyKind::Gauge).then_some("ratio");
        text.family(MetricFamily { name, kind, unit, help });
        let suffix = if kind == FamilyKind::Counter { "_total" } else { "" };
        for deployment in deployments {
            if let Some(value) = value(deployment) {
                text.sample(suffix, &whose(deployment, &[]), value);
            }
        }
    }
    text.family(MetricFamily {
        name: "squall_run_deployment_state",
        kind: FamilyKind::Gauge,
        unit: None,
        help: "What the router makes of a deployment: 1, with the state as label.",
    });
    for deployment in deployments {
        text.sample("", &whose(deployment, &[("state", deployment.state.as_str())]), 1.0);
    }
}

fn whose(deployment: &DeploymentPanel, more: &[(&str, &str)]) -> String {
    let mut labels = vec![("group", &*deployment.group), ("deployment", &*deployment.name)];
    labels.extend(more);
    metric_labels(&labels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ActiveFault, RunTotals, StateView};

    #[test]
    fn a_snapshot_is_told_in_the_words_of_a_recording() {
        let deployment = DeploymentPanel {
            name: "eu".to_owned(),
            group: "chat".to_owned(),
            state: StateView::Ejected,
            weight_share: Some(0.6),
            attempts_so_far: 90,
            failed_so_far: 5,
            throttled_so_far: 2,
            ..DeploymentPanel::default()
        };
        let fault =
            ActiveFault { provider: "openai-eu".to_owned(), what: "503".to_owned(), since_s: 6.0 };
        let totals = RunTotals {
            offered: 120,
            succeeded: 110,
            failed: 3,
            gave_up: 1,
            ..RunTotals::default()
        };
        let snapshot = Snapshot {
            scenario: "spike".to_owned(),
            seed: 7,
            so_far: totals,
            deployments: vec![deployment],
            faults: vec![fault],
            in_flight: 6,
            ..Snapshot::default()
        };
        let text = metrics(&snapshot);
        for line in [
            r#"squall_run_requests_intended_total{scenario="spike",seed="7"} 120"#,
            r#"squall_run_requests_lost_total{scenario="spike",seed="7"} 4"#,
            r#"squall_run_requests_in_flight{scenario="spike",seed="7"} 6"#,
            r#"squall_run_fault{scenario="spike",seed="7",provider="openai-eu",fault="503"} 1"#,
            r#"squall_run_attempts_failed_total{scenario="spike",seed="7",group="chat",deployment="eu"} 5"#,
            r#"squall_run_weight_ratio{scenario="spike",seed="7",group="chat",deployment="eu"} 0.6"#,
            r#"squall_run_deployment_state{scenario="spike",seed="7",group="chat",deployment="eu",state="ejected"} 1"#,
        ] {
            assert!(text.lines().any(|each| each == line), "{line}\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }
}
