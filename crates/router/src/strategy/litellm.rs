//! LiteLLM's strategies, with its formulas, including defects; where versions differ, by the version's rules. If a formula rejects all deployments, the
//! pick is `None`.

mod cost;
mod latency_list;
mod least_busy;
mod simple_shuffle;
mod usage;

use super::moved;
use crate::{
    Balancer, DeploymentConfig, LeastBusyCounters, LitellmRules, PickContext, SuccessSample,
};
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;
use cost::LitellmCost;
use latency_list::LatencyList;
use least_busy::{DictionaryLeastBusy, FirstLeastBusy};
use simple_shuffle::SimpleShuffle;
use squall_determinism::Share;
use usage::LitellmUsage;

/// LiteLLM's `routing_strategy`, each as the version of its group computes it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LitellmStrategy {
    /// `simple-shuffle`: by weight, else rpm, else tpm, by what is stated.
    SimpleShuffle,
    /// `least-busy`: the smallest counter.
    LeastBusy,
    /// `usage-based-routing`: fewest tokens in this minute of the clock.
    UsageBased,
    /// `usage-based-routing-v2`: the same, ties at random, and one request less than the limit.
    UsageBasedV2,
    /// `latency-based-routing`: the mean of ten samples.
    LatencyBased {
        /// `lowest_latency_buffer`.
        buffer: Share,
        /// `ttl`: how long the samples are kept, from the first.
        ttl: Duration,
    },
    /// `cost-based-routing`: the cheapest first.
    CostBased,
}

impl LitellmStrategy {
    /// Every one, with its default settings.
    pub const ALL: [Self; 6] = [
        Self::SimpleShuffle,
        Self::LeastBusy,
        Self::UsageBased,
        Self::UsageBasedV2,
        Self::LATENCY_BASED,
        Self::CostBased,
    ];

    /// `latency-based-routing` with LiteLLM's defaults: buffer 0 %, samples kept for an hour.
    pub const LATENCY_BASED: Self =
        Self::LatencyBased { buffer: Share::NONE, ttl: Duration::from_secs(3_600) };

    /// LiteLLM's word for it.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::SimpleShuffle => "simple-shuffle",
            Self::LeastBusy => "least-busy",
            Self::UsageBased => "usage-based-routing",
            Self::UsageBasedV2 => "usage-based-routing-v2",
            Self::LatencyBased { .. } => "latency-based-routing",
            Self::CostBased => "cost-based-routing",
        }
    }

    /// The strategy that [`as_str`](Self::as_str) writes as `word`, with its default settings.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|strategy| strategy.as_str() == word)
    }

    pub(super) fn balancer(
        self,
        deployments: &[DeploymentConfig],
        rules: &LitellmRules,
    ) -> Box<dyn Balancer> {
        match self {
            Self::SimpleShuffle => Box::new(SimpleShuffle::new(rules.shuffle, deployments)),
            Self::LeastBusy => match rules.least_busy {
                LeastBusyCounters::Dictionary => {
                    Box::new(DictionaryLeastBusy::new(deployments.len()))
                }
                LeastBusyCounters::PerDeployment => {
                    Box::new(FirstLeastBusy::new(deployments.len()))
                }
            },
            Self::UsageBased => Box::new(LitellmUsage::first(deployments)),
            Self::UsageBasedV2 => Box::new(LitellmUsage::second(deployments)),
            Self::LatencyBased { buffer, ttl } => {
                Box::new(LatencyList::new(rules.latency, buffer, ttl, deployments))
            }
            Self::CostBased => Box::new(LitellmCost::new(deployments)),
        }
    }
}

/// One of these places, drawn if there are several.
fn one_of(context: &PickContext, places: &[u32]) -> Option<usize> {
    let place = match places {
        [] | [_] => places.first(),
        _ => places.get(context.rng.random_stream().below(places.len() as u64) as usize),
    };
    place.map(|&place| place as usize)
}

/// Tokens and requests of each deployment in one minute of the clock, beside what is declared of them.
#[derive(Clone, Debug)]
struct MinuteUsage {
    /// The minute that is counted; in any other nothing has been seen.
    minute: u64,
    tokens: Vec<u64>,
    requests: Vec<u64>,
    nothing: Vec<u64>,
    /// The most tokens there may be with the prompt, and the requests below which one more may come.
    tpm: Vec<u64>,
    rpm: Vec<u64>,
}

/// Whether each deployment has room for one more request.
struct Headroom<'a> {
    tokens: &'a [u64],
    requests: &'a [u64],
    tpm: &'a [u64],
    rpm: &'a [u64],
    input: u64,
}

impl Headroom<'_> {
    #[inline]
    fn at(&self, place: usize) -> bool {
        self.requests[place] < self.rpm[place]
            && self.tokens[place].saturating_add(self.input) <= self.tpm[place]
    }
}

impl MinuteUsage {
    fn new(deployments: &[DeploymentConfig]) -> Self {
        let places = deployments.len();
        let most = |number: Option<u64>| number.unwrap_or(u64::MAX);
        Self {
            minute: 0,
            tokens: vec![0; places],
            requests: vec![0; places],
            nothing: vec![0; places],
            tpm: deployments.iter().map(|each| most(each.declared.tpm)).collect(),
            rpm: deployments.iter().map(|each| most(each.declared.rpm)).collect(),
        }
    }

    #[inline]
    fn room(&self, context: &PickContext) -> Headroom<'_> {
        let seen = context.minute == self.minute;
        // All slices have the same length, so that one bounds check suffices.
        let places = self.tpm.len();
        Headroom {
            tokens: &(if seen { &self.tokens } else { &self.nothing })[..places],
            requests: &(if seen { &self.requests } else { &self.nothing })[..places],
            tpm: &self.tpm[..places],
            rpm: &self.rpm[..places],
            input: context.input_tokens.into(),
        }
    }

    /// Counts a request that ended well.
    fn succeeded(&mut self, place: usize, sample: &SuccessSample) {
        self.add_tokens(place, sample);
        self.add_request(sample.minute, place);
    }

    fn add_tokens(&mut self, place: usize, sample: &SuccessSample) {
        let (input, output) = sample.usage.unwrap_or_default();
        self.turn(sample.minute);
        let tokens = u64::from(input) + u64::from(output);
        self.tokens[place] = self.tokens[place].saturating_add(tokens);
    }

    fn add_request(&mut self, minute: u64, place: usize) {
        self.turn(minute);
        self.requests[place] += 1;
    }

    fn turn(&mut self, minute: u64) {
        if minute != self.minute {
            self.minute = minute;
            self.tokens.fill(0);
            self.requests.fill(0);
        }
    }

    fn inherit(&mut self, old: &Self, from: &[Option<usize>]) {
        self.minute = old.minute;
        moved(&mut self.tokens, &old.tokens, from);
        moved(&mut self.requests, &old.requests, from);
    }
}
