//! How a deployment is picked.

use crate::diagnostic::Problems;
use crate::fields::Fields;
use crate::node::{Kind, Node};
use crate::settings::{In, Percent, Span, ValueKind, Written, duration, settings, share};
use crate::shape::{Key, Section, Shape};
use crate::value;
use core::time::Duration;
use squall_determinism::Share;
use squall_router::{Latency, LitellmStrategy, Strategy};

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
        Key::choice(
            "lowest_latency",
            Shape::Section(&LATENCY.section),
            "The lowest latency of late.",
        ),
        Key::choice(
            "litellm",
            Shape::Either(&[Shape::Word(LITELLM), Shape::Section(&LITELLM_SETTINGS)]),
            "One of LiteLLM 1.80's own formulas, faults included, by its `routing_strategy`.",
        ),
    ]],
};

settings! {
    static LATENCY: Latency = (
        "lowest-latency",
        "the settings of `lowest_latency`",
        "How latencies are compared: of streams the time to first token, else the whole answer."
    );
    /// Whoever is within this share of the best may be picked. With 0% all go to one (the herd).
    buffer: Percent;
    /// How long ago an observation has lost most of its weight.
    decay: Span;
}

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

/// A strategy: its word, or its settings.
pub(super) struct StrategyKind;

impl ValueKind for StrategyKind {
    type Value = Strategy;

    fn shape(&self) -> Shape {
        const FORMS: &[Shape] = &[Shape::Word(WORDS), Shape::Section(&SETTINGS)];
        Shape::Either(FORMS)
    }

    fn read(&self, node: &Node, _: &Strategy, problems: &Problems) -> Option<Strategy> {
        if !matches!(node.kind, Kind::Map(_)) {
            return value::word(node, WORDS, problems).map(of_word);
        }
        let settings = Fields::open(node, &SETTINGS, problems)?;
        match settings.choice()? {
            ("lowest_latency", node) => {
                In(&LATENCY).read(node, &Latency::default(), problems).map(Strategy::LowestLatency)
            }
            (_, node) => litellm(node, problems).map(Strategy::Litellm),
        }
    }

    fn write(&self, strategy: &Strategy) -> Written {
        Written::plain(match *strategy {
            Strategy::SmoothWeighted => "smooth_weighted",
            Strategy::WeightedRandom => "weighted_random",
            Strategy::RpmProportional => "rpm_proportional",
            Strategy::TpmProportional => "tpm_proportional",
            Strategy::LeastBusy => "least_busy",
            Strategy::TwoChoices => "two_choices",
            Strategy::LowestUsage => "lowest_usage",
            Strategy::LowestLatency(latency) if latency == Latency::default() => "lowest_latency",
            Strategy::LowestLatency(latency) => {
                return Written::entry("lowest_latency", LATENCY.write(&latency));
            }
            Strategy::LowestCost => "lowest_cost",
            Strategy::Litellm(own) => return Written::entry("litellm", write_litellm(own)),
        })
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

const HOUR: Duration = Duration::from_secs(3_600);

fn litellm(node: &Node, problems: &Problems) -> Option<LitellmStrategy> {
    let latency = |buffer, ttl| LitellmStrategy::LatencyBased { buffer, ttl };
    if matches!(node.kind, Kind::Map(_)) {
        let settings = Fields::open(node, &LITELLM_SETTINGS, problems)?;
        let fields = settings.section("latency-based-routing")?;
        let buffer = fields.share("buffer").unwrap_or(Share::NONE);
        return Some(latency(buffer, fields.duration("ttl").unwrap_or(HOUR)));
    }
    Some(match value::word(node, LITELLM, problems)? {
        "least-busy" => LitellmStrategy::LeastBusy,
        "usage-based-routing" => LitellmStrategy::UsageBased,
        "usage-based-routing-v2" => LitellmStrategy::UsageBasedV2,
        "latency-based-routing" => latency(Share::NONE, HOUR),
        "cost-based-routing" => LitellmStrategy::CostBased,
        _ => LitellmStrategy::SimpleShuffle,
    })
}

fn write_litellm(strategy: LitellmStrategy) -> Written {
    Written::plain(match strategy {
        LitellmStrategy::SimpleShuffle => "simple-shuffle",
        LitellmStrategy::LeastBusy => "least-busy",
        LitellmStrategy::UsageBased => "usage-based-routing",
        LitellmStrategy::UsageBasedV2 => "usage-based-routing-v2",
        LitellmStrategy::LatencyBased { buffer, ttl } => {
            let settings = vec![
                ("buffer".to_owned(), Written::plain(share(buffer))),
                ("ttl".to_owned(), Written::plain(duration(ttl))),
            ];
            return Written::entry("latency-based-routing", Written::Map(settings));
        }
        LitellmStrategy::CostBased => "cost-based-routing",
    })
}
