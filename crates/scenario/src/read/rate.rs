//! Rates over time: a number, or segments that begin one after the other.

use crate::diagnostic::Problem;
use crate::fields::Fields;
use crate::node::{Node, NodeKind};
use crate::schema::{Key, Schema, Section};
use crate::{unit, value};
use core::time::Duration;
use squall_determinism::Timestamp;
use squall_workload::{Decay, Rate, RateSegment};

/// A rate.
pub(crate) const RATE: Schema =
    Schema::Either(&[Schema::Number, Schema::List(&Schema::Section(&SEGMENT))]);

static SEGMENT: Section = Section {
    id: "rate-segment",
    phrase: "a rate segment",
    about: "A segment of a rate, up to the start of the next segment. The first starts at `0s`.",
    keys: &[&[
        Key::required("at", Schema::DURATION, "From when."),
        Key::choice("rps", Schema::Number, "A constant rate, in requests per second."),
        Key::choice("ramp", Schema::Section(&RAMP), "A linear ramp to another rate."),
        Key::choice("spike", Schema::Section(&SPIKE), "A spike above the current rate."),
    ]],
};

static RAMP: Section = Section {
    id: "ramp",
    phrase: "a ramp",
    about: "A linear ramp from the current rate to another, which then holds.",
    keys: &[&[
        Key::required("to", Schema::Number, "Final rate, in requests per second."),
        Key::required("over", Schema::SPAN, "Duration of the ramp."),
    ]],
};

static SPIKE: Section = Section {
    id: "spike",
    phrase: "a spike",
    about: "A linear rise from the current rate to a peak, then a power-law decay back.",
    keys: &[&[
        Key::required("peak", Schema::Number, "Rate at the peak, in requests per second."),
        Key::required("rise", Schema::SPAN, "Time from the start to the peak."),
        Key::required("decay", Schema::Section(&DECAY), "The decay."),
    ]],
};

static DECAY: Section = Section {
    id: "decay",
    phrase: "a decay",
    about: "base + (peak − base) · (1 + t / scale)^−exponent, with t counted from the peak.",
    keys: &[&[
        Key::required(
            "exponent",
            Schema::Number,
            "Steepness: 1.4 for a burst that does not spread, 0.6 for a viral one (Crane and \
             Sornette 2008).",
        ),
        Key::required("scale", Schema::SPAN, "Time until the excess has fallen to 2^−exponent."),
    ]],
};

/// The rate under `name`. `run` is how long the run lasts, if that is known.
pub(crate) fn rate(fields: &Fields<'_>, name: &str, run: Option<Duration>) -> Rate {
    let mut rate = Rate::default();
    let (_, Some(node)) = fields.find(name) else { return rate };
    if let NodeKind::Scalar(_) = node.kind {
        let rps = value::parsed(node, &RATE, fields.problems, unit::number).unwrap_or_default();
        rate.segments.push(RateSegment::Constant { at: Timestamp::ZERO, rps });
        return rate;
    }
    let mut previous: Option<Fields<'_>> = None;
    for item in items(fields, name, node) {
        let Some(segment) = Fields::open(item, &SEGMENT, fields.problems) else { continue };
        let Some(at) = segment.time("at") else { continue };
        check_start(&segment, at, previous.as_ref(), run);
        let base = rate.at(at);
        if let Some(read) = read_segment(&segment, at, base) {
            rate.segments.push(read);
        }
        previous = Some(segment);
    }
    rate
}

fn items<'n>(fields: &Fields<'n>, name: &str, node: &'n Node) -> &'n [Node] {
    let items = fields.list(name);
    if items.is_empty() && matches!(node.kind, NodeKind::List(_)) {
        let problem = Problem::new(&node.span, "a rate needs a segment", "the list is empty");
        fields.problems.push(problem.help("write `rate: 20` for a constant rate"));
    }
    items
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

fn read_segment(segment: &Fields<'_>, at: Timestamp, base: f64) -> Option<RateSegment> {
    match segment.choice()?.0 {
        "rps" => Some(RateSegment::Constant { at, rps: segment.number("rps")? }),
        "ramp" => {
            let ramp = segment.section("ramp")?;
            let (to, over) = (ramp.number("to"), ramp.duration("over"));
            Some(RateSegment::Ramp { at, from: base, to: to?, over: over? })
        }
        _ => {
            let spike = segment.section("spike")?;
            let (peak, rise) = (spike.number("peak"), spike.duration("rise"));
            let decay = spike.section("decay")?;
            let (exponent, scale) = (decay.number("exponent"), decay.duration("scale"));
            let (peak, decay) = (peak?, Decay { exponent: exponent?, scale: scale? });
            if peak < base {
                let label = format!("the rate just before is {base}");
                let message = "the peak of a spike is below the rate just before";
                segment.problems.push(Problem::new(spike.span_of("peak"), message, label));
            }
            Some(RateSegment::Spike { at, base, peak, rise: rise?, decay })
        }
    }
}
