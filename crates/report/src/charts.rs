//! The charts of a report. Each is a file here and a line in [`CHARTS`]; all draw into a
//! [`Picture`](picture::Picture), which becomes SVG and PNG from the same shapes.

mod attempts;
mod errors;
mod latency;
mod legend;
mod panel;
mod picture;
mod providers;
mod render;
mod retries;
mod shares;
mod story;
mod theme;
mod traffic;

pub(crate) use render::{REGULAR, SEMIBOLD};

use crate::ReportError;
use picture::Picture;
use squall_record::Recording;
use squall_scenario::Scenario;
use story::Story;

/// A chart of a report.
struct Chart {
    /// The name of its files.
    id: &'static str,
    /// How to read it, in a sentence.
    reading: &'static str,
    draw: fn(&Story<'_>) -> Picture,
}

/// Every chart, in the order of the report.
const CHARTS: [Chart; 8] = [
    Chart {
        id: "traffic",
        reading: "Where the lines for offered and answered part, users waited or lost; shaded \
                  stretches are faults that the scenario injected.",
        draw: traffic::draw,
    },
    Chart {
        id: "shares",
        reading: "A line inside its grey band follows the weights as well as chance allows; the \
                  mark tells when it left the band for good after a fault.",
        draw: shares::draw,
    },
    Chart {
        id: "attempts",
        reading: "What each deployment was asked and what it answered, by its provider's log; the \
                  lane below shows when the router skipped it.",
        draw: attempts::draw,
    },
    Chart {
        id: "retries",
        reading: "Each dot is a retry: how long after the failure it began. On the floor it went to \
                  a sibling at once; waits must stay under the dashed ceiling of their number, \
                  unless a Retry-After asked for more.",
        draw: retries::draw,
    },
    Chart {
        id: "latency",
        reading: "From the moment the user asked to the last byte, of requests that succeeded.",
        draw: latency::draw_latency,
    },
    Chart {
        id: "ttft",
        reading: "From the moment the user asked to the first token, of streams that succeeded.",
        draw: latency::draw_ttft,
    },
    Chart {
        id: "errors",
        reading: "What clients saw on top, what each provider answered below: what stands below and \
                  not on top, the router absorbed.",
        draw: errors::draw,
    },
    Chart {
        id: "providers",
        reading: "How much each deployment produced and how long its attempts took.",
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

/// Draws every chart of a recording.
///
/// # Errors
/// When the drawing library fails, which is a defect.
pub fn draw_charts(
    scenario: &Scenario,
    recording: &Recording,
) -> Result<Vec<DrawnChart>, ReportError> {
    let story = Story::new(scenario, recording);
    let drawn = CHARTS.iter().map(|chart| {
        let picture = (chart.draw)(&story);
        let failed = |problem: String| ReportError::Draw { chart: chart.id, problem };
        Ok(DrawnChart {
            id: chart.id,
            title: picture.title.clone(),
            reading: chart.reading,
            svg: render::svg(&picture).map_err(failed)?,
            png: render::png(&picture).map_err(failed)?,
        })
    });
    drawn.collect()
}

#[cfg(test)]
mod tests;
