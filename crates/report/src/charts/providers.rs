//! What each deployment's provider produced, and how long its attempts took.

use super::chart_context::ChartContext;
use super::chart_data::{ChartData, SeriesKind};
use super::fault_labels::FaultNaming;
use super::legend;
use super::panel::{AxisUnit, LineStroke, Panel, PanelPosition, STRIP, ceiling, plain, seconds};
use super::picture::{Anchor, Picture, label};
use super::theme::{QUIET, deployment as ink_of, is_dashed};
use squall_judge::text::count;
use std::ops::Range;

/// A bin of the tokens holds at least so many seconds, and one of the latencies, which are kept by five.
const TOKEN_BIN: usize = 2;
const LATENCY_BIN: usize = 5;

const PANEL: f64 = 150.0;
/// From the end of a panel to the next.
const GAP: f64 = 34.0;

/// The percentiles drawn, and how many values a bin needs for each.
const PERCENTILES: [(f64, u64, &str); 2] = [
    (0.5, 5, "latency p50 of successful attempts (bins of 5 or more)"),
    (0.95, 20, "latency p95 (bins of 20 or more)"),
];

pub(super) fn draw(context: &ChartContext<'_>) -> Picture {
    let all = |each: usize| context.attempts(each, 0..context.seconds);
    let tokens: u64 = (0..context.deployments()).map(|each| all(each).output_tokens).sum();
    let answered: u32 = (0..context.deployments()).map(|each| all(each).succeeded).sum();
    let (token_bin, latency_bin) = (context.bin_width(TOKEN_BIN), context.bin_width(LATENCY_BIN));
    let title = format!("{} output tokens: throughput and latency by deployment", count(tokens));
    let (token_told, latency_told) =
        (context.bin_width_told(TOKEN_BIN), context.bin_width_told(LATENCY_BIN));
    let subtitle = format!(
        "output tokens per second in bins of {token_told}, latency in bins of {latency_told}, \
         both by start of the attempt; n = {} successful attempts",
        count(answered.into())
    );
    let mut picture = Picture::new(context.layout, title, &subtitle);
    if tokens == 0 {
        picture.nothing("no tokens in this run");
        return picture;
    }
    let (shown, others) = context.panels(
        0..context.deployments(),
        |each| all(each).succeeded,
        "no successful attempts",
    );
    let entries: Vec<_> = shown
        .iter()
        .map(|&each| (context.name(each), ink_of(each), stroke_of(each).mark()))
        .collect();
    let mut top = legend::draw(&mut picture, &entries) + STRIP + 24.0;
    let rates: Vec<_> =
        shown.iter().map(|&each| (each, token_rates(context, each, token_bin))).collect();
    let unit = AxisUnit { name: "", write: plain, lines: 4.0 };
    let drawn =
        ProviderLines { top, over: "output tokens per second", unit, place: PanelPosition::First };
    let mut bottom = drawn.draw(&mut picture, context, &rates);
    for (number, (quantile, needs, over)) in PERCENTILES.into_iter().enumerate() {
        top = bottom + GAP;
        let series = |each: usize| percentiles(context, each, latency_bin, (quantile, needs));
        let series: Vec<_> = shown.iter().map(|&each| (each, series(each))).collect();
        let unit = AxisUnit { name: "", write: seconds, lines: 4.0 };
        let place = PanelPosition::of(number + 1, PERCENTILES.len() + 1);
        bottom = ProviderLines { top, over, unit, place }.draw(&mut picture, context, &series);
    }
    picture.close(bottom, others);
    picture
}

/// Deployments whose colours are alike differ in their lines.
const fn stroke_of(deployment: usize) -> LineStroke {
    LineStroke { width: 2.5, dashed: is_dashed(deployment) }
}

type Series = Vec<(f64, Option<f64>)>;

/// A panel with a line for each deployment.
struct ProviderLines {
    top: f64,
    /// What it shows, written above it.
    over: &'static str,
    unit: AxisUnit<'static>,
    place: PanelPosition,
}

impl ProviderLines {
    /// Draws it, and tells how far down it reaches.
    fn draw(
        &self,
        picture: &mut Picture,
        context: &ChartContext<'_>,
        series: &[(usize, Series)],
    ) -> f64 {
        let values = series.iter().flat_map(|(_, line)| line).filter_map(|&(_, value)| value);
        let most = ceiling(values.fold(0.0, f64::max));
        let faults = context.faults_of(None);
        let mut panel = Panel::new(context, self.top, PANEL, most).wide();
        if self.place == PanelPosition::First {
            panel = panel.below_names(&faults, FaultNaming::WithDeployment);
        }
        panel.faults(picture, &faults);
        panel.frame(picture, context, &self.unit, self.place);
        let above = if self.place == PanelPosition::First { STRIP + 12.0 } else { 14.0 };
        let at = (panel.left, panel.head() - above);
        picture.text(at, self.over, label(QUIET, Anchor::Left));
        for (deployment, line) in series {
            picture.series(context.name(*deployment), |picture| {
                panel.line(picture, line, ink_of(*deployment), stroke_of(*deployment));
            });
        }
        if self.place == PanelPosition::First {
            panel.fault_names(picture, &faults, FaultNaming::WithDeployment);
        }
        panel.end()
    }
}

/// The numbers of the chart: tokens, and the percentiles of each bin that is drawn, by deployment.
pub(super) fn series(context: &ChartContext<'_>, data: &mut ChartData) {
    let width = context.bin_width(LATENCY_BIN);
    for (deployment, cells) in data.attempt_cells().iter().enumerate() {
        let (name, ink) = (context.name(deployment), ink_of(deployment));
        let told = (format!("{name}: output tokens"), SeriesKind::Count, ink);
        data.counts("providers", told, cells.iter().map(|cell| cell.output_tokens));
        for (which, (quantile, needs, _)) in ["p50", "p95"].into_iter().zip(PERCENTILES) {
            let values = percentiles(context, deployment, width, (quantile, needs)).into_iter();
            let micros = values.map(|(_, value)| value.map(|value| (value * 1e6) as u64));
            data.times("providers", (format!("{name}: {which}"), ink, width), micros);
        }
    }
}

fn token_rates(context: &ChartContext<'_>, deployment: usize, width: usize) -> Series {
    let until = context.scenario.workload.until.as_secs_f64();
    let rates = context.bins(width).map(|bin| {
        let rate =
            context.attempts(deployment, bin.clone()).output_tokens as f64 / bin.len() as f64;
        (middle(&bin), (rate > 0.0 || middle(&bin) < until).then_some(rate))
    });
    rates.collect()
}

fn percentiles(
    context: &ChartContext<'_>,
    deployment: usize,
    width: usize,
    (quantile, needs): (f64, u64),
) -> Series {
    let latency = &context.recording.cells.deployments[deployment].latency;
    let kept = latency.width().as_secs() as usize;
    let percentiles = context.bins(width).map(|bin| {
        let values = latency.merged(bin.start / kept..bin.end.div_ceil(kept));
        let value =
            (values.len() >= needs).then(|| values.value_at_quantile(quantile) as f64 / 1e6);
        (middle(&bin), value)
    });
    percentiles.collect()
}

fn middle(bin: &Range<usize>) -> f64 {
    f64::midpoint(bin.start as f64, bin.end as f64)
}
