//! Goodput against offered load, as a path through time: where the way back is below the way there, the system did not
//! recover with its load. Both are of the requests that were to be sent in a stretch of time, so that the latency of their
//! answers bends nothing.

use super::chart_context::ChartContext;
use super::chart_data::ChartData;
use super::goodput::Axes;
use super::legend::{self, LegendMark};
use super::panel::ceiling;
use super::picture::{Picture, Point};
use super::theme::{HEAT, Ink, Layout, PALE, TEXT};
use squall_determinism::Timestamp;
use squall_judge::text;
use std::ops::Range;

/// How many points the path has at most.
const POINTS: usize = 60;
/// A point holds at least so many seconds.
const BIN: usize = 2;
/// Load that is nowhere more than this many times its least is one.
const SAME: f64 = 1.25;
/// Where less than this part of the requests of a stretch succeeded, some were lost.
const GOOD: f64 = 0.95;
/// How often the rate is looked at.
const LOOKS: u32 = 500;

/// Whether the rate that the scenario asks for changes, and requests were lost at any of it: else the path is the line on
/// which every request succeeds.
pub(super) fn applies(context: &ChartContext<'_>) -> bool {
    is_varied(context) && points(context).iter().any(|point| point.at.1 < GOOD * point.at.0)
}

fn is_varied(context: &ChartContext<'_>) -> bool {
    let at = |look: u32| context.seconds as f64 * f64::from(look) / f64::from(LOOKS);
    let rates = (0..LOOKS).filter_map(|look| context.asked_rate(at(look)));
    let (least, most) = rates
        .fold((f64::INFINITY, 0.0_f64), |(least, most), rate| (least.min(rate), most.max(rate)));
    most > SAME * least
}

/// A stretch of time, and where it is on the chart.
struct LoadPoint {
    bin: Range<usize>,
    /// Offered and succeeded, per second.
    at: Point,
}

/// The stretches while there was traffic, by time.
fn points(context: &ChartContext<'_>) -> Vec<LoadPoint> {
    let width = context.width_of(POINTS, BIN);
    let until = context.scenario.workload.until.as_secs_f64();
    let bins = context.bins(width).filter(|bin| (bin.end as f64) <= until.max(width as f64));
    let points = bins.map(|bin| {
        let cell = context.requests(bin.clone());
        let rate = |count: u32| f64::from(count) / bin.len() as f64;
        LoadPoint { at: (rate(cell.arrived), rate(cell.succeeded)), bin }
    });
    points.collect()
}

pub(super) fn draw(context: &ChartContext<'_>) -> Picture {
    let points = points(context);
    let width = context.width_of(POINTS, BIN);
    let told = text::duration(std::time::Duration::from_secs(width as u64));
    let subtitle = format!(
        "requests that succeeded against all of them, per second, both by intended send time, in steps of \
         {told} from the first to the last; n = {} requests",
        text::count(context.requests(0..context.seconds).arrived.into())
    );
    let mut picture = Picture::new(context.layout, "Goodput against offered load", &subtitle);
    if points.is_empty() {
        picture.nothing("no requests in this run");
        return picture;
    }
    let entries = [
        ("start", ink(0, 1), LegendMark::Ring),
        ("later", ink(1, 2), LegendMark::Line(2.5)),
        ("end", ink(1, 1), LegendMark::Dot),
        ("every request succeeds", PALE, LegendMark::Dashes(1.5)),
    ];
    let top = legend::draw(&mut picture, &entries) + 26.0;
    let most = |of: fn(&LoadPoint) -> f64| ceiling(points.iter().map(of).fold(0.0, f64::max));
    let (most_offered, most_answered) = (most(|point| point.at.0), most(|point| point.at.1));
    let (left, right, height, lines) = match context.layout {
        Layout::Wide => (76.0, picture.width - 40.0, 360.0, 10.0),
        Layout::Narrow => (66.0, picture.width - 24.0, 280.0, 4.0),
    };
    let axes = Axes {
        left,
        right,
        top,
        bottom: top + height,
        lines,
        most_offered,
        most_answered,
        by_value: false,
        name: "offered requests per second",
    };
    axes.frame(&mut picture);
    let all = most_offered.min(most_answered);
    picture.dashes(&[axes.at((0.0, 0.0)), axes.at((all, all))], PALE, 1.5);
    draw_path(&mut picture, &axes, &points);
    draw_names(&mut picture, context, &axes, &points);
    picture.close(axes.bottom + 40.0, None);
    picture
}

/// The ink of a place on the path: stronger with time.
fn ink(place: usize, last: usize) -> Ink {
    let palest = 2;
    HEAT[palest + (HEAT.len() - 1 - palest) * place / last.max(1)]
}

fn draw_path(picture: &mut Picture, axes: &Axes<'_>, points: &[LoadPoint]) {
    let last = points.len() - 1;
    for (place, pair) in points.windows(2).enumerate() {
        let ends = [axes.at(pair[0].at), axes.at(pair[1].at)];
        picture.path(ends.to_vec(), ink(place + 1, last), 2.5);
    }
    for (place, point) in points.iter().enumerate() {
        let radius = if place == 0 || place == last { 5.0 } else { 2.0 };
        picture.dot(axes.at(point.at), radius, ink(place, last), place > 0);
    }
}

/// Names the points at which phases begin; without phases, the first of each quarter.
fn draw_names(
    picture: &mut Picture,
    context: &ChartContext<'_>,
    axes: &Axes<'_>,
    points: &[LoadPoint],
) {
    let phases = context.scenario.phases.iter();
    let mut names: Vec<_> = phases
        .map(|phase| {
            (phase.start.as_secs_f64(), format!("{}, {}", phase.name, text::moment(phase.start)))
        })
        .collect();
    if names.is_empty() {
        let moments = (0..4).map(|quarter| (context.seconds * quarter / 4) as u64);
        names = moments
            .map(|second| (second as f64, text::moment(Timestamp::from_secs(second))))
            .collect();
    }
    for (second, name) in names {
        let point = points.iter().find(|point| second < point.bin.end as f64);
        let Some(point) = point else { continue };
        let (x, y) = axes.at(point.at);
        let wide = super::font_metrics::width(&name, super::theme::SMALL, true);
        let left = if x + wide + 12.0 > axes.right { x - wide - 9.0 } else { x + 9.0 };
        let first = (y + 12.0).clamp(axes.top + 8.0, axes.bottom - 10.0);
        picture.label_where_free(
            (left.max(axes.left + 4.0), first),
            (-16.0, axes.top + 8.0),
            &name,
            TEXT,
        );
    }
}

/// Its axes are no time: what it shows at a moment are the numbers of the chart of traffic.
pub(super) fn series(_: &ChartContext<'_>, _: &mut ChartData) {}
