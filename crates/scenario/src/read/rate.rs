//! Rates over time: a number, a shape, or segments that begin one after the other.

mod combined;
mod presets;
mod shapes;

#[cfg(test)]
pub(super) use presets::names as preset_names;

use crate::diagnostic::{Problem, Problems};
use crate::fields::Fields;
use crate::node::{Node, NodeKind};
use crate::schema::{Key, Schema, Section};
use crate::{unit, value};
use core::time::Duration;
use shapes::SHAPES;
use squall_determinism::Timestamp;
use squall_workload::{Rate, RateCurve, RateSegment, Shifted};

/// A rate.
pub(crate) const RATE: Schema = Schema::Either(&[
    Schema::Number,
    Schema::Section(&SHAPE),
    Schema::List(&Schema::Section(&SEGMENT)),
]);

static SEGMENT: Section = Section {
    id: "rate-segment",
    phrase: "a rate segment",
    about: "A segment of a rate, up to the start of the next segment. The first starts at `0s`.",
    keys: &[&[Key::required("at", Schema::DURATION, "From when.")], &SHAPE_KEYS],
};

static SHAPE: Section = Section {
    id: "rate-shape",
    phrase: "a rate",
    about: "A rate of one shape.",
    keys: &[
        &[Key::optional(
            "at",
            Schema::DURATION,
            "0s",
            "When the shape begins; before, the rate that it comes from holds: its base.",
        )],
        &SHAPE_KEYS,
        presets::KEYS,
    ],
};

static SHAPE_KEYS: [Key; SHAPES.len()] = {
    let mut keys = [SHAPES[0].key; SHAPES.len()];
    let mut place = 0;
    while place < keys.len() {
        keys[place] = SHAPES[place].key;
        place += 1;
    }
    keys
};

/// Where a shape begins.
#[derive(Clone, Copy, Debug)]
struct ShapeStart {
    at: Timestamp,
    /// The rate just before.
    base: f64,
    /// How long the run lasts, if that is known.
    run: Option<Duration>,
}

/// The rate under `name`. `run` is how long the run lasts, if that is known.
pub(crate) fn rate(fields: &Fields<'_>, name: &str, run: Option<Duration>) -> Rate {
    let node = fields.find(name).1;
    node.map(|node| of_node(node, fields.problems, run)).unwrap_or_default()
}

/// A rate that stands anywhere.
fn of_node(node: &Node, problems: &Problems, run: Option<Duration>) -> Rate {
    match &node.kind {
        NodeKind::Scalar(_) => {
            let rps = value::parsed(node, &RATE, problems, unit::number);
            Rate::constant(rps.unwrap_or_default())
        }
        NodeKind::Map(_) => of_shape(node, problems, run).unwrap_or_default(),
        NodeKind::List(items) => of_segments(node, items, problems, run),
        NodeKind::Nothing => {
            value::wrong_type(node, &RATE, problems);
            Rate::default()
        }
    }
}

fn of_shape(node: &Node, problems: &Problems, run: Option<Duration>) -> Option<Rate> {
    let shape = Fields::open(node, &SHAPE, problems)?;
    let later = shape.duration("at").unwrap_or_default();
    if let Some(run) = run.filter(|run| later >= *run) {
        let label = format!("the run ends at {}s", run.as_secs_f64());
        let message = "the shape begins after the run has ended";
        problems.push(Problem::new(shape.span_of("at"), message, label));
    }
    let start = ShapeStart { at: Timestamp::ZERO, base: 0.0, run };
    let (name, _) = shape.choice()?;
    let rate = if name == presets::PRESET {
        presets::read(&shape)?
    } else {
        presets::refuse_settings(&shape);
        Rate { segments: vec![read_shape(&shape, start)?] }
    };
    let shifted = Shifted { rate: rate.clone(), later, earlier: Duration::ZERO };
    Some(if later.is_zero() { rate } else { Rate::curve(RateCurve::Shifted(shifted)) })
}

fn of_segments(node: &Node, items: &[Node], problems: &Problems, run: Option<Duration>) -> Rate {
    let mut rate = Rate::default();
    if items.is_empty() {
        let problem = Problem::new(&node.span, "a rate needs a segment", "the list is empty");
        problems.push(problem.help("write `rate: 20` for a constant rate"));
    }
    let mut previous: Option<Fields<'_>> = None;
    for item in items {
        let Some(segment) = Fields::open(item, &SEGMENT, problems) else { continue };
        let Some(at) = segment.time("at") else { continue };
        check_start(&segment, at, previous.as_ref(), run);
        let start = ShapeStart { at, base: rate.at(at), run };
        rate.segments.extend(read_shape(&segment, start));
        previous = Some(segment);
    }
    rate
}

/// The shape that is chosen.
fn read_shape(fields: &Fields<'_>, start: ShapeStart) -> Option<RateSegment> {
    let (name, _) = fields.choice()?;
    let shape = SHAPES.iter().find(|shape| shape.key.name == name)?;
    (shape.read)(fields, start)
}

fn curve(start: ShapeStart, curve: RateCurve) -> RateSegment {
    RateSegment::Curve { at: start.at, curve }
}

/// Segments begin at 0, each after the one before, and within the run.
fn check_start(
    segment: &Fields<'_>,
    at: Timestamp,
    previous: Option<&Fields<'_>>,
    run: Option<Duration>,
) {
    let span = segment.span_of("at");
    let problem = match previous {
        None if at != Timestamp::ZERO => {
            Problem::new(span, "the first segment of a rate begins at `0s`", "expected `0s`")
                .help("add `{ at: 0s, rps: … }` before it")
        }
        Some(previous) if previous.time("at").is_some_and(|before| at <= before) => {
            Problem::new(span, "the segments of a rate must be in chronological order", "not later")
                .related(previous.span_of("at"), "than this one")
        }
        _ => match run {
            Some(run) if at >= Timestamp::from(run) => {
                let label = format!("the run ends at {}s", run.as_secs_f64());
                Problem::new(span, "the segment begins after the run has ended", label)
            }
            _ => return,
        },
    };
    segment.problems.push(problem);
}
