//! The charts of a report. Each is a file here and a line in [`CHARTS`]; all draw into a
//! [`Picture`](picture::Picture), which becomes SVG and PNG from the same shapes.

mod amplification;
mod arrivals;
mod attempts;
mod chart_context;
mod chart_data;
mod client_calls;
mod counts_and_ratio;
mod deployment_states;
mod differences;
mod errors;
mod fault_labels;
mod following_attempts;
mod font_metrics;
mod goodput;
mod latency;
mod latency_map;
mod legend;
mod limits;
mod load;
mod overlay;
mod panel;
mod picture;
mod plot_axes;
mod providers;
mod render;
mod retries;
mod shares;
mod spend;
mod states;
mod theme;
mod time_axis;
mod traffic;
mod walked_rows;

pub(crate) use chart_data::{ChartData, chart_data};
pub(crate) use font_metrics::{REGULAR, SEMIBOLD};

use crate::ReportError;
use crate::compare::ComparedCurves;
use crate::plan::PlanReport;
use crate::trace::TraceReport;
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
    /// Whether the run has something to show on it: a chart that has nothing to say is left out.
    applies: fn(&ChartContext<'_>) -> bool,
    draw: fn(&ChartContext<'_>) -> Picture,
    /// Its numbers, for the script of the page.
    series: fn(&ChartContext<'_>, &mut ChartData),
}

/// Whether attempts are known: not those of a target with providers of its own.
const ATTEMPTS: fn(&ChartContext<'_>) -> bool = |context| context.knows_attempts();
const ALWAYS: fn(&ChartContext<'_>) -> bool = |_| true;

/// Every chart, in the order of the report.
const CHARTS: [Chart; 15] = [
    Chart {
        id: "traffic",
        reading: "Line: requests completed; grey bars: requests offered. Where they diverge, requests \
             were delayed. Red bars are requests that failed, at the time at which they were to \
             be sent. Shaded ranges are injected faults.",
        applies: ALWAYS,
        draw: traffic::draw,
        series: traffic::series,
    },
    Chart {
        id: "client-calls",
        reading: "What clients send beyond one call for each request, and why. Retries that rise while requests fail \
             are a retry storm: they are load that no user asked for. A ratio that stays up after a fault \
             has ended keeps the overload going.",
        applies: client_calls::applies,
        draw: client_calls::draw,
        series: client_calls::series,
    },
    Chart {
        id: "load",
        reading: "The path follows the run, stronger with time. On the dashed line every request \
             succeeds. A way back that is below the way there is a system that does not recover \
             with its load.",
        applies: load::applies,
        draw: load::draw,
        series: load::series,
    },
    Chart {
        id: "shares",
        reading: "A line within its grey band matches the weights up to random variation. The \
             effective weight excludes deployments whose provider is failing or has sent a \
             Retry-After that has not passed. Marks show how long traffic took to leave after a \
             fault started, and to return after it ended.",
        applies: ATTEMPTS,
        draw: shares::draw,
        series: shares::series,
    },
    Chart {
        id: "states",
        reading: "A low bar is a healthy deployment. Higher forms say why the router passed it over: a half \
             bar after throttling, a full one while it was ejected, a hollow one until its probe was \
             answered; a wedge is a share that grows again.",
        applies: states::applies,
        draw: states::draw,
        series: states::series,
    },
    Chart {
        id: "attempts",
        reading: "Failures are at the bottom of each bar, successes on top. The lane below each \
             chart shows when the deployment was ejected; in those times only probes should \
             appear above it.",
        applies: ATTEMPTS,
        draw: attempts::draw,
        series: attempts::series,
    },
    Chart {
        id: "retries",
        reading: "A retry should go to another deployment immediately, and wait only if none is \
             available. Each dot is a retry after a wait. It should be below the dashed line of \
             its retry number, unless a Retry-After required a longer wait.",
        applies: ATTEMPTS,
        draw: retries::draw,
        series: retries::series,
    },
    Chart {
        id: "amplification",
        reading: "What the router sends beyond one attempt per request, and why. A ratio that stays up \
             after a fault has ended feeds the next one.",
        applies: amplification::applies,
        draw: amplification::draw,
        series: amplification::series,
    },
    Chart {
        id: "limits",
        reading: "What each provider let pass, as a part of its limits. Those that allow bursts, or count by \
             the minute of the clock, may be passed for a moment. Coloured dashes: what a fault \
             leaves of them.",
        applies: limits::applies,
        draw: limits::draw,
        series: limits::series,
    },
    Chart {
        id: "latency",
        reading: "Measured from the intended send time, so it includes failed attempts, backoff \
             and any lag of the driver. Bins with too few requests for a percentile are omitted.",
        applies: ALWAYS,
        draw: latency::draw_latency,
        series: latency::latency_series,
    },
    Chart {
        id: "latency-map",
        reading: "Each cell is the number of requests of its time and latency. Two bands one above the \
             other are two kinds of answers, such as those with a retry and those without.",
        applies: latency_map::applies,
        draw: latency_map::draw,
        series: latency_map::series,
    },
    Chart {
        id: "ttft",
        reading: "The delay until streamed output starts. Non-streamed answers are not included.",
        applies: ALWAYS,
        draw: latency::draw_ttft,
        series: latency::ttft_series,
    },
    Chart {
        id: "errors",
        reading: "Top: errors returned to clients. Below, where they are known: errors \
             returned by each provider. Errors that appear only below were absorbed by the router. \
             Each panel has its own scale.",
        applies: ALWAYS,
        draw: errors::draw,
        series: errors::series,
    },
    Chart {
        id: "providers",
        reading: "Throughput and attempt latency of each deployment, from the provider's log. A \
             deployment that slows down under load shows up here first.",
        applies: ATTEMPTS,
        draw: providers::draw,
        series: providers::series,
    },
    Chart {
        id: "cost",
        reading: "Prompts are billed where any of the answer was sent. Tokens in no answer were paid for \
             attempts that failed, lost a race or were left; they include those still on their \
             way.",
        applies: spend::applies,
        draw: spend::draw,
        series: spend::series,
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
    let wide = ChartContext::new(scenario, recording, Layout::Wide);
    let narrow = wide.laid_out(Layout::Narrow);
    let charts = CHARTS.iter().filter(|chart| (chart.applies)(&wide));
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

/// Draws the arrivals of a trace.
///
/// # Errors
/// When the drawing library fails, which is a defect.
pub(crate) fn draw_arrivals(trace: &TraceReport) -> Result<DrawnChart, ReportError> {
    let [wide, narrow] = [Layout::Wide, Layout::Narrow].map(|layout| arrivals::draw(trace, layout));
    drawn("arrivals", arrivals::READING, &(wide, Some(narrow)))
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
