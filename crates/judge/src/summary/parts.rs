//! The parts of a summary.

use crate::metrics::{Measurement, MetricValue};
use crate::throttling::{Throttling, throttling};
use crate::verdict::VerdictRow;
use hdrhistogram::Histogram;
use schemars::JsonSchema;
use serde::Serialize;
use squall_determinism::Timestamp;
use squall_failure::FailureClass;
use squall_record::{ChangeInfo, GroupCells, Lag, Recording, RequestCell, ServerLag};
use squall_scenario::Scenario;
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

/// Failures by the word of their class; classes that did not occur are left out.
type Failures = BTreeMap<&'static str, u64>;

/// An expectation.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize)]
pub struct ExpectationSummary {
    /// As it stands in the scenario.
    pub text: String,
    /// The phase, if not the whole run.
    pub phase: Option<String>,
    /// `met`, `missed` or `inconclusive`; `warned` for a soft one that is missed or inconclusive.
    #[schemars(extend("enum" = ["met", "missed", "inconclusive", "warned"]))]
    pub verdict: &'static str,
    /// Whether it is soft: no verdict counts it. Left out where it is not.
    #[serde(skip_serializing_if = "is_hard")]
    pub soft: bool,
    /// The value in the unit of the metric: a share of one, milliseconds, a count, a ratio. None if
    /// nothing was measured, or if what was waited for never came.
    pub value: Option<f64>,
    /// The unit of `value`: `share`, `ms`, `count` or `ratio`.
    pub unit: Option<&'static str>,
    /// How many samples.
    pub n: Option<u64>,
    /// Why.
    pub reason: String,
    /// What else is to be known.
    pub detail: Vec<String>,
}

/// Everything together.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize)]
pub struct Totals {
    /// Requests whose user asked.
    pub requests: u64,
    /// Those answered whole.
    pub succeeded: u64,
    /// Those that failed.
    pub failed: Failures,
    /// Those given up.
    pub gave_up: u64,
    /// Those that the end of the run cut off.
    pub unfinished: u64,
    /// Succeeded ÷ (requests − unfinished); none without requests.
    pub success_rate: Option<f64>,
    /// Attempts at all deployments; none where they are unknown.
    pub attempts: Option<u64>,
    /// Attempts ÷ requests; none without requests, and where attempts are unknown.
    pub retry_amplification: Option<f64>,
}

/// A model group, or a kind of request.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize)]
pub struct GroupSummary {
    /// Its name.
    pub name: String,
    /// Requests for it.
    pub requests: u64,
    /// Those answered whole.
    pub succeeded: u64,
    /// From intended time to last byte, of those that succeeded.
    pub latency: Percentiles,
    /// From intended time to first token, of successful streams.
    pub ttft: Percentiles,
}

/// A deployment.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize)]
pub struct DeploymentSummary {
    /// Its name.
    pub name: String,
    /// Its group.
    pub group: String,
    /// Its provider.
    pub provider: String,
    /// Its weight as the run began.
    pub weight: u32,
    /// Attempts at it.
    pub attempts: u64,
    /// Those that were the first of their request.
    pub first_attempts: u64,
    /// Its part of the attempts of its group; none without attempts.
    pub share: Option<f64>,
    /// Its part of the first attempts of its group; none without any.
    pub first_share: Option<f64>,
    /// Attempts answered whole.
    pub succeeded: u64,
    /// Attempts that failed.
    pub failed: Failures,
    /// Attempts that the caller hung up on.
    pub abandoned: u64,
    /// Tokens of prompts.
    pub input_tokens: u64,
    /// Tokens of answers.
    pub output_tokens: u64,
    /// 429s with Retry-After.
    pub asked_to_wait: u64,
    /// Those of them that were broken.
    pub did_not_wait: u64,
    /// Attempts that were throttled, by the limit that they were over (its key in the scenario), `fault`, or `unknown`;
    /// left out where none was.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub throttled_by: BTreeMap<&'static str, u64>,
    /// From start to last byte, of attempts that succeeded.
    pub latency: Percentiles,
    /// From start to first token, of successful streams.
    pub ttft: Percentiles,
}

/// Percentiles in µs. Those with fewer than 10 ÷ (1 − q) samples are left out.
#[derive(Clone, Copy, Debug, Eq, PartialEq, JsonSchema, Serialize)]
pub struct Percentiles {
    /// How many samples.
    pub n: u64,
    /// The median.
    pub p50_us: Option<u64>,
    /// The 95th.
    pub p95_us: Option<u64>,
    /// The 99th.
    pub p99_us: Option<u64>,
}

