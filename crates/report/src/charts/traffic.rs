//! Offered, answered and failed, second by second.

use super::legend::{self, Mark};
use super::panel::{Named, Panel, Unit, ceiling, plain};
use super::picture::Picture;
use super::story::Story;
use super::theme::{ANSWERED, FAILED, TOTAL, WIDTH};
use crate::text::count;

pub(super) fn draw(story: &Story<'_>) -> Picture {
    let cells: Vec<_> = (0..story.seconds).map(|at| story.requests(at..at + 1)).collect();
    let total: u64 = cells.iter().map(|cell| u64::from(cell.arrived)).sum();
    let lost: u64 = cells.iter().map(|cell| u64::from(cell.lost)).sum();
    let title = match lost {
        0 => format!("{} requests, none lost", count(total)),
        _ => format!("{} requests, {} lost", count(total), count(lost)),
    };
    let total_text = count(total);
    let subtitle =
        format!("requests per second, by intended time (offered) and by end; n = {total_text}");
    let mut picture = Picture::new(WIDTH, 460.0, title, &subtitle);
    if total == 0 {
        picture.nothing("no requests in this run");
        return picture;
    }
    let most = cells.iter().map(|cell| cell.arrived.max(cell.answered)).max().unwrap_or(0);
    let panel = Panel {
        left: 76.0,
        right: WIDTH - 28.0,
        top: 128.0,
        bottom: 416.0,
        seconds: story.seconds as f64,
        most: ceiling(most.into()),
    };
    panel.faults(&mut picture, story.faults.iter(), Named::WithDeployment);
    panel.frame(&mut picture, story, &Unit { name: "rps", write: plain, lines: 5.0 });
    let series = |value: fn(&squall_record::RequestCell) -> u32| -> Vec<_> {
        let values = cells.iter().zip(0..);
        values.map(|(cell, at)| (f64::from(at) + 0.5, Some(f64::from(value(cell))))).collect()
    };
    panel.line(&mut picture, &series(|cell| cell.arrived), TOTAL, 2.0);
    panel.line(&mut picture, &series(|cell| cell.answered), ANSWERED, 3.0);
    panel.line(&mut picture, &series(|cell| cell.lost), FAILED, 3.0);
    let entries = [
        ("offered", TOTAL, Mark::Line),
        ("answered", ANSWERED, Mark::Line),
        ("failed or given up", FAILED, Mark::Line),
    ];
    legend::draw(&mut picture, 76.0, 84.0, &entries);
    picture
}
