//! The deployment whose tokens cost least for this request; of several the least busy, and of those the
//! first after the one picked last.

use crate::explain::PickFigure;
use crate::{
    Balancer, Candidates, DeploymentConfig, FailureSample, Money, PickContext, SuccessSample,
};
use alloc::vec;
use alloc::vec::Vec;

#[derive(Clone, Debug)]
pub(crate) struct LowestCost {
    /// What a token of the prompt and of the answer costs. Money as a float: only its order counts.
    prices: Vec<(f64, f64)>,
    running: Vec<u32>,
    last: usize,
}

impl LowestCost {
    pub(crate) fn new(deployments: &[DeploymentConfig]) -> Self {
        let price =
            |each: &DeploymentConfig| (each.price.input.0 as f64, each.price.output.0 as f64);
        let prices: Vec<_> = deployments.iter().map(price).collect();
        let last = prices.len().saturating_sub(1);
        Self { running: vec![0; prices.len()], prices, last }
    }

    fn ended(&mut self, place: usize) {
        self.running[place] = self.running[place].saturating_sub(1);
    }
}

impl Balancer for LowestCost {
    fn pick(&mut self, context: &PickContext, candidates: &Candidates<'_>) -> Option<usize> {
        let (input, output) = (f64::from(context.input_tokens), f64::from(context.output_tokens));
        let mut best: Option<(usize, f64, u32)> = None;
        let mut look = |place: usize| {
            let (per_input, per_output) = self.prices[place];
            let (cost, running) = (per_input * input + per_output * output, self.running[place]);
            let better = best.is_none_or(|(_, least, fewest)| {
                cost < least || (cost <= least && running < fewest)
            });
            if better && candidates.contains(place) {
                best = Some((place, cost, running));
            }
        };
        let middle = (self.last + 1).min(self.prices.len());
        (middle..self.prices.len()).for_each(&mut look);
        (0..middle).for_each(look);
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

    fn started(&mut self, _: &PickContext, place: usize) {
        self.running[place] += 1;
        self.last = place;
    }

    fn succeeded(&mut self, place: usize, _: &SuccessSample) {
        self.ended(place);
    }

    fn failed(&mut self, place: usize, _: &FailureSample) {
        self.ended(place);
    }

    fn inherit(&mut self, _: &dyn Balancer, _: &[Option<usize>], running: &[u32]) {
        self.running = running.to_vec();
    }
}
