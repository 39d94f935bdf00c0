//! Load balancing strategies: the table of all strategies, and shared code. One file per strategy.
//!
//! To add one, write its [`Balancer`] in a file under `strategy/`, add a row to the table below, and document
//! it in `docs/ROUTER.md`. Its name in files, the reference, the JSON schema, the profiles, the benchmark,
//! the property tests and the random scenarios of the swarm are derived from the row.

mod consistent_hash;
mod custom;
mod deficit_round_robin;
mod least_busy;
mod litellm;
mod lowest_cost;
mod lowest_latency;
mod lowest_usage;
mod peak_ewma;
mod recent_latency;
mod smooth_weighted;
mod two_choices;
mod weight_table;
mod weighted_draw;
mod weighted_random;

pub use custom::CustomStrategy;
pub use litellm::LitellmStrategy;
pub use lowest_cost::CostTuning;
pub use lowest_latency::LatencyTuning;
pub(crate) use smooth_weighted::SmoothWeighted;

use crate::config::{or_weights, rpm, tpm};
use crate::{Balancer, Candidates, DeploymentConfig, LitellmVersion};
use alloc::boxed::Box;
use alloc::vec::Vec;
use consistent_hash::ConsistentHash;
use deficit_round_robin::DeficitRoundRobin;
use least_busy::LeastBusy;
use lowest_cost::LowestCost;
use lowest_latency::LowestLatency;
use lowest_usage::LowestUsage;
use peak_ewma::PeakEwma;
use two_choices::TwoChoices;
use weighted_random::WeightedRandom;

/// Metadata of a strategy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StrategyInfo {
    /// Its name in files.
    pub word: &'static str,
    /// What it picks, in a sentence.
    pub about: &'static str,
    /// What the deployments' shares of the requests follow.
    pub shares: ShareBasis,
    /// LiteLLM's equivalent, which replaces it in that profile.
    pub in_litellm: LitellmStrategy,
}

/// What the shares of a group's requests follow that its deployments get, while all of them can be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ShareBasis {
    /// Their weights.
    Weight,
    /// Their requests per minute; their weights if none has that limit.
    Rpm,
    /// Their tokens per minute, likewise.
    Tpm,
    /// What they state to LiteLLM: weight, requests or tokens per minute.
    Declared,
    /// What is measured, such as load, latency or cost: no share is known beforehand.
    Measured,
}

