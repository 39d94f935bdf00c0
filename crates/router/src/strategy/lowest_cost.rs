//! The cheapest deployment for this request; ties go to the least busy, then to the first after the last
//! pick.
//!
//! With a latency objective the cheapest of those whose time to first token of late, or whose whole answers, meet
//! it; if none does, the quickest.

use super::recent_latency::RecentLatency;
use crate::explained_decision::PickFigure;
use crate::{
    Balancer, Candidates, DeploymentConfig, FailureSample, Money, PickContext, SuccessSample,
};
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

/// How cost is weighed against latency.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct CostTuning {
    /// The mean time to first token of streams, of other answers the mean total time, up to which the cheapest is
    /// picked. Default none: cost alone decides.
    pub latency_objective: Option<Duration>,
}

impl CostTuning {
    /// The defaults.
    pub const DEFAULT: Self = Self { latency_objective: None };
}

/// How long ago an observation has lost most (63 %) of its weight. 10 s, as `lowest_latency`.
const DECAY: Duration = Duration::from_secs(10);

#[derive(Clone, Debug)]
pub(crate) struct LowestCost {
    config: CostTuning,
    /// What a token of the prompt and of the answer costs. Money as a float: only its order counts.
    prices: Vec<(f64, f64)>,
    latencies: RecentLatency,
    running: Vec<u32>,
    last: usize,
}

/// How one deployment compares with another; the least is picked.
#[derive(Clone, Copy)]
struct CostRank {
    /// By how much the objective is missed, in nanoseconds.
    late: u64,
    cost: f64,
    running: u32,
}

impl CostRank {
    /// Field by field: a derived order of floats costs twice as much in a loop over all deployments.
    #[inline]
    fn is_below(&self, other: &Self) -> bool {
        self.late < other.late
            || self.late == other.late
                && (self.cost < other.cost
                    || self.cost == other.cost && self.running < other.running)
    }
}

impl LowestCost {
    pub(crate) fn new(config: CostTuning, deployments: &[DeploymentConfig]) -> Self {
        let price =
            |each: &DeploymentConfig| (each.price.input.0 as f64, each.price.output.0 as f64);
        let prices: Vec<_> = deployments.iter().map(price).collect();
        let last = prices.len().saturating_sub(1);
        let latencies = RecentLatency::new(DECAY, prices.len());
        Self { config, latencies, running: vec![0; prices.len()], prices, last }
    }

    #[inline]
    fn rank(&self, context: &PickContext, place: usize) -> CostRank {
        let (input, output) = (f64::from(context.input_tokens), f64::from(context.output_tokens));
        let (per_input, per_output) = self.prices[place];
        let late = self.config.latency_objective.map_or(0, |objective| {
            let latency = self.latencies.scores(context.stream)[place];
            latency.saturating_sub(objective.as_nanos() as u64)
        });
        let cost = per_input * input + per_output * output;
        CostRank { late, cost, running: self.running[place] }
    }

    fn ended(&mut self, place: usize) {
        self.running[place] = self.running[place].saturating_sub(1);
    }
}

impl Balancer for LowestCost {
    fn pick(&mut self, context: &PickContext, candidates: &Candidates<'_>) -> Option<usize> {
        let middle = (self.last + 1).min(self.prices.len());
        let mut best: Option<(usize, CostRank)> = None;
        for place in (middle..self.prices.len()).chain(0..middle) {
            let rank = self.rank(context, place);
            if best.is_none_or(|(_, least)| rank.is_below(&least)) && candidates.contains(place) {
                best = Some((place, rank));
            }
        }
        best.map(|(place, ..)| place)
    }

    fn figure(
        &self,
        context: &PickContext,
        _: &Candidates<'_>,
        place: usize,
    ) -> Option<PickFigure> {
        let (per_input, per_output) = self.prices[place];
        let cost = per_input * f64::from(context.input_tokens)
            + per_output * f64::from(context.output_tokens);
        Some(PickFigure::number("cost in $", cost / Money::DOLLAR.0 as f64))
    }

    fn picked(&mut self, context: &PickContext, _: &Candidates<'_>, _: usize) {
        if self.config.latency_objective.is_some() {
            self.latencies.pass(context.now);
        }
    }

    fn started(&mut self, _: &PickContext, place: usize) {
        self.running[place] += 1;
        self.last = place;
    }

    fn succeeded(&mut self, place: usize, sample: &SuccessSample) {
        self.ended(place);
        self.latencies.succeeded(place, sample);
    }

    fn failed(&mut self, place: usize, sample: &FailureSample) {
        self.ended(place);
        self.latencies.failed(place, sample);
    }

    fn inherit(&mut self, old: &dyn Balancer, from: &[Option<usize>], running: &[u32]) {
        self.running = running.to_vec();
        let Some(old) = old.downcast_ref::<Self>() else { return };
        self.latencies.inherit(&old.latencies, from);
    }
}
