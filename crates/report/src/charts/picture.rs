//! A picture: shapes in pixels, in the order in which they are drawn.

use super::font_metrics;
use super::theme::{BODY, Ink, Layout, PAPER, QUIET, Rgb, SMALL, TEXT, TITLE, VEIL};

/// A picture that is being drawn.
#[derive(Clone, Debug)]
pub(super) struct Picture {
    pub(super) title: String,
    pub(super) layout: Layout,
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) shapes: Vec<DrawnShape>,
    /// What each shape is to the page, by its place.
    pub(super) tags: Vec<ShapeTag>,
    /// What the time axis of its panels runs over, if they have one.
    pub(super) span: Option<TimeSpan>,
    /// What it shows, for those who do not see it: a line each, where its title does not tell it.
    pub(super) words: Vec<String>,
    /// What is drawn over all other shapes.
    veils: Vec<(DrawnShape, ShapeTag)>,
    tag: ShapeTag,
    /// The labels on paper so far, each from its upper left to its lower right corner.
    labels: Vec<(Point, Point)>,
    /// Where the lines about what is counted end.
    head: f64,
}

/// What a shape is to the script of the page.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ShapeTag {
    pub(super) role: ShapeRole,
    /// The name of the series that it belongs to, as the legend has it.
    pub(super) series: Option<String>,
}

/// What becomes of a shape when the time axis is stretched.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum ShapeRole {
    /// It stays.
    #[default]
    Still,
    /// It is stretched with the axis, and cut off at the panel's edges.
    Data,
    /// It moves with this place on the axis, and is not stretched.
    Label(f64),
    /// It is a mark of the time axis, in place of which others are drawn.
    TimeMark,
    /// It is the legend's entry for its series.
    Legend,
}

