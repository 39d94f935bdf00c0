//! The figures of a trace for a terminal, for programs, and as a page with its chart.

use super::TraceReport;
use crate::ReportError;
use crate::charts::{DrawnChart, dark_rules, draw_arrivals};
use crate::page::{Fonts, render};
use serde::Serialize;
use serde_json::{Value, json};
use squall_judge::table::{ColumnSide, align};
use squall_judge::{put, put_json, text};
use squall_trace::{SizeSummary, TraceDescription};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where the files about a trace are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TracePaths {
    /// `trace.html`.
    pub html: PathBuf,
    /// `trace.json`.
    pub json: PathBuf,
}

/// The figures as a JSON document.
#[must_use]
pub fn trace_json(trace: &TraceReport) -> Value {
    let TraceDescription { format, summary, .. } = &trace.description;
    json!({
        "schema_version": 1,
        "squall": env!("CARGO_PKG_VERSION"),
        "file": trace.file,
        "format": format.word(),
        "summary": summary,
    })
}

/// What a terminal shows.
#[must_use]
pub fn trace_lines(trace: &TraceReport) -> Vec<String> {
    let mut lines = vec![headline(trace), String::new()];
    let right = ColumnSide::Right;
    lines.extend(align(&window_table(trace), &[right; 7]));
    lines.push(String::new());
    lines.extend(facts(trace).into_iter().map(|(name, value)| format!("{name}: {value}")));
    let sizes = size_table(trace);
    if sizes.len() > 1 {
        lines.push(String::new());
        lines.extend(align(&sizes, &[ColumnSide::Left, right, right, right, right, right, right]));
    }
    lines
}

/// Writes `trace.html`, `trace.json` and the chart as `arrivals.svg` and `arrivals.png` into a folder, which is made if
/// it is not there.
///
/// # Errors
/// When a file cannot be written.
pub fn write_trace(dir: &Path, trace: &TraceReport) -> Result<TracePaths, ReportError> {
    let paths = TracePaths { html: dir.join("trace.html"), json: dir.join("trace.json") };
    let chart = draw_arrivals(trace)?;
    put(&dir.join("arrivals.svg"), chart.svg.as_bytes())?;
    put(&dir.join("arrivals.png"), &chart.png)?;
    put(&paths.html, page(trace, &chart)?.as_bytes())?;
    put_json(&paths.json, &trace_json(trace))?;
    Ok(paths)
}

fn headline(trace: &TraceReport) -> String {
    let summary = &trace.description.summary;
    format!(
        "{} ({}): {} requests in {}, {} per second",
        trace.file,
        trace.description.format,
        text::count(summary.rows),
        text::duration(Duration::from_secs_f64(summary.span_s)),
        figure(summary.mean_rps)
    )
}

/// A number with as many digits as tell something.
fn figure(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        100.0.. => text::count(value.round() as u64),
        1.0.. => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

const WINDOW_HEAD: [&str; 7] =
    ["window", "windows", "peak requests", "peak rps", "begins at", "peak to mean", "dispersion"];

fn window_table(trace: &TraceReport) -> Vec<[String; 7]> {
    let mut rows = vec![WINDOW_HEAD.map(str::to_owned)];
    rows.extend(trace.description.summary.windows.iter().map(|window| {
        let begins = window.busiest.first().map_or(0, |busy| busy.start_s);
        [
            format!("{} s", window.seconds),
            text::count(window.count),
            text::count(window.peak_requests),
            figure(window.peak_rps),
            format!("{begins} s"),
            format!("{:.2}", window.peak_to_mean),
            figure(window.dispersion),
        ]
    }));
    rows
}

const SIZE_HEAD: [&str; 7] = ["tokens", "mean", "p50", "p95", "p99", "max", "none"];

fn size_table(trace: &TraceReport) -> Vec<[String; 7]> {
    let summary = &trace.description.summary;
    let row = |name: &str, sizes: &SizeSummary| {
        let number = |value: f64| text::count(value.round() as u64);
        let name =
            if sizes.rounded { format!("{name} (to three digits)") } else { name.to_owned() };
        let max = text::count(u64::from(sizes.max));
        let none = text::percent(sizes.zero_share);
        let [p50, p95, p99] = [sizes.p50, sizes.p95, sizes.p99].map(number);
        [name, number(sizes.mean), p50, p95, p99, max, none]
    };
    let sizes = [("prompt", &summary.input_tokens), ("answer", &summary.output_tokens)];
    let rows = sizes.iter().filter_map(|(name, sizes)| Some(row(name, sizes.as_ref()?)));
    std::iter::once(SIZE_HEAD.map(str::to_owned)).chain(rows).collect()
}

/// Whatever else is told, each with its name.
fn facts(trace: &TraceReport) -> Vec<(&'static str, String)> {
    let summary = &trace.description.summary;
    let mut facts = Vec::new();
    if let Some(cv) = summary.gap_cv {
        let within =
            summary.gap_cv_10min.map(|cv| format!("; the median of ten minutes {}", figure(cv)));
        let within = within.unwrap_or_default();
        facts.push(("CV of the times between requests", format!("{}{within}", figure(cv))));
    }
    if summary.same_time_share > 0.0 {
        let share = text::percent(summary.same_time_share);
        facts.push(("at the time of the request before", format!("{share} of requests")));
    }
    let empty: Vec<_> = summary
        .windows
        .iter()
        .map(|window| format!("{} of {} s", text::percent(window.empty_share), window.seconds))
        .collect();
    if !empty.is_empty() {
        facts.push(("windows without a request", empty.join(", ")));
    }
    if let (Some(mean), Some(busiest)) = (summary.tokens_per_minute, summary.tokens_busiest_minute)
    {
        let [mean, busiest] = [mean.round() as u64, busiest].map(text::count);
        facts.push(("tokens per minute", format!("{mean}, {busiest} in the busiest minute")));
    }
    if let Some(correlation) = summary.size_correlation {
        facts.push(("correlation of prompts and answers", format!("{correlation:.2}")));
    }
    facts
}

#[derive(Serialize)]
struct TracePage<'p> {
    #[serde(flatten)]
    fonts: Fonts,
    dark_rules: String,
    file: &'p str,
    headline: String,
    windows: Vec<[String; 7]>,
    facts: Vec<(&'static str, String)>,
    sizes: Vec<[String; 7]>,
    chart: &'p str,
    narrow: &'p str,
    reading: &'p str,
}

fn page(trace: &TraceReport, chart: &DrawnChart) -> Result<String, ReportError> {
    render(
        "trace.html",
        TracePage {
            fonts: Fonts::default(),
            dark_rules: dark_rules(std::slice::from_ref(chart)),
            file: &trace.file,
            headline: headline(trace),
            windows: window_table(trace),
            facts: facts(trace),
            sizes: size_table(trace),
            chart: &chart.page_svg,
            narrow: chart.narrow_svg.as_deref().unwrap_or_default(),
            reading: chart.reading,
        },
    )
}
