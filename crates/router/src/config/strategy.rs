//! How a deployment is picked among the usable ones.

use core::time::Duration;
use squall_determinism::Share;

/// How a deployment is picked among the usable ones.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Strategy {
    /// Smooth weighted round robin (nginx): each prefix as near to the weights as can be.
    #[default]
    SmoothWeighted,
    /// A draw by weight, without memory.
    WeightedRandom,
    /// Smooth weighted round robin by requests per minute instead of weights. A deployment without the
    /// limit gets none while another has one.
    RpmProportional,
    /// The same by tokens per minute.
    TpmProportional,
    /// The one with the fewest attempts under way, for its weight; of several the first after the last
    /// picked.
    LeastBusy,
    /// Of two drawn by weight the one with fewer attempts under way, for its weight.
    TwoChoices,
    /// The one that has used the smallest part of its tokens per minute in this minute; without such a
    /// limit, the fewest tokens.
    LowestUsage,
    /// The one with the lowest latency of late; for streams, time to first token.
    LowestLatency(Latency),
    /// The one whose tokens cost least; of several the least busy.
    LowestCost,
    /// One of the reference's own formulas, its faults included.
    Litellm(LitellmStrategy),
}

/// How latencies are compared.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Latency {
    /// Whoever is within this share of the best may be picked, by weight. Default 20 %: with 0 all
    /// requests go to one deployment until that one is the slower (the herd).
    pub buffer: Share,
    /// How long ago an observation has lost most (63 %) of its weight. Default 10 s (linkerd, Kong).
    pub decay: Duration,
}

impl Default for Latency {
    fn default() -> Self {
        Self { buffer: Share::percent(20), decay: Duration::from_secs(10) }
    }
}

/// LiteLLM 1.80's `routing_strategy`, each as that version computes it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LitellmStrategy {
    /// `simple-shuffle`: by weight, else rpm, else tpm, if the *first* usable deployment has it.
    SimpleShuffle,
    /// `least-busy`: the smallest counter, even if it is that of a deployment that is out; then any.
    LeastBusy,
    /// `usage-based-routing`: fewest tokens in this minute of the clock.
    UsageBased,
    /// `usage-based-routing-v2`: the same, ties at random, and one request less than the limit.
    UsageBasedV2,
    /// `latency-based-routing`: the mean of ten samples, of which the first nine never change.
    LatencyBased {
        /// `lowest_latency_buffer`.
        buffer: Share,
        /// `ttl`: how long the samples are kept, from the first.
        ttl: Duration,
    },
    /// `cost-based-routing`: the cheapest first.
    CostBased,
}
