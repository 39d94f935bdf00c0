//! How long answers take: distributions of its own, or those of a family of models.

use super::distribution::{self, DURATION_DISTRIBUTION};
use crate::diagnostic::Problem;
use crate::fields::Fields;
use crate::node::{MapEntry, NodeKind};
use crate::schema::{Key, Schema, Section};
use crate::settings::{factor, share};
use core::time::Duration;
use squall_determinism::{Distribution, Share};
use squall_provider::{Prefill, PromptCache, SlowShare};

/// How long answers take.
pub(crate) const LATENCY: &[Key] = &[
    Key::optional(
        "like",
        Schema::Word(&FAMILY_NAMES),
        "none",
        "Latency preset of a model family, for those of `ttft`, `slow` and `itl` that are not \
         set. TTFT as measured over 24 hours at one site (modelstats.ai, 2026); token rate as \
         measured over 7 days through OpenRouter, or the middle of what vendors state.",
    ),
    Key::optional(
        "ttft",
        DURATION_DISTRIBUTION,
        "from `like`",
        "Time to first token, from the start of service. Required unless `like` is set.",
    ),
    Key::optional(
        "itl",
        DURATION_DISTRIBUTION,
        "from `like`",
        "Inter-token latency, drawn once per answer. Required unless `like` is set.",
    ),
    Key::optional(
        "slow",
        Schema::Section(&SLOW),
        "from `like`, or none",
        "A share of answers with a much longer TTFT: a heavier tail than log-normal.",
    ),
    Key::optional(
        "prefill",
        Schema::Section(&PREFILL),
        "none",
        "What each prompt token adds to the time to first token.",
    ),
];

static SLOW: Section = Section {
    id: "slow-share",
    phrase: "a slow share",
    about: "A share of answers whose time to first token is multiplied.",
    keys: &[&[
        Key::required("share", Schema::Percent, "How many."),
        Key::required("from", Schema::Factor, "Smallest factor."),
        Key::optional(
            "to",
            Schema::Factor,
            "`from`",
            "Largest factor; factors are uniformly \
             distributed.",
        ),
    ]],
};

static PREFILL: Section = Section {
    id: "prefill",
    phrase: "a prefill",
    about: "Prompt processing time, and the cache that reduces it.",
    keys: &[&[
        Key::required(
            "per_token",
            Schema::SPAN,
            "Time per uncached token: 0.15 to 0.3 ms on one H100 for 8 billion parameters, 0.4 \
             to 0.6 ms on eight for 70 billion (llm-d).",
        ),
        Key::optional("cache", Schema::Section(&CACHE), "none", "The prompt cache."),
    ]],
};

static CACHE: Section = Section {
    id: "prompt-cache",
    phrase: "a cache of prompts",
    about: "A prompt cache that warms up with traffic. A provider that takes over after a \
         failover starts cold.",
    keys: &[&[
        Key::required("share", Schema::Percent, "Cached share of a prompt when the cache is warm."),
        Key::required(
            "warm_after",
            Schema::COUNT,
            "Requests within `lasts` until the cache is warm.",
        ),
        Key::optional("lasts", Schema::SPAN, "5m", "Lifetime of an entry."),
    ]],
};

/// A family of models: the median and the p95 of its time to the first token in milliseconds, how many times
/// the median the slow ones take, tokens a second.
struct ModelFamily {
    name: &'static str,
    median_ms: u64,
    p95_ms: u64,
    /// What its p99 is beyond the distribution of the other two: one in a hundred, from the first to the second factor.
    slow: Option<(u32, u32)>,
    tokens_per_second: u64,
}

const fn family(
    name: &'static str,
    (median_ms, p95_ms): (u64, u64),
    slow: Option<(u32, u32)>,
    tokens_per_second: u64,
) -> ModelFamily {
    ModelFamily { name, median_ms, p95_ms, slow, tokens_per_second }
}

