//! Offered, answered and failed over time.

use super::chart_context::ChartContext;
use super::chart_data::{ChartData, CountedField, SeriesKind};
use super::fault_labels::FaultNaming;
use super::legend::{self, LegendMark};
use super::panel::{AxisUnit, LineStroke, Panel, PanelPosition, STRIP, ceiling, plain};
use super::picture::{Picture, ShapeRole};
use super::theme::{FAILED, Ink, PALE, QUIET, TOTAL, deployment as ink_of};
use squall_judge::text::count;
use squall_record::RequestCell;
use std::cmp::Reverse;
use std::ops::Range;

const HEIGHT: f64 = 280.0;
/// So many sources have a line of their own at most.
const SOURCES: usize = 8;

const OFFERED: &str = "offered";
const ASKED: &str = "rate in the scenario";
const SUCCEEDED: &str = "succeeded";
const LOST: &str = "failed or abandoned";

pub(super) fn draw(context: &ChartContext<'_>) -> Picture {
    let width = context.bin_width(1);
    let cells: Vec<_> =
        context.bins(width).map(|bin| (context.requests(bin.clone()), bin)).collect();
    let sum = |of: fn(&RequestCell) -> u32| cells.iter().map(|(cell, _)| u64::from(of(cell))).sum();
    let (total, answered, lost): (u64, u64, u64) =
        (sum(|cell| cell.arrived), sum(|cell| cell.answered), sum(lost_of));
    let total_text = count(total);
    let title = match lost {
        0 => format!("{total_text} requests, {} succeeded, none failed", count(answered)),
        _ => {
            format!("{total_text} requests, {} succeeded, {} failed", count(answered), count(lost))
        }
    };
    let told = context.bin_width_told(1);
    let subtitle = format!(
        "requests per second, in bins of {told}: offered and failed by intended send time, succeeded \
         by completion time; n = {total_text}"
    );
    let mut picture = Picture::new(context.layout, title, &subtitle);
    if total == 0 {
        picture.nothing("no requests in this run");
        return picture;
    }
    let sources = sources(context);
    let mut entries = vec![
        (OFFERED, PALE, LegendMark::Block),
        (ASKED, QUIET, LegendMark::Dashes(1.5)),
        (SUCCEEDED, TOTAL, LegendMark::Line(2.5)),
        (LOST, FAILED, LegendMark::Block),
    ];
    entries.extend(sources.iter().map(|(name, ink, _)| (&**name, *ink, LegendMark::Line(1.5))));
    let top = legend::draw(&mut picture, &entries) + STRIP + 8.0;
    let rate = |count: u32, bin: &Range<usize>| f64::from(count) / bin.len() as f64;
    let most = cells.iter().map(|(cell, bin)| rate(cell.arrived.max(cell.answered), bin));
    let faults = context.faults_of(None);
    let panel = Panel::new(context, top, HEIGHT, ceiling(most.fold(0.0, f64::max)))
        .wide()
        .below_names(&faults, FaultNaming::WithDeployment);
    panel.faults(&mut picture, &faults);
    panel.frame(
        &mut picture,
        context,
        &AxisUnit { name: "per s", write: plain, lines: 5.0 },
        PanelPosition::Alone,
    );
    picture.series(OFFERED, |picture| {
        for (cell, bin) in cells.iter().filter(|(cell, _)| cell.arrived > 0) {
            panel.bar(picture, bin, (0.0, rate(cell.arrived, bin)), PALE.faded(0.45));
        }
    });
    picture.series(LOST, |picture| {
        for (cell, bin) in cells.iter().filter(|(cell, _)| lost_of(cell) > 0) {
            let seen = rate(lost_of(cell), bin).max(0.015 * panel.most);
            panel.bar(picture, bin, (0.0, seen), FAILED);
        }
    });
    draw_sources(&mut picture, context, &panel, &sources);
    picture.series(ASKED, |picture| draw_asked_rate(picture, context, &panel));
    let middle = |bin: &Range<usize>| f64::midpoint(bin.start as f64, bin.end as f64);
    let answered: Vec<_> =
        cells.iter().map(|(cell, bin)| (middle(bin), Some(rate(cell.answered, bin)))).collect();
    picture.series(SUCCEEDED, |picture| {
        panel.line(picture, &answered, TOTAL, LineStroke::solid(2.5));
    });
    panel.fault_names(&mut picture, &faults, FaultNaming::WithDeployment);
    picture.close(panel.end(), None);
    picture
}

/// What is offered by each source, where there are several: its name, its ink, and its kinds. Of many the largest.
fn sources(context: &ChartContext<'_>) -> Vec<(String, Ink, Range<u16>)> {
    let all = 0..context.seconds;
    let mut sources: Vec<_> = context.sources().into_iter().enumerate().collect();
    sources.sort_by_key(|(_, (_, kinds))| Reverse(context.offered(kinds.clone(), &all)));
    sources.truncate(SOURCES);
    sources.sort_by_key(|(place, _)| *place);
    let told = sources
        .into_iter()
        .map(|(place, (name, kinds))| (format!("offered by {name}"), ink_of(place), kinds));
    told.collect()
}

fn draw_sources(
    picture: &mut Picture,
    context: &ChartContext<'_>,
    panel: &Panel,
    sources: &[(String, Ink, Range<u16>)],
) {
    let bins: Vec<_> = context.bins(context.bin_width(1)).collect();
    for (name, ink, kinds) in sources {
        let rates = bins.iter().map(|bin| {
            let offered = context.offered(kinds.clone(), bin);
            let middle = f64::midpoint(bin.start as f64, bin.end as f64);
            (middle, Some(f64::from(offered) / bin.len() as f64))
        });
        let rates: Vec<_> = rates.collect();
        picture.series(name, |picture| {
            panel.line(picture, &rates, *ink, LineStroke::solid(1.5));
        });
    }
}

/// Failed, or given up by their clients, of those that were to be sent in this time.
fn lost_of(cell: &RequestCell) -> u32 {
    cell.failed.iter().sum::<u32>() + cell.gave_up
}

/// The numbers of the chart.
pub(super) fn series(context: &ChartContext<'_>, data: &mut ChartData) {
    let cells = data.request_cells();
    let fields: [CountedField<RequestCell>; 3] = [
        (OFFERED, PALE, |cell| cell.arrived),
        (SUCCEEDED, TOTAL, |cell| cell.answered),
        (LOST, FAILED, lost_of),
    ];
    for (name, ink, of) in fields {
        let counts = cells.iter().map(|cell| of(cell).into());
        data.counts("traffic", (name.to_owned(), SeriesKind::Count, ink), counts);
    }
    for (name, ink, kinds) in sources(context) {
        let bins = context.bins(data.step);
        let counts = bins.map(|bin| context.offered(kinds.clone(), &bin).into());
        data.counts("traffic", (name, SeriesKind::Count, ink), counts);
    }
}

fn draw_asked_rate(picture: &mut Picture, context: &ChartContext<'_>, panel: &Panel) {
    const STEPS: u32 = 500;
    let points = (0..STEPS).filter_map(|step| {
        let seconds = f64::from(step) / f64::from(STEPS) * panel.seconds;
        Some(panel.at((seconds, context.asked_rate(seconds)?)))
    });
    let points: Vec<_> = points.collect();
    picture.within(ShapeRole::Data, |picture| picture.dashes(&points, QUIET, 1.5));
}
