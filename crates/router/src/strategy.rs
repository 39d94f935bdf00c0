//! How a deployment is picked among the usable ones. One file per strategy.
//!
//! Each keeps what it needs by place in the group, answers [`choose`](Picker::choose) without changing
//! anything that counts, and is told what came of it: picked, started, ended.

mod least_busy;
mod litellm;
mod lowest_cost;
mod lowest_latency;
mod lowest_usage;
mod smooth_weighted;
mod two_choices;
mod weighted_random;

use crate::config::{or_weights, rpm, tpm};
use crate::{DeploymentConfig, LitellmStrategy, Strategy};
use alloc::vec::Vec;
use core::time::Duration;
use least_busy::LeastBusy;
use lowest_cost::LowestCost;
use lowest_latency::LowestLatency;
use lowest_usage::LowestUsage;
use smooth_weighted::SmoothWeighted;
use squall_determinism::{Draws, Purpose as Draw, Seed, Timestamp};
use two_choices::TwoChoices;
use weighted_random::WeightedRandom;

/// A strategy at work in one group.
#[derive(Clone, Debug)]
pub(crate) enum Picker {
    SmoothWeighted(SmoothWeighted),
    WeightedRandom(WeightedRandom),
    LeastBusy(LeastBusy),
    TwoChoices(TwoChoices),
    LowestUsage(LowestUsage),
    LowestLatency(LowestLatency),
    LowestCost(LowestCost),
    Shuffle(litellm::SimpleShuffle),
    BusyDict(litellm::LeastBusy),
    Usage(litellm::Usage),
    LatencyList(litellm::LatencyList),
    Cost(litellm::Cost),
}

/// Which attempts are being spread: retries are kept apart, so that a storm of them does not bend the
/// shares of first attempts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Purpose {
    FirstAttempt,
    Retry,
}

/// For whom a deployment is picked, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask {
    pub(crate) now: Timestamp,
    /// The minute of the wall clock.
    pub(crate) minute: u64,
    pub(crate) purpose: Purpose,
    pub(crate) input_tokens: u32,
    pub(crate) output_tokens: u32,
    pub(crate) stream: bool,
    pub(crate) lots: Lots,
}

/// Where the draws of one pick come from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lots {
    pub(crate) seed: Seed,
    pub(crate) group: u16,
    /// The request and its attempt.
    pub(crate) ordinal: u64,
}

impl Lots {
    fn draws(&self) -> Draws {
        const PICK: Draw = Draw::named("router.pick");
        self.seed.stream(PICK, self.group.into(), self.ordinal)
    }
}

/// What an attempt that ended well showed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) now: Timestamp,
    pub(crate) minute: u64,
    pub(crate) stream: bool,
    /// From its start to the first token of a stream.
    pub(crate) first_token: Option<Duration>,
    /// From its start to its end.
    pub(crate) total: Duration,
    /// Tokens it was taken to need.
    pub(crate) estimate: u64,
    /// Tokens of the prompt and of the answer, if the provider said.
    pub(crate) usage: Option<(u32, u32)>,
}

/// An attempt that ended otherwise.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loss {
    pub(crate) now: Timestamp,
    pub(crate) minute: u64,
    pub(crate) started: Timestamp,
    pub(crate) estimate: u64,
    /// It says that the deployment is ill.
    pub(crate) is_evidence: bool,
    pub(crate) timed_out: bool,
    /// Nothing had been sent: it used nothing.
    pub(crate) sent_nothing: bool,
}

