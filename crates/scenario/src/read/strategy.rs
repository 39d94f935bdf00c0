//! How a deployment is picked.

use crate::diagnostic::Problems;
use crate::fields::Fields;
use crate::node::{Kind, Node};
use crate::shape::{Key, Section, Shape};
use crate::value;
use core::time::Duration;
use squall_determinism::Share;
use squall_router::{Latency, LitellmStrategy, Strategy};

/// A strategy: its word, or its settings.
pub(crate) const STRATEGY: Shape = Shape::Either(&[Shape::Word(WORDS), Shape::Section(&SETTINGS)]);

const WORDS: &[&str] = &[
    "smooth_weighted",
    "weighted_random",
    "rpm_proportional",
    "tpm_proportional",
    "least_busy",
    "two_choices",
    "lowest_usage",
    "lowest_latency",
    "lowest_cost",
];

const LITELLM: &[&str] = &[
    "simple-shuffle",
    "least-busy",
    "usage-based-routing",
    "usage-based-routing-v2",
    "latency-based-routing",
    "cost-based-routing",
];

static SETTINGS: Section = Section {
    id: "strategy",
    phrase: "a strategy",
    about: "A strategy with settings of its own. The others are words.",
    keys: &[&[
        Key::choice("lowest_latency", Shape::Section(&LATENCY), "The lowest latency of late."),
        Key::choice(
            "litellm",
            Shape::Either(&[Shape::Word(LITELLM), Shape::Section(&LITELLM_SETTINGS)]),
            "One of LiteLLM 1.80's own formulas, faults included, by its `routing_strategy`.",
        ),
    ]],
};

static LATENCY: Section = Section {
    id: "lowest-latency",
    phrase: "the settings of `lowest_latency`",
    about: "How latencies are compared: of streams the time to first token, else the whole answer.",
    keys: &[&[
        Key::optional(
            "buffer",
            Shape::Percent,
            "20%",
            "Whoever is within this share of the best may be picked. With 0% all go to one (the herd).",
        ),
        Key::optional(
            "decay",
            Shape::SPAN,
            "10s",
            "How long ago an observation has lost most of its weight.",
        ),
    ]],
};

static LITELLM_SETTINGS: Section = Section {
    id: "litellm-strategy",
    phrase: "a strategy of LiteLLM's",
    about: "A strategy of LiteLLM's with settings of its own.",
    keys: &[&[Key::choice(
        "latency-based-routing",
        Shape::Section(&LITELLM_LATENCY),
        "The mean of ten samples, of which the first nine never change.",
    )]],
};

static LITELLM_LATENCY: Section = Section {
    id: "litellm-latency",
    phrase: "the settings of `latency-based-routing`",
    about: "Its `routing_strategy_args`.",
    keys: &[&[
        Key::optional("buffer", Shape::Percent, "0%", "`lowest_latency_buffer`."),
        Key::optional("ttl", Shape::SPAN, "1h", "How long the samples are kept."),
    ]],
};

/// The strategy under `strategy`.
pub(crate) fn strategy(fields: &Fields<'_>) -> Option<Strategy> {
    let node = fields.get("strategy")?;
    if !matches!(node.kind, Kind::Map(_)) {
        return value::word(node, WORDS, fields.problems).map(of_word);
    }
    let settings = Fields::open(node, &SETTINGS, fields.problems)?;
    match settings.choice()? {
        ("lowest_latency", _) => settings.section("lowest_latency").map(|fields| {
            let usual = Latency::default();
            Strategy::LowestLatency(Latency {
                buffer: fields.share("buffer").unwrap_or(usual.buffer),
                decay: fields.duration("decay").unwrap_or(usual.decay),
            })
        }),
        (_, node) => litellm(node, fields.problems).map(Strategy::Litellm),
    }
}

fn of_word(word: &str) -> Strategy {
    match word {
        "weighted_random" => Strategy::WeightedRandom,
        "rpm_proportional" => Strategy::RpmProportional,
        "tpm_proportional" => Strategy::TpmProportional,
        "least_busy" => Strategy::LeastBusy,
        "two_choices" => Strategy::TwoChoices,
        "lowest_usage" => Strategy::LowestUsage,
        "lowest_latency" => Strategy::LowestLatency(Latency::default()),
        "lowest_cost" => Strategy::LowestCost,
        _ => Strategy::SmoothWeighted,
    }
}

fn litellm(node: &Node, problems: &Problems) -> Option<LitellmStrategy> {
    let latency = |buffer, ttl| LitellmStrategy::LatencyBased { buffer, ttl };
    let hour = Duration::from_secs(3_600);
    if matches!(node.kind, Kind::Map(_)) {
        let settings = Fields::open(node, &LITELLM_SETTINGS, problems)?;
        let fields = settings.section("latency-based-routing")?;
        let buffer = fields.share("buffer").unwrap_or(Share::NONE);
        return Some(latency(buffer, fields.duration("ttl").unwrap_or(hour)));
    }
    Some(match value::word(node, LITELLM, problems)? {
        "least-busy" => LitellmStrategy::LeastBusy,
        "usage-based-routing" => LitellmStrategy::UsageBased,
        "usage-based-routing-v2" => LitellmStrategy::UsageBasedV2,
        "latency-based-routing" => latency(Share::NONE, hour),
        "cost-based-routing" => LitellmStrategy::CostBased,
        _ => LitellmStrategy::SimpleShuffle,
    })
}