macro_rules! strategies {
    ($($(#[$attribute:meta])* $name:ident $(($settings:ident: $type:ty))? {
        word: $word:literal,
        about: $about:literal,
        shares: $shares:expr,
        in_litellm: $in_litellm:expr,
        balancer: |$deployments:ident| $balancer:expr,
    })*) => {
        /// A load balancing strategy. The default is [`SmoothWeighted`](Self::SmoothWeighted).
        #[derive(Clone, Debug, Default, Eq, PartialEq)]
        pub enum Strategy {
            $(#[doc = $about] $(#[$attribute])* $name $(($type))?,)*
            /// One of LiteLLM's formulas, including its defects.
            Litellm(LitellmStrategy),
            /// A custom strategy; see [`Strategy::custom`].
            Custom(CustomStrategy),
        }

        impl Strategy {
            /// The strategies of the table, each with its default settings.
            pub const BUILT_IN: &[Self] = &[$(Self::$name $((<$type>::DEFAULT))?,)*];

            /// Their words in files, in the same order.
            pub const WORDS: &[&str] = &[$($word,)*];

            /// Its row of the table; `None` for LiteLLM's and for custom ones.
            #[must_use]
            pub const fn info(&self) -> Option<StrategyInfo> {
                match self {
                    $(Self::$name { .. } => Some(StrategyInfo {
                        word: $word,
                        about: $about,
                        shares: $shares,
                        in_litellm: $in_litellm,
                    }),)*
                    Self::Litellm(_) | Self::Custom(_) => None,
                }
            }

            /// The strategy at work among these deployments; `version` is whose formulas LiteLLM's follow.
            pub(crate) fn balancer(
                &self,
                deployments: &[DeploymentConfig],
                version: LitellmVersion,
            ) -> Box<dyn Balancer> {
                match self {
                    $(Self::$name $(($settings))? => {
                        let $deployments = deployments;
                        Box::new($balancer)
                    })*
                    Self::Litellm(strategy) => strategy.balancer(deployments, version.rules()),
                    Self::Custom(strategy) => strategy.balancer(deployments),
                }
            }
        }
    };
}

strategies! {
    #[default]
    SmoothWeighted {
        word: "smooth_weighted",
        about: "Smooth weighted round robin (nginx): each prefix as near to the weights as can be.",
        shares: ShareBasis::Weight,
        in_litellm: LitellmStrategy::SimpleShuffle,
        balancer: |deployments| SmoothWeighted::new(weights(deployments)),
    }
    WeightedRandom {
        word: "weighted_random",
        about: "A draw by weight, without memory.",
        shares: ShareBasis::Weight,
        in_litellm: LitellmStrategy::SimpleShuffle,
        balancer: |deployments| WeightedRandom::new(weights(deployments)),
    }
    RpmProportional {
        word: "rpm_proportional",
        about: "Smooth weighted round robin by requests per minute instead of weights. A deployment without \
                the limit gets none while another has one.",
        shares: ShareBasis::Rpm,
        in_litellm: LitellmStrategy::SimpleShuffle,
        balancer: |deployments| SmoothWeighted::new(or_weights(deployments, rpm)),
    }
    TpmProportional {
        word: "tpm_proportional",
        about: "The same by tokens per minute.",
        shares: ShareBasis::Tpm,
        in_litellm: LitellmStrategy::SimpleShuffle,
        balancer: |deployments| SmoothWeighted::new(or_weights(deployments, tpm)),
    }
    LeastBusy {
        word: "least_busy",
        about: "The one with the fewest attempts under way, for its weight; of several the first after the \
                one picked last.",
        shares: ShareBasis::Measured,
        in_litellm: LitellmStrategy::LeastBusy,
        balancer: |deployments| LeastBusy::new(weights(deployments)),
    }
    TwoChoices {
        word: "two_choices",
        about: "Of two drawn by weight the one with fewer attempts under way, for its weight.",
        shares: ShareBasis::Measured,
        in_litellm: LitellmStrategy::LeastBusy,
        balancer: |deployments| TwoChoices::new(weights(deployments)),
    }
    PeakEwma {
        word: "peak_ewma",
        about: "Of two drawn by weight the one that is likely to answer sooner: the recent peak of its time to \
                first token and of its time per token, times the attempts under way.",
        shares: ShareBasis::Measured,
        in_litellm: LitellmStrategy::LATENCY_BASED,
        balancer: |deployments| PeakEwma::new(weights(deployments)),
    }
    DeficitRoundRobin {
        word: "deficit_round_robin",
        about: "Deficit round robin: shares of tokens instead of requests follow the weights.",
        shares: ShareBasis::Measured,
        in_litellm: LitellmStrategy::SimpleShuffle,
        balancer: |deployments| DeficitRoundRobin::new(weights(deployments)),
    }
    ConsistentHash {
        word: "consistent_hash",
        about: "Consistent hashing of sessions with bounded loads: a session keeps its deployment unless that has \
                over 125 % of its share under way. Without a session as `least_busy`.",
        shares: ShareBasis::Measured,
        in_litellm: LitellmStrategy::SimpleShuffle,
        balancer: |deployments| ConsistentHash::new(deployments),
    }
    LowestUsage {
        word: "lowest_usage",
        about: "The one that has used the smallest part of its tokens per minute in this minute; without \
                such a limit, the fewest tokens.",
        shares: ShareBasis::Measured,
        in_litellm: LitellmStrategy::UsageBasedV2,
        balancer: |deployments| LowestUsage::new(deployments.iter().map(tpm).collect()),
    }
    LowestLatency(latency: LatencyTuning) {
        word: "lowest_latency",
        about: "The one with the lowest latency of late; for streams, time to first token.",
        shares: ShareBasis::Measured,
        in_litellm: LitellmStrategy::LATENCY_BASED,
        balancer: |deployments| LowestLatency::new(*latency, deployments.len()),
    }
    LowestCost(cost: CostTuning) {
        word: "lowest_cost",
        about: "The one whose tokens cost least, with a latency objective the cheapest of those that meet it; of \
                several the least busy.",
        shares: ShareBasis::Measured,
        in_litellm: LitellmStrategy::CostBased,
        balancer: |deployments| LowestCost::new(*cost, deployments),
    }
}

impl Strategy {
    /// A custom strategy. `name` is its name in logs and messages; `build` creates the balancer of a group
    /// from its deployments, once at the start and once per configuration change.
    ///
    /// ```
    /// use squall_router::{Balancer, Candidates, PickContext, Strategy};
    ///
    /// /// Always the first that is usable.
    /// #[derive(Clone, Debug)]
    /// struct FirstUsable;
    ///
    /// impl Balancer for FirstUsable {
    ///     fn pick(&mut self, _: &PickContext, candidates: &Candidates<'_>) -> Option<usize> {
    ///         candidates.iter().next()
    ///     }
    /// }
    ///
    /// let strategy = Strategy::custom("first_usable", |_deployments| FirstUsable);
    /// assert_eq!(strategy.name(), "first_usable");
    /// ```
    #[must_use]
    pub fn custom<B: Balancer>(
        name: &str,
        build: impl Fn(&[DeploymentConfig]) -> B + Send + Sync + 'static,
    ) -> Self {
        Self::Custom(CustomStrategy::new(name, build))
    }

    /// Every strategy but custom ones: ours, then LiteLLM's, each with its default settings.
    pub fn all() -> impl Iterator<Item = Self> {
        let litellm = LitellmStrategy::ALL.into_iter().map(Self::Litellm);
        Self::BUILT_IN.iter().cloned().chain(litellm)
    }

    /// The strategy of the table with this word, with its default settings.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        let place = Self::WORDS.iter().position(|known| *known == word)?;
        Self::BUILT_IN.get(place).cloned()
    }

    /// How it is called: its word, LiteLLM's word, or the name of a custom one.
    #[must_use]
    pub fn name(&self) -> &str {
        if let Self::Litellm(strategy) = self {
            return strategy.as_str();
        }
        if let Self::Custom(strategy) = self {
            return strategy.name();
        }
        self.info().map_or("", |info| info.word)
    }

    /// What the shares of requests follow.
    #[must_use]
    pub fn shares(&self) -> ShareBasis {
        if *self == Self::Litellm(LitellmStrategy::SimpleShuffle) {
            return ShareBasis::Declared;
        }
        self.info().map_or(ShareBasis::Measured, |info| info.shares)
    }
}