impl Picker {
    pub(crate) fn new(strategy: Strategy, deployments: &[DeploymentConfig]) -> Self {
        let weights =
            |by: fn(&DeploymentConfig) -> u64| -> Vec<u64> { deployments.iter().map(by).collect() };
        match strategy {
            Strategy::SmoothWeighted => {
                Self::SmoothWeighted(SmoothWeighted::new(weights(|each| each.weight.into())))
            }
            Strategy::RpmProportional => {
                Self::SmoothWeighted(SmoothWeighted::new(or_weights(deployments, rpm)))
            }
            Strategy::TpmProportional => {
                Self::SmoothWeighted(SmoothWeighted::new(or_weights(deployments, tpm)))
            }
            Strategy::WeightedRandom => {
                Self::WeightedRandom(WeightedRandom::new(weights(|each| each.weight.into())))
            }
            Strategy::LeastBusy => {
                Self::LeastBusy(LeastBusy::new(weights(|each| each.weight.into())))
            }
            Strategy::TwoChoices => {
                Self::TwoChoices(TwoChoices::new(weights(|each| each.weight.into())))
            }
            Strategy::LowestUsage => Self::LowestUsage(LowestUsage::new(weights(tpm))),
            Strategy::LowestLatency(config) => {
                Self::LowestLatency(LowestLatency::new(config, deployments.len()))
            }
            Strategy::LowestCost => Self::LowestCost(LowestCost::new(deployments)),
            Strategy::Litellm(strategy) => Self::litellm(strategy, deployments),
        }
    }

    fn litellm(strategy: LitellmStrategy, deployments: &[DeploymentConfig]) -> Self {
        match strategy {
            LitellmStrategy::SimpleShuffle => {
                Self::Shuffle(litellm::SimpleShuffle::new(deployments))
            }
            LitellmStrategy::LeastBusy => Self::BusyDict(litellm::LeastBusy::default()),
            LitellmStrategy::UsageBased => Self::Usage(litellm::Usage::first(deployments)),
            LitellmStrategy::UsageBasedV2 => Self::Usage(litellm::Usage::second(deployments)),
            LitellmStrategy::LatencyBased { buffer, ttl } => {
                Self::LatencyList(litellm::LatencyList::new(buffer, ttl, deployments))
            }
            LitellmStrategy::CostBased => Self::Cost(litellm::Cost::new(deployments)),
        }
    }

    /// The place of the one to be picked among those that `may` be.
    #[inline]
    pub(crate) fn choose(&mut self, ask: &Ask, may: impl Fn(usize) -> bool) -> Option<usize> {
        match self {
            Self::SmoothWeighted(strategy) => strategy.choose(ask.purpose, may),
            Self::WeightedRandom(strategy) => strategy.choose(ask, may),
            Self::LeastBusy(strategy) => strategy.choose(may),
            Self::TwoChoices(strategy) => strategy.choose(ask, may),
            Self::LowestUsage(strategy) => strategy.choose(ask, may),
            Self::LowestLatency(strategy) => strategy.choose(ask, may),
            Self::LowestCost(strategy) => strategy.choose(ask, may),
            Self::Shuffle(strategy) => strategy.choose(ask, may),
            Self::BusyDict(strategy) => strategy.choose(ask, may),
            Self::Usage(strategy) => strategy.choose(ask, may),
            Self::LatencyList(strategy) => strategy.choose(ask, may),
            Self::Cost(strategy) => strategy.choose(ask, may),
        }
    }

    /// The one that was chosen among those that `may` be is taken.
    #[inline]
    pub(crate) fn picked(&mut self, ask: &Ask, place: usize, may: impl Fn(usize) -> bool) {
        match self {
            Self::SmoothWeighted(strategy) => strategy.picked(ask.purpose, place, may),
            Self::LowestLatency(strategy) => strategy.picked(ask.now, place),
            _ => {}
        }
    }

    /// An attempt begins there.
    #[inline]
    pub(crate) fn started(&mut self, ask: &Ask, place: usize) {
        match self {
            Self::LeastBusy(strategy) => strategy.started(place),
            Self::TwoChoices(strategy) => strategy.started(place),
            Self::LowestUsage(strategy) => strategy.started(ask, place),
            Self::LowestLatency(strategy) => strategy.started(place),
            Self::LowestCost(strategy) => strategy.started(place),
            Self::BusyDict(strategy) => strategy.started(place),
            Self::Usage(strategy) => strategy.started(ask, place),
            Self::SmoothWeighted(_)
            | Self::WeightedRandom(_)
            | Self::Shuffle(_)
            | Self::LatencyList(_)
            | Self::Cost(_) => {}
        }
    }

