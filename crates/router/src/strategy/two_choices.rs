//! Power of two choices: of two deployments drawn by weight, the one with fewer attempts in flight relative
//! to its weight. Nearly as good as least busy, and without herding when many routers see the same idle
//! deployment.

use super::weight_table::WeightTable;
use crate::explained_decision::PickFigure;
use crate::{Balancer, Candidates, FailureSample, PickContext, SuccessSample};
use alloc::vec;
use alloc::vec::Vec;

#[derive(Clone, Debug)]
pub(crate) struct TwoChoices {
    weights: WeightTable,
    running: Vec<u64>,
}

impl TwoChoices {
    pub(crate) fn new(weights: Vec<u64>) -> Self {
        Self { running: vec![0; weights.len()], weights: WeightTable::new(weights) }
    }

    /// Whether `one` would have more in flight than `other` with one more each, for their weights.
    fn is_busier(&self, one: usize, other: usize) -> bool {
        let load = |place: usize, by: usize| {
            u128::from(self.running[place] + 1) * u128::from(self.weights.weight(by))
        };
        load(one, other) > load(other, one)
    }

    fn ended(&mut self, place: usize) {
        self.running[place] = self.running[place].saturating_sub(1);
    }
}

impl Balancer for TwoChoices {
    fn pick(&mut self, context: &PickContext, candidates: &Candidates<'_>) -> Option<usize> {
        let (one, other) = self.weights.two(context, candidates)?;
        Some(other.filter(|&other| self.is_busier(one, other)).unwrap_or(one))
    }

    /// The load of the two that are drawn.
    fn figure(
        &self,
        context: &PickContext,
        candidates: &Candidates<'_>,
        place: usize,
    ) -> Option<PickFigure> {
        let (one, other) = self.weights.two(context, candidates)?;
        let drawn = place == one || Some(place) == other;
        let load = (self.running[place] + 1) as f64 / self.weights.weight(place).max(1) as f64;
        drawn.then(|| PickFigure::number("drawn, load", load))
    }

    fn started(&mut self, _: &PickContext, place: usize) {
        self.running[place] += 1;
    }

    fn succeeded(&mut self, place: usize, _: &SuccessSample) {
        self.ended(place);
    }

    fn failed(&mut self, place: usize, _: &FailureSample) {
        self.ended(place);
    }

    fn inherit(&mut self, _: &dyn Balancer, _: &[Option<usize>], running: &[u32]) {
        self.running = running.iter().map(|&running| running.into()).collect();
    }
}
