//! The figures of a scorecard: a line of [`FIGURES`] each.

use super::added_latency::added_latency;
use super::score_value::ScoreValue;
use crate::metrics::{
    Measurement, MetricQuery, MetricValue, MissingAttempts, measure, without_attempts,
};
use crate::target::TargetSummary;
use crate::verdict::refusing_providers;
use squall_record::Recording;
use squall_scenario::{Argument, MetricId, Scenario};
use std::time::Duration;

/// A figure: what it is called, and how it is measured.
#[derive(Clone, Copy, Debug)]
pub struct FigureSpec {
    /// The heading of its column.
    pub name: &'static str,
    /// What it is.
    pub meaning: &'static str,
    /// Its value in a run.
    pub(super) measure: fn(&Scenario, &Recording) -> ScoreValue,
    /// A value as people read it.
    pub(super) write: fn(f64) -> String,
}

/// Every figure, in the order of the columns.
pub const FIGURES: &[FigureSpec] = &[
    FigureSpec {
        name: "success",
        meaning: "successful requests ÷ all requests",
        measure: |scenario, recording| of_metric(scenario, recording, MetricId::SuccessRate, None),
        write: crate::text::percent,
    },
    FigureSpec {
        name: "attempts/request",
        meaning: "attempts at all providers ÷ requests",
        measure: |scenario, recording| {
            of_metric(scenario, recording, MetricId::RetryAmplification, None)
        },
        write: crate::text::ratio,
    },
    FigureSpec {
        name: "failover",
        meaning: "from the start of the fault until the deployment's share of first attempts has dropped",
        measure: |scenario, recording| of_faulted(scenario, recording, MetricId::FailoverTime),
        write: seconds,
    },
    FigureSpec {
        name: "recovery",
        meaning: "from the end of the fault until the deployment's share of first attempts is restored",
        measure: |scenario, recording| of_faulted(scenario, recording, MetricId::RecoveryTime),
        write: seconds,
    },
    FigureSpec {
        name: "weights",
        meaning: "weight adherence of the first phase, in which all is well",
        measure: weights,
        write: crate::text::percent,
    },
    FigureSpec {
        name: "Retry-After kept",
        meaning: "429s whose Retry-After was honoured ÷ those with one",
        measure: |scenario, recording| {
            of_faulted(scenario, recording, MetricId::RetryAfterHonoured)
        },
        write: crate::text::percent,
    },
    FigureSpec {
        name: "p50",
        meaning: "median latency of successful requests",
        measure: |scenario, recording| of_metric(scenario, recording, MetricId::LatencyP50, None),
        write: millis,
    },
    FigureSpec {
        name: "p99",
        meaning: "99th percentile of their latency",
        measure: |scenario, recording| of_metric(scenario, recording, MetricId::LatencyP99, None),
        write: millis,
    },
    FigureSpec {
        name: "added p50",
        meaning: "median of a request's latency less its time at the provider, of one attempt, while all is well",
        measure: |scenario, recording| added_latency(scenario, recording, 0.5),
        write: fine_millis,
    },
    FigureSpec {
        name: "added p99",
        meaning: "99th percentile of the same",
        measure: |scenario, recording| added_latency(scenario, recording, 0.99),
        write: fine_millis,
    },
    FigureSpec {
        name: "CPU/request",
        meaning: "CPU time of the gateway's processes ÷ requests",
        measure: |_, recording| {
            let target = TargetSummary::of(recording);
            let cpu = target.and_then(|target| target.cpu_us_per_request);
            cpu.map_or_else(not_measured, |micros| ScoreValue::Value(micros as f64 / 1e6))
        },
        write: micros,
    },
    FigureSpec {
        name: "memory",
        meaning: "most resident memory of the gateway's processes",
        measure: |_, recording| {
            let target = TargetSummary::of(recording);
            let memory = target.and_then(|target| target.peak_memory_bytes);
            memory.map_or_else(not_measured, |bytes| ScoreValue::Value(bytes as f64))
        },
        write: |bytes| format!("{:.0} MiB", bytes / f64::from(1 << 20)),
    },
];

fn not_measured() -> ScoreValue {
    ScoreValue::Unknown("no process of its own".to_owned())
}

fn seconds(seconds: f64) -> String {
    format!("{seconds:.1} s")
}

fn millis(seconds: f64) -> String {
    format!("{} ms", crate::text::count((seconds * 1e3).round() as u64))
}

fn fine_millis(seconds: f64) -> String {
    format!("{:.2} ms", seconds * 1e3)
}

fn micros(seconds: f64) -> String {
    format!("{} µs", crate::text::count((seconds * 1e6).round() as u64))
}

/// A metric of the deployment with the first fault.
fn of_faulted(scenario: &Scenario, recording: &Recording, metric: MetricId) -> ScoreValue {
    let faulted = scenario.deployments().find(|(id, ..)| !scenario.faults_of(*id).is_empty());
    match faulted {
        Some((deployment, ..)) => {
            of_metric(scenario, recording, metric, Some(Argument::Deployment(deployment)))
        }
        None => ScoreValue::Unknown("no fault in this situation".to_owned()),
    }
}

/// A metric over the whole run.
fn of_metric(
    scenario: &Scenario,
    recording: &Recording,
    metric: MetricId,
    argument: Option<Argument>,
) -> ScoreValue {
    let window = scenario.measured();
    let query = MetricQuery {
        scenario,
        recording,
        argument,
        within: None,
        window: window.clone(),
        limit: None,
    };
    let refused = !refusing_providers(scenario, recording, argument, metric, &window).is_empty();
    match (measure(metric, &query), without_attempts(metric)) {
        (Measurement::Inconclusive { reason }, _) => ScoreValue::Unknown(reason),
        (Measurement::Measured(_), MissingAttempts::Unknown) if refused => {
            ScoreValue::Unknown("refused connections are in no log".to_owned())
        }
        (Measurement::Measured(measured), effect) => match number(measured.value) {
            None => ScoreValue::Never,
            Some(value) if refused && effect == MissingAttempts::LowerBound => {
                ScoreValue::AtLeast(value)
            }
            Some(value) => ScoreValue::Value(value),
        },
    }
}

/// Weight adherence of the first phase.
fn weights(scenario: &Scenario, recording: &Recording) -> ScoreValue {
    let Some(phase) = scenario.phases.first() else {
        return ScoreValue::Unknown("no phase in which all is well".to_owned());
    };
    let query = MetricQuery {
        scenario,
        recording,
        argument: Some(Argument::Group(scenario.target)),
        within: None,
        window: phase.start..phase.end,
        limit: None,
    };
    match measure(MetricId::WeightAdherence, &query) {
        Measurement::Inconclusive { reason } => ScoreValue::Unknown(reason),
        Measurement::Measured(measured) => {
            number(measured.value).map_or(ScoreValue::Never, ScoreValue::Value)
        }
    }
}

/// Seconds for a time; `None` for one that never came.
fn number(value: MetricValue) -> Option<f64> {
    match value {
        MetricValue::Fraction(number)
        | MetricValue::Ratio(number)
        | MetricValue::Dollars(number) => Some(number),
        MetricValue::Duration(Duration::MAX) => None,
        MetricValue::Duration(time) => Some(time.as_secs_f64()),
        MetricValue::Count(count) => Some(count as f64),
    }
}
