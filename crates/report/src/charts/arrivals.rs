//! Requests of a trace over time: their rate in steps, and the mean.

use super::legend::{self, LegendMark};
use super::panel::{ceiling, plain};
use super::picture::{Picture, Point};
use super::plot_axes::PlotAxes;
use super::theme::{self, Layout, TOTAL};
use crate::trace::TraceReport;
use squall_judge::text;
use std::time::Duration;

pub(super) const READING: &str = "The line is the rate in steps of one length; the dashed line is the mean of the whole \
     trace. What is higher within a step is in the table of windows.";

/// How many steps the line has at most.
const STEPS: usize = 720;
/// How high the panel is.
const HEIGHT: f64 = 300.0;

pub(super) fn draw(trace: &TraceReport, layout: Layout) -> Picture {
    let bins = &trace.description.bins;
    let joined = bins.counts.len().div_ceil(STEPS).max(1);
    let width = bins.width as f64 * joined as f64 / 1e9;
    let step = text::duration(Duration::from_secs_f64(width));
    let summary = &trace.description.summary;
    let subtitle = format!(
        "requests per second, in steps of {step}; n = {} requests",
        text::count(summary.rows)
    );
    let mut picture = Picture::new(layout, format!("Arrivals of {}", trace.file), &subtitle);
    if summary.span_s <= 0.0 {
        picture.nothing("all requests are at one time");
        return picture;
    }
    let rates: Vec<f64> =
        bins.counts.chunks(joined).map(|part| part.iter().sum::<u64>() as f64 / width).collect();
    let entries =
        [("rate", ink(), LegendMark::Line(1.5)), ("mean", TOTAL, LegendMark::Dashes(1.5))];
    let top = legend::draw(&mut picture, &entries) + 26.0;
    let most = ceiling(rates.iter().copied().fold(0.0, f64::max));
    let axes = PlotAxes::new(&picture, (top, HEIGHT), rates.len() as f64 * width, most);
    axes.frame(&mut picture, plain, None);
    let corners = rates.iter().enumerate().flat_map(|(step, rate)| {
        [step, step + 1].map(|edge| axes.at((edge as f64 * width, *rate)))
    });
    let line: Vec<Point> = corners.collect();
    let mut area = line.clone();
    area.extend([axes.at((axes.seconds, 0.0)), axes.at((0.0, 0.0))]);
    picture.area(area, ink().faded(0.18));
    picture.path(line, ink(), 1.2);
    let mean = summary.mean_rps;
    picture.dashes(&[axes.at((0.0, mean)), axes.at((axes.seconds, mean))], TOTAL, 1.5);
    picture.words.push(format!("mean {mean:.2} requests per second"));
    picture.close(axes.bottom + 24.0, None);
    picture
}

fn ink() -> theme::Ink {
    theme::deployment(0)
}
