//! Percentiles of latency and of time to first token, over time, from intended time.

use super::chart_context::ChartContext;
use super::chart_data::ChartData;
use super::fault_labels::FaultNaming;
use super::legend::{self, LegendMark};
use super::panel::{AxisUnit, LineStroke, Panel, PanelPosition, STRIP, ceiling, seconds};
use super::picture::Picture;
use super::theme::{HIGHEST, Ink, QUIET, TOTAL};
use hdrhistogram::Histogram;
use squall_judge::text::count;
use squall_record::{GroupCells, Latencies};
use std::ops::Range;

/// A percentile, and how many values a bin needs for it.
struct PercentileLine {
    name: &'static str,
    quantile: f64,
    needs: u64,
    ink: Ink,
    width: f64,
}

const LINES: [PercentileLine; 3] = [
    PercentileLine { name: "p99", quantile: 0.99, needs: 100, ink: HIGHEST, width: 1.5 },
    PercentileLine { name: "p95", quantile: 0.95, needs: 20, ink: QUIET, width: 2.0 },
    PercentileLine { name: "p50", quantile: 0.5, needs: 5, ink: TOTAL, width: 3.0 },
];

/// A bin holds at least so many seconds.
const BIN: usize = 2;

const HEIGHT: f64 = 250.0;

/// What is drawn, and how it is told.
struct LatencySeries {
    name: &'static str,
    how: &'static str,
    of: fn(&GroupCells) -> &Latencies,
}

pub(super) fn draw_latency(context: &ChartContext<'_>) -> Picture {
    let how = "from the intended send time to the last byte, of successful requests";
    draw(context, &LatencySeries { name: "Latency", how, of: |group| &group.latency })
}

pub(super) fn draw_ttft(context: &ChartContext<'_>) -> Picture {
    let how = "from the intended send time to the first token, of successful streams";
    draw(context, &LatencySeries { name: "Time to first token", how, of: |group| &group.ttft })
}

fn draw(context: &ChartContext<'_>, what: &LatencySeries) -> Picture {
    let width = context.bin_width(BIN);
    let all = merged(context, what.of, 0..context.seconds);
    let n = all.len();
    let at = |quantile: f64| seconds(all.value_at_quantile(quantile) as f64 / 1e6);
    let title = match n {
        0 => what.name.to_owned(),
        _ => format!("{}: p50 {}, p95 {}", what.name, at(0.5), at(0.95)),
    };
    let told = context.bin_width_told(BIN);
    let subtitle =
        format!("{}; by intended send time, in bins of {told}; n = {}", what.how, count(n));
    let mut picture = Picture::new(context.layout, title, &subtitle);
    if n == 0 {
        picture.nothing("no successful requests in this run");
        return picture;
    }
    let bins: Vec<_> =
        context.bins(width).map(|bin| (merged(context, what.of, bin.clone()), bin)).collect();
    let value = |bin: &Histogram<u64>, line: &PercentileLine| {
        (bin.len() >= line.needs).then(|| bin.value_at_quantile(line.quantile) as f64 / 1e6)
    };
    let values = LINES.iter().flat_map(|line| bins.iter().filter_map(|(bin, _)| value(bin, line)));
    let most = ceiling(values.fold(0.0, f64::max));
    let names =
        LINES.each_ref().map(|line| format!("{} (bins of {} or more)", line.name, line.needs));
    let marks = LINES.iter().zip(&names);
    let entries: Vec<_> =
        marks.map(|(line, name)| (name.as_str(), line.ink, LegendMark::Line(line.width))).collect();
    let top = legend::draw(&mut picture, &entries) + STRIP + 8.0;
    let faults = context.faults_of(None);
    let panel = Panel::new(context, top, HEIGHT, most)
        .wide()
        .below_names(&faults, FaultNaming::WithDeployment);
    panel.faults(&mut picture, &faults);
    panel.frame(
        &mut picture,
        context,
        &AxisUnit { name: "", write: seconds, lines: 5.0 },
        PanelPosition::Alone,
    );
    for (line, name) in LINES.iter().zip(&names) {
        let points: Vec<_> =
            bins.iter().map(|(bin, stretch)| (middle(stretch), value(bin, line))).collect();
        picture.series(name, |picture| {
            panel.line(picture, &points, line.ink, LineStroke::solid(line.width));
        });
    }
    panel.fault_names(&mut picture, &faults, FaultNaming::WithDeployment);
    picture.close(panel.end(), None);
    picture
}

fn middle(stretch: &Range<usize>) -> f64 {
    f64::midpoint(stretch.start as f64, stretch.end as f64)
}

/// The numbers of the chart of latencies: the percentiles of each bin that is drawn.
pub(super) fn latency_series(context: &ChartContext<'_>, data: &mut ChartData) {
    series(context, data, ("latency", |group| &group.latency));
}

/// Those of the chart of times to first token.
pub(super) fn ttft_series(context: &ChartContext<'_>, data: &mut ChartData) {
    series(context, data, ("ttft", |group| &group.ttft));
}

fn series(
    context: &ChartContext<'_>,
    data: &mut ChartData,
    (chart, of): (&'static str, fn(&GroupCells) -> &Latencies),
) {
    let width = context.bin_width(BIN);
    let bins: Vec<_> = context.bins(width).map(|bin| merged(context, of, bin)).collect();
    for line in LINES.iter().rev() {
        let value = |bin: &Histogram<u64>| {
            (bin.len() >= line.needs).then(|| bin.value_at_quantile(line.quantile))
        };
        let told = (line.name.to_owned(), line.ink, width);
        data.times(chart, told, bins.iter().map(value));
    }
}

/// The values of a stretch of seconds, all groups together.
pub(super) fn merged(
    context: &ChartContext<'_>,
    of: fn(&GroupCells) -> &Latencies,
    bins: Range<usize>,
) -> Histogram<u64> {
    let mut sum = of(&GroupCells::default()).merged(0..0);
    for group in &context.recording.cells.groups {
        sum += of(group).merged(bins.clone());
    }
    sum
}
