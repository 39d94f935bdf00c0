//! Two panels: counts by cause, stacked, and below them how many of all there are for each request.

use super::chart_context::ChartContext;
use super::fault_labels::FaultNaming;
use super::panel::{AxisUnit, LineStroke, Panel, PanelPosition, ceiling, plain};
use super::picture::{Anchor, Picture, label};
use super::theme::{Ink, QUIET, TEXT, TOTAL};
use std::ops::Range;

const COUNTS: f64 = 150.0;
const RATIO: f64 = 110.0;
/// How many requests a bin needs for a ratio.
const NEEDED: u32 = 5;

/// The name of a cause, its ink, and its counts by bin.
pub(super) type CountsOfCause = (&'static str, Ink, Vec<u32>);

/// What the panel of the ratio is called.
pub(super) struct RatioTold {
    /// Over the panel.
    pub(super) label: &'static str,
    /// In the legend, the ratio.
    pub(super) line: &'static str,
    /// In the legend, the line at one.
    pub(super) one: &'static str,
}

/// Draws the counts, and tells how far down they reach.
pub(super) fn draw_counts(
    picture: &mut Picture,
    context: &ChartContext<'_>,
    top: f64,
    causes: &[CountsOfCause],
) -> f64 {
    let bins: Vec<_> = context.bins(context.bin_width(1)).collect();
    let rate = |count: u32, bin: &Range<usize>| f64::from(count) / bin.len() as f64;
    let below = |place: usize, bin: usize| causes[..place].iter().map(|(.., all)| all[bin]).sum();
    let sums = bins.iter().enumerate().map(|(bin, range)| rate(below(causes.len(), bin), range));
    let faults = context.faults_of(None);
    let panel = Panel::new(context, top, COUNTS, ceiling(sums.fold(0.0, f64::max)))
        .wide()
        .below_names(&faults, FaultNaming::WithDeployment);
    panel.faults(picture, &faults);
    let unit = AxisUnit { name: "per s", write: plain, lines: 3.0 };
    panel.frame(picture, context, &unit, PanelPosition::First);
    for (place, (name, ink, counts)) in causes.iter().enumerate() {
        picture.series(name, |picture| {
            for (number, bin) in bins.iter().enumerate().filter(|&(bin, _)| counts[bin] > 0) {
                let base = rate(below(place, number), bin);
                panel.bar(picture, bin, (base, base + rate(counts[number], bin)), *ink);
            }
        });
    }
    panel.fault_names(picture, &faults, FaultNaming::WithDeployment);
    panel.end()
}

/// Draws how many of all there are for each request, of the bins that have enough of those.
pub(super) fn draw_ratio(
    picture: &mut Picture,
    context: &ChartContext<'_>,
    top: f64,
    told: &RatioTold,
    all: impl Fn(Range<usize>) -> u32,
) {
    let ratios = context.bins(context.bin_width(1)).map(|bin| {
        let arrived = context.requests(bin.clone()).arrived;
        let middle = f64::midpoint(bin.start as f64, bin.end as f64);
        let started = all(bin);
        (middle, (arrived >= NEEDED).then(|| f64::from(started) / f64::from(arrived)))
    });
    let ratios: Vec<_> = ratios.collect();
    let most = ratios.iter().filter_map(|&(_, ratio)| ratio).fold(1.0, f64::max);
    let panel = Panel::new(context, top, RATIO, ceiling(most)).wide();
    panel.faults(picture, &context.faults_of(None));
    let unit = AxisUnit { name: "", write: plain, lines: 3.0 };
    panel.frame(picture, context, &unit, PanelPosition::Last);
    let over = (panel.left, panel.top - 12.0);
    picture.text(over, told.label, label(QUIET, Anchor::Left));
    picture.series(told.one, |picture| {
        let ends = [panel.at((0.0, 1.0)), panel.at((panel.seconds, 1.0))];
        picture.dashes(&ends, TEXT, 1.5);
    });
    picture.series(told.line, |picture| {
        panel.line(picture, &ratios, TOTAL, LineStroke::solid(2.0));
    });
    picture.close(panel.end(), None);
}
