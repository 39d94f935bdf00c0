//! Distributions: `20ms`, `60`, `{ lognormal: { median: 350ms, p95: 700ms } }`.

use crate::diagnostic::{Problem, Problems};
use crate::fields::Fields;
use crate::node::{Node, NodeKind};
use crate::schema::{Key, Schema, Section};
use crate::unit::{self, Misfit};
use crate::value;
use squall_determinism::{Distribution, DistributionError, Quantiles};

/// A distribution of durations.
pub(crate) const DURATION_DISTRIBUTION: Schema =
    Schema::Either(&[Schema::DURATION, Schema::Section(&DURATIONS)]);
/// A distribution of token counts.
pub(crate) const TOKEN_DISTRIBUTION: Schema =
    Schema::Either(&[TOKENS_SHAPE, Schema::Section(&TOKENS)]);

const TOKENS_SHAPE: Schema = Schema::Count(0, 1_000_000_000);

static DURATIONS: Section = Section {
    id: "duration-distribution",
    phrase: "a distribution of durations",
    about: "A distribution of durations. A plain duration is constant.",
    keys: &[&[
        Key::choice("lognormal", Schema::Section(&LOGNORMAL_DURATION), LOGNORMAL),
        Key::choice("exponential", Schema::Section(&EXPONENTIAL_DURATION), EXPONENTIAL),
        Key::choice("uniform", Schema::Section(&UNIFORM_DURATION), UNIFORM),
        Key::choice("gamma", Schema::Section(&GAMMA_DURATION), GAMMA),
        Key::choice("quantiles", Schema::Section(&QUANTILE_DURATIONS), QUANTILES),
        Key::choice("data", Schema::Section(&DATA), MEASURED),
    ]],
};

static TOKENS: Section = Section {
    id: "token-distribution",
    phrase: "a distribution of token counts",
    about: "A distribution of token counts. A plain number is constant.",
    keys: &[&[
        Key::choice("lognormal", Schema::Section(&LOGNORMAL_TOKENS), LOGNORMAL),
        Key::choice("exponential", Schema::Section(&EXPONENTIAL_TOKENS), EXPONENTIAL),
        Key::choice("uniform", Schema::Section(&UNIFORM_TOKENS), UNIFORM),
        Key::choice("gamma", Schema::Section(&GAMMA_TOKENS), GAMMA),
        Key::choice("quantiles", Schema::Section(&QUANTILE_TOKENS), QUANTILES),
        Key::choice("data", Schema::Section(&DATA), MEASURED),
    ]],
};

/// Measured values.
pub(crate) static DATA: Section = Section {
    id: "data",
    phrase: "measured values",
    about: "Measured values of a file: a CSV file with a header (`.csv`), JSON objects line by line (`.jsonl`), or a number on each line. \
            Their quantiles become the distribution.",
    keys: &[&[
        Key::required("file", Schema::Text, "The file, from the one that this stands in."),
        Key::optional(
            "column",
            Schema::Text,
            "the only one",
            "The column of a CSV file, or the key of JSON objects.",
        ),
        Key::optional("unit", Schema::Word(&UNITS), "tokens", "The unit of durations."),
    ]],
};

/// The units of `data`.
const UNITS: [&str; 3] = ["s", "ms", "us"];

const LOGNORMAL: &str = "Log-normal, as response times and sizes commonly are.";
const EXPONENTIAL: &str = "Exponential: the time until a random event at a constant rate.";
const UNIFORM: &str = "Uniform between two values.";
const GAMMA: &str = "Gamma, by mean and coefficient of variation.";
const QUANTILES: &str = "Empirical: measured quantiles with linear interpolation.";
const MEASURED: &str = "Empirical: the quantiles of a column of a file.";
const MEDIAN: &str = "The median.";
const P95: &str = "The 95th percentile; at least the median.";
const MEAN: &str = "The mean.";
const MIN: &str = "The minimum.";
const MAX: &str = "The maximum.";

static LOGNORMAL_DURATION: Section = Section {
    id: "lognormal-duration",
    phrase: "a log-normal distribution",
    about: "A log-normal distribution of durations, by two percentiles.",
    keys: &[&[
        Key::required("median", Schema::SPAN, MEDIAN),
        Key::required("p95", Schema::SPAN, P95),
    ]],
};

static LOGNORMAL_TOKENS: Section = Section {
    id: "lognormal-tokens",
    phrase: "a log-normal distribution",
    about: "A log-normal distribution of token counts, by two percentiles.",
    keys: &[&[
        Key::required("median", TOKENS_SHAPE, MEDIAN),
        Key::required("p95", TOKENS_SHAPE, P95),
    ]],
};

