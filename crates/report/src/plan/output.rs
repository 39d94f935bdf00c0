//! A plan, told on a terminal and in files.

use super::rows::{
    ANSWER_HEAD, NEED_HEAD, answer_rows, interrupted, need_rows, not_monotone, question,
};
use super::{PlanCurve, PlanRange, PlanReport, page};
use crate::ReportError;
use crate::charts::draw_goodput;
use serde::Serialize;
use squall_judge::table::{ColumnSide, align};
use squall_judge::{put, put_json};
use std::path::{Path, PathBuf};

/// Where the files of a plan are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PlanPaths {
    /// `plan.html`.
    pub html: PathBuf,
    /// `plan.json`.
    pub json: PathBuf,
    /// `plan.md`.
    pub markdown: PathBuf,
}

/// Writes `plan.html`, `plan.md`, `plan.json` and the curve as `goodput.svg` and `goodput.png` into a folder,
/// which is made if it is not there.
///
/// # Errors
/// When a file cannot be written.
pub fn write_plan(dir: &Path, plan: &PlanReport) -> Result<PlanPaths, ReportError> {
    let paths = PlanPaths {
        html: dir.join("plan.html"),
        json: dir.join("plan.json"),
        markdown: dir.join("plan.md"),
    };
    let chart = draw_goodput(plan)?;
    put(&dir.join("goodput.svg"), chart.svg.as_bytes())?;
    put(&dir.join("goodput.png"), &chart.png)?;
    put(&paths.html, page::page(plan, &chart)?.as_bytes())?;
    put(&paths.markdown, plan_markdown(plan).as_bytes())?;
    put_json(&paths.json, &Json::of(plan))?;
    Ok(paths)
}

/// What a terminal shows.
#[must_use]
pub fn plan_lines(plan: &PlanReport) -> Vec<String> {
    let mut lines = Vec::new();
    if !plan.answers.is_empty() {
        lines.push(format!("{}: {}", plan.scenario, question(plan)));
        lines.push(String::new());
        let mut rows = vec![ANSWER_HEAD.map(str::to_owned)];
        rows.extend(answer_rows(plan));
        lines.extend(align(
            &rows,
            &[ColumnSide::Left, ColumnSide::Right, ColumnSide::Right, ColumnSide::Left],
        ));
        lines.push(String::new());
        for sentence in not_monotone(plan) {
            lines.extend([sentence, String::new()]);
        }
    }
    if plan.answers.is_empty() {
        lines.extend(curve_lines(plan));
        lines.push(String::new());
    }
    if !plan.needs.is_empty() {
        let target = plan.varied.write(plan.target);
        lines.push(format!("demand at each limit for {target}, at most:"));
        lines.push(String::new());
        let mut rows = vec![NEED_HEAD.map(str::to_owned)];
        rows.extend(need_rows(plan));
        let right = ColumnSide::Right;
        lines.extend(align(&rows, &[ColumnSide::Left, right, right, right, right, right]));
        lines.push(String::new());
    }
    lines.extend(interrupted(plan).map(str::to_owned));
    lines
}

/// The world as it is along the range, a line for each value.
fn curve_lines(plan: &PlanReport) -> Vec<String> {
    let Some(curve) = plan.curves.first() else { return Vec::new() };
    let head = [plan.varied.path.as_str(), "offered rps", "goodput rps", "verdict"];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(curve.points.iter().map(|point| {
        [
            plan.varied.write(point.value),
            format!("{:.1}", point.offered),
            format!("{:.1}", point.goodput[1]),
            if point.met { "met" } else { "not met" }.to_owned(),
        ]
    }));
    align(&rows, &[ColumnSide::Right, ColumnSide::Right, ColumnSide::Right, ColumnSide::Left])
}