/// A fault of the scenario.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize)]
pub struct FaultSummary {
    /// The provider.
    pub provider: String,
    /// What kind.
    pub kind: String,
    /// From when.
    pub start_ms: u64,
    /// Until when.
    pub end_ms: u64,
    /// How many of the arrivals it hits.
    pub share: f64,
}

/// Another configuration from some time on.
#[derive(Clone, Debug, Eq, PartialEq, JsonSchema, Serialize)]
pub struct ChangeSummary {
    /// From when.
    pub at_ms: u64,
    /// What changed, in a few words.
    pub what: String,
    /// The weight of each deployment from then on, in the order of the deployments.
    pub weights: Vec<u32>,
}

/// How late requests were sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq, JsonSchema, Serialize)]
pub struct LagSummary {
    /// Half were sent within this.
    pub p50_us: u64,
    /// 99 % were.
    pub p99_us: u64,
    /// All were.
    pub max_us: u64,
}

/// How late a part of a live run was.
#[derive(Clone, Debug, Eq, PartialEq, JsonSchema, Serialize)]
pub struct ServerLagSummary {
    /// Gateway or providers.
    pub part: String,
    /// Its scheduling lag.
    pub lag: LagSummary,
}

impl ServerLagSummary {
    pub(super) fn of(server: &ServerLag) -> Self {
        Self { part: server.part.clone(), lag: LagSummary::of(server.lag) }
    }
}

impl ExpectationSummary {
    pub(super) fn of(row: &VerdictRow) -> Self {
        let value = match &row.measurement {
            Measurement::Measured(measured) => Some(measured.value),
            Measurement::Inconclusive { .. } => None,
        };
        let (value, unit) = match value.map(number_and_unit) {
            Some((value, unit)) => (value, Some(unit)),
            None => (None, None),
        };
        Self {
            text: row.text.clone(),
            phase: row.phase.clone(),
            verdict: row.outcome().as_str(),
            soft: row.soft,
            value,
            unit,
            n: row.n(),
            reason: row.reason.clone(),
            detail: row.detail().to_vec(),
        }
    }
}

/// A value in the unit of its metric; none for a time that never came.
pub(crate) fn number_and_unit(value: MetricValue) -> (Option<f64>, &'static str) {
    match value {
        MetricValue::Fraction(fraction) => (Some(decimals(fraction)), "share"),
        MetricValue::Ratio(ratio) => (Some(decimals(ratio)), "ratio"),
        MetricValue::Dollars(dollars) => (Some(dollars), "dollars"),
        MetricValue::Count(count) => (Some(count as f64), "count"),
        MetricValue::Duration(Duration::MAX) => (None, "ms"),
        MetricValue::Duration(time) => (Some(decimals(time.as_secs_f64() * 1e3)), "ms"),
    }
}

impl Totals {
    pub(super) fn of(recording: &Recording, window: &Range<Timestamp>) -> Self {
        let cells = &recording.cells;
        let sums: Vec<_> = cells.groups.iter().map(|group| group.sum(window.clone())).collect();
        let all = |count: fn(&RequestCell) -> u32| {
            sums.iter().map(|sum| u64::from(count(sum))).sum::<u64>()
        };
        let attempts = cells.deployments.iter().map(|each| each.sum(window.clone()).started);
        let (requests, attempts) = (all(|sum| sum.arrived), attempts.map(u64::from).sum());
        let attempts = recording.header.knows_attempts().then_some(attempts);
        let (succeeded, unfinished) = (all(|sum| sum.succeeded), all(|sum| sum.unfinished));
        let mut failed = Failures::new();
        for sum in &sums {
            for (class, count) in failures(&sum.failed) {
                *failed.entry(class).or_default() += count;
            }
        }
        Self {
            requests,
            succeeded,
            failed,
            gave_up: all(|sum| sum.gave_up),
            unfinished,
            success_rate: part(succeeded, requests - unfinished),
            attempts,
            retry_amplification: attempts.and_then(|attempts| part(attempts, requests)),
        }
    }
}

impl GroupSummary {
    pub(super) fn all(recording: &Recording, window: &Range<Timestamp>) -> Vec<Self> {
        Self::each(&recording.header.groups, &recording.cells.groups, window)
    }

    /// The kinds of requests; none where there is one alone.
    pub(super) fn kinds(recording: &Recording, window: &Range<Timestamp>) -> Vec<Self> {
        Self::each(&recording.header.kinds, &recording.cells.kinds, window)
    }

