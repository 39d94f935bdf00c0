//! A legend in rows, for charts whose lines end too close to each other to be named there.

use super::font_metrics;
use super::picture::{Anchor, Picture, TextStyle};
use super::theme::{BODY, Ink, TEXT, WIDTH};

/// How an entry looks on the chart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum LegendMark {
    Line(f64),
    Dashes(f64),
    Block,
    Dot,
    Ring,
}

const LEFT: f64 = 24.0;
const TOP: f64 = 84.0;
const ROW: f64 = 22.0;

/// Draws the entries below the subtitle, and tells how far down they reach.
pub(super) fn draw(picture: &mut Picture, entries: &[(&str, Ink, LegendMark)]) -> f64 {
    let (mut x, mut y) = (LEFT, TOP);
    for (name, ink, mark) in entries {
        let wide = 26.0 + font_metrics::width(name, BODY, false) + 24.0;
        if x > LEFT && x + wide > WIDTH {
            (x, y) = (LEFT, y + ROW);
        }
        match mark {
            LegendMark::Line(width) => picture.path(vec![(x, y), (x + 18.0, y)], *ink, *width),
            LegendMark::Dashes(width) => picture.dashes(&[(x, y), (x + 19.0, y)], *ink, *width),
            LegendMark::Block => picture.rect((x + 2.0, y - 6.0), (x + 18.0, y + 6.0), *ink),
            LegendMark::Dot => picture.dot((x + 10.0, y), 4.0, *ink, true),
            LegendMark::Ring => picture.dot((x + 10.0, y), 5.0, *ink, false),
        }
        let style = TextStyle { size: BODY, bold: false, ink: TEXT, anchor: Anchor::Left };
        picture.text((x + 26.0, y), *name, style);
        x += wide;
    }
    y + ROW / 2.0
}
