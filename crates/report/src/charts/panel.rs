//! A panel: one pair of axes, with time along the bottom, phases on top and faults behind.

use super::chart_context::ChartContext;
use super::fault_labels::{self, FaultNaming, FaultSpan};
use super::font_metrics;
use super::legend::LegendMark;
use super::picture::{Anchor, Picture, Point, ShapeRole, TextStyle, TimeSpan, label};
use super::theme::{AXIS, BODY, FAILED, GRID, Ink, Layout, QUIET, SMALL, TEXT};
use super::time_axis::time_marks;
use squall_scenario::StartTime;
use std::ops::Range;

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
    /// How far below the axis the times stand.
    pub(super) times_below: f64,
    /// How high the lane with the names of faults is, above the panel.
    above: f64,
    layout: Layout,
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

    /// A panel of the usual width.
    pub(super) fn new(context: &ChartContext<'_>, top: f64, height: f64, most: f64) -> Self {
        let layout = context.layout;
        let (left, right) = match layout {
            Layout::Wide => (LEFT, layout.width() - RIGHT),
            Layout::Narrow => (NARROW_LEFT, layout.width() - layout.margin()),
        };
        let (bottom, seconds) = (top + height, context.seconds as f64);
        let (times_below, above) = (15.0, 0.0);
        Self { left, right, top, bottom, seconds, most, times_below, above, layout }
    }

    /// The same without room for captions.
    pub(super) const fn wide(self) -> Self {
        match self.layout {
            Layout::Wide => Self { right: self.layout.width() - 28.0, ..self },
            Layout::Narrow => self,
        }
    }

    /// The same below a lane for the names of faults, as high as they need it.
    pub(super) fn below_names(self, faults: &[&FaultSpan], named: FaultNaming) -> Self {
        let above = fault_labels::height(&self.fault_labels(faults, named));
        Self { top: self.top + above, bottom: self.bottom + above, above, ..self }
    }

    /// The same below its caption, where that does not stand beside it.
    pub(super) fn below_caption(self, lines: &[String]) -> Self {
        let down = match self.layout {
            Layout::Wide => 0.0,
            Layout::Narrow => LINE * (1.0 + self.caption_lines(lines).len() as f64) + 10.0,
        };
        Self { top: self.top + down, bottom: self.bottom + down, ..self }
    }

    /// Where the panel begins with all that stands above its data but the strip of the phases.
    pub(super) fn head(&self) -> f64 {
        self.top - self.above
    }

    /// Phases, grid and axes: all that is behind the data but the faults.
    pub(super) fn frame(
        &self,
        picture: &mut Picture,
        context: &ChartContext<'_>,
        unit: &AxisUnit<'_>,
        place: PanelPosition,
    ) {
        self.framed(picture, context, (unit.name, |picture| self.grid(picture, unit)), place);
    }

    /// The same with other marks of the value axis, under its name.
    pub(super) fn framed(
        &self,
        picture: &mut Picture,
        context: &ChartContext<'_>,
        (name, marks): (&str, impl FnOnce(&mut Picture)),
        place: PanelPosition,
    ) {
        let Self { left, right, seconds, bottom, .. } = *self;
        let top = picture.span.map_or_else(|| self.head(), |span| span.top);
        picture.span = Some(TimeSpan { left, right, seconds, top, bottom });
        self.warm_up(picture, context, place);
        self.phases(picture, context, place);
        marks(picture);
        if matches!(place, PanelPosition::Alone | PanelPosition::First) {
            let middle = self.head() - STRIP + STRIP_HEIGHT / 2.0;
            picture.text((self.left - 8.0, middle), name, label(QUIET, Anchor::Right));
        }
        self.time_axis(picture, context.scenario.start, place);
        self.end_of_run(picture, context, place);
    }

    /// Marks where the run was to end, if the recording goes on: what was under way then ended later.
    fn end_of_run(&self, picture: &mut Picture, context: &ChartContext<'_>, place: PanelPosition) {
        let end = context.scenario.duration.as_secs_f64();
        if self.x(self.seconds) - self.x(end) < 3.0 {
            return;
        }
        let x = self.x(end);
        picture.within(ShapeRole::Data, |picture| {
            picture.dashes(&[(x, self.head()), (x, self.bottom)], QUIET, 1.0);
        });
        let is_low = self.bottom - self.top < LOW;
        if matches!(place, PanelPosition::Alone | PanelPosition::First) && !is_low {
            let wide = font_metrics::width(END_OF_RUN, SMALL, true);
            let left = (x - wide - 6.0).max(self.left + 4.0);
            picture.over(|picture| {
                picture.within(ShapeRole::Label(x), |picture| {
                    let at = (left, self.top + 10.0);
                    picture.label_where_free(at, (16.0, self.bottom), END_OF_RUN, QUIET);
                });
            });
        }
    }

    /// Horizontal lines at round values, with their labels.
    fn grid(&self, picture: &mut Picture, unit: &AxisUnit<'_>) {
        let step = round_step(self.most, unit.lines);
        let mut value = 0.0;
        while value <= self.most * 1.001 {
            let y = self.y(value);
            picture.path(vec![(self.left, y), (self.right, y)], GRID, 1.0);
            let text = (unit.write)(value);
            picture.text((self.left - 8.0, y), text, label(QUIET, Anchor::Right));
            value += step;
        }
    }

    fn time_axis(&self, picture: &mut Picture, start: Option<StartTime>, place: PanelPosition) {
        picture.path(vec![(self.left, self.bottom), (self.right, self.bottom)], AXIS, 1.0);
        let named = matches!(place, PanelPosition::Alone | PanelPosition::Last);
        let below = self.bottom + self.times_below;
        if let (true, Some(start)) = (named, start) {
            // `+02:00` ends where the first mark, which is centred, begins.
            let zone = start.zone();
            let zone =
                zone.strip_prefix("UTC").filter(|offset| !offset.is_empty()).unwrap_or(&zone);
            if font_metrics::width(zone, SMALL, false) < self.left - 30.0 {
                picture.text((self.left - 30.0, below), zone, label(QUIET, Anchor::Right));
            }
        }
        picture.within(ShapeRole::TimeMark, |picture| {
            for (seconds, text) in time_marks(self.seconds, start, self.layout.times()) {
                let x = self.x(seconds);
                picture.path(vec![(x, self.bottom), (x, self.bottom + 4.0)], AXIS, 1.0);
                if named {
                    // The last mark stands within the picture.
                    let most = self.layout.width() - font_metrics::width(&text, SMALL, false) / 2.0;
                    picture.text((x.min(most - 1.0), below), text, label(QUIET, Anchor::Middle));
                }
            }
        });
    }

    /// Thin lines where phases meet, and a strip with their names above the first panel. A name that
    /// does not fit into its phase is left out.
    fn phases(&self, picture: &mut Picture, context: &ChartContext<'_>, place: PanelPosition) {
        let named = matches!(place, PanelPosition::Alone | PanelPosition::First);
        for (number, phase) in context.scenario.phases.iter().enumerate() {
            let (from, to) = (self.x(phase.start.as_secs_f64()), self.x(phase.end.as_secs_f64()));
            let (top, bottom) = (self.head() - STRIP, self.head() - STRIP + STRIP_HEIGHT);
            let ink = GRID.faded(if number % 2 == 0 { 0.9 } else { 0.5 });
            picture.within(ShapeRole::Data, |picture| {
                for edge in [from, to] {
                    picture.path(vec![(edge, self.top), (edge, self.bottom)], GRID, 1.0);
                }
                if named {
                    picture.rect((from, top), (to, bottom), ink);
                }
            });
            if named && font_metrics::width(&phase.name, SMALL, false) + 6.0 < to - from {
                let middle = (f64::midpoint(from, to), f64::midpoint(top, bottom));
                picture.within(ShapeRole::Label(middle.0), |picture| {
                    picture.text(middle, &phase.name, label(QUIET, Anchor::Middle));
                });
            }
        }
    }

    /// Greys what no metric counts, and says so in the first panel.
    fn warm_up(&self, picture: &mut Picture, context: &ChartContext<'_>, place: PanelPosition) {
        let until = context.scenario.warm_up.as_secs_f64();
        if until > 0.0 {
            let named = matches!(place, PanelPosition::Alone | PanelPosition::First);
            let text = named.then_some("warm-up: not counted");
            picture.veil((self.left, self.top), (self.x(until), self.bottom), text);
        }
    }

    /// Shades the faults, behind the data.
    pub(super) fn faults(&self, picture: &mut Picture, faults: &[&FaultSpan]) {
        picture.within(ShapeRole::Data, |picture| {
            for (from, to) in stretches(faults) {
                let (from, to) = (self.x(from), self.x(to));
                picture.rect((from, self.top), (to, self.bottom), FAILED.faded(0.09));
            }
            for fault in faults {
                let from = self.x(fault.from);
                picture.path(vec![(from, self.top), (from, self.bottom)], FAILED.faded(0.35), 1.0);
            }
        });
    }

    /// Names the faults, in the lane above the data.
    pub(super) fn fault_names(
        &self,
        picture: &mut Picture,
        faults: &[&FaultSpan],
        named: FaultNaming,
    ) {
        for name in self.fault_labels(faults, named) {
            let (x, y) = (self.x(name.from), self.head() + fault_labels::ROW * name.row as f64);
            picture.within(ShapeRole::Label(x), |picture| {
                picture.path(vec![(x, y + 2.0), (x, self.top)], FAILED.faded(0.35), 1.0);
                let style =
                    TextStyle { size: SMALL, bold: true, ink: FAILED, anchor: Anchor::Left };
                picture.text((name.left, y + 8.0), &name.text, style);
            });
        }
    }

    fn fault_labels(
        &self,
        faults: &[&FaultSpan],
        named: FaultNaming,
    ) -> Vec<fault_labels::FaultLabel> {
        fault_labels::lay_out(faults, named, (self.left, self.right), |seconds| self.x(seconds))
    }

    /// Marks where another configuration began to hold, and says in the first panel what changed: at its
    /// foot, names that would meet above one another.
    pub(super) fn changes(
        &self,
        picture: &mut Picture,
        context: &ChartContext<'_>,
        place: PanelPosition,
    ) {
        for change in &context.recording.header.changes {
            let x = self.x(change.at.as_secs_f64());
            picture.within(ShapeRole::Data, |picture| {
                picture.path(vec![(x, self.top), (x, self.bottom)], QUIET, 1.0);
            });
            if !matches!(place, PanelPosition::Alone | PanelPosition::First) {
                continue;
            }
            let text = font_metrics::cut(&change.what, SMALL, true, self.right - self.left - 12.0);
            let wide = font_metrics::width(&text, SMALL, true);
            let at = ((x + 5.0).min(self.right - wide - 4.0), self.bottom - 11.0);
            picture.within(ShapeRole::Label(x), |picture| {
                picture.label_where_free(at, (-16.0, self.top + 8.0), &text, QUIET);
            });
        }
    }

    /// A bar over a stretch of seconds, from one value up to another. What is there at all is seen: no
    /// bar is lower than a pixel and a half.
    pub(super) fn bar(
        &self,
        picture: &mut Picture,
        bin: &Range<usize>,
        (base, top): (f64, f64),
        ink: Ink,
    ) {
        let (from, to) = (self.x(bin.start as f64), self.x(bin.end as f64));
        let gap = if to - from > 4.0 { 0.5 } else { 0.0 };
        let (low, high) = (self.y(base), self.y(top).min(self.y(base) - 1.5));
        picture.within(ShapeRole::Data, |picture| {
            picture.rect((from + gap, high), (to - gap, low), ink);
        });
    }

    /// A line through values; it breaks where there is none.
    pub(super) fn line(
        &self,
        picture: &mut Picture,
        values: &[(f64, Option<f64>)],
        ink: Ink,
        stroke: LineStroke,
    ) {
        let LineStroke { width, dashed } = stroke;
        picture.within(ShapeRole::Data, |picture| {
            for piece in values.split(|(_, value)| value.is_none()) {
                let points: Vec<_> =
                    piece.iter().filter_map(|&(at, value)| Some(self.at((at, value?)))).collect();
                if let [alone] = points[..] {
                    picture.dot(alone, width.max(2.5), ink, true);
                }
                if dashed {
                    picture.dashes(&points, ink, width);
                } else {
                    picture.path(points, ink, width);
                }
            }
        });
    }

    /// Where the panel ends with all that stands below its axis.
    pub(super) fn end(&self) -> f64 {
        self.bottom + self.times_below + 8.0
    }

    /// A name with lines of what is to be known below it: at the right edge, in the middle of the panel's height, or
    /// above the panel where there is no room beside it.
    pub(super) fn caption(
        &self,
        picture: &mut Picture,
        (name, ink): (&str, Ink),
        lines: &[String],
        place: PanelPosition,
    ) {
        let lines = self.caption_lines(lines);
        let mut at = match self.layout {
            Layout::Wide => {
                let middle = f64::midpoint(self.top, self.bottom);
                (self.right + 12.0, middle - LINE * lines.len() as f64 / 2.0)
            }
            Layout::Narrow => {
                let strip = matches!(place, PanelPosition::Alone | PanelPosition::First);
                let above = if strip { STRIP + 10.0 } else { 16.0 };
                (self.layout.margin(), self.head() - above - LINE * lines.len() as f64)
            }
        };
        picture.dot((at.0 + 4.0, at.1), 4.0, ink, true);
        let style = TextStyle { size: BODY, bold: true, ink: TEXT, anchor: Anchor::Left };
        picture.text((at.0 + 13.0, at.1), name, style);
        for line in &lines {
            at.1 += LINE;
            picture.text(at, line, label(QUIET, Anchor::Left));
        }
    }

    /// The lines of a caption, as many as it takes.
    fn caption_lines(&self, lines: &[String]) -> Vec<String> {
        match self.layout {
            Layout::Wide => lines.to_vec(),
            Layout::Narrow => {
                let most = self.layout.width() - 2.0 * self.layout.margin();
                font_metrics::wrap(&lines.join(" · "), SMALL, false, most)
            }
        }
    }
}