const FAMILIES: [ModelFamily; 9] = [
    family("gpt-4o-mini", (536, 844), Some((5_000, 10_000)), 105),
    family("gpt-4o", (639, 1_144), Some((5_000, 8_000)), 100),
    family("gpt-4.1", (726, 1_220), None, 90),
    family("claude-haiku", (541, 1_591), None, 58),
    family("claude-sonnet", (941, 2_939), None, 60),
    family("claude-opus", (1_626, 2_420), None, 40),
    family("gemini-flash", (477, 776), None, 137),
    family("gemini-flash-lite", (311, 1_142), Some((5_000, 10_000)), 190),
    family("deepseek", (1_479, 1_926), None, 26),
];

/// Which family a model is most like by its name, the more particular rows first: all words of a row are in the name.
const LIKE_WORDS: [(&[&str], &str); 12] = [
    (&["flash-lite"], "gemini-flash-lite"),
    (&["gemini"], "gemini-flash"),
    // An open model, as fast as the machine that it runs on: of no family.
    (&["gpt-oss"], ""),
    (&["gpt", "mini"], "gpt-4o-mini"),
    (&["gpt", "nano"], "gpt-4o-mini"),
    (&["gpt-4o"], "gpt-4o"),
    (&["gpt"], "gpt-4.1"),
    (&["haiku"], "claude-haiku"),
    (&["sonnet"], "claude-sonnet"),
    (&["opus"], "claude-opus"),
    (&["claude"], "claude-sonnet"),
    (&["deepseek"], "deepseek"),
];

/// A preset of `like`: how fast a family of models answers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct LatencyPreset {
    /// Its name.
    pub name: &'static str,
    /// The median time to the first token.
    pub median: Duration,
    /// The time to the first token that 1 in 20 exceeds.
    pub p95: Duration,
    /// Tokens per second of an answer.
    pub tokens_per_second: u64,
}

/// The preset of `like` that a model is of by its name, or that most resembles it; `None` of one about which the
/// name says nothing.
#[must_use]
pub fn latency_preset(model: &str) -> Option<LatencyPreset> {
    let model = model.to_lowercase();
    let fits = |words: &[&str]| words.iter().all(|word| model.contains(word));
    let (_, name) = LIKE_WORDS.iter().find(|(words, _)| fits(words))?;
    let family = FAMILIES.iter().find(|family| family.name == *name)?;
    Some(LatencyPreset {
        name: family.name,
        median: Duration::from_millis(family.median_ms),
        p95: Duration::from_millis(family.p95_ms),
        tokens_per_second: family.tokens_per_second,
    })
}

static FAMILY_NAMES: [&str; FAMILIES.len()] = {
    let mut names = [""; FAMILIES.len()];
    let mut place = 0;
    while place < names.len() {
        names[place] = FAMILIES[place].name;
        place += 1;
    }
    names
};

/// How long answers take.
pub(crate) struct LatencySpec {
    pub(crate) ttft: Distribution,
    pub(crate) itl: Distribution,
    pub(crate) slow: Option<SlowShare>,
    pub(crate) prefill: Prefill,
}

/// Reads it.
pub(crate) fn latency(fields: &Fields<'_>) -> LatencySpec {
    let like = fields.word("like");
    let family = FAMILIES.into_iter().find(|family| Some(family.name) == like);
    for name in ["ttft", "itl"] {
        if fields.get(name).is_none() && fields.get("like").is_none() {
            let message = format!("a provider needs `{name}`");
            let problem = Problem::new(fields.span, message, format!("`{name}` is missing"));
            fields.problems.push(problem.help("or name a family of models: `like: gpt-4o`"));
        }
    }
    let nothing = Distribution::Fixed { value: 0 };
    let (own_ttft, own_itl) =
        (distribution::durations(fields, "ttft"), distribution::durations(fields, "itl"));
    let slow = match fields.section("slow") {
        Some(slow) => self::slow(&slow),
        // A distribution of its own has the tail that it has.
        None if fields.get("ttft").is_some() => None,
        None => family.as_ref().and_then(ModelFamily::slow),
    };
    LatencySpec {
        ttft: own_ttft.or_else(|| family.as_ref().map(ModelFamily::ttft)).unwrap_or(nothing),
        itl: own_itl.or_else(|| family.as_ref().map(ModelFamily::itl)).unwrap_or(nothing),
        slow,
        prefill: prefill(fields).unwrap_or(Prefill::NONE),
    }
}