    fn each(names: &[String], cells: &[GroupCells], window: &Range<Timestamp>) -> Vec<Self> {
        let summary = names.iter().zip(cells).map(|(name, cells)| {
            let sum = cells.sum(window.clone());
            Self {
                name: name.clone(),
                requests: sum.arrived.into(),
                succeeded: sum.succeeded.into(),
                latency: Percentiles::of(&cells.latency.window(window.clone())),
                ttft: Percentiles::of(&cells.ttft.window(window.clone())),
            }
        });
        summary.collect()
    }
}

impl DeploymentSummary {
    pub(super) fn all(scenario: &Scenario, recording: &Recording) -> Vec<Self> {
        let (header, window) = (&recording.header, scenario.measured());
        let throttled = throttling(scenario, recording);
        if !header.knows_attempts() {
            return Vec::new();
        }
        let cells = &recording.cells.deployments;
        let sums: Vec<_> = cells.iter().map(|cells| cells.sum(window.clone())).collect();
        let name = |names: &[String], place: u16| {
            names.get(usize::from(place)).cloned().unwrap_or_default()
        };
        let members = |group| {
            let all = header.deployments.iter().zip(&sums);
            all.filter(move |(info, _)| info.group == group).map(|(_, sum)| sum)
        };
        let all = header.deployments.iter().zip(cells).zip(&sums).zip(0..);
        let summary = all.map(|(((info, cells), sum), place)| Self {
            name: info.name.clone(),
            group: name(&header.groups, info.group),
            provider: name(&header.providers, info.provider),
            weight: info.weight,
            attempts: sum.started.into(),
            first_attempts: sum.first.into(),
            share: part(
                sum.started.into(),
                members(info.group).map(|sum| u64::from(sum.started)).sum(),
            ),
            first_share: part(
                sum.first.into(),
                members(info.group).map(|sum| u64::from(sum.first)).sum(),
            ),
            succeeded: sum.succeeded.into(),
            failed: failures(&sum.failed).collect(),
            abandoned: sum.abandoned.into(),
            input_tokens: sum.input_tokens,
            output_tokens: sum.output_tokens,
            asked_to_wait: sum.asked_to_wait.into(),
            did_not_wait: sum.did_not_wait.into(),
            throttled_by: throttled_by(&throttled, place),
            latency: Percentiles::of(&cells.latency.window(window.clone())),
            ttft: Percentiles::of(&cells.ttft.window(window.clone())),
        });
        summary.collect()
    }
}

/// How often a deployment throttled for each cause.
fn throttled_by(all: &[Throttling], deployment: u16) -> BTreeMap<&'static str, u64> {
    let mut causes = BTreeMap::new();
    for throttled in all.iter().filter(|each| each.deployment == deployment) {
        *causes.entry(throttled.cause.as_str()).or_default() += throttled.attempts;
    }
    causes
}

impl Percentiles {
    fn of(histogram: &Histogram<u64>) -> Self {
        let n = histogram.len();
        let value = |quantile: f64| {
            let enough = n as f64 * (1.0 - quantile) >= 10.0 - 1e-9;
            enough.then(|| histogram.value_at_quantile(quantile))
        };
        Self { n, p50_us: value(0.5), p95_us: value(0.95), p99_us: value(0.99) }
    }
}

impl FaultSummary {
    pub(super) fn all(scenario: &Scenario) -> Vec<Self> {
        let of_provider = scenario.providers.iter().flat_map(|provider| {
            provider.config.faults.iter().map(move |fault| Self {
                provider: provider.name.clone(),
                kind: fault.kind.to_string(),
                start_ms: fault.at.as_nanos() / 1_000_000,
                end_ms: fault.until().as_nanos() / 1_000_000,
                share: decimals(fault.share.as_f64()),
            })
        });
        of_provider.collect()
    }
}

impl ChangeSummary {
    pub(super) fn of(change: &ChangeInfo) -> Self {
        let ChangeInfo { at, what, weights } = change;
        Self { at_ms: at.as_nanos() / 1_000_000, what: what.clone(), weights: weights.clone() }
    }
}

impl LagSummary {
    pub(super) fn of(lag: Lag) -> Self {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        Self { p50_us: micros(lag.p50), p99_us: micros(lag.p99), max_us: micros(lag.max) }
    }
}

fn failures(counts: &[u32]) -> impl Iterator<Item = (&'static str, u64)> + '_ {
    let classes = FailureClass::ALL.iter().zip(counts).filter(|(_, count)| **count > 0);
    classes.map(|(class, count)| (class.as_str(), u64::from(*count)))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
pub(crate) const fn is_hard(soft: &bool) -> bool {
    !*soft
}

/// A part of a whole, if there is one.
fn part(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| decimals(part as f64 / whole as f64))
}

/// At most six decimals.
fn decimals(number: f64) -> f64 {
    (number * 1e6).round() / 1e6
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
