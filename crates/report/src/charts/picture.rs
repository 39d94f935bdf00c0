//! A picture: shapes in pixels, in the order in which they are drawn.

use super::font_metrics;
use super::theme::{BODY, Ink, PAPER, QUIET, SMALL, TEXT, TITLE, VEIL, WIDTH};

/// A picture that is being drawn.
#[derive(Clone, Debug)]
pub(super) struct Picture {
    pub(super) title: String,
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) shapes: Vec<DrawnShape>,
    /// What is drawn over all other shapes.
    veils: Vec<DrawnShape>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum DrawnShape {
    Rect { from: Point, to: Point, ink: Ink },
    Area { points: Vec<Point>, ink: Ink },
    Path { points: Vec<Point>, ink: Ink, width: f64 },
    Dot { at: Point, radius: f64, ink: Ink, filled: bool },
    Text { at: Point, text: String, style: TextStyle },
}

pub(super) type Point = (f64, f64);

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct TextStyle {
    pub(super) size: f64,
    pub(super) bold: bool,
    pub(super) ink: Ink,
    pub(super) anchor: Anchor,
}

/// Which point of a text stands where it is put: left, middle or right, always on its middle height.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Anchor {
    Left,
    Middle,
    Right,
}

pub(super) const fn label(ink: Ink, anchor: Anchor) -> TextStyle {
    TextStyle { size: SMALL, bold: false, ink, anchor }
}

impl Picture {
    /// A picture with its title, and a line below it with what is counted and how. It is as high as one
    /// that tells that there is nothing to draw, until it is [closed](Self::close).
    pub(super) fn new(title: impl Into<String>, subtitle: &str) -> Self {
        let title = title.into();
        let (width, height) = (WIDTH, 200.0);
        let mut picture =
            Self { title: title.clone(), width, height, shapes: Vec::new(), veils: Vec::new() };
        let heading = TextStyle { size: TITLE, bold: true, ink: TEXT, anchor: Anchor::Left };
        picture.text((24.0, 30.0), title, heading);
        let below = TextStyle { size: BODY, bold: false, ink: QUIET, anchor: Anchor::Left };
        picture.text((24.0, 54.0), subtitle, below);
        picture
    }

    pub(super) fn text(&mut self, at: Point, text: impl Into<String>, style: TextStyle) {
        self.shapes.push(DrawnShape::Text { at, text: text.into(), style });
    }

    /// A bold label from `at` to the right, on paper that lets a little of what is behind it through.
    pub(super) fn text_on_paper(&mut self, at: Point, text: &str, ink: Ink) {
        let right = at.0 + font_metrics::width(text, SMALL, true) + 3.0;
        self.rect((at.0 - 3.0, at.1 - 8.0), (right, at.1 + 8.0), PAPER.faded(0.75));
        self.text(at, text, TextStyle { size: SMALL, bold: true, ink, anchor: Anchor::Left });
    }

    pub(super) fn rect(&mut self, from: Point, to: Point, ink: Ink) {
        self.shapes.push(DrawnShape::Rect { from, to, ink });
    }

    /// Pales what is within a rectangle, with a text across its middle that may reach beyond it.
    pub(super) fn veil(&mut self, from: Point, to: Point, text: Option<&str>) {
        let shapes = self.shapes.len();
        self.rect(from, to, VEIL);
        if let Some(text) = text {
            let wide = font_metrics::width(text, SMALL, true);
            let left = f64::midpoint(from.0, to.0) - wide / 2.0;
            self.text_on_paper((left.max(from.0 + 5.0), f64::midpoint(from.1, to.1)), text, QUIET);
        }
        self.veils.extend(self.shapes.drain(shapes..));
    }

    pub(super) fn area(&mut self, points: Vec<Point>, ink: Ink) {
        if points.len() > 2 {
            self.shapes.push(DrawnShape::Area { points, ink });
        }
    }

    pub(super) fn path(&mut self, points: Vec<Point>, ink: Ink, width: f64) {
        if points.len() > 1 {
            self.shapes.push(DrawnShape::Path { points, ink, width });
        }
    }

    pub(super) fn dot(&mut self, at: Point, radius: f64, ink: Ink, filled: bool) {
        self.shapes.push(DrawnShape::Dot { at, radius, ink, filled });
    }

    /// A path with gaps.
    pub(super) fn dashes(&mut self, points: &[Point], ink: Ink, width: f64) {
        for piece in dashed(points, 7.0, 5.0) {
            self.path(piece, ink, width);
        }
    }

    /// Ends the picture below what reaches down to `bottom`, with a line about what is not shown.
    pub(super) fn close(&mut self, bottom: f64, footnote: Option<String>) {
        self.shapes.append(&mut self.veils);
        self.height = (bottom + 16.0).ceil();
        if let Some(text) = footnote {
            self.text((24.0, bottom + 22.0), text, label(QUIET, Anchor::Left));
            self.height += 24.0;
        }
    }

    /// What is told instead of a chart with nothing on it.
    pub(super) fn nothing(&mut self, text: &str) {
        let at = (self.width / 2.0, self.height * 0.6);
        let style = TextStyle { size: 16.0, bold: false, ink: QUIET, anchor: Anchor::Middle };
        self.text(at, text, style);
    }
}

/// The pieces of a path that are drawn when it is drawn for `on` pixels and left out for `off`.
fn dashed(points: &[Point], on: f64, off: f64) -> Vec<Vec<Point>> {
    let mut pieces = Vec::new();
    let mut piece: Vec<Point> = points.first().copied().into_iter().collect();
    let (mut drawing, mut left) = (true, on);
    for pair in points.windows(2) {
        let (mut from, to) = (pair[0], pair[1]);
        loop {
            let length = (to.0 - from.0).hypot(to.1 - from.1);
            if length < left {
                left -= length;
                if drawing {
                    piece.push(to);
                }
                break;
            }
            let part = left / length;
            from = (from.0 + (to.0 - from.0) * part, from.1 + (to.1 - from.1) * part);
            piece.push(from);
            if drawing {
                pieces.push(std::mem::take(&mut piece));
            }
            piece = vec![from];
            drawing = !drawing;
            left = if drawing { on } else { off };
        }
    }
    if drawing {
        pieces.push(piece);
    }
    pieces
}