/// A plan as Markdown.
#[must_use]
pub fn plan_markdown(plan: &PlanReport) -> String {
    let mut out = format!("### `{}`: {}\n", plan.scenario, question(plan));
    let table = |head: &[&str], rows: Vec<Vec<String>>| {
        let mut out = format!("\n| {} |\n|", head.join(" | "));
        for column in 0..head.len() {
            out += if column == 0 { " --- |" } else { " ---: |" };
        }
        out.push('\n');
        for row in rows {
            let cells: Vec<_> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
            out += &format!("| {} |\n", cells.join(" | "));
        }
        out
    };
    out.extend(interrupted(plan).map(|interrupted| format!("\n**{interrupted}**\n")));
    out += &table(&ANSWER_HEAD, answer_rows(plan).into_iter().map(Vec::from).collect());
    out.extend(not_monotone(plan).iter().map(|sentence| format!("\n{sentence}\n")));
    if !plan.needs.is_empty() {
        out +=
            &format!("\nDemand at each limit for {}, at most:\n", plan.varied.write(plan.target));
        out += &table(&NEED_HEAD, need_rows(plan).into_iter().map(Vec::from).collect());
    }
    out
}

/// `plan.json`.
#[derive(Serialize)]
struct Json<'p> {
    schema_version: u32,
    squall: &'static str,
    scenario: &'p str,
    file: &'p str,
    varied: &'p str,
    written: f64,
    unit: &'p str,
    until: &'p [String],
    seeds: usize,
    answers: Vec<JsonAnswer<'p>>,
    curves: Vec<JsonCurve<'p>>,
    target: f64,
    limits: Vec<JsonNeed<'p>>,
    interrupted: bool,
}

#[derive(Serialize)]
struct JsonAnswer<'p> {
    gone: Option<&'p str>,
    met_up_to: Option<f64>,
    missed_from: Option<f64>,
    gives_first: Option<&'p str>,
    /// Whether every tried value is met that is easier than one that is.
    monotone: bool,
    /// Where it is not: what is met.
    met_ranges: Vec<JsonRange>,
    interrupted: bool,
}

#[derive(Serialize)]
struct JsonRange {
    not_met_below: Option<f64>,
    from: f64,
    to: f64,
    not_met_above: Option<f64>,
}

#[derive(Serialize)]
struct JsonCurve<'p> {
    gone: Option<&'p str>,
    points: Vec<JsonPoint>,
}

#[derive(Serialize)]
struct JsonPoint {
    value: f64,
    offered_rps: f64,
    goodput_rps: [f64; 3],
    met: bool,
}

#[derive(Serialize)]
struct JsonNeed<'p> {
    provider: &'p str,
    limit: &'static str,
    now: Option<u64>,
    asked: u64,
    whoever_is_gone: u64,
    to_buy: Option<u64>,
}

impl<'p> Json<'p> {
    fn of(plan: &'p PlanReport) -> Self {
        let answers = plan.answers.iter().map(|answer| JsonAnswer {
            gone: answer.gone.as_deref(),
            met_up_to: answer.met,
            missed_from: answer.missed,
            gives_first: answer.gave.as_deref(),
            monotone: answer.ranges.is_empty(),
            met_ranges: answer.ranges.iter().map(JsonRange::of).collect(),
            interrupted: answer.interrupted,
        });
        let needs = plan.needs.iter().map(|need| JsonNeed {
            provider: &need.provider,
            limit: need.limit,
            now: need.now,
            asked: need.healthy,
            whoever_is_gone: need.without_any,
            to_buy: need.to_buy(),
        });
        Self {
            schema_version: 1,
            squall: env!("CARGO_PKG_VERSION"),
            scenario: &plan.scenario,
            file: &plan.origin.path,
            varied: &plan.varied.path,
            written: plan.varied.written,
            unit: &plan.varied.unit,
            until: &plan.until,
            seeds: plan.seeds,
            answers: answers.collect(),
            curves: plan.curves.iter().map(JsonCurve::of).collect(),
            target: plan.target,
            limits: needs.collect(),
            interrupted: plan.interrupted,
        }
    }
}

impl JsonRange {
    const fn of(range: &PlanRange) -> Self {
        let PlanRange { below, from, to, above } = *range;
        Self { not_met_below: below, from, to, not_met_above: above }
    }
}

impl<'p> JsonCurve<'p> {
    fn of(curve: &'p PlanCurve) -> Self {
        let points = curve.points.iter().map(|point| JsonPoint {
            value: point.value,
            offered_rps: point.offered,
            goodput_rps: point.goodput,
            met: point.met,
        });
        Self { gone: curve.gone.as_deref(), points: points.collect() }
    }
}
