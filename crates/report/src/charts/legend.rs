//! A legend in one row, for charts whose lines end too close to each other to be named there.

use super::picture::{Anchor, Picture, TextStyle};
use super::theme::{BODY, Ink, TEXT};

/// How an entry looks on the chart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Mark {
    Line,
    Dashes,
    Block,
    Dot,
}

/// Draws the entries from `left` on, at the height `y`.
pub(super) fn draw(picture: &mut Picture, left: f64, y: f64, entries: &[(&str, Ink, Mark)]) {
    let mut x = left;
    for (name, ink, mark) in entries {
        match mark {
            Mark::Line => picture.path(vec![(x, y), (x + 20.0, y)], *ink, 3.0),
            Mark::Dashes => picture.dashes(&[(x, y), (x + 22.0, y)], *ink, 2.0),
            Mark::Block => picture.rect((x, y - 6.0), (x + 20.0, y + 6.0), *ink),
            Mark::Dot => picture.dot((x + 10.0, y), 4.0, *ink, true),
        }
        let style = TextStyle { size: BODY, bold: false, ink: TEXT, anchor: Anchor::Left };
        picture.text((x + 28.0, y), *name, style);
        x += 28.0 + 7.4 * name.chars().count() as f64 + 26.0;
    }
}
