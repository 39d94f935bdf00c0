//! The shapes of a rate, in one table: for each its key, and how it is read.

use super::{RATE, ShapeStart, combined, curve};
use crate::diagnostic::Problem;
use crate::fields::Fields;
use crate::schema::{Key, Schema, Section};
use core::time::Duration;
use squall_workload::{Decay, Diurnal, DoubleHump, Plateau, RateCurve, RateSegment, Surge};

/// A shape of a rate.
pub(super) struct ShapeReader {
    pub(super) key: Key,
    /// Reads what stands under its key.
    pub(super) read: fn(&Fields<'_>, ShapeStart) -> Option<RateSegment>,
}

const fn shape(
    name: &'static str,
    schema: Schema,
    meaning: &'static str,
    read: fn(&Fields<'_>, ShapeStart) -> Option<RateSegment>,
) -> ShapeReader {
    ShapeReader { key: Key::choice(name, schema, meaning), read }
}

const fn section(
    section: &'static Section,
    meaning: &'static str,
    read: fn(&Fields<'_>, ShapeStart) -> Option<RateSegment>,
) -> ShapeReader {
    shape(section.id, Schema::Section(section), meaning, read)
}

/// Every shape.
pub(super) const SHAPES: &[ShapeReader] = &[
    shape("rps", Schema::Number, "A constant rate, in requests per second.", constant),
    section(&RAMP, "A linear ramp to another rate.", ramp),
    section(&SPIKE, "A linear rise above the current rate, and a power-law decay.", spike),
    section(&SURGE, "An exponential rise above the current rate, and a power-law decay.", surge),
    section(&PLATEAU, "Up to a rate that holds for a while, and back.", plateau),
    shape(
        "double_hump",
        Schema::Section(&DOUBLE_HUMP),
        "Two plateaus with a valley between them.",
        double_hump,
    ),
    section(&STAIRS, "One level after the other.", stairs),
    section(&NEEDLES, "Short bursts at even distances.", needles),
    section(&DIURNAL, "A day: a sinusoid, or measured hours.", diurnal),
    ShapeReader {
        key: Key::choice_within(
            "sum",
            || Schema::List(&RATE),
            "Rates, added. Each starts where the sum does.",
        ),
        read: combined::sum,
    },
    ShapeReader {
        key: Key::choice_within(
            "product",
            || Schema::List(&RATE),
            "Rates, multiplied: one in requests per second, the others factors.",
        ),
        read: combined::product,
    },
    ShapeReader {
        key: Key::choice_within(
            "shift",
            || Schema::Section(&combined::SHIFT),
            "A rate, earlier or later.",
        ),
        read: combined::shift,
    },
];

/// What a shape begins with where its base is not written.
const BASE: Key = Key::optional(
    "base",
    Schema::Number,
    "the rate just before, or 0",
    "The rate before and after, in requests per second.",
);

static RAMP: Section = Section {
    id: "ramp",
    phrase: "a ramp",
    about: "A linear ramp from the current rate to another, which then holds.",
    keys: &[&[
        Key::optional(
            "from",
            Schema::Number,
            "the rate just before, or 0",
            "First rate, in requests per second.",
        ),
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
        BASE,
    ]],
};

static SURGE: Section = Section {
    id: "surge",
    phrase: "a surge",
    about: "An exponential rise, as word spreads, from the current rate to a peak: base + (peak − base) · (e^(t/tau) − 1) ÷ (e^(rise/tau) − 1). \
            Then a power-law decay back.",
    keys: &[&[
        Key::required("peak", Schema::Number, "Rate at the peak, in requests per second."),
        Key::required("rise", Schema::SPAN, "Time from the start to the peak."),
        Key::optional(
            "tau",
            Schema::SPAN,
            "a fifth of `rise`",
            "Time in which the excess grows by a factor of e, at least 10 ms.",
        ),
        Key::required("decay", Schema::Section(&DECAY), "The decay."),
        BASE,
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

static PLATEAU: Section = Section {
    id: "plateau",
    phrase: "a plateau",
    about: "A step that holds, and then drops: what a single large client does (ServeGen).",
    keys: &[&[
        Key::required("peak", Schema::Number, "The rate that holds, in requests per second."),
        Key::required("hold", Schema::SPAN, "How long it holds."),
        Key::optional("rise", Schema::DURATION, "0s", "Duration of the linear rise."),
        Key::optional("drop", Schema::DURATION, "0s", "Duration of the linear fall."),
        BASE,
    ]],
};

static DOUBLE_HUMP: Section = Section {
    id: "double-hump",
    phrase: "a double hump",
    about: "Two plateaus with a valley between them.",
    keys: &[&[
        Key::required("first", Schema::Number, "The rate of the first, in requests per second."),
        Key::required("valley", Schema::Number, "The rate between the two."),
        Key::optional("second", Schema::Number, "`first`", "The rate of the second."),
        Key::required("hold", Schema::SPAN, "How long each holds."),
        Key::optional("gap", Schema::DURATION, "0s", "How long the valley holds."),
        Key::optional("rise", Schema::DURATION, "0s", "Duration of each linear change."),
        BASE,
    ]],
};

static STAIRS: Section = Section {
    id: "stairs",
    phrase: "stairs",
    about: "One level after the other. The last one holds.",
    keys: &[&[
        Key::required(
            "levels",
            Schema::List(&Schema::Number),
            "The levels, in requests per second.",
        ),
        Key::required("every", Schema::SPAN, "Duration of each, at least 10 ms."),
    ]],
};

static NEEDLES: Section = Section {
    id: "needles",
    phrase: "needles",
    about: "A train of short bursts, the first of which begins at once.",
    keys: &[&[
        Key::required("peak", Schema::Number, "The rate within a needle, in requests per second."),
        Key::required("width", Schema::SPAN, "Duration of a needle."),
        Key::required(
            "every",
            Schema::SPAN,
            "From the start of one to the start of the next, at least 10 ms.",
        ),
        Key::optional("count", Schema::COUNT, "without end", "How many."),
        BASE,
    ]],
};

static DIURNAL: Section = Section {
    id: "diurnal",
    phrase: "a diurnal rate",
    about: "A day, again and again: a sinusoid by its peak-to-trough ratio, or measured hours.",
    keys: &[&[
        Key::required("mean", Schema::Number, "The mean of a day, in requests per second."),
        Key::choice(
            "peak_to_trough",
            Schema::Factor,
            "A sinusoid whose highest rate is so many times the lowest, at least `1x`: 1.4x to 4.9x for models of ServeGen, \
             11.7x for BurstGPT.",
        ),
        Key::choice(
            "hours",
            Schema::List(&Schema::Number),
            "24 measured hours, in any unit: counts, rates or shares.",
        ),
        Key::optional("period", Schema::SPAN, "24h", "How long a day lasts, at least 1 s."),
        Key::optional(
            "peak_at",
            Schema::DURATION,
            "half of `period`",
            "When a sinusoid is highest; hours begin with the first.",
        ),
    ]],
};

fn constant(fields: &Fields<'_>, start: ShapeStart) -> Option<RateSegment> {
    Some(RateSegment::Constant { at: start.at, rps: fields.number("rps")? })
}

fn ramp(fields: &Fields<'_>, start: ShapeStart) -> Option<RateSegment> {
    let ramp = fields.section("ramp")?;
    let from = base(&ramp, "from", start);
    let (to, over) = (ramp.number("to"), ramp.duration("over"));
    Some(RateSegment::Ramp { at: start.at, from: from?, to: to?, over: over? })
}

/// The rate before a shape: what is written, or what is just before.
fn base(fields: &Fields<'_>, name: &str, start: ShapeStart) -> Option<f64> {
    if fields.get(name).is_some() { fields.number(name) } else { Some(start.base) }
}

fn decay(fields: &Fields<'_>) -> Option<Decay> {
    let decay = fields.section("decay")?;
    let (exponent, scale) = (decay.number("exponent"), decay.duration("scale"));
    Some(Decay { exponent: exponent?, scale: scale? })
}

fn spike(fields: &Fields<'_>, start: ShapeStart) -> Option<RateSegment> {
    let spike = fields.section("spike")?;
    let base = base(&spike, "base", start);
    let (peak, rise) = (spike.number("peak"), spike.duration("rise"));
    let (base, decay) = (base?, decay(&spike)?);
    let peak = above_base(&spike, "a spike", "peak", peak?, base);
    Some(RateSegment::Spike { at: start.at, base, peak, rise: rise?, decay })
}

fn surge(fields: &Fields<'_>, start: ShapeStart) -> Option<RateSegment> {
    let surge = fields.section("surge")?;
    let base = base(&surge, "base", start);
    let (peak, rise) = (surge.number("peak"), surge.duration("rise"));
    let decay = decay(&surge);
    let (base, rise, decay) = (base?, rise?, decay?);
    let usual = (rise / 5).max(SHORTEST);
    let tau = if surge.get("tau").is_some() { at_least(&surge, "tau", SHORTEST)? } else { usual };
    let peak = above_base(&surge, "a surge", "peak", peak?, base);
    Some(curve(start, RateCurve::Surge(Surge { base, peak, rise, tau, decay })))
}

fn plateau(fields: &Fields<'_>, start: ShapeStart) -> Option<RateSegment> {
    let plateau = fields.section("plateau")?;
    let base = base(&plateau, "base", start);
    let (peak, hold) = (plateau.number("peak"), plateau.duration("hold"));
    let rise = plateau.duration("rise").unwrap_or_default();
    let drop = plateau.duration("drop").unwrap_or_default();
    let base = base?;
    let peak = above_base(&plateau, "a plateau", "peak", peak?, base);
    Some(curve(start, RateCurve::plateau(Plateau { base, peak, rise, hold: hold?, drop })))
}

fn double_hump(fields: &Fields<'_>, start: ShapeStart) -> Option<RateSegment> {
    let humps = fields.section("double_hump")?;
    let base = base(&humps, "base", start);
    let (first, valley) = (humps.number("first"), humps.number("valley"));
    let second = humps.number("second").or(first);
    let (hold, gap) = (humps.duration("hold"), humps.duration("gap").unwrap_or_default());
    let rise = humps.duration("rise").unwrap_or_default();
    let (base, hold) = (base?, hold?);
    let first = above_base(&humps, "a double hump", "first", first?, base);
    let (valley, second) = (valley?, second?);
    let humps = DoubleHump { base, first, valley, second, rise, hold, gap };
    Some(curve(start, RateCurve::double_hump(humps)))
}

fn stairs(fields: &Fields<'_>, start: ShapeStart) -> Option<RateSegment> {
    let stairs = fields.section("stairs")?;
    let levels = numbers(&stairs, "levels");
    let every = at_least(&stairs, "every", SHORTEST)?;
    if levels.is_empty() {
        let problem = Problem::new(stairs.span_of("levels"), "stairs need a level", "none here");
        stairs.problems.push(problem.help("write `levels: [20, 40, 80]`"));
        return None;
    }
    Some(curve(start, RateCurve::stairs(&levels, every)))
}

fn needles(fields: &Fields<'_>, start: ShapeStart) -> Option<RateSegment> {
    let needles = fields.section("needles")?;
    let base = base(&needles, "base", start);
    let (peak, width) = (needles.number("peak"), needles.duration("width"));
    let (every, count) = (at_least(&needles, "every", SHORTEST), needles.small_count("count"));
    let (base, width, every) = (base?, width?, every?);
    let peak = above_base(&needles, "a needle", "peak", peak?, base);
    if width >= every {
        let message = "needles are as wide as their distance";
        let label = "expected less than `every`";
        let problem = Problem::new(needles.span_of("width"), message, label);
        needles.problems.push(problem.related(needles.span_of("every"), "one begins so often"));
        return None;
    }
    Some(curve(start, RateCurve::needles((base, peak), width, every, count)))
}

fn diurnal(fields: &Fields<'_>, start: ShapeStart) -> Option<RateSegment> {
    let diurnal = fields.section("diurnal")?;
    let (mean, choice) = (diurnal.number("mean"), diurnal.choice()?.0);
    let least = Duration::from_secs(1);
    let is_written = diurnal.get("period").is_some();
    let day = Duration::from_secs(24 * 3_600);
    let period = if is_written { at_least(&diurnal, "period", least) } else { Some(day) };
    let (mean, period) = (mean?, period?);
    if choice == "hours" {
        let hours = hours(&diurnal)?;
        return Some(curve(start, RateCurve::hours(mean, &hours, period)));
    }
    let ratio = f64::from(diurnal.factor_milli("peak_to_trough")?) / 1e3;
    if ratio < 1.0 {
        let (message, label) = ("the peak is below the trough", "expected `1x` or more");
        diurnal.problems.push(Problem::new(diurnal.span_of("peak_to_trough"), message, label));
        return None;
    }
    let peak_at = diurnal.duration("peak_at").unwrap_or(period / 2);
    let diurnal = Diurnal { mean, peak_to_trough: ratio, period, peak_at };
    Some(curve(start, RateCurve::Diurnal(diurnal)))
}

/// 24 hours, not all of them 0.
fn hours(diurnal: &Fields<'_>) -> Option<[f64; 24]> {
    let values = numbers(diurnal, "hours");
    let count = diurnal.list("hours").len();
    let (message, label) = match values.iter().any(|hour| *hour > 0.0) {
        _ if count != 24 => (format!("a day has 24 hours, not {count}"), "expected 24 numbers"),
        false if values.len() == count => ("all hours of the day are 0".to_owned(), "no traffic"),
        _ => return values.try_into().ok(),
    };
    diurnal.problems.push(Problem::new(diurnal.span_of("hours"), message, label));
    None
}

fn numbers(fields: &Fields<'_>, name: &str) -> Vec<f64> {
    let nodes = fields.list(name).iter();
    let number =
        |node| crate::value::parsed(node, &Schema::Number, fields.problems, crate::unit::number);
    nodes.filter_map(number).collect()
}

/// Nothing of a shape may be shorter, so that a run of days has not too many pieces.
const SHORTEST: Duration = Duration::from_millis(10);

/// A duration that may not be shorter than this.
fn at_least(fields: &Fields<'_>, name: &'static str, least: Duration) -> Option<Duration> {
    let duration = fields.duration(name)?;
    if duration < least {
        let expected = format!("expected at least {}ms", least.as_millis());
        let message = format!("`{name}` is too short");
        fields.problems.push(Problem::new(fields.span_of(name), message, expected));
        return None;
    }
    Some(duration)
}

/// A peak, which says so if it is below its base.
fn above_base(fields: &Fields<'_>, what: &str, name: &str, peak: f64, base: f64) -> f64 {
    if peak < base {
        let label = format!("the rate just before is {base}");
        let message = format!("the peak of {what} is below the rate just before");
        fields.problems.push(Problem::new(fields.span_of(name), message, label));
    }
    peak
}
