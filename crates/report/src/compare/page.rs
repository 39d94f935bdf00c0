//! `compare.html`: what regressed first, then every figure with its interval, in one file.

use crate::ReportError;
use crate::page::{Fonts, render};
use serde::Serialize;
use squall_judge::{
    ComparedRow, ComparisonOutcome, RunComparison, comparison_reasons, comparison_title,
    comparison_verdict, worst_outcome,
};

#[derive(Serialize)]
struct ComparisonPage<'c> {
    #[serde(flatten)]
    fonts: Fonts,
    tone: &'static str,
    headline: String,
    parts: Vec<ComparisonSection<'c>>,
}

/// One candidate's runs of one scenario.
#[derive(Serialize)]
struct ComparisonSection<'c> {
    tone: &'static str,
    title: String,
    verdict: String,
    changed: &'c [[String; 3]],
    rows: Vec<FigureCells>,
    reasons: Vec<(String, String)>,
    others: Vec<FigureCells>,
    notes: &'c [String],
}

#[derive(Serialize)]
struct FigureCells {
    tone: &'static str,
    cells: [String; 6],
    reason: String,
}

pub(super) fn page(comparisons: &[RunComparison]) -> Result<String, ReportError> {
    let worst = worst_outcome(comparisons);
    let regressed: usize =
        comparisons.iter().map(|each| each.count(ComparisonOutcome::Regressed)).sum();
    let headline = match worst {
        ComparisonOutcome::Regressed if regressed == 1 => "1 figure regressed".to_owned(),
        ComparisonOutcome::Regressed => format!("{regressed} figures regressed"),
        ComparisonOutcome::Inconclusive => "inconclusive: the runs cannot tell".to_owned(),
        ComparisonOutcome::Improved => "improved, and no regression found".to_owned(),
        ComparisonOutcome::Changed | ComparisonOutcome::NoDifference => {
            "no difference found within the margins".to_owned()
        }
    };
    let parts = comparisons.iter().map(section).collect();
    render(
        "compare.html",
        ComparisonPage { fonts: Fonts::default(), tone: tone(worst), headline, parts },
    )
}

fn section(comparison: &RunComparison) -> ComparisonSection<'_> {
    let (shown, others) = comparison.shown();
    ComparisonSection {
        tone: tone(comparison.overall),
        title: comparison_title(comparison),
        verdict: comparison_verdict(comparison),
        changed: &comparison.changed,
        reasons: comparison_reasons(&shown),
        rows: shown.into_iter().map(cells).collect(),
        others: others.into_iter().map(cells).collect(),
        notes: &comparison.notes,
    }
}

fn cells(row: &ComparedRow) -> FigureCells {
    FigureCells { tone: tone(row.outcome), cells: row.cells(), reason: row.reason.clone() }
}

const fn tone(outcome: ComparisonOutcome) -> &'static str {
    match outcome {
        ComparisonOutcome::Regressed => "missed",
        ComparisonOutcome::Inconclusive => "inconclusive",
        ComparisonOutcome::Changed => "warned",
        ComparisonOutcome::Improved | ComparisonOutcome::NoDifference => "met",
    }
}
