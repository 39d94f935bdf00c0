//! A panel with time along the bottom and a value upwards, both from 0.

use super::panel::round_step;
use super::picture::{Anchor, Picture, Point, label};
use super::theme::{AXIS, GRID, Layout, QUIET};
use super::time_axis::time_marks;
use squall_scenario::StartTime;

/// Where the panel is, and what its ends stand for.
pub(super) struct PlotAxes {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
    pub(super) seconds: f64,
    most: f64,
    marks: f64,
}

impl PlotAxes {
    /// From `top` on, `height` high, for so many seconds and values up to `most`.
    pub(super) fn new(
        picture: &Picture,
        (top, height): (f64, f64),
        seconds: f64,
        most: f64,
    ) -> Self {
        let left = match picture.layout {
            Layout::Wide => 76.0,
            Layout::Narrow => 52.0,
        };
        let right = picture.width - picture.layout.margin();
        let marks = picture.layout.times();
        Self { left, right, top, bottom: top + height, seconds, most, marks }
    }

    pub(super) fn at(&self, (seconds, value): Point) -> Point {
        let part = |value: f64, most: f64| (value / most).clamp(0.0, 1.0);
        let x = self.left + (self.right - self.left) * part(seconds, self.seconds);
        (x, self.bottom - (self.bottom - self.top) * part(value, self.most))
    }

    /// Draws the lines and their labels; times are of the day where the start is known.
    pub(super) fn frame(
        &self,
        picture: &mut Picture,
        write: fn(f64) -> String,
        start: Option<StartTime>,
    ) {
        let step = round_step(self.most, 5.0);
        let lines = (self.most / step + 0.001).floor() as u32;
        for value in (0..=lines).map(|line| f64::from(line) * step) {
            let (_, y) = self.at((0.0, value));
            picture.path(vec![(self.left, y), (self.right, y)], GRID, 1.0);
            picture.text((self.left - 8.0, y), write(value), label(QUIET, Anchor::Right));
        }
        picture.path(vec![(self.left, self.bottom), (self.right, self.bottom)], AXIS, 1.0);
        for (seconds, text) in time_marks(self.seconds, start, self.marks) {
            let (x, y) = self.at((seconds, 0.0));
            picture.path(vec![(x, y), (x, y + 4.0)], AXIS, 1.0);
            picture.text((x, y + 15.0), text, label(QUIET, Anchor::Middle));
        }
    }
}
