//! The charts of a report. Each is a file here and a line in [`CHARTS`]; all draw into a
//! [`Picture`](picture::Picture), which becomes SVG and PNG from the same shapes.

mod attempts;
mod chart_context;
mod chart_data;
mod differences;
mod errors;
mod fault_labels;
mod font_metrics;
mod goodput;
mod latency;
mod legend;
mod overlay;
mod panel;
mod picture;
mod providers;
mod render;
mod retries;
mod shares;
mod theme;
mod time_axis;
mod traffic;

pub(crate) use chart_data::{ChartData, chart_data};
pub(crate) use font_metrics::{REGULAR, SEMIBOLD};

use crate::ReportError;
use crate::compare::ComparedCurves;
use crate::plan::PlanReport;
use chart_context::ChartContext;
use picture::Picture;
use squall_judge::RunComparison;
use squall_record::Recording;
use squall_scenario::Scenario;
use std::collections::BTreeSet;
use theme::Layout;

/// A chart of a report.
struct Chart {
    /// The name of its files.
    id: &'static str,
    /// How to read it, in a sentence.
    reading: &'static str,
    /// Whether it shows attempts, which are unknown of a target with providers of its own.
    shows_attempts: bool,
    draw: fn(&ChartContext<'_>) -> Picture,
}

/// Every chart, in the order of the report.
const CHARTS: [Chart; 8] = [
    Chart {
        id: "traffic",
        reading: "Line: requests completed; grey bars: requests offered. Where they diverge, requests \
             were delayed. Red bars are failed requests. Shaded ranges are injected faults.",
        shows_attempts: false,
        draw: traffic::draw,
    },
    Chart {
        id: "shares",
        reading: "A line within its grey band matches the weights up to random variation. The \
             effective weight excludes deployments whose provider is failing or has sent a \
             Retry-After that has not passed. Marks show how long traffic took to leave after a \
             fault started, and to return after it ended.",
        shows_attempts: true,
        draw: shares::draw,
    },
    Chart {
        id: "attempts",
        reading: "Failures are at the bottom of each bar, successes on top. The lane below each \
             chart shows when the deployment was ejected; in those times only probes should \
             appear above it.",
        shows_attempts: true,
        draw: attempts::draw,
    },
    Chart {
        id: "retries",
        reading: "A retry should go to another deployment immediately, and wait only if none is \
             available. Each dot is a retry after a wait. It should be below the dashed line of \
             its retry number, unless a Retry-After required a longer wait.",
        shows_attempts: true,
        draw: retries::draw,
    },
    Chart {
        id: "latency",
        reading: "Measured from the intended send time, so it includes failed attempts, backoff \
             and any lag of the driver. Bins with too few requests for a percentile are omitted.",
        shows_attempts: false,
        draw: latency::draw_latency,
    },
    Chart {
        id: "ttft",
        reading: "The delay until streamed output starts. Non-streamed answers are not included.",
        shows_attempts: false,
        draw: latency::draw_ttft,
    },
    Chart {
        id: "errors",
        reading: "Top: errors returned to clients. Below, where they are known: errors \
             returned by each provider. Errors that appear only below were absorbed by the router. \
             Each panel has its own scale.",
        shows_attempts: false,
        draw: errors::draw,
    },
    Chart {
        id: "providers",
        reading: "Throughput and attempt latency of each deployment, from the provider's log. A \
             deployment that slows down under load shows up here first.",
        shows_attempts: true,
        draw: providers::draw,
    },
];

/// A chart, drawn.
#[derive(Clone, Debug)]
pub struct DrawnChart {
    /// The name of its files, without an ending.
    pub id: &'static str,
    /// What it shows, in words.
    pub title: String,
    /// How to read it, in a sentence.
    pub reading: &'static str,
    /// As a standalone SVG.
    pub svg: String,
    /// As a part of a page.
    pub page_svg: String,
    /// As a part of a page that is narrow, if it has such a form.
    pub narrow_svg: Option<String>,
    /// Whether it is higher than wide: it fills a printed page.
    pub is_tall: bool,
    /// The colours in it, each with its counterpart on dark paper, in hexadecimal.
    pub dark: BTreeSet<(String, String)>,
    /// As a PNG, at twice the size.
    pub png: Vec<u8>,
}

/// The names of the files of every chart of a recording.
pub(crate) fn chart_files() -> impl Iterator<Item = String> {
    CHARTS.iter().flat_map(|chart| ["svg", "png"].map(|ending| format!("{}.{ending}", chart.id)))
}

/// Draws every chart of a recording.
///
/// # Errors
/// When the drawing library fails, which is a defect.
pub fn draw_charts(
    scenario: &Scenario,
    recording: &Recording,
) -> Result<Vec<DrawnChart>, ReportError> {
    let [wide, narrow] =
        [Layout::Wide, Layout::Narrow].map(|layout| ChartContext::new(scenario, recording, layout));
    let charts = CHARTS.iter().filter(|chart| wide.knows_attempts() || !chart.shows_attempts);
    let drawn = charts.map(|chart| {
        let pictures = ((chart.draw)(&wide), Some((chart.draw)(&narrow)));
        drawn(chart.id, chart.reading, &pictures)
    });
    drawn.collect()
}

/// Draws the curves of a plan.
///
/// # Errors
/// When the drawing library fails, which is a defect.
pub(crate) fn draw_goodput(plan: &PlanReport) -> Result<DrawnChart, ReportError> {
    drawn("goodput", goodput::READING, &(goodput::draw(plan), None))
}

/// Draws the differences of a comparison.
///
/// # Errors
/// When the drawing library fails, which is a defect.
pub(crate) fn draw_differences(comparison: &RunComparison) -> Result<DrawnChart, ReportError> {
    let [wide, narrow] =
        [Layout::Wide, Layout::Narrow].map(|layout| differences::draw(comparison, layout));
    drawn("differences", differences::READING, &(wide, Some(narrow)))
}

/// Draws two or more sides of a comparison over time, the reference first.
///
/// # Errors
/// When the drawing library fails, which is a defect.
pub(crate) fn draw_overlays(sides: &[&ComparedCurves]) -> Result<Vec<DrawnChart>, ReportError> {
    let charts = overlay::OVERLAYS.iter().map(|chart| {
        let [wide, narrow] =
            [Layout::Wide, Layout::Narrow].map(|layout| overlay::draw(chart, sides, layout));
        drawn(chart.id, chart.reading, &(wide, Some(narrow)))
    });
    charts.collect()
}

fn drawn(
    id: &'static str,
    reading: &'static str,
    (picture, narrow): &(Picture, Option<Picture>),
) -> Result<DrawnChart, ReportError> {
    let failed = |problem: String| ReportError::Draw { chart: id, problem };
    let narrow_svg =
        narrow.as_ref().map(|narrow| render::page_svg(narrow, &format!("{id}-narrow")));
    let inks = picture.inks().chain(narrow.iter().flat_map(Picture::inks));
    let hex = |(r, g, b): theme::Rgb| format!("#{r:02X}{g:02X}{b:02X}");
    Ok(DrawnChart {
        id,
        title: picture.title.clone(),
        reading,
        svg: render::svg(picture).map_err(failed)?,
        page_svg: render::page_svg(picture, id).map_err(failed)?,
        narrow_svg: narrow_svg.transpose().map_err(failed)?,
        is_tall: picture.height > picture.width,
        dark: inks.map(|(light, dark)| (hex(light), hex(dark))).collect(),
        png: render::png(picture).map_err(failed)?,
    })
}

/// The rules by which charts have the colours of dark paper.
pub(crate) fn dark_rules<'c>(charts: impl IntoIterator<Item = &'c DrawnChart>) -> String {
    let all: BTreeSet<_> = charts.into_iter().flat_map(|chart| &chart.dark).collect();
    let rules = all.into_iter().map(|(light, dark)| {
        format!("svg [fill=\"{light}\"]{{fill:{dark}}}svg [stroke=\"{light}\"]{{stroke:{dark}}}")
    });
    rules.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests;