static EXPONENTIAL_DURATION: Section = Section {
    id: "exponential-duration",
    phrase: "an exponential distribution",
    about: "An exponential distribution of durations.",
    keys: &[&[Key::required("mean", Schema::SPAN, MEAN)]],
};

static EXPONENTIAL_TOKENS: Section = Section {
    id: "exponential-tokens",
    phrase: "an exponential distribution",
    about: "An exponential distribution of token counts.",
    keys: &[&[Key::required("mean", TOKENS_SHAPE, MEAN)]],
};

static UNIFORM_DURATION: Section = Section {
    id: "uniform-duration",
    phrase: "a uniform distribution",
    about: "A uniform distribution of durations.",
    keys: &[&[
        Key::required("min", Schema::DURATION, MIN),
        Key::required("max", Schema::DURATION, MAX),
    ]],
};

static UNIFORM_TOKENS: Section = Section {
    id: "uniform-tokens",
    phrase: "a uniform distribution",
    about: "A uniform distribution of token counts.",
    keys: &[&[Key::required("min", TOKENS_SHAPE, MIN), Key::required("max", TOKENS_SHAPE, MAX)]],
};

static GAMMA_DURATION: Section = Section {
    id: "gamma-duration",
    phrase: "a gamma distribution",
    about: "A gamma distribution of durations.",
    keys: &[&[Key::required("mean", Schema::SPAN, MEAN), CV]],
};

static GAMMA_TOKENS: Section = Section {
    id: "gamma-tokens",
    phrase: "a gamma distribution",
    about: "A gamma distribution of token counts.",
    keys: &[&[Key::required("mean", TOKENS_SHAPE, MEAN), CV]],
};

const CV: Key = Key::required(
    "cv",
    Schema::Number,
    "Coefficient of variation (standard deviation ÷ mean): 0.3 is steady, 1 is exponential, \
     above 1 is bursty.",
);

static QUANTILE_DURATIONS: Section = Section {
    id: "quantile-durations",
    phrase: "quantiles of durations",
    about: "Measured quantiles of a duration. More points give a closer fit.",
    keys: &[&quantile_keys(Schema::DURATION)],
};

static QUANTILE_TOKENS: Section = Section {
    id: "quantile-tokens",
    phrase: "quantiles of token counts",
    about: "Measured quantiles of a token count. More points give a closer fit.",
    keys: &[&quantile_keys(TOKENS_SHAPE)],
};

/// Each quantile with the share of draws below it.
pub(crate) const QUANTILE_POINTS: [(&str, f64); Quantiles::MOST] = [
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
    let mut keys = [Key::required("min", shape, "The minimum."); Quantiles::MOST];
    let mut place = 1;
    while place < keys.len() - 1 {
        let meaning = "A percentile; `p999` is the 99.9th.";
        keys[place] = Key::optional(QUANTILE_POINTS[place].0, shape, "not known", meaning);
        place += 1;
    }
    keys[place] = Key::required("max", shape, "The maximum.");
    keys
}

/// The distribution of durations under `name`, in nanoseconds.
pub(crate) fn durations(fields: &Fields<'_>, name: &str) -> Option<Distribution> {
    distribution(fields.get(name)?, &DURATION_DISTRIBUTION, &DURATIONS, fields.problems, |text| {
        let nanos = unit::duration(text)?.as_nanos();
        Ok(u64::try_from(nanos).unwrap_or(u64::MAX))
    })
}

/// The distribution of token counts under `name`.
pub(crate) fn tokens(fields: &Fields<'_>, name: &str) -> Option<Distribution> {
    distribution(fields.get(name)?, &TOKEN_DISTRIBUTION, &TOKENS, fields.problems, unit::count)
}

/// Reads a distribution whose numbers are read by `parse`.
fn distribution(
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
                // Composition took its place, unless it is incomplete, which was told.
                "data" => None,
                _ => uniform(&inner, number("min"), number("max")),
            }
        }
        NodeKind::List(_) | NodeKind::Nothing => {
            value::wrong_type(node, shape, problems);
            None
        }
    }
}

fn lognormal(fields: &Fields<'_>, median: Option<u64>, p95: Option<u64>) -> Option<Distribution> {
    match Distribution::lognormal(median?, p95?) {
        Ok(distribution) => Some(distribution),
        Err(error) => {
            let (at, label) = match error {
                DistributionError::MedianIsZero => ("median", "expected more than zero"),
                DistributionError::MedianAboveP95 => ("p95", "less than the median"),
            };
            let mut problem = Problem::new(fields.span_of(at), error.to_string(), label);
            if error == DistributionError::MedianAboveP95 {
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
