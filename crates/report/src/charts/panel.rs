//! A panel: one pair of axes, with time along the bottom, phases on top and faults behind.

use super::picture::{Anchor, Picture, Point, TextStyle, label};
use super::story::{Fault, Story};
use super::theme::{AXIS, FAILED, GRID, Ink, QUIET, SMALL};

/// Where a panel is, and what its axes run over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Panel {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
    /// Seconds along the bottom.
    pub(super) seconds: f64,
    /// The highest value; the lowest is 0.
    pub(super) most: f64,
}

impl Panel {
    pub(super) fn x(&self, seconds: f64) -> f64 {
        self.left + (self.right - self.left) * (seconds / self.seconds).clamp(0.0, 1.0)
    }

    pub(super) fn y(&self, value: f64) -> f64 {
        self.bottom - (self.bottom - self.top) * (value / self.most).clamp(0.0, 1.0)
    }

    pub(super) fn at(&self, (seconds, value): Point) -> Point {
        (self.x(seconds), self.y(value))
    }

    /// Faults, phases, grid and axes: all that is behind the data.
    pub(super) fn frame(&self, picture: &mut Picture, story: &Story<'_>, unit: &Unit<'_>) {
        self.phases(picture, story);
        self.grid(picture, unit);
        self.time_axis(picture);
    }

    /// Horizontal lines at round values, with their labels.
    pub(super) fn grid(&self, picture: &mut Picture, unit: &Unit<'_>) {
        let step = round_step(self.most, unit.lines);
        let mut value = 0.0;
        while value <= self.most * 1.001 {
            let y = self.y(value);
            picture.path(vec![(self.left, y), (self.right, y)], GRID, 1.0);
            let text = (unit.write)(value);
            picture.text((self.left - 8.0, y), text, label(QUIET, Anchor::Right));
            value += step;
        }
        picture.text((self.left - 8.0, self.top - 14.0), unit.name, label(QUIET, Anchor::Right));
    }

    pub(super) fn time_axis(&self, picture: &mut Picture) {
        picture.path(vec![(self.left, self.bottom), (self.right, self.bottom)], AXIS, 1.0);
        let step = time_step(self.seconds);
        let mut seconds = 0.0;
        while seconds <= self.seconds {
            let x = self.x(seconds);
            picture.path(vec![(x, self.bottom), (x, self.bottom + 4.0)], AXIS, 1.0);
            let style = label(QUIET, Anchor::Middle);
            picture.text((x, self.bottom + 15.0), write_time(seconds), style);
            seconds += step;
        }
    }

    /// The names of the phases above the panel, and thin lines where they meet.
    fn phases(&self, picture: &mut Picture, story: &Story<'_>) {
        for phase in &story.scenario.phases {
            let (from, to) = (phase.start.as_secs_f64(), phase.end.as_secs_f64());
            let middle = f64::midpoint(self.x(from), self.x(to));
            picture.text((middle, self.top - 14.0), &phase.name, label(QUIET, Anchor::Middle));
            for edge in [from, to] {
                let x = self.x(edge);
                picture.path(vec![(x, self.top - 8.0), (x, self.bottom)], GRID, 1.0);
            }
        }
    }

    /// Shades the faults, each with its name; those of one row must not overlap.
    pub(super) fn faults<'f>(
        &self,
        picture: &mut Picture,
        faults: impl Iterator<Item = &'f Fault>,
        named: Named,
    ) {
        let mut ends: Vec<f64> = Vec::new();
        for fault in faults {
            let (from, to) = (self.x(fault.from), self.x(fault.to));
            picture.rect((from, self.top), (to, self.bottom), FAILED.faded(0.09));
            picture.path(vec![(from, self.top), (from, self.bottom)], FAILED.faded(0.35), 1.0);
            let row = ends.iter().position(|&end| end <= from + 0.5).unwrap_or(ends.len());
            if row == ends.len() {
                ends.push(to);
            } else {
                ends[row] = to;
            }
            let text = match named {
                Named::WithDeployment => format!("{}: {}", fault.whom, fault.what),
                Named::Alone => fault.what.clone(),
            };
            let at = (from + 5.0, self.top + 11.0 + 15.0 * row as f64);
            let style = TextStyle { size: SMALL, bold: true, ink: FAILED, anchor: Anchor::Left };
            picture.text(at, text, style);
        }
    }

    /// A line through values; it breaks where there is none.
    pub(super) fn line(
        &self,
        picture: &mut Picture,
        values: &[(f64, Option<f64>)],
        ink: Ink,
        width: f64,
    ) {
        for piece in values.split(|(_, value)| value.is_none()) {
            let points: Vec<_> =
                piece.iter().filter_map(|&(at, value)| Some(self.at((at, value?)))).collect();
            if let [alone] = points[..] {
                picture.dot(alone, width, ink, true);
            }
            picture.path(points, ink, width);
        }
    }

    /// A name at the right edge, beside where its line ends.
    pub(super) fn name_at(&self, picture: &mut Picture, y: f64, name: &str, ink: Ink) {
        let style = TextStyle { size: SMALL, bold: true, ink, anchor: Anchor::Left };
        picture.text((self.right + 8.0, y), name, style);
    }
}

/// Whether a fault is named with whom it hits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Named {
    WithDeployment,
    Alone,
}

/// What a value axis counts.
pub(super) struct Unit<'a> {
    pub(super) name: &'a str,
    pub(super) write: fn(f64) -> String,
    /// About how many lines to draw.
    pub(super) lines: f64,
}

pub(super) fn plain(value: f64) -> String {
    if value >= 10_000.0 {
        format!("{:.0}k", value / 1_000.0)
    } else if value.fract() == 0.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.1}")
    }
}

pub(super) fn percent(value: f64) -> String {
    format!("{:.0}%", value * 100.0)
}

/// A duration in seconds, as people write it.
pub(super) fn seconds(value: f64) -> String {
    if value == 0.0 {
        "0".to_owned()
    } else if value < 1.0 {
        format!("{:.0} ms", value * 1_000.0)
    } else {
        format!("{} s", plain(value))
    }
}

/// A value a little above the greatest, at which a round line can stand.
pub(super) fn ceiling(most: f64) -> f64 {
    let most = if most > 0.0 { most * 1.08 } else { 1.0 };
    let step = round_step(most, 5.0);
    (most / step).ceil() * step
}

/// A step of 1, 2 or 5 times a power of ten that gives about `lines` lines.
fn round_step(most: f64, lines: f64) -> f64 {
    let rough = (most / lines).max(f64::MIN_POSITIVE);
    let power = 10_f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| factor * power >= rough * 0.999);
    factor.unwrap_or(10.0) * power
}

fn time_step(seconds: f64) -> f64 {
    const STEPS: [f64; 14] = [
        1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_200.0, 1_800.0, 3_600.0,
        7_200.0,
    ];
    STEPS.into_iter().find(|step| seconds / step <= 10.0).unwrap_or(seconds / 10.0)
}

fn write_time(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match (whole / 60, whole % 60) {
        (0, _) => format!("{whole} s"),
        (minutes, 0) if whole > 120 => format!("{minutes} min"),
        _ if whole <= 120 => format!("{whole} s"),
        (minutes, rest) => format!("{minutes}:{rest:02}"),
    }
}
