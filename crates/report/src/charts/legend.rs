//! A legend in rows, for charts whose lines end too close to each other to be named there.

use super::font_metrics;
use super::picture::{Anchor, Picture, ShapeRole, TextStyle};
use super::theme::{BODY, Ink, TEXT};

/// How an entry looks on the chart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum LegendMark {
    Line(f64),
    Dashes(f64),
    Block,
    Dot,
    Ring,
    /// A block that is so much of the usual height, from the bottom up.
    Low(f64),
    /// One that rises.
    Wedge,
    /// The edges of one.
    Hollow,
}

const ROW: f64 = 22.0;

/// Draws the entries below the subtitle, and tells how far down they reach. An entry's name is that of its series.
pub(super) fn draw(picture: &mut Picture, entries: &[(&str, Ink, LegendMark)]) -> f64 {
    let left = picture.layout.margin();
    let (mut x, mut y) = (left, picture.head() + 26.0);
    let most = picture.width - 2.0 * left - 26.0;
    for (name, ink, mark) in entries {
        let text = font_metrics::cut(name, BODY, false, most);
        let wide = 26.0 + font_metrics::width(&text, BODY, false);
        if x > left && x + wide > picture.width - left {
            (x, y) = (left, y + ROW);
        }
        picture.within(ShapeRole::Legend, |picture| {
            picture.series(name, |picture| {
                draw_mark(picture, (x, y), *ink, *mark);
                let style = TextStyle { size: BODY, bold: false, ink: TEXT, anchor: Anchor::Left };
                picture.text((x + 26.0, y), text, style);
            });
        });
        x += wide + 24.0;
    }
    y + ROW / 2.0
}

fn draw_mark(picture: &mut Picture, (x, y): (f64, f64), ink: Ink, mark: LegendMark) {
    match mark {
        LegendMark::Line(width) => picture.path(vec![(x, y), (x + 18.0, y)], ink, width),
        LegendMark::Dashes(width) => picture.dashes(&[(x, y), (x + 19.0, y)], ink, width),
        LegendMark::Block => picture.rect((x + 2.0, y - 6.0), (x + 18.0, y + 6.0), ink),
        LegendMark::Low(part) => {
            picture.rect((x + 2.0, y + 6.0 - 12.0 * part), (x + 18.0, y + 6.0), ink);
        }
        LegendMark::Wedge => {
            let corners = vec![(x + 2.0, y + 6.0), (x + 2.0, y + 4.0), (x + 18.0, y - 6.0)];
            picture.area([corners, vec![(x + 18.0, y + 6.0)]].concat(), ink);
        }
        LegendMark::Hollow => {
            picture.rect((x + 2.0, y - 6.0), (x + 18.0, y + 6.0), ink.faded(0.18));
            picture.rect((x + 2.0, y - 6.0), (x + 18.0, y - 4.0), ink);
            picture.rect((x + 2.0, y + 4.0), (x + 18.0, y + 6.0), ink);
        }
        LegendMark::Dot => picture.dot((x + 10.0, y), 4.0, ink, true),
        LegendMark::Ring => picture.dot((x + 10.0, y), 5.0, ink, false),
    }
}
