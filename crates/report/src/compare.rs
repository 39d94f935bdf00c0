//! The files of a comparison: a page, Markdown for a pull request, JSON for programs, and charts.

mod curves;
mod page;

pub use curves::{ComparedCurves, CurveBin, curve_bins};

use crate::ReportError;
use crate::charts::{DrawnChart, draw_differences, draw_overlays};
use squall_judge::{RunComparison, comparison_json, comparison_markdown, put, put_json};
use std::path::{Path, PathBuf};

/// Where the files of a comparison are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ComparisonPaths {
    /// `compare.html`.
    pub html: PathBuf,
    /// `compare.md`.
    pub markdown: PathBuf,
    /// `compare.json`.
    pub json: PathBuf,
}

/// The charts of a scenario: the differences of each candidate, and all sides over time.
pub(crate) struct ScenarioCharts {
    pub(crate) scenario: String,
    /// The place of its first comparison.
    pub(crate) first: usize,
    /// By the place of the comparison.
    pub(crate) differences: Vec<(usize, DrawnChart)>,
    pub(crate) overlays: Vec<DrawnChart>,
}

/// Writes `compare.html`, `compare.md`, `compare.json` and the charts into a folder, which is made if it is not there.
/// Curves come reference first; without any, there are no charts over time.
///
/// # Errors
/// When a file cannot be written.
pub fn write_comparison(
    dir: &Path,
    comparisons: &[RunComparison],
    curves: &[ComparedCurves],
) -> Result<ComparisonPaths, ReportError> {
    let paths = ComparisonPaths {
        html: dir.join("compare.html"),
        markdown: dir.join("compare.md"),
        json: dir.join("compare.json"),
    };
    put_json(&paths.json, &comparison_json(comparisons))?;
    put(&paths.markdown, comparison_markdown(comparisons).as_bytes())?;
    let charts = scenario_charts(comparisons, curves)?;
    for scenario in &charts {
        // Of several scenarios, each has its own files.
        let behind = match charts.len() {
            1 => String::new(),
            _ => format!("-{}", scenario.scenario),
        };
        for (place, (_, chart)) in scenario.differences.iter().enumerate() {
            let number = if place > 0 { format!("-{}", place + 1) } else { String::new() };
            put_chart(dir, &format!("{}{behind}{number}", chart.id), chart)?;
        }
        for chart in &scenario.overlays {
            put_chart(dir, &format!("{}{behind}", chart.id), chart)?;
        }
    }
    put(&paths.html, page::page(comparisons, &charts)?.as_bytes())?;
    Ok(paths)
}

fn put_chart(dir: &Path, name: &str, chart: &DrawnChart) -> Result<(), ReportError> {
    put(&dir.join(format!("{name}.svg")), chart.svg.as_bytes())?;
    put(&dir.join(format!("{name}.png")), &chart.png)?;
    Ok(())
}

fn scenario_charts(
    comparisons: &[RunComparison],
    curves: &[ComparedCurves],
) -> Result<Vec<ScenarioCharts>, ReportError> {
    let mut charts: Vec<ScenarioCharts> = Vec::new();
    for (place, comparison) in comparisons.iter().enumerate() {
        let scenario = &comparison.scenario;
        let at = match charts.iter().position(|charts| charts.scenario == *scenario) {
            Some(at) => at,
            None => {
                charts.push(ScenarioCharts {
                    scenario: scenario.clone(),
                    first: place,
                    differences: Vec::new(),
                    overlays: overlays(scenario, curves)?,
                });
                charts.len() - 1
            }
        };
        // Single runs have no intervals to draw.
        if comparison.rows.iter().any(|row| row.interval.is_some()) {
            charts[at].differences.push((place, draw_differences(comparison)?));
        }
    }
    Ok(charts)
}

fn overlays(scenario: &str, curves: &[ComparedCurves]) -> Result<Vec<DrawnChart>, ReportError> {
    let of_it: Vec<_> = curves.iter().filter(|curves| curves.scenario == scenario).collect();
    match of_it.len() {
        // One side alone shows no difference.
        0 | 1 => Ok(Vec::new()),
        _ => draw_overlays(&of_it),
    }
}

#[cfg(test)]
mod tests;
