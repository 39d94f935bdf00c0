//! Laws: `20ms`, `60`, `{ lognormal: { median: 350ms, p95: 700ms } }`.

use crate::diagnostic::{Problem, Problems};
use crate::fields::Fields;
use crate::node::{Node, NodeKind};
use crate::schema::{Key, Schema, Section};
use crate::unit::{self, Misfit};
use crate::value;
use squall_determinism::{Distribution, LawError, Quantiles};

/// A law of durations.
pub(crate) const DURATION_LAW: Schema =
    Schema::Either(&[Schema::DURATION, Schema::Section(&DURATIONS)]);
/// A law of token counts.
pub(crate) const TOKEN_LAW: Schema = Schema::Either(&[TOKENS_SHAPE, Schema::Section(&TOKENS)]);

const TOKENS_SHAPE: Schema = Schema::Count(0, 1_000_000_000);

static DURATIONS: Section = Section {
    id: "duration-law",
    phrase: "a law of durations",
    about: "A random duration. A plain duration is always that long.",
    keys: &[&[
        Key::choice("lognormal", Schema::Section(&LOGNORMAL_DURATION), LOGNORMAL),
        Key::choice("exponential", Schema::Section(&EXPONENTIAL_DURATION), EXPONENTIAL),
        Key::choice("uniform", Schema::Section(&UNIFORM_DURATION), UNIFORM),
        Key::choice("gamma", Schema::Section(&GAMMA_DURATION), GAMMA),
        Key::choice("quantiles", Schema::Section(&QUANTILE_DURATIONS), QUANTILES),
    ]],
};

static TOKENS: Section = Section {
    id: "token-law",
    phrase: "a law of token counts",
    about: "A random number of tokens. A plain number is always that many.",
    keys: &[&[
        Key::choice("lognormal", Schema::Section(&LOGNORMAL_TOKENS), LOGNORMAL),
        Key::choice("exponential", Schema::Section(&EXPONENTIAL_TOKENS), EXPONENTIAL),
        Key::choice("uniform", Schema::Section(&UNIFORM_TOKENS), UNIFORM),
        Key::choice("gamma", Schema::Section(&GAMMA_TOKENS), GAMMA),
        Key::choice("quantiles", Schema::Section(&QUANTILE_TOKENS), QUANTILES),
    ]],
};

const LOGNORMAL: &str = "Log-normal: many small, few large, as response times and sizes are.";
const EXPONENTIAL: &str = "Exponential: the time until something that happens at random.";
const UNIFORM: &str = "Every value between two alike.";
const GAMMA: &str = "Gamma: around a mean, with a spread that is chosen.";
const QUANTILES: &str = "As measured: some of its quantiles, straight lines between them.";
const MEDIAN: &str = "Half are below.";
const P95: &str = "19 of 20 are below; not less than the median.";
const MEAN: &str = "The mean.";
const MIN: &str = "The least.";
const MAX: &str = "The greatest.";

static LOGNORMAL_DURATION: Section = Section {
    id: "lognormal-duration",
    phrase: "a log-normal law",
    about: "A log-normal law of durations, by two of its percentiles.",
    keys: &[&[
        Key::required("median", Schema::SPAN, MEDIAN),
        Key::required("p95", Schema::SPAN, P95),
    ]],
};

static LOGNORMAL_TOKENS: Section = Section {
    id: "lognormal-tokens",
    phrase: "a log-normal law",
    about: "A log-normal law of token counts, by two of its percentiles.",
    keys: &[&[
        Key::required("median", TOKENS_SHAPE, MEDIAN),
        Key::required("p95", TOKENS_SHAPE, P95),
    ]],
};

static EXPONENTIAL_DURATION: Section = Section {
    id: "exponential-duration",
    phrase: "an exponential law",
    about: "An exponential law of durations.",
    keys: &[&[Key::required("mean", Schema::SPAN, MEAN)]],
};

static EXPONENTIAL_TOKENS: Section = Section {
    id: "exponential-tokens",
    phrase: "an exponential law",
    about: "An exponential law of token counts.",
    keys: &[&[Key::required("mean", TOKENS_SHAPE, MEAN)]],
};

static UNIFORM_DURATION: Section = Section {
    id: "uniform-duration",
    phrase: "a uniform law",
    about: "A uniform law of durations.",
    keys: &[&[
        Key::required("min", Schema::DURATION, MIN),
        Key::required("max", Schema::DURATION, MAX),
    ]],
};

static UNIFORM_TOKENS: Section = Section {
    id: "uniform-tokens",
    phrase: "a uniform law",
    about: "A uniform law of token counts.",
    keys: &[&[Key::required("min", TOKENS_SHAPE, MIN), Key::required("max", TOKENS_SHAPE, MAX)]],
};

static GAMMA_DURATION: Section = Section {
    id: "gamma-duration",
    phrase: "a gamma law",
    about: "A gamma law of durations.",
    keys: &[&[Key::required("mean", Schema::SPAN, MEAN), CV]],
};

static GAMMA_TOKENS: Section = Section {
    id: "gamma-tokens",
    phrase: "a gamma law",
    about: "A gamma law of token counts.",
    keys: &[&[Key::required("mean", TOKENS_SHAPE, MEAN), CV]],
};

const CV: Key = Key::required(
    "cv",
    Schema::Number,
    "The deviation as a multiple of the mean: 0.3 is steady, 1 is exponential, above it come bursts.",
);

static QUANTILE_DURATIONS: Section = Section {
    id: "quantile-durations",
    phrase: "quantiles of durations",
    about: "Durations as they were measured; the more points, the closer.",
    keys: &[&quantile_keys(Schema::DURATION)],
};