/// What `like` says of a key that is not there, as a file would write it, and whom it is like.
pub(crate) fn preset(key: &str, entries: &[MapEntry]) -> Option<(String, String)> {
    let said = |key: &str| entries.iter().find(|entry| entry.key == key);
    let NodeKind::Scalar(like) = &said("like")?.value.kind else { return None };
    let family = FAMILIES.iter().find(|family| family.name == *like)?;
    let lognormal = |distribution: Distribution| match distribution {
        Distribution::LogNormal { mu, sigma } => {
            // To the microsecond: what it is for is to be read.
            let millis = |quantile: f64| {
                let micros = ((mu + quantile * sigma).exp() / 1e3).round();
                micros / 1e3
            };
            let (median, p95) = (millis(0.0), millis(Z95));
            Some(format!("{{ lognormal: {{ median: {median}ms, p95: {p95}ms }} }}"))
        }
        Distribution::Fixed { .. }
        | Distribution::Exponential { .. }
        | Distribution::Uniform { .. }
        | Distribution::Gamma { .. }
        | Distribution::Quantiles(_) => None,
    };
    let text = match key {
        "ttft" => lognormal(family.ttft())?,
        "itl" => lognormal(family.itl())?,
        "slow" if said("ttft").is_none() => {
            let slow = family.slow()?;
            let (from, to) = (factor(slow.from_milli), factor(slow.to_milli));
            format!("{{ share: {}, from: {from}, to: {to} }}", share(slow.share))
        }
        _ => return None,
    };
    Some((text, like.clone()))
}

/// The 95th percentile of the standard normal distribution.
const Z95: f64 = 1.644_853_626_951_472_7;

impl ModelFamily {
    fn ttft(&self) -> Distribution {
        let nanos = |millis: u64| millis * 1_000_000;
        let distribution = Distribution::lognormal(nanos(self.median_ms), nanos(self.p95_ms));
        distribution.unwrap_or_else(|_| Distribution::Fixed { value: nanos(self.median_ms) })
    }

    fn itl(&self) -> Distribution {
        // Answers differ by a fifth to a half in their speed.
        Distribution::lognormal_with_mean(1e9 / self.tokens_per_second as f64, 0.3)
    }

    fn slow(&self) -> Option<SlowShare> {
        let (from_milli, to_milli) = self.slow?;
        Some(SlowShare { share: Share::percent(1), from_milli, to_milli })
    }
}

fn slow(fields: &Fields<'_>) -> Option<SlowShare> {
    let (share, from, to) =
        (fields.share("share"), fields.factor_milli("from"), fields.factor_milli("to"));
    let from_milli = from?;
    let to_milli = to.unwrap_or(from_milli);
    if to_milli < from_milli {
        let message = "`to` is below `from`";
        let problem = Problem::new(fields.span_of("to"), message, "less than `from`");
        fields.problems.push(problem.related(fields.span_of("from"), "`from`"));
    }
    Some(SlowShare { share: share?, from_milli, to_milli })
}

fn prefill(fields: &Fields<'_>) -> Option<Prefill> {
    let fields = fields.section("prefill")?;
    let cache = fields.section("cache").and_then(|cache| {
        let (share, warm_after) = (cache.share("share"), cache.small_count("warm_after"));
        let lasts = cache.duration("lasts").unwrap_or(Duration::from_secs(300));
        Some(PromptCache { share: share?, warm_after: warm_after?, lasts })
    });
    Some(Prefill { per_token: fields.duration("per_token")?, cache })
}
