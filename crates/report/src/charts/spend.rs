//! What attempts cost, and the tokens that were paid for and are in no answer.

use super::chart_context::ChartContext;
use super::chart_data::{ChartData, SeriesKind};
use super::fault_labels::FaultNaming;
use super::legend::{self, LegendMark};
use super::panel::{AxisUnit, LineStroke, Panel, PanelPosition, STRIP, ceiling, plain};
use super::picture::{Anchor, Picture, label};
use super::theme::{FAILED, QUIET, TOTAL, deployment as ink_of};
use squall_judge::text::{count, dollars, percent};
use squall_record::AttemptCell;
use std::ops::Range;

const COST: f64 = 150.0;
const WASTE: f64 = 110.0;
/// A bin holds at least so many seconds.
const BIN: usize = 5;
const WASTED: &str = "output tokens in no answer, so far";

/// Prices of tokens of prompts and of answers, in millionths of a millionth of a dollar.
type TokenPrice = (u64, u64);

/// The prices of each deployment as the run began.
fn prices(context: &ChartContext<'_>) -> Vec<TokenPrice> {
    let all = context.scenario.deployments();
    let mut all: Vec<_> = all.map(|(.., each)| (each.price.input.0, each.price.output.0)).collect();
    all.resize(context.deployments(), TokenPrice::default());
    all
}

/// What attempts cost, in millionths of a millionth of a dollar: prompts count where any of the answer was sent.
fn cost((input, output): TokenPrice, cell: &AttemptCell) -> u128 {
    let each = |price: u64, tokens: u64| u128::from(price) * u128::from(tokens);
    each(input, cell.billed_tokens) + each(output, cell.output_tokens)
}

fn total(context: &ChartContext<'_>, prices: &[TokenPrice], seconds: &Range<usize>) -> f64 {
    let each = prices.iter().enumerate();
    let costs = each.map(|(place, &price)| cost(price, &context.attempts(place, seconds.clone())));
    costs.sum::<u128>() as f64 / 1e12
}

/// Whether anything cost anything.
pub(super) fn applies(context: &ChartContext<'_>) -> bool {
    context.knows_attempts() && total(context, &prices(context), &(0..context.seconds)) > 0.0
}

pub(super) fn draw(context: &ChartContext<'_>) -> Picture {
    let (whole, prices) = (0..context.seconds, prices(context));
    let spent = total(context, &prices, &whole);
    let (sent, received) = tokens(context, whole.clone());
    let wasted = sent.saturating_sub(received) as f64 / sent.max(1) as f64;
    let title = format!(
        "{} for {} output tokens, of which {} are in no answer",
        dollars(spent),
        count(sent),
        percent(wasted)
    );
    let told = context.bin_width_told(BIN);
    let below = match sent > received {
        true => "; below: output tokens sent − tokens of answers that clients got, so far",
        false => "",
    };
    let subtitle = format!(
        "dollars per minute by start of the attempt, in bins of {told}, at the prices of the start of the \
         run{below}"
    );
    let mut picture = Picture::new(context.layout, title, &subtitle);
    if spent <= 0.0 {
        picture.nothing("nothing had a price in this run");
        return picture;
    }
    let of = |each: usize| cost(prices[each], &context.attempts(each, whole.clone()));
    let micro = |each: usize| u32::try_from(of(each).div_ceil(1_000_000)).unwrap_or(u32::MAX);
    let (shown, others) = context.panels(0..context.deployments(), micro, "nothing spent");
    let names = shown.iter().map(|&each| (context.name(each), ink_of(each), LegendMark::Block));
    let waste = (sent > received).then_some((WASTED, FAILED, LegendMark::Line(2.5)));
    let entries: Vec<_> = names.chain(waste).collect();
    let top = legend::draw(&mut picture, &entries) + STRIP + 8.0;
    let place = if waste.is_some() { PanelPosition::First } else { PanelPosition::Alone };
    let mut bottom = draw_cost(&mut picture, context, (top, place), (&shown, &prices));
    if waste.is_some() {
        bottom = draw_waste(&mut picture, context, bottom + 26.0);
    }
    picture.close(bottom, others);
    picture
}