    /// An attempt there ended well.
    #[inline]
    pub(crate) fn succeeded(&mut self, place: usize, sample: &Sample) {
        match self {
            Self::LeastBusy(strategy) => strategy.ended(place),
            Self::TwoChoices(strategy) => strategy.ended(place),
            Self::LowestUsage(strategy) => strategy.succeeded(place, sample),
            Self::LowestLatency(strategy) => strategy.succeeded(place, sample),
            Self::LowestCost(strategy) => strategy.ended(place),
            Self::BusyDict(strategy) => strategy.ended(place),
            Self::Usage(strategy) => strategy.succeeded(place, sample),
            Self::LatencyList(strategy) => strategy.succeeded(place, sample),
            Self::Cost(strategy) => strategy.succeeded(place, sample),
            Self::SmoothWeighted(_) | Self::WeightedRandom(_) | Self::Shuffle(_) => {}
        }
    }

    /// An attempt there ended otherwise.
    pub(crate) fn failed(&mut self, place: usize, loss: &Loss) {
        match self {
            Self::LeastBusy(strategy) => strategy.ended(place),
            Self::TwoChoices(strategy) => strategy.ended(place),
            Self::LowestUsage(strategy) => strategy.failed(place, loss),
            Self::LowestLatency(strategy) => strategy.failed(place, loss),
            Self::LowestCost(strategy) => strategy.ended(place),
            Self::BusyDict(strategy) => strategy.ended(place),
            Self::LatencyList(strategy) => strategy.failed(place, loss),
            Self::SmoothWeighted(_)
            | Self::WeightedRandom(_)
            | Self::Usage(_)
            | Self::Shuffle(_)
            | Self::Cost(_) => {}
        }
    }

    /// Takes over what `old` has learned. `from` says where each place was before, if it was there;
    /// `running` how many attempts each has under way.
    pub(crate) fn succeed(&mut self, old: &Self, from: &[Option<usize>], running: &[u32]) {
        match (self, old) {
            (Self::SmoothWeighted(new), Self::SmoothWeighted(old)) => new.succeed(old, from),
            (Self::LowestUsage(new), Self::LowestUsage(old)) => new.succeed(old, from),
            (Self::LowestLatency(new), Self::LowestLatency(old)) => new.succeed(old, from, running),
            (Self::LatencyList(new), Self::LatencyList(old)) => new.succeed(old, from),
            (Self::Usage(new), Self::Usage(old)) => new.succeed(old, from),
            (Self::Cost(new), Self::Cost(old)) => new.succeed(old, from),
            (Self::LeastBusy(new), _) => new.recount(running),
            (Self::TwoChoices(new), _) => new.recount(running),
            (Self::LowestLatency(new), _) => new.recount(running),
            (Self::LowestCost(new), _) => new.recount(running),
            (Self::BusyDict(new), _) => new.recount(running),
            _ => {}
        }
    }
}

/// What was learned by place, taken over to the places of another configuration.
fn moved<T: Clone>(new: &mut [T], old: &[T], from: &[Option<usize>]) {
    for (value, from) in new.iter_mut().zip(from) {
        if let Some(before) = from.and_then(|place| old.get(place)) {
            value.clone_from(before);
        }
    }
}

/// The place with the least score among those that `may` be picked; of several the first after `last`.
#[inline]
fn least_after(scores: &[u64], last: usize, may: impl Fn(usize) -> bool) -> Option<usize> {
    let least = |from: usize, to: usize| {
        let mut best = None;
        let mut lowest = u64::MAX;
        for (place, &score) in scores[from..to].iter().enumerate() {
            if score < lowest && may(from + place) {
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