/// The stretches of faults, in seconds: those that overlap are one.
fn stretches(faults: &[&FaultSpan]) -> Vec<(f64, f64)> {
    let mut all: Vec<_> = faults.iter().map(|fault| (fault.from, fault.to)).collect();
    all.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut stretches: Vec<(f64, f64)> = Vec::new();
    for (from, to) in all {
        match stretches.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => stretches.push((from, to)),
        }
    }
    stretches
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct LineStroke {
    pub(super) width: f64,
    pub(super) dashed: bool,
}

impl LineStroke {
    pub(super) const fn solid(width: f64) -> Self {
        Self { width, dashed: false }
    }

    /// How it looks in a legend.
    pub(super) const fn mark(self) -> LegendMark {
        if self.dashed { LegendMark::Dashes(self.width) } else { LegendMark::Line(self.width) }
    }
}

const END_OF_RUN: &str = "end of the run";
/// A panel that is no higher has no room for labels beside its data.
const LOW: f64 = 40.0;
const LEFT: f64 = 76.0;
const NARROW_LEFT: f64 = 66.0;
/// The room at the right edge, for captions.
const RIGHT: f64 = Layout::CAPTIONS;
/// How far above a panel the strip of the phases begins, and how high it is.
pub(super) const STRIP: f64 = 26.0;
const STRIP_HEIGHT: f64 = 18.0;
/// From one line of a caption to the next.
const LINE: f64 = 16.0;

/// Where a panel stands among those that share a time axis: the first carries the phases, the last the
/// times.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum PanelPosition {
    Alone,
    First,
    Between,
    Last,
}

impl PanelPosition {
    /// The place of the panel `number` of `all`.
    pub(super) const fn of(number: usize, all: usize) -> Self {
        match (number, all.saturating_sub(number + 1)) {
            (0, 0) => Self::Alone,
            (0, _) => Self::First,
            (_, 0) => Self::Last,
            _ => Self::Between,
        }
    }
}

/// What a value axis counts.
pub(super) struct AxisUnit<'a> {
    pub(super) name: &'a str,
    pub(super) write: fn(f64) -> String,
    /// About how many lines to draw.
    pub(super) lines: f64,
}

pub(super) fn plain(value: f64) -> String {
    if value.fract() == 0.0 {
        squall_judge::text::count(value as u64)
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
    } else if value < 0.001 {
        format!("{:.0} µs", value * 1e6)
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
pub(super) fn round_step(most: f64, lines: f64) -> f64 {
    let rough = (most / lines).max(f64::MIN_POSITIVE);
    let power = 10_f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| factor * power >= rough * 0.999);
    factor.unwrap_or(10.0) * power
}