fn draw_cost(
    picture: &mut Picture,
    context: &ChartContext<'_>,
    (top, place): (f64, PanelPosition),
    (shown, prices): (&[usize], &[TokenPrice]),
) -> f64 {
    let bins: Vec<_> = context.bins(context.bin_width(BIN)).collect();
    let rate = |deployment: usize, bin: &Range<usize>| {
        let cell = context.attempts(deployment, bin.clone());
        cost(prices[deployment], &cell) as f64 / 1e12 * 60.0 / bin.len() as f64
    };
    let rates: Vec<Vec<f64>> =
        shown.iter().map(|&each| bins.iter().map(|bin| rate(each, bin)).collect()).collect();
    let below = |place: usize, bin: usize| rates[..place].iter().map(|all| all[bin]).sum::<f64>();
    let most = (0..bins.len()).map(|bin| below(rates.len(), bin)).fold(0.0, f64::max);
    let faults = context.faults_of(None);
    let panel = Panel::new(context, top, COST, spent_ceiling(most))
        .wide()
        .below_names(&faults, FaultNaming::WithDeployment);
    panel.faults(picture, &faults);
    let unit = AxisUnit { name: "per min", write: dollars, lines: 3.0 };
    panel.frame(picture, context, &unit, place);
    for (place, (&deployment, rates)) in shown.iter().zip(&rates).enumerate() {
        picture.series(context.name(deployment), |picture| {
            for (number, bin) in bins.iter().enumerate().filter(|&(bin, _)| rates[bin] > 0.0) {
                let base = below(place, number);
                panel.bar(picture, bin, (base, base + rates[number]), ink_of(deployment));
            }
        });
    }
    panel.fault_names(picture, &faults, FaultNaming::WithDeployment);
    panel.end()
}

/// As [`ceiling`], of which the least that is more than nothing may be far below one.
fn spent_ceiling(most: f64) -> f64 {
    if most > 0.0 { ceiling(most) } else { 1.0 }
}

fn draw_waste(picture: &mut Picture, context: &ChartContext<'_>, top: f64) -> f64 {
    let ends = context.bins(context.bin_width(BIN)).map(|bin| bin.end);
    let wasted = ends.map(|end| {
        let (sent, received) = tokens(context, 0..end);
        (end as f64, Some(sent.saturating_sub(received) as f64))
    });
    let wasted: Vec<_> = wasted.collect();
    let most = wasted.iter().filter_map(|&(_, tokens)| tokens).fold(0.0, f64::max);
    let panel = Panel::new(context, top, WASTE, ceiling(most)).wide();
    panel.faults(picture, &context.faults_of(None));
    let unit = AxisUnit { name: "", write: plain, lines: 3.0 };
    panel.frame(picture, context, &unit, PanelPosition::Last);
    let over = (panel.left, panel.top - 12.0);
    picture.text(over, WASTED, label(QUIET, Anchor::Left));
    picture.series(WASTED, |picture| {
        panel.line(picture, &wasted, FAILED, LineStroke::solid(2.5));
    });
    panel.end()
}

/// Output tokens that providers sent, by start of the attempt, and those of answers that clients got, by intended time of
/// the request.
fn tokens(context: &ChartContext<'_>, seconds: Range<usize>) -> (u64, u64) {
    let sent = (0..context.deployments())
        .map(|each| context.attempts(each, seconds.clone()).output_tokens);
    (sent.sum(), context.requests(seconds).received_tokens)
}

/// The numbers of the chart: millionths of a dollar by deployment, and tokens sent and received.
pub(super) fn series(context: &ChartContext<'_>, data: &mut ChartData) {
    let (requests, attempts, prices) =
        (data.request_cells(), data.attempt_cells(), prices(context));
    for (deployment, cells) in attempts.iter().enumerate() {
        let micros = |cell: &AttemptCell| (cost(prices[deployment], cell) / 1_000_000) as u64;
        let (name, ink) = (context.name(deployment).to_owned(), ink_of(deployment));
        data.counts("cost", (name, SeriesKind::Microdollars, ink), cells.iter().map(micros));
    }
    let sent = |step: usize| attempts.iter().map(|cells| cells[step].output_tokens).sum();
    let told = ("output tokens sent".to_owned(), SeriesKind::Count, QUIET);
    data.counts("cost", told, (0..requests.len()).map(sent));
    let told = ("output tokens in answers".to_owned(), SeriesKind::Count, TOTAL);
    data.counts("cost", told, requests.iter().map(|cell| cell.received_tokens));
}
