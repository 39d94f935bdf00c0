//! Deficit round robin by tokens: shares of tokens instead of requests follow the weights.
//!
//! Each attempt gives every candidate its part of the attempt's tokens as credit, by weight, and the one with the
//! most credit takes it and pays for it whole. What was estimated is settled by what was used when an answer ends.
//! Those that may not be picked neither gain nor lose: there is no burst to catch up when they return.

use super::moved;
use crate::balancer::for_each_kind;
use crate::explained_decision::PickFigure;
use crate::{Balancer, Candidates, FailureSample, PickContext, SuccessSample};
use alloc::vec;
use alloc::vec::Vec;

/// The most tokens of one attempt, and the highest weight, that are told apart: a group's credit stays below 2⁶³.
const TOKENS_MAX: u64 = 1 << 22;
const WEIGHT_MAX: u64 = 1 << 20;

#[derive(Clone, Debug)]
pub(crate) struct DeficitRoundRobin {
    weights: Vec<i64>,
    sum: i64,
    /// Tokens, times the sum of the weights that took part.
    credits: Vec<i64>,
}

impl DeficitRoundRobin {
    pub(crate) fn new(weights: Vec<u64>) -> Self {
        let weights: Vec<_> =
            weights.into_iter().map(|weight| weight.min(WEIGHT_MAX) as i64).collect();
        Self { credits: vec![0; weights.len()], sum: weights.iter().sum(), weights }
    }

    /// Corrects what the deployment at `place` paid for an attempt: all share in what it owes or is owed.
    fn settle(&mut self, place: usize, paid: u64, used: u64) {
        let more = used.min(TOKENS_MAX) as i64 - paid.min(TOKENS_MAX) as i64;
        if more == 0 {
            return;
        }
        for (credit, weight) in self.credits.iter_mut().zip(&self.weights) {
            *credit = credit.saturating_add(more * weight);
        }
        self.credits[place] = self.credits[place].saturating_sub(more * self.sum);
    }
}

fn estimated(context: &PickContext) -> u64 {
    (u64::from(context.input_tokens) + u64::from(context.output_tokens)).clamp(1, TOKENS_MAX)
}

impl Balancer for DeficitRoundRobin {
    fn pick(&mut self, context: &PickContext, candidates: &Candidates<'_>) -> Option<usize> {
        let tokens = estimated(context) as i64;
        let mut best = None;
        let mut most = i64::MIN;
        for_each_kind!(candidates, |eligible| {
            for (place, (&credit, &weight)) in self.credits.iter().zip(&self.weights).enumerate() {
                let with_gain = credit.saturating_add(weight * tokens);
                if with_gain > most && weight > 0 && eligible(place) {
                    most = with_gain;
                    best = Some(place);
                }
            }
        });
        best
    }

    fn figure(
        &self,
        context: &PickContext,
        _: &Candidates<'_>,
        place: usize,
    ) -> Option<PickFigure> {
        let gain = self.weights.get(place)? * estimated(context) as i64;
        Some(PickFigure::number("credit", self.credits[place].saturating_add(gain) as f64))
    }

    fn picked(&mut self, context: &PickContext, candidates: &Candidates<'_>, place: usize) {
        let tokens = estimated(context) as i64;
        let mut sum = 0;
        for_each_kind!(candidates, |eligible| {
            for (other, (credit, &weight)) in self.credits.iter_mut().zip(&self.weights).enumerate()
            {
                let gained = if eligible(other) { weight } else { 0 };
                *credit = credit.saturating_add(gained * tokens);
                sum += gained;
            }
        });
        self.credits[place] = self.credits[place].saturating_sub(sum * tokens);
    }

    fn succeeded(&mut self, place: usize, sample: &SuccessSample) {
        let Some((input, output)) = sample.usage else { return };
        self.settle(place, sample.estimate, u64::from(input) + u64::from(output));
    }

    fn failed(&mut self, place: usize, sample: &FailureSample) {
        if sample.sent_nothing {
            self.settle(place, sample.estimate, 0);
        }
    }

    /// Credits of another configuration hold as long as the weights are the same.
    fn inherit(&mut self, old: &dyn Balancer, from: &[Option<usize>], _: &[u32]) {
        let Some(old) = old.downcast_ref::<Self>() else { return };
        if self.weights == old.weights {
            moved(&mut self.credits, &old.credits, from);
        }
    }
}
