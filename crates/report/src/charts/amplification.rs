//! Attempts beyond the first of their request, by cause, and how many attempts a request takes.

use super::chart_context::ChartContext;
use super::chart_data::{ChartData, SeriesKind};
use super::counts_and_ratio::{CountsOfCause, RatioTold, draw_counts, draw_ratio};
use super::following_attempts::following;
use super::legend::{self, LegendMark};
use super::panel::STRIP;
use super::picture::Picture;
use super::theme::{CLIENT_RETRY, FALLBACK, HEDGE, Ink, PALE, RETRY, TEXT, TOTAL};
use super::walked_rows::FollowingCause;
use squall_judge::text::count;
use std::ops::Range;

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
            FollowingCause::ClientRetry => ("retries of clients", CLIENT_RETRY),
        };
        let own = following(context).iter().filter(|attempt| attempt.cause == cause);
        CauseCounts { name, ink, times: own.map(|attempt| attempt.at).collect() }
    });
    all.into_iter().filter(|cause| !cause.times.is_empty()).collect()
}

const UNTOLD: &str = "retries, fallbacks and hedges (told apart with --rows all)";

/// By cause, how many began in each of the bins.
fn binned(context: &ChartContext<'_>, width: usize) -> Vec<CountsOfCause> {
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
    let told = RatioTold { label: "attempts per request", line: PER_REQUEST, one: NO_MORE };
    draw_ratio(&mut picture, context, bottom + 26.0, &told, |bin| attempts(context, bin).0);
    picture
}

const NO_MORE: &str = "one attempt each";

fn singular(name: &str) -> &str {
    match name {
        "retries" => "retry",
        "retries of clients" => "retry of a client",
        name => name.trim_end_matches('s'),
    }
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