/// The time axis of all panels of a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct TimeSpan {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) seconds: f64,
    /// From the top of the first panel to the bottom of the last.
    pub(super) top: f64,
    pub(super) bottom: f64,
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
    pub(super) fn new(layout: Layout, title: impl Into<String>, subtitle: &str) -> Self {
        let title = title.into();
        let mut picture = Self {
            title: title.clone(),
            layout,
            width: layout.width(),
            height: 200.0,
            shapes: Vec::new(),
            tags: Vec::new(),
            span: None,
            words: Vec::new(),
            veils: Vec::new(),
            tag: ShapeTag::default(),
            labels: Vec::new(),
            head: 6.0,
        };
        let heading = TextStyle { size: TITLE, bold: true, ink: TEXT, anchor: Anchor::Left };
        picture.paragraph(&title, heading, 24.0);
        picture.head += 4.0;
        let below = TextStyle { size: BODY, bold: false, ink: QUIET, anchor: Anchor::Left };
        picture.paragraph(subtitle, below, 20.0);
        picture.height = picture.head + 120.0;
        picture
    }

    /// Lines at the head of the picture, below those that are there.
    fn paragraph(&mut self, text: &str, style: TextStyle, line: f64) {
        let margin = self.layout.margin();
        let most = self.width - 2.0 * margin;
        for text in font_metrics::wrap(text, style.size, style.bold, most) {
            self.head += line;
            self.text((margin, self.head), text, style);
        }
    }

    /// Where the title and the lines below it end.
    pub(super) const fn head(&self) -> f64 {
        self.head
    }

    /// Draws shapes of a role.
    pub(super) fn within(&mut self, role: ShapeRole, draw: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.tag.role, role);
        draw(self);
        self.tag.role = before;
    }

    /// Draws shapes of a series, named as in the legend.
    pub(super) fn series(&mut self, name: &str, draw: impl FnOnce(&mut Self)) {
        let before = self.tag.series.replace(name.to_owned());
        draw(self);
        self.tag.series = before;
    }

    fn push(&mut self, shape: DrawnShape) {
        self.shapes.push(shape);
        self.tags.push(self.tag.clone());
    }

    pub(super) fn text(&mut self, at: Point, text: impl Into<String>, style: TextStyle) {
        self.push(DrawnShape::Text { at, text: text.into(), style });
    }

    /// A bold label from `at` to the right, on paper that lets a little of what is behind it through.
    pub(super) fn text_on_paper(&mut self, at: Point, text: &str, ink: Ink) {
        let (from, to) = label_box(at, text);
        self.labels.push((from, to));
        self.rect(from, to, PAPER.faded(0.75));
        self.text(at, text, TextStyle { size: SMALL, bold: true, ink, anchor: Anchor::Left });
    }

    /// The same where it meets no other label: moved by `step` downwards, or upwards if that is negative, up to the
    /// height `last`. Where no place is free it is left out.
    pub(super) fn label_where_free(
        &mut self,
        (x, first): Point,
        (step, last): (f64, f64),
        text: &str,
        ink: Ink,
    ) {
        let meets = |y: f64| {
            let (from, to) = label_box((x, y), text);
            self.labels.iter().any(|&((left, top), (right, bottom))| {
                left < to.0 && from.0 < right && top < to.1 && from.1 < bottom
            })
        };
        let all = (0_u32..).map(|row| first + f64::from(row) * step);
        let mut within = all.take_while(|y| if step > 0.0 { *y <= last } else { *y >= last });
        if let Some(y) = within.find(|y| !meets(*y)) {
            self.text_on_paper((x, y), text, ink);
        }
    }

    pub(super) fn rect(&mut self, from: Point, to: Point, ink: Ink) {
        self.push(DrawnShape::Rect { from, to, ink });
    }

    /// Pales what is within a rectangle, with a text across its middle that may reach beyond it.
    pub(super) fn veil(&mut self, from: Point, to: Point, text: Option<&str>) {
        self.over(|this| {
            this.within(ShapeRole::Data, |picture| picture.rect(from, to, VEIL));
            if let Some(text) = text {
                let wide = font_metrics::width(text, SMALL, true);
                let left = f64::midpoint(from.0, to.0) - wide / 2.0;
                let at = (left.max(from.0 + 5.0), f64::midpoint(from.1, to.1));
                let label = ShapeRole::Label(from.0);
                this.within(label, |picture| picture.text_on_paper(at, text, QUIET));
            }
        });
    }

    /// Draws over all other shapes, those that are drawn later too.
    pub(super) fn over(&mut self, draw: impl FnOnce(&mut Self)) {
        let shapes = self.shapes.len();
        draw(self);
        self.veils.extend(self.shapes.drain(shapes..).zip(self.tags.drain(shapes..)));
    }

    pub(super) fn area(&mut self, points: Vec<Point>, ink: Ink) {
        if points.len() > 2 {
            self.push(DrawnShape::Area { points, ink });
        }
    }

    pub(super) fn path(&mut self, points: Vec<Point>, ink: Ink, width: f64) {
        if points.len() > 1 {
            self.push(DrawnShape::Path { points, ink, width });
        }
    }

    pub(super) fn dot(&mut self, at: Point, radius: f64, ink: Ink, filled: bool) {
        self.push(DrawnShape::Dot { at, radius, ink, filled });
    }

    /// A path with gaps.
    pub(super) fn dashes(&mut self, points: &[Point], ink: Ink, width: f64) {
        for piece in dashed(points, 7.0, 5.0) {
            self.path(piece, ink, width);
        }
    }

    /// Ends the picture below what reaches down to `bottom`, with a line about what is not shown.
    pub(super) fn close(&mut self, bottom: f64, footnote: Option<String>) {
        for (shape, tag) in std::mem::take(&mut self.veils) {
            self.shapes.push(shape);
            self.tags.push(tag);
        }
        self.head = bottom + 4.0;
        if let Some(text) = footnote {
            self.paragraph(&text, label(QUIET, Anchor::Left), 18.0);
        }
        self.height = (self.head + 12.0).ceil();
    }

    /// The inks that are in it, on white and on dark paper.
    pub(super) fn inks(&self) -> impl Iterator<Item = (Rgb, Rgb)> {
        let ink = |shape: &DrawnShape| match shape {
            DrawnShape::Rect { ink, .. }
            | DrawnShape::Area { ink, .. }
            | DrawnShape::Path { ink, .. }
            | DrawnShape::Dot { ink, .. } => *ink,
            DrawnShape::Text { style, .. } => style.ink,
        };
        self.shapes.iter().map(ink).map(|ink| (ink.rgb, ink.dark))
    }

    /// What is told instead of a chart with nothing on it.
    pub(super) fn nothing(&mut self, text: &str) {
        let at = (self.width / 2.0, self.height * 0.6);
        let style = TextStyle { size: 16.0, bold: false, ink: QUIET, anchor: Anchor::Middle };
        self.text(at, text, style);
    }
}

fn label_box((x, y): Point, text: &str) -> (Point, Point) {
    let right = x + font_metrics::width(text, SMALL, true) + 3.0;
    ((x - 3.0, y - 8.0), (right, y + 8.0))
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
