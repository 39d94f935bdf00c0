//! Two or more sides of a comparison over time, on the same axes: failed requests, latency, attempts.

use super::legend::{self, LegendMark};
use super::panel::{ceiling, plain, seconds};
use super::picture::Picture;
use super::plot_axes::PlotAxes;
use super::theme::{self, FAILED, Ink, Layout, TOTAL};
use crate::compare::{ComparedCurves, CurveBin};

const HEIGHT: f64 = 230.0;

/// What is drawn over time.
pub(super) struct OverlayChart {
    pub(super) id: &'static str,
    title: &'static str,
    how: &'static str,
    pub(super) reading: &'static str,
    write: fn(f64) -> String,
    value: fn(&[&CurveBin]) -> Option<f64>,
}

/// The charts of the key figures.
pub(super) const OVERLAYS: [OverlayChart; 3] = [
    OverlayChart {
        id: "compare-failures",
        title: "Failed requests",
        how: "failed or abandoned requests ÷ requests, by intended send time",
        reading: "Shaded ranges are injected faults. With several runs of a side, all their requests count together.",
        write: squall_judge::text::percent,
        value: |bins| {
            let sum = |of: fn(&CurveBin) -> u32| -> f64 {
                bins.iter().map(|bin| f64::from(of(bin))).sum()
            };
            let ended = sum(|bin| bin.arrived) - sum(|bin| bin.unfinished);
            (ended > 0.0).then(|| (1.0 - sum(|bin| bin.succeeded) / ended).max(0.0))
        },
    },
    OverlayChart {
        id: "compare-latency",
        title: "Latency p95",
        how: "from the intended send time to the last byte, of successful requests; over several runs the median of each bin",
        reading: "Bins with fewer than 20 successful requests of a run are left out.",
        write: seconds,
        value: |bins| {
            let mut values: Vec<_> = bins.iter().filter_map(|bin| bin.latency_p95).collect();
            values.sort_by(f64::total_cmp);
            values.get(values.len().saturating_sub(1) / 2).copied()
        },
    },
    OverlayChart {
        id: "compare-attempts",
        title: "Attempts per request",
        how: "attempts that started ÷ requests that were sent, in the same bin",
        reading: "Above 1, the router retries, hedges or falls back; below 1, requests wait or are refused before they reach a provider.",
        write: plain,
        value: |bins| {
            let arrived: f64 = bins.iter().map(|bin| f64::from(bin.arrived)).sum();
            let attempts: f64 = bins.iter().map(|bin| f64::from(bin.attempts)).sum();
            (arrived > 0.0).then_some(attempts / arrived)
        },
    },
];

/// The reference is black; candidates have colours.
fn ink(side: usize) -> Ink {
    side.checked_sub(1).map_or(TOTAL, theme::deployment)
}

pub(super) fn draw(chart: &OverlayChart, sides: &[&ComparedCurves], layout: Layout) -> Picture {
    let first = sides.first().filter(|first| !first.samples.is_empty());
    let width = first.map_or(1, |first| first.width);
    let how = format!("{}; bins of {width} s", chart.how);
    let mut picture = Picture::new(layout, chart.title, &how);
    let Some(first) = first else {
        picture.nothing("no recording");
        return picture;
    };
    let lines: Vec<_> = sides.iter().map(|side| side.line(chart.value)).collect();
    let entries: Vec<_> = sides
        .iter()
        .enumerate()
        .map(|(place, side)| (side.legend.as_str(), ink(place), mark(place)))
        .collect();
    let top = legend::draw(&mut picture, &entries) + 14.0;
    let values = lines.iter().flatten().filter_map(|(_, value)| *value);
    let most = ceiling(values.fold(0.0, f64::max));
    let axes = PlotAxes::new(&picture, (top, HEIGHT), first.seconds, most);
    for (from, to) in &first.faults {
        shade(&axes, &mut picture, *from, *to);
    }
    axes.frame(&mut picture, chart.write, first.start);
    for (place, line) in lines.iter().enumerate().rev() {
        draw_line(&axes, &mut picture, line, ink(place), place);
    }
    picture.close(axes.bottom + 24.0, None);
    picture
}

const fn mark(side: usize) -> LegendMark {
    if theme::is_dashed(side) { LegendMark::Dashes(2.0) } else { LegendMark::Line(2.5) }
}

/// An injected fault.
fn shade(axes: &PlotAxes, picture: &mut Picture, from: f64, to: f64) {
    let ((from, _), (to, _)) = (axes.at((from, 0.0)), axes.at((to, 0.0)));
    picture.rect((from, axes.top), (to, axes.bottom), FAILED.faded(0.09));
}

/// A line that breaks where a bin has no value.
fn draw_line(
    axes: &PlotAxes,
    picture: &mut Picture,
    values: &[(f64, Option<f64>)],
    ink: Ink,
    side: usize,
) {
    for piece in values.split(|(_, value)| value.is_none()) {
        let points = piece.iter().filter_map(|&(at, value)| Some(axes.at((at, value?))));
        let points: Vec<_> = points.collect();
        match &points[..] {
            [] => {}
            [alone] => picture.dot(*alone, 2.0, ink, true),
            _ if theme::is_dashed(side) => picture.dashes(&points, ink, 2.0),
            _ => picture.path(points, ink, if side == 0 { 2.5 } else { 2.0 }),
        }
    }
}
