//! `compare.html`: what regressed first, then every figure with its interval, in one file.

use super::ScenarioCharts;
use crate::ReportError;
use crate::charts::{DrawnChart, dark_rules};
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
    dark_rules: String,
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
    /// Its differences, and with the first candidate of a scenario all sides over time.
    charts: Vec<ComparisonFigure<'c>>,
    changed: &'c [[String; 3]],
    rows: Vec<FigureCells>,
    reasons: Vec<(String, String)>,
    others: Vec<FigureCells>,
    notes: &'c [String],
}

#[derive(Serialize)]
struct ComparisonFigure<'c> {
    title: &'c str,
    reading: &'c str,
    svg: &'c str,
    narrow: Option<&'c str>,
}

#[derive(Serialize)]
struct FigureCells {
    tone: &'static str,
    cells: [String; 6],
    reason: String,
}

pub(super) fn page(
    comparisons: &[RunComparison],
    charts: &[ScenarioCharts],
) -> Result<String, ReportError> {
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
    let all = charts.iter().flat_map(|scenario| {
        scenario.differences.iter().map(|(_, chart)| chart).chain(&scenario.overlays)
    });
    let parts = comparisons.iter().enumerate();
    let page = ComparisonPage {
        fonts: Fonts::default(),
        dark_rules: dark_rules(all),
        tone: tone(worst),
        headline,
        parts: parts.map(|(place, comparison)| section(comparison, place, charts)).collect(),
    };
    render("compare.html", page)
}

fn section<'c>(
    comparison: &'c RunComparison,
    place: usize,
    charts: &'c [ScenarioCharts],
) -> ComparisonSection<'c> {
    let (shown, others) = comparison.shown();
    let mut figures = Vec::new();
    for scenario in charts {
        let differences = scenario.differences.iter().filter(|(of, _)| *of == place);
        figures.extend(differences.map(|(_, chart)| figure(chart)));
        if scenario.first == place {
            figures.extend(scenario.overlays.iter().map(figure));
        }
    }
    ComparisonSection {
        tone: tone(comparison.overall),
        title: comparison_title(comparison),
        verdict: comparison_verdict(comparison),
        charts: figures,
        changed: &comparison.changed,
        reasons: comparison_reasons(&shown),
        rows: shown.into_iter().map(cells).collect(),
        others: others.into_iter().map(cells).collect(),
        notes: &comparison.notes,
    }
}

fn figure(chart: &DrawnChart) -> ComparisonFigure<'_> {
    ComparisonFigure {
        title: &chart.title,
        reading: chart.reading,
        svg: &chart.page_svg,
        narrow: chart.narrow_svg.as_deref(),
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
