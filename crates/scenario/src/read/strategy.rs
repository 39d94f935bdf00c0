//! How a deployment is picked.

use crate::diagnostic::Problems;
use crate::fields::Fields;
use crate::node::{Node, NodeKind};
use crate::schema::{Key, Schema, Section};
use crate::settings::{In, Maybe, Percent, Span, ValueKind, Written, duration, settings, share};
use crate::value;
use core::time::Duration;
use squall_determinism::Share;
use squall_router::{CostTuning, LatencyTuning, LitellmStrategy, Strategy};

const WORDS: &[&str] = Strategy::WORDS;

static LITELLM: [&str; LitellmStrategy::ALL.len()] = {
    let mut words = [""; LitellmStrategy::ALL.len()];
    let mut place = 0;
    while place < words.len() {
        words[place] = LitellmStrategy::ALL[place].as_str();
        place += 1;
    }
    words
};

static SETTINGS: Section = Section {
    id: "strategy",
    phrase: "a strategy",
    about: "A strategy with settings. The others are plain words.",
    keys: &[&[
        Key::choice(
            "lowest_latency",
            Schema::Section(&LATENCY.section),
            "The lowest recent latency.",
        ),
        Key::choice(
            "lowest_cost",
            Schema::Section(&COST.section),
            "The lowest cost, of those that are quick enough.",
        ),
        Key::choice(
            "litellm",
            Schema::Either(&LITELLM_STRATEGY),
            "One of LiteLLM's formulas, of the version that `profile` names, else of the newest, \
             including its defects, by `routing_strategy`.",
        ),
    ]],
};

settings! {
    static LATENCY: LatencyTuning = (
        "lowest-latency",
        "the settings of `lowest_latency`",
        "How latencies are compared: time to first token of streams, total latency otherwise."
    );
    /// Deployments within this margin of the best are candidates. With 0% all traffic goes to a single
    /// deployment.
    buffer: Percent;
    /// Decay time of an observation's weight.
    decay: Span;
}

settings! {
    static COST: CostTuning = (
        "lowest-cost",
        "the settings of `lowest_cost`",
        "How cost is weighed against latency."
    );
    /// The cheapest deployment is picked of those whose mean time to first token (total time without a stream) is at
    /// most this; if none is, the quickest.
    latency_objective: Maybe(Span, "cost alone decides");
}

static LITELLM_STRATEGY: [Schema; 2] = [Schema::Word(&LITELLM), Schema::Section(&LITELLM_SETTINGS)];

static LITELLM_SETTINGS: Section = Section {
    id: "litellm-strategy",
    phrase: "a strategy of LiteLLM's",
    about: "A LiteLLM strategy with settings.",
    keys: &[&[Key::choice(
        "latency-based-routing",
        Schema::Section(&LITELLM_LATENCY),
        "The mean of ten samples; of those of 1.80 the first nine never change.",
    )]],
};

static LITELLM_LATENCY: Section = Section {
    id: "litellm-latency",
    phrase: "the settings of `latency-based-routing`",
    about: "Its `routing_strategy_args`.",
    keys: &[&[
        Key::optional("buffer", Schema::Percent, "0%", "`lowest_latency_buffer`."),
        Key::optional("ttl", Schema::SPAN, "1h", "Lifetime of the samples."),
    ]],
};

/// A strategy: its word, or its settings.
pub(super) struct StrategyKind;

impl ValueKind for StrategyKind {
    type Value = Strategy;

    fn shape(&self) -> Schema {
        const FORMS: &[Schema] = &[Schema::Word(WORDS), Schema::Section(&SETTINGS)];
        Schema::Either(FORMS)
    }

    fn read(&self, node: &Node, _: &Strategy, problems: &Problems) -> Option<Strategy> {
        if !matches!(node.kind, NodeKind::Map(_)) {
            return Strategy::from_word(value::word(node, WORDS, problems)?);
        }
        let settings = Fields::open(node, &SETTINGS, problems)?;
        match settings.choice()? {
            ("lowest_latency", node) => In(&LATENCY)
                .read(node, &LatencyTuning::default(), problems)
                .map(Strategy::LowestLatency),
            ("lowest_cost", node) => {
                In(&COST).read(node, &CostTuning::default(), problems).map(Strategy::LowestCost)
            }
            (_, node) => litellm(node, problems).map(Strategy::Litellm),
        }
    }

    fn write(&self, strategy: &Strategy) -> Written {
        // A strategy with settings of its own has its lines here.
        if let Strategy::LowestLatency(latency) = strategy
            && *latency != LatencyTuning::default()
        {
            return Written::entry(strategy.name(), LATENCY.write(latency));
        }
        if let Strategy::LowestCost(cost) = strategy
            && *cost != CostTuning::default()
        {
            return Written::entry(strategy.name(), COST.write(cost));
        }
        if let Strategy::Litellm(own) = strategy {
            return Written::entry("litellm", write_litellm(*own));
        }
        Written::plain(strategy.name())
    }
}

const HOUR: Duration = Duration::from_secs(3_600);

fn litellm(node: &Node, problems: &Problems) -> Option<LitellmStrategy> {
    if matches!(node.kind, NodeKind::Map(_)) {
        let settings = Fields::open(node, &LITELLM_SETTINGS, problems)?;
        let fields = settings.section("latency-based-routing")?;
        let buffer = fields.share("buffer").unwrap_or(Share::NONE);
        let ttl = fields.duration("ttl").unwrap_or(HOUR);
        return Some(LitellmStrategy::LatencyBased { buffer, ttl });
    }
    LitellmStrategy::from_word(value::word(node, &LITELLM, problems)?)
}

fn write_litellm(strategy: LitellmStrategy) -> Written {
    let LitellmStrategy::LatencyBased { buffer, ttl } = strategy else {
        return Written::plain(strategy.as_str());
    };
    let settings = vec![
        ("buffer".to_owned(), Written::plain(share(buffer))),
        ("ttl".to_owned(), Written::plain(duration(ttl))),
    ];
    Written::entry(strategy.as_str(), Written::Map(settings))
}
