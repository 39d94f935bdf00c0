//! Smooth weighted round robin, as in nginx: in each round every deployment gains its weight as credit, the
//! one with the most credit is picked and pays the sum of all weights. Each prefix of the sequence is as
//! close to the weights as possible.

use super::moved;
use crate::balancer::for_each_kind;
use crate::explained_decision::PickFigure;
use crate::{Balancer, Candidates, PickContext};
use alloc::vec;
use alloc::vec::Vec;
use squall_defects::{Defect, planted};

#[derive(Clone, Debug)]
pub(crate) struct SmoothWeighted {
    weights: Vec<i64>,
    /// Credit of each deployment, for first attempts and for retries.
    credits: [Vec<i64>; 2],
}

impl SmoothWeighted {
    pub(crate) fn new(weights: Vec<u64>) -> Self {
        let credits = [vec![0; weights.len()], vec![0; weights.len()]];
        // No weight is so large that a sum of 65,535 of them overflows.
        let weights = weights.into_iter().map(|weight| weight.min(1 << 40) as i64).collect();
        Self { weights, credits }
    }
}

impl Balancer for SmoothWeighted {
    fn pick(&mut self, context: &PickContext, candidates: &Candidates<'_>) -> Option<usize> {
        let mut best = None;
        let mut most = i64::MIN;
        let credits = &self.credits[context.kind as usize];
        for_each_kind!(candidates, |eligible| {
            for (place, (&credit, &weight)) in credits.iter().zip(&self.weights).enumerate() {
                if credit + weight > most && weight > 0 && eligible(place) {
                    most = credit + weight;
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
        let credit = self.credits[context.kind as usize].get(place)? + self.weights[place];
        Some(PickFigure::number("credit", credit as f64))
    }

    /// Deployments that are not candidates keep their credit.
    fn picked(&mut self, context: &PickContext, candidates: &Candidates<'_>, place: usize) {
        let credits = &mut self.credits[context.kind as usize];
        let mut sum = 0;
        for_each_kind!(candidates, |eligible| {
            for (other, (credit, &weight)) in credits.iter_mut().zip(&self.weights).enumerate() {
                let gained = if eligible(other) { weight } else { 0 };
                *credit += gained;
                sum += gained;
            }
        });
        credits[place] -= sum;
        if planted(Defect::CreditForgotten) {
            credits.fill(0);
        }
    }

    /// Credits of another configuration hold as far as the new weights can owe them.
    fn inherit(&mut self, old: &dyn Balancer, from: &[Option<usize>], _: &[u32]) {
        let Some(old) = old.downcast_ref::<Self>() else { return };
        if self.weights.len() == old.weights.len() && self.weights == old.weights {
            for (credits, before) in self.credits.iter_mut().zip(&old.credits) {
                moved(credits, before, from);
            }
        }
    }
}
