//! Offered, answered and failed over time.

use super::chart_context::ChartContext;
use super::legend::{self, LegendMark};
use super::panel::{AxisUnit, FaultNaming, Panel, PanelPosition, STRIP, ceiling, plain};
use super::picture::Picture;
use super::theme::{FAILED, PALE, QUIET, TOTAL};
use squall_judge::text::count;
use squall_record::RequestCell;

const HEIGHT: f64 = 280.0;

pub(super) fn draw(context: &ChartContext<'_>) -> Picture {
    let width = context.bin_width(1);
    let cells: Vec<_> =
        context.bins(width).map(|bin| (context.requests(bin.clone()), bin)).collect();
    let sum = |of: fn(&RequestCell) -> u32| cells.iter().map(|(cell, _)| u64::from(of(cell))).sum();
    let (total, answered, lost): (u64, u64, u64) =
        (sum(|cell| cell.arrived), sum(|cell| cell.answered), sum(|cell| cell.lost));
    let total_text = count(total);
    let title = match lost {
        0 => format!("{total_text} requests, {} succeeded, none failed", count(answered)),
        _ => {
            format!("{total_text} requests, {} succeeded, {} failed", count(answered), count(lost))
        }
    };
    let subtitle = format!(
        "requests per second, in bins of {width} s: offered by intended send time, the others by \
         completion time; n = {total_text}"
    );
    let mut picture = Picture::new(title, &subtitle);
    if total == 0 {
        picture.nothing("no requests in this run");
        return picture;
    }
    let entries = [
        ("offered", PALE, LegendMark::Block),
        ("rate in the scenario", QUIET, LegendMark::Dashes(1.5)),
        ("succeeded", TOTAL, LegendMark::Line(2.5)),
        ("failed or abandoned", FAILED, LegendMark::Block),
    ];
    let top = legend::draw(&mut picture, &entries) + STRIP + 8.0;
    let rate = |count: u32| f64::from(count) / width as f64;
    let most = cells.iter().map(|(cell, _)| rate(cell.arrived.max(cell.answered).max(cell.lost)));
    let panel = Panel::new(context, top, HEIGHT, ceiling(most.fold(0.0, f64::max))).wide();
    let faults = context.faults_of(None);
    panel.faults(&mut picture, &faults);
    panel.frame(
        &mut picture,
        context,
        &AxisUnit { name: "per s", write: plain, lines: 5.0 },
        PanelPosition::Alone,
    );
    for (cell, bin) in &cells {
        if cell.arrived > 0 {
            panel.bar(&mut picture, bin, (0.0, rate(cell.arrived)), PALE.faded(0.45));
        }
    }
    for (cell, bin) in &cells {
        if cell.lost > 0 {
            let seen = rate(cell.lost).max(0.015 * panel.most);
            panel.bar(&mut picture, bin, (0.0, seen), FAILED);
        }
    }
    draw_asked_rate(&mut picture, context, &panel);
    let middle = |bin: &std::ops::Range<usize>| f64::midpoint(bin.start as f64, bin.end as f64);
    let answered: Vec<_> =
        cells.iter().map(|(cell, bin)| (middle(bin), Some(rate(cell.answered)))).collect();
    panel.line(&mut picture, &answered, TOTAL, 2.5);
    panel.fault_names(&mut picture, &faults, FaultNaming::WithDeployment);
    picture.close(panel.end(), None);
    picture
}

fn draw_asked_rate(picture: &mut Picture, context: &ChartContext<'_>, panel: &Panel) {
    const STEPS: u32 = 500;
    let points = (0..STEPS).filter_map(|step| {
        let seconds = f64::from(step) / f64::from(STEPS) * panel.seconds;
        Some(panel.at((seconds, context.asked_rate(seconds)?)))
    });
    picture.dashes(&points.collect::<Vec<_>>(), QUIET, 1.5);
}
