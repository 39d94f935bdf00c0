//! `summary.json` of a check.

use super::{Claim, SeedsRow, SeedsVerdict};
use crate::metrics::MetricValue;
use crate::summary::{is_hard, number_and_unit};
use crate::verdict::Judgement;
use schemars::JsonSchema;
use serde::Serialize;

/// `summary.json` of a check: scenarios over many seeds.
#[derive(JsonSchema, Serialize)]
pub(crate) struct CheckSummary<'v> {
    /// Of this form: 1. Fields may be added to a version, never taken or changed.
    schema_version: u32,
    /// The version of squall.
    squall: &'static str,
    /// `met`, `missed` or `inconclusive`.
    #[schemars(extend("enum" = ["met", "missed", "inconclusive"]))]
    verdict: &'static str,
    /// Each scenario, or each case of one.
    scenarios: Vec<ScenarioLine<'v>>,
}

#[derive(JsonSchema, Serialize)]
struct ScenarioLine<'v> {
    /// Its name.
    scenario: &'v str,
    /// Its file, as it was named.
    file: &'v str,
    /// What was set otherwise than it stands there, as `PATH=VALUE`.
    settings: &'v [String],
    /// `met`, `missed` or `inconclusive`.
    #[schemars(extend("enum" = ["met", "missed", "inconclusive"]))]
    verdict: &'static str,
    /// The first seed; null if none was run.
    first_seed: Option<u64>,
    /// How many seeds were run.
    seeds: usize,
    /// How much of the start of each run no metric counts; left out without a warm-up.
    #[serde(skip_serializing_if = "Option::is_none")]
    warm_up_ms: Option<u64>,
    /// Whether it was interrupted before all seeds that were asked for were run.
    interrupted: bool,
    /// Each expectation, then each that a baseline knows.
    expectations: Vec<RowLine<'v>>,
    /// What decides nothing and should be known.
    warnings: &'v [String],
}

#[derive(JsonSchema, Serialize)]
struct RowLine<'v> {
    /// As it stands in the scenario.
    text: &'v str,
    /// Its line there, from 1.
    line: u32,
    /// The phase it is about, if not the whole run.
    phase: Option<&'v str>,
    /// `every run`, `p95`, `baseline` or `baseline median`.
    claim: String,
    /// The limit with its comparison.
    limit: &'v str,
    /// `warned` for a soft one that is missed or inconclusive.
    #[schemars(extend("enum" = ["met", "missed", "inconclusive", "warned"]))]
    verdict: &'static str,
    /// Whether it is soft; left out where it is not.
    #[serde(skip_serializing_if = "is_hard")]
    soft: bool,
    /// Why.
    reason: &'v str,
    /// `share`, `ms`, `count`, `ratio` or `dollars`; of the three that follow.
    unit: Option<&'static str>,
    /// Of all seeds.
    least: Option<f64>,
    /// Of all seeds.
    median: Option<f64>,
    /// Of all seeds.
    most: Option<f64>,
    /// The seed whose value is nearest to the limit, or farthest beyond it.
    worst_seed: Option<u64>,
    /// The seeds whose run missed the limit by itself.
    missed_seeds: &'v [u64],
    /// How likely so many misses are if the expectation holds; of a row that some seeds missed.
    p_value: Option<f64>,
}

pub(super) fn check(verdicts: &[SeedsVerdict]) -> CheckSummary<'_> {
    let any = |judgement| verdicts.iter().any(|verdict| verdict.overall == judgement);
    let overall = [Judgement::Missed, Judgement::Inconclusive].into_iter().find(|&each| any(each));
    CheckSummary {
        schema_version: 1,
        squall: env!("CARGO_PKG_VERSION"),
        verdict: overall.unwrap_or(Judgement::Met).as_str(),
        scenarios: verdicts.iter().map(scenario).collect(),
    }
}

fn scenario(verdict: &SeedsVerdict) -> ScenarioLine<'_> {
    ScenarioLine {
        scenario: &verdict.scenario,
        file: &verdict.origin.path,
        settings: &verdict.origin.settings,
        verdict: verdict.overall.as_str(),
        first_seed: verdict.seeds.first().copied(),
        seeds: verdict.seeds.len(),
        warm_up_ms: Some(verdict.warm_up.as_nanos() / 1_000_000).filter(|millis| *millis > 0),
        interrupted: verdict.interrupted().is_some(),
        expectations: verdict.shown().map(row).collect(),
        warnings: &verdict.warnings,
    }
}

fn row(row: &SeedsRow) -> RowLine<'_> {
    let number = |value: Option<MetricValue>| value.and_then(|value| number_and_unit(value).0);
    RowLine {
        text: &row.text,
        line: row.line,
        phase: row.phase.as_deref(),
        claim: match row.claim {
            Claim::EveryRun => "every run".to_owned(),
            Claim::Quantile(quantile) => format!("p{}", crate::text::ratio(quantile * 100.0)),
            Claim::Baseline => "baseline".to_owned(),
            Claim::BaselineMedian => "baseline median".to_owned(),
        },
        limit: &row.limit,
        verdict: row.outcome().as_str(),
        soft: row.soft,
        reason: &row.reason,
        unit: row.spread.map(|spread| number_and_unit(spread.median).1),
        least: number(row.spread.map(|spread| spread.least)),
        median: number(row.spread.map(|spread| spread.median)),
        most: number(row.spread.map(|spread| spread.most)),
        worst_seed: row.spread.map(|spread| spread.worst),
        missed_seeds: &row.missed,
        p_value: row.doubt.as_ref().map(|doubt| doubt.p_value),
    }
}
