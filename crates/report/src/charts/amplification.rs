//! Attempts beyond the first of their request, by cause, and how many attempts a request takes.

use super::chart_context::ChartContext;
use super::chart_data::{ChartData, SeriesKind};
use super::fault_labels::FaultNaming;
use super::following_attempts::following;
use super::legend::{self, LegendMark};
use super::panel::{AxisUnit, LineStroke, Panel, PanelPosition, STRIP, ceiling, plain};
use super::picture::{Anchor, Picture, label};
use super::theme::{FALLBACK, HEDGE, Ink, PALE, QUIET, RETRY, TEXT, TOTAL};
use super::walked_rows::FollowingCause;
use squall_judge::text::count;
use std::ops::Range;

const COUNTS: f64 = 150.0;
const RATIO: f64 = 110.0;
/// How many requests a bin needs for a ratio.
const NEEDED: u32 = 5;
const PER_REQUEST: &str = "attempts per request (bins of 5 or more)";

/// Attempts of one cause: without rows, of all.
struct CauseCounts {
    name: &'static str,
    ink: Ink,
    /// When each began, in seconds.
    times: Vec<f64>,
}

/// Whether any request took another attempt.
pub(super) fn applies(context: &ChartContext<'_>) -> bool {
    context.knows_attempts() && further(context, 0..context.seconds) > 0
}

/// The attempts of a stretch of seconds that were not the first of their request.
fn further(context: &ChartContext<'_>, seconds: Range<usize>) -> u32 {
    attempts(context, seconds).1
}

/// All attempts of a stretch, and those that were not the first.
fn attempts(context: &ChartContext<'_>, seconds: Range<usize>) -> (u32, u32) {
    let cells = (0..context.deployments()).map(|each| context.attempts(each, seconds.clone()));
    cells.fold((0, 0), |(all, further), cell| {
        (all + cell.started, further + cell.started.saturating_sub(cell.first))
    })
}

/// The attempts by cause; without rows none.
fn causes(context: &ChartContext<'_>) -> Vec<CauseCounts> {
    let all = FollowingCause::ALL.map(|cause| {
        let (name, ink) = match cause {
            FollowingCause::Retry => ("retries", RETRY),
            FollowingCause::Fallback => ("fallbacks", FALLBACK),
            FollowingCause::Hedge => ("hedges", HEDGE),
        };
        let own = following(context).iter().filter(|attempt| attempt.cause == cause);
        CauseCounts { name, ink, times: own.map(|attempt| attempt.at).collect() }
    });
    all.into_iter().filter(|cause| !cause.times.is_empty()).collect()
}

const UNTOLD: &str = "retries, fallbacks and hedges (told apart with --rows all)";

/// By cause, how many began in each of the bins.
fn binned(context: &ChartContext<'_>, width: usize) -> Vec<(&'static str, Ink, Vec<u32>)> {
    let bins = context.bins(width).count();
    let of_rows = causes(context).into_iter().map(|cause| {
        let mut counts = vec![0; bins];
        for at in cause.times {
            counts[(at as usize / width).min(bins - 1)] += 1;
        }
        (cause.name, cause.ink, counts)
    });
    let of_rows: Vec<_> = of_rows.collect();
    if !of_rows.is_empty() {
        return of_rows;
    }
    vec![(UNTOLD, PALE, context.bins(width).map(|bin| further(context, bin)).collect())]
}

pub(super) fn draw(context: &ChartContext<'_>) -> Picture {
    let width = context.bin_width(1);
    let (started, more) = attempts(context, 0..context.seconds);
    let arrived = context.requests(0..context.seconds).arrived;
    let causes = binned(context, width);
    let parts = causes.iter().map(|(name, _, counts)| {
        let n = counts.iter().copied().map(u64::from).sum();
        let name = if n == 1 { singular(name) } else { name };
        format!("{} {name}", count(n))
    });
    let told = match context.has_rows() {
        true => parts.collect::<Vec<_>>().join(", "),
        false => format!("{} more than requests' first ones", count(more.into())),
    };
    let ratio = f64::from(started) / f64::from(arrived.max(1));
    let title = format!("{ratio:.2} attempts per request: {told}");
    let bin = context.bin_width_told(1);
    let subtitle = format!(
        "attempts after the first of their request, per second by start time, in bins of {bin}; \
         below: attempts ÷ requests of the same bin; n = {}",
        count(more.into())
    );
    let mut picture = Picture::new(context.layout, title, &subtitle);
    if more == 0 {
        picture.nothing("no request took another attempt in this run");
        return picture;
    }
    let blocks = causes.iter().map(|&(name, ink, _)| (name, ink, LegendMark::Block));
    let lines =
        [(PER_REQUEST, TOTAL, LegendMark::Line(2.0)), (NO_MORE, TEXT, LegendMark::Dashes(1.5))];
    let entries: Vec<_> = blocks.chain(lines).collect();
    let top = legend::draw(&mut picture, &entries) + STRIP + 8.0;
    let bottom = draw_counts(&mut picture, context, top, &causes);
    draw_ratio(&mut picture, context, bottom + 26.0);
    picture
}

const NO_MORE: &str = "one attempt each";

fn singular(name: &str) -> &str {
    match name {
        "retries" => "retry",
        name => name.trim_end_matches('s'),
    }
}

fn draw_counts(
    picture: &mut Picture,
    context: &ChartContext<'_>,
    top: f64,
    causes: &[(&'static str, Ink, Vec<u32>)],
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

fn draw_ratio(picture: &mut Picture, context: &ChartContext<'_>, top: f64) {
    let ratios = context.bins(context.bin_width(1)).map(|bin| {
        let arrived = context.requests(bin.clone()).arrived;
        let middle = f64::midpoint(bin.start as f64, bin.end as f64);
        let started = attempts(context, bin).0;
        (middle, (arrived >= NEEDED).then(|| f64::from(started) / f64::from(arrived)))
    });
    let ratios: Vec<_> = ratios.collect();
    let most = ratios.iter().filter_map(|&(_, ratio)| ratio).fold(1.0, f64::max);
    let panel = Panel::new(context, top, RATIO, ceiling(most)).wide();
    panel.faults(picture, &context.faults_of(None));
    let unit = AxisUnit { name: "", write: plain, lines: 3.0 };
    panel.frame(picture, context, &unit, PanelPosition::Last);
    let over = (panel.left, panel.top - 12.0);
    picture.text(over, "attempts per request", label(QUIET, Anchor::Left));
    picture.series(NO_MORE, |picture| {
        let ends = [panel.at((0.0, 1.0)), panel.at((panel.seconds, 1.0))];
        picture.dashes(&ends, TEXT, 1.5);
    });
    picture.series(PER_REQUEST, |picture| {
        panel.line(picture, &ratios, TOTAL, LineStroke::solid(2.0));
    });
    picture.close(panel.end(), None);
}

/// The numbers of the chart: requests, and the attempts by cause.
pub(super) fn series(context: &ChartContext<'_>, data: &mut ChartData) {
    let arrived = data.request_cells();
    let told = ("requests".to_owned(), SeriesKind::Count, TOTAL);
    data.counts("amplification", told, arrived.iter().map(|cell| cell.arrived.into()));
    for (name, ink, counts) in binned(context, data.step) {
        let told = (name.to_owned(), SeriesKind::Count, ink);
        data.counts("amplification", told, counts.into_iter().map(u64::from));
    }
}
