//! The charts of a report. Each is a file here and a line in [`CHARTS`]; all draw into a
//! [`Picture`](picture::Picture), which becomes SVG and PNG from the same shapes.

mod attempts;
mod chart_context;
mod errors;
mod font_metrics;
mod goodput;
mod latency;
mod legend;
mod panel;
mod picture;
mod providers;
mod render;
mod retries;
mod shares;
mod theme;
mod traffic;

pub(crate) use font_metrics::{REGULAR, SEMIBOLD};

use crate::ReportError;
use crate::plan::PlanReport;
use chart_context::ChartContext;
use picture::Picture;
use squall_record::Recording;
use squall_scenario::Scenario;

/// A chart of a report.
struct Chart {
    /// The name of its files.
    id: &'static str,
    /// How to read it, in a sentence.
    reading: &'static str,
    draw: fn(&ChartContext<'_>) -> Picture,
}

/// Every chart, in the order of the report.
const CHARTS: [Chart; 8] = [
    Chart {
        id: "traffic",
        reading: "Where the line leaves the shape behind it, users waited; red bars are users who got \
                  no answer. Shaded stretches are the faults that the scenario injected.",
        draw: traffic::draw,
    },
    Chart {
        id: "shares",
        reading: "A line inside its grey band follows the weights as well as chance allows. The weight \
                  that applied leaves out deployments whose provider fails or has asked, by \
                  Retry-After, to be left alone, and steps where the configuration changed. The marks tell how long traffic took to leave after \
                  a fault began and to be back after it ended.",
        draw: shares::draw,
    },
    Chart {
        id: "attempts",
        reading: "Losses stand at the foot of a bar, answers on top of them. A router that has learnt \
                  its lesson shows a filled lane and no red above it.",
        draw: attempts::draw,
    },
    Chart {
        id: "retries",
        reading: "A router should try a sibling at once and wait only when none is usable. Each dot is \
                  a retry that waited: it must stay under the dashed line of its number, unless a \
                  Retry-After asked for more.",
        draw: retries::draw,
    },
    Chart {
        id: "latency",
        reading: "Counted from the moment the user asked, so that time spent on failed attempts, in \
                  backoff or in a lagging driver is part of it. Bins with too few requests for a \
                  percentile are left out.",
        draw: latency::draw_latency,
    },
    Chart {
        id: "ttft",
        reading: "What a user of a stream feels first. Answers that are not streamed have no first \
                  token and are not in it.",
        draw: latency::draw_ttft,
    },
    Chart {
        id: "errors",
        reading: "What clients saw on top, what each provider answered below: what stands below and \
                  not on top, the router absorbed. Each panel has a scale of its own.",
        draw: errors::draw,
    },
    Chart {
        id: "providers",
        reading: "How much each deployment produced, and how long its attempts took, by the log of \
                  its provider: a deployment that slows down under load shows here first.",
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
    let story = ChartContext::new(scenario, recording);
    let charts = CHARTS.iter();
    charts.map(|chart| drawn(chart.id, chart.reading, &(chart.draw)(&story))).collect()
}

/// Draws the curves of a plan.
///
/// # Errors
/// When the drawing library fails, which is a defect.
pub(crate) fn draw_goodput(plan: &PlanReport) -> Result<DrawnChart, ReportError> {
    drawn("goodput", goodput::READING, &goodput::draw(plan))
}

fn drawn(
    id: &'static str,
    reading: &'static str,
    picture: &Picture,
) -> Result<DrawnChart, ReportError> {
    let failed = |problem: String| ReportError::Draw { chart: id, problem };
    Ok(DrawnChart {
        id,
        title: picture.title.clone(),
        reading,
        svg: render::svg(picture).map_err(failed)?,
        png: render::png(picture).map_err(failed)?,
    })
}

#[cfg(test)]
mod tests;