static QUANTILE_TOKENS: Section = Section {
    id: "quantile-tokens",
    phrase: "quantiles of token counts",
    about: "Token counts as they were measured; the more points, the closer.",
    keys: &[&quantile_keys(TOKENS_SHAPE)],
};

/// Each quantile with the share of draws below it.
const QUANTILE_POINTS: [(&str, f64); Quantiles::MOST] = [
    ("min", 0.0),
    ("p1", 0.01),
    ("p5", 0.05),
    ("p10", 0.1),
    ("p25", 0.25),
    ("p50", 0.5),
    ("p75", 0.75),
    ("p90", 0.9),
    ("p95", 0.95),
    ("p99", 0.99),
    ("p999", 0.999),
    ("max", 1.0),
];

const fn quantile_keys(shape: Schema) -> [Key; Quantiles::MOST] {
    let mut keys = [Key::required("min", shape, "The least."); Quantiles::MOST];
    let mut place = 1;
    while place < keys.len() - 1 {
        let meaning = "So many percent are below; p999 is 99.9 %.";
        keys[place] = Key::optional(QUANTILE_POINTS[place].0, shape, "not known", meaning);
        place += 1;
    }
    keys[place] = Key::required("max", shape, "The greatest.");
    keys
}

/// The law of durations under `name`, in nanoseconds.
pub(crate) fn durations(fields: &Fields<'_>, name: &str) -> Option<Distribution> {
    law(fields.get(name)?, &DURATION_LAW, &DURATIONS, fields.problems, |text| {
        let nanos = unit::duration(text)?.as_nanos();
        Ok(u64::try_from(nanos).unwrap_or(u64::MAX))
    })
}

/// The law of token counts under `name`.
pub(crate) fn tokens(fields: &Fields<'_>, name: &str) -> Option<Distribution> {
    law(fields.get(name)?, &TOKEN_LAW, &TOKENS, fields.problems, unit::count)
}

/// Reads a law whose numbers are read by `parse`.
fn law(
    node: &Node,
    shape: &Schema,
    section: &'static Section,
    problems: &Problems,
    parse: fn(&str) -> Result<u64, Misfit>,
) -> Option<Distribution> {
    match &node.kind {
        NodeKind::Scalar(_) => {
            Some(Distribution::Fixed { value: value::parsed(node, shape, problems, parse)? })
        }
        NodeKind::Map(_) => {
            let fields = Fields::open(node, section, problems)?;
            let (kind, _) = fields.choice()?;
            let inner = fields.section(kind)?;
            let number = |name: &str| {
                let (key, node) = inner.find(name);
                value::parsed(node?, &key.shape(), problems, parse)
            };
            match kind {
                "lognormal" => lognormal(&inner, number("median"), number("p95")),
                "exponential" => {
                    let mean = number("mean")?;
                    Some(Distribution::Exponential { mean: mean as f64 })
                }
                "gamma" => gamma(&inner, number("mean")),
                "quantiles" => quantiles(&inner, number),
                _ => uniform(&inner, number("min"), number("max")),
            }
        }
        _ => {
            value::wrong_type(node, shape, problems);
            None
        }
    }
}

fn lognormal(fields: &Fields<'_>, median: Option<u64>, p95: Option<u64>) -> Option<Distribution> {
    match Distribution::lognormal(median?, p95?) {
        Ok(law) => Some(law),
        Err(error) => {
            let (at, label) = match error {
                LawError::MedianIsZero => ("median", "expected more than zero"),
                LawError::MedianAboveP95 => ("p95", "less than the median"),
            };
            let mut problem = Problem::new(fields.span_of(at), error.to_string(), label);
            if error == LawError::MedianAboveP95 {
                problem = problem.related(fields.span_of("median"), "the median");
            }
            fields.problems.push(problem);
            None
        }
    }
}

fn uniform(fields: &Fields<'_>, min: Option<u64>, max: Option<u64>) -> Option<Distribution> {
    let (min, max) = (min?, max?);
    if max < min {
        fields.problems.push(
            Problem::new(fields.span_of("max"), "`max` is below `min`", "less than `min`")
                .related(fields.span_of("min"), "`min`"),
        );
        return None;
    }
    Some(Distribution::Uniform { min, max })
}

fn gamma(fields: &Fields<'_>, mean: Option<u64>) -> Option<Distribution> {
    let cv = fields.number("cv")?;
    if !(0.01..=10.0).contains(&cv) {
        let message = "`cv` is out of range";
        fields.problems.push(Problem::new(fields.span_of("cv"), message, "expected 0.01 to 10"));
        return None;
    }
    Some(Distribution::Gamma { shape: 1.0 / (cv * cv), mean: mean? as f64 })
}

fn quantiles(fields: &Fields<'_>, number: impl Fn(&str) -> Option<u64>) -> Option<Distribution> {
    let mut points: Vec<(&str, f64, u64)> = Vec::with_capacity(Quantiles::MOST);
    for (name, share) in QUANTILE_POINTS {
        if fields.get(name).is_none() {
            continue;
        }
        let value = number(name)?;
        if let Some((last, _, _)) = points.last().filter(|(_, _, last)| *last > value) {
            let message = format!("`{name}` is below `{last}`");
            let problem = Problem::new(fields.span_of(name), message, "quantiles rise");
            fields.problems.push(problem.related(fields.span_of(last), "this is more"));
            return None;
        }
        points.push((name, share, value));
    }
    let points: Vec<_> = points.into_iter().map(|(_, share, value)| (share, value)).collect();
    Quantiles::new(&points).map(Distribution::Quantiles)
}
