//! `compare.json`.

use super::super::{ComparedRow, ComparisonMethod, RunComparison, SideSummary, worst_outcome};
use crate::seeds::{CONFIDENCE, FALSE_ALARMS};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// `compare.json`: what differs between runs of scenarios.
#[derive(Debug, JsonSchema, Serialize)]
pub(crate) struct ComparisonFile<'c> {
    /// Of this form: 1. Fields may be added to a version, never taken or changed.
    schema_version: u32,
    /// The version of squall that compared.
    squall: &'static str,
    /// The worst of the comparisons.
    #[schemars(extend("enum" = ["regressed", "inconclusive", "improved", "no difference"]))]
    verdict: &'static str,
    /// How sure an interval is.
    confidence: f64,
    /// How often a command calls anything regressed or improved that is not.
    false_alarms: f64,
    /// One for each candidate and scenario.
    comparisons: Vec<ComparisonPart<'c>>,
}

#[derive(Debug, JsonSchema, Serialize)]
struct ComparisonPart<'c> {
    /// The scenario's name.
    scenario: &'c str,
    /// What the reference is called.
    reference: &'c str,
    /// What the candidate is called.
    candidate: &'c str,
    /// Paired by seed, or by the means of both.
    #[schemars(extend("enum" = ["paired", "unpaired"]))]
    method: &'static str,
    /// The worst of its figures.
    #[schemars(extend("enum" = ["regressed", "inconclusive", "improved", "no difference"]))]
    verdict: &'static str,
    /// A row for each figure.
    figures: Vec<FigurePart<'c>>,
    /// What differs between the two configurations.
    changed: Vec<ChangedPart<'c>>,
    /// What decides nothing and should be known.
    notes: &'c [String],
}

#[derive(Debug, JsonSchema, Serialize)]
struct ChangedPart<'c> {
    /// The path of a setting.
    path: &'c str,
    /// Its value in the reference.
    reference: &'c str,
    /// Its value in the candidate.
    candidate: &'c str,
}

#[derive(Debug, JsonSchema, Serialize)]
struct FigurePart<'c> {
    /// As an expectation names it.
    figure: &'c str,
    /// Of every number here: `share`, `ms`, `count`, `ratio` or `dollars`.
    unit: &'static str,
    /// Whether the comparison is inconclusive while this figure may be worse.
    key: bool,
    /// Of the reference.
    reference: SidePart,
    /// Of the candidate.
    candidate: SidePart,
    /// Candidate − reference; null where either has no value.
    difference: Option<f64>,
    /// The interval that holds the difference; null for a single run.
    interval: Option<[f64; 2]>,
    /// How much worse is no regression.
    margin: f64,
    /// How likely so bad a mean is if the figure is worse by the margin.
    p_regressed: Option<f64>,
    /// How likely so good a mean is if the figure is better by the margin.
    p_improved: Option<f64>,
    /// Whether the runs show that it is not worse by more than the margin.
    not_worse: bool,
    /// What came of it.
    #[schemars(extend("enum" = ["regressed", "improved", "changed", "no difference", "inconclusive"]))]
    verdict: &'static str,
    /// Why.
    reason: &'c str,
}

#[derive(Debug, JsonSchema, Serialize)]
struct SidePart {
    /// The mean over the runs that were compared; null if none was.
    mean: Option<f64>,
    /// How many runs have a value.
    runs: usize,
    /// In how many of them what was waited for never came: those count as long as the run is.
    never: usize,
    /// In how many runs it could not be measured.
    unknown: usize,
}

/// Comparisons for programs.
#[must_use]
pub fn comparison_json(comparisons: &[RunComparison]) -> Value {
    let file = ComparisonFile {
        schema_version: 1,
        squall: env!("CARGO_PKG_VERSION"),
        verdict: worst_outcome(comparisons).as_str(),
        confidence: CONFIDENCE,
        false_alarms: FALSE_ALARMS,
        comparisons: comparisons.iter().map(part).collect(),
    };
    // Numbers and texts are always written.
    serde_json::to_value(file).unwrap_or_default()
}

fn part(comparison: &RunComparison) -> ComparisonPart<'_> {
    let changed = comparison.changed.iter();
    ComparisonPart {
        scenario: &comparison.scenario,
        reference: &comparison.reference,
        candidate: &comparison.candidate,
        method: match comparison.method {
            ComparisonMethod::Paired(_) => "paired",
            ComparisonMethod::Unpaired(..) => "unpaired",
        },
        verdict: comparison.overall.as_str(),
        figures: comparison.rows.iter().map(row).collect(),
        changed: changed
            .map(|[path, reference, candidate]| ChangedPart { path, reference, candidate })
            .collect(),
        notes: &comparison.notes,
    }
}

fn row(row: &ComparedRow) -> FigurePart<'_> {
    // Numbers of JSON are finite.
    let finite =
        |(low, high): (f64, f64)| (low.is_finite() && high.is_finite()).then_some([low, high]);
    FigurePart {
        figure: &row.figure.name,
        unit: row.figure.unit(),
        key: row.figure.is_key,
        reference: side(row.reference),
        candidate: side(row.candidate),
        difference: row.difference,
        interval: row.interval.and_then(finite),
        margin: row.margin,
        p_regressed: row.p_regressed,
        p_improved: row.p_improved,
        not_worse: row.is_not_worse,
        verdict: row.outcome.as_str(),
        reason: &row.reason,
    }
}

const fn side(side: SideSummary) -> SidePart {
    let SideSummary { mean, runs, never, unknown } = side;
    SidePart { mean, runs, never, unknown }
}