impl Strategy {
    /// What the share of each deployment follows; the weight, where that is measured.
    pub(crate) fn weights(&self, deployments: &[DeploymentConfig]) -> Vec<u64> {
        match self.shares() {
            ShareBasis::Rpm => or_weights(deployments, rpm),
            ShareBasis::Tpm => or_weights(deployments, tpm),
            ShareBasis::Weight | ShareBasis::Declared | ShareBasis::Measured => {
                weights(deployments)
            }
        }
    }
}

fn weights(deployments: &[DeploymentConfig]) -> Vec<u64> {
    deployments.iter().map(|deployment| deployment.weight.into()).collect()
}

/// What was learned by place, taken over to the places of another configuration.
fn moved<T: Clone>(new: &mut [T], old: &[T], from: &[Option<usize>]) {
    for (value, from) in new.iter_mut().zip(from) {
        if let Some(before) = from.and_then(|place| old.get(place)) {
            value.clone_from(before);
        }
    }
}

/// The candidate with the least score; of several the first after `last`.
#[inline]
fn least_after(scores: &[u64], last: usize, candidates: &Candidates<'_>) -> Option<usize> {
    let least = |from: usize, to: usize| {
        let mut best = None;
        let mut lowest = u64::MAX;
        for (place, &score) in scores[from..to].iter().enumerate() {
            if score < lowest && candidates.contains(from + place) {
                lowest = score;
                best = Some(from + place);
            }
        }
        best.map(|best| (best, lowest))
    };
    let middle = (last + 1).min(scores.len());
    match (least(middle, scores.len()), least(0, middle)) {
        (Some((after, score)), Some((before, other))) => {
            Some(if other < score { before } else { after })
        }
        (after, before) => after.or(before).map(|(place, _)| place),
    }
}
