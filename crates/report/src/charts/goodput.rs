//! Goodput against offered load: as it is, and without each provider. The knee is where a curve leaves
//! the dashed line.

use super::legend::{self, LegendMark};
use super::panel::{ceiling, plain, round_step};
use super::picture::{Anchor, Picture, Point, label};
use super::theme::{self, AXIS, GRID, Layout, PALE, QUIET, TOTAL};
use crate::plan::{CurvePoint, PlanCurve, PlanReport, world};

pub(super) const READING: &str = "On the dashed line all requests succeed. The knee is where a \
     curve leaves it: beyond, more load yields errors instead of goodput. Bands span minimum to \
     maximum over the seeds. Filled dots: all expectations met; rings: not met.";

pub(super) fn draw(plan: &PlanReport) -> Picture {
    let subtitle =
        "successful against offered requests per second, in the busiest five seconds of a run";
    let mut picture =
        Picture::new(Layout::Wide, format!("Goodput against {}", plan.varied.path), subtitle);
    let points = || plan.curves.iter().flat_map(|curve| &curve.points);
    let offered = points().map(|point| point.offered).fold(0.0, f64::max);
    let answered = points().map(|point| point.goodput[2]).fold(0.0, f64::max);
    if offered <= 0.0 {
        picture.nothing("no value was tested");
        return picture;
    }
    let names: Vec<_> = plan.curves.iter().map(|curve| world(curve.gone.as_deref())).collect();
    let mut entries: Vec<_> = names
        .iter()
        .enumerate()
        .map(|(number, name)| (name.as_str(), ink(number), LegendMark::Line(2.0)))
        .collect();
    entries.push(("all requests succeed", PALE, LegendMark::Dashes(1.5)));
    let top = legend::draw(&mut picture, &entries) + 26.0;
    let least = points().map(|point| point.offered).fold(f64::INFINITY, f64::min);
    let by_value = offered < SAME * least;
    let most =
        if by_value { points().map(|point| point.value).fold(0.0, f64::max) } else { offered };
    let answered = if by_value { answered.max(offered) } else { answered };
    let (most_offered, most_answered) = (ceiling(most), ceiling(answered * 1.05));
    let name = match by_value {
        true => plan.varied.path.as_str(),
        false => "offered requests per second",
    };
    let axes = Axes {
        left: LEFT,
        right: RIGHT,
        top,
        bottom: top + 380.0,
        lines: 10.0,
        most_offered,
        most_answered,
        by_value,
        name,
    };
    axes.frame(&mut picture);
    // Against another value than traffic, what is offered is the same everywhere.
    let (from, all) = match by_value {
        true => ((0.0, offered), (most_offered, offered)),
        false => ((0.0, 0.0), (most_offered.min(most_answered), most_offered.min(most_answered))),
    };
    picture.dashes(&[axes.at(from), axes.at(all)], PALE, 1.5);
    // The world as it is lies on top.
    for (number, curve) in plan.curves.iter().enumerate().rev() {
        axes.curve(&mut picture, curve, number);
    }
    picture.close(axes.bottom + 40.0, None);
    picture
}

/// Round values up to the end of an axis, about so many.
fn round(most: f64, lines: f64) -> impl Iterator<Item = f64> {
    let step = round_step(most, lines);
    let last = (most / step + 0.001).floor() as u32;
    (0..=last).map(move |line| f64::from(line) * step)
}

/// The world as it is is black; without a provider it has a colour of its own.
fn ink(number: usize) -> theme::Ink {
    number.checked_sub(1).map_or(TOTAL, theme::deployment)
}

const LEFT: f64 = 76.0;
const RIGHT: f64 = Layout::Wide.width() - 40.0;

/// Loads of which the most is less than this many times the least are one: the value that is varied is not traffic.
const SAME: f64 = 1.2;

/// Offered along the bottom, or the value where it is not traffic that is varied; answered upwards.
pub(super) struct Axes<'p> {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
    /// About how many values the axis at the bottom names.
    pub(super) lines: f64,
    pub(super) most_offered: f64,
    pub(super) most_answered: f64,
    pub(super) by_value: bool,
    /// What stands along the bottom.
    pub(super) name: &'p str,
}

impl Axes<'_> {
    pub(super) fn at(&self, (x, y): Point) -> Point {
        let part = |value: f64, most: f64| (value / most).clamp(0.0, 1.0);
        let (right, up) = (part(x, self.most_offered), part(y, self.most_answered));
        (self.left + (self.right - self.left) * right, self.bottom - (self.bottom - self.top) * up)
    }

    pub(super) fn frame(&self, picture: &mut Picture) {
        for value in round(self.most_answered, 8.0) {
            let (_, y) = self.at((0.0, value));
            picture.path(vec![(self.left, y), (self.right, y)], GRID, 1.0);
            picture.text((self.left - 8.0, y), plain(value), label(QUIET, Anchor::Right));
        }
        for value in round(self.most_offered, self.lines) {
            let (x, _) = self.at((value, 0.0));
            picture.path(vec![(x, self.bottom), (x, self.bottom + 4.0)], AXIS, 1.0);
            picture.text((x, self.bottom + 15.0), plain(value), label(QUIET, Anchor::Middle));
        }
        picture.path(vec![(self.left, self.bottom), (self.right, self.bottom)], AXIS, 1.0);
        let below = (self.right, self.bottom + 34.0);
        picture.text(below, self.name, label(QUIET, Anchor::Right));
        picture.text(
            (picture.layout.margin(), self.top - 18.0),
            "successful requests per second",
            label(QUIET, Anchor::Left),
        );
    }

    fn curve(&self, picture: &mut Picture, curve: &PlanCurve, number: usize) {
        let ink = ink(number);
        let along = |which: usize| {
            let points = curve.points.iter();
            let x = |point: &CurvePoint| if self.by_value { point.value } else { point.offered };
            points.map(|point| self.at((x(point), point.goodput[which]))).collect::<Vec<_>>()
        };
        let mut band = along(2);
        band.extend(along(0).into_iter().rev());
        picture.area(band, ink.faded(0.12));
        picture.path(along(1), ink, if number == 0 { 2.5 } else { 1.5 });
        for (point, at) in curve.points.iter().zip(along(1)) {
            if !point.met {
                picture.dot(at, 3.5, theme::PAPER, true);
            }
            picture.dot(at, 3.5, ink, point.met);
        }
    }
}
