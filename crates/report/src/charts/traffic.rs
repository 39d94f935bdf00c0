//! Offered, answered and failed over time.

use super::chart_context::ChartContext;
use super::chart_data::{ChartData, CountedField, SeriesKind};
use super::fault_labels::FaultNaming;
use super::legend::{self, LegendMark};
use super::panel::{AxisUnit, LineStroke, Panel, PanelPosition, STRIP, ceiling, plain};
use super::picture::{Picture, ShapeRole};
use super::theme::{FAILED, PALE, QUIET, TOTAL};
use squall_judge::text::count;
use squall_record::RequestCell;
use std::ops::Range;

const HEIGHT: f64 = 280.0;

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
    let entries = [
        (OFFERED, PALE, LegendMark::Block),
        (ASKED, QUIET, LegendMark::Dashes(1.5)),
        (SUCCEEDED, TOTAL, LegendMark::Line(2.5)),
        (LOST, FAILED, LegendMark::Block),
    ];
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

/// Failed, or given up by their clients, of those that were to be sent in this time.
fn lost_of(cell: &RequestCell) -> u32 {
    cell.failed.iter().sum::<u32>() + cell.gave_up
}

/// The numbers of the chart.
pub(super) fn series(_: &ChartContext<'_>, data: &mut ChartData) {
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
