//! Weighted random: over n requests, the standard deviation of a count with share p is √(n·p·(1−p)).

use super::weight_table::WeightTable;
use crate::balancer::for_each_kind;
use crate::explained_decision::PickFigure;
use crate::{Balancer, Candidates, PickContext};
use alloc::vec::Vec;

#[derive(Clone, Debug)]
pub(crate) struct WeightedRandom {
    weights: WeightTable,
}

impl WeightedRandom {
    pub(crate) fn new(weights: Vec<u64>) -> Self {
        Self { weights: WeightTable::new(weights) }
    }
}

impl Balancer for WeightedRandom {
    fn pick(&mut self, context: &PickContext, candidates: &Candidates<'_>) -> Option<usize> {
        let (weights, mut random) = (&self.weights, context.rng.random_stream());
        for_each_kind!(candidates, |eligible| weights.draw(&mut random, eligible))
    }

    fn figure(&self, _: &PickContext, _: &Candidates<'_>, place: usize) -> Option<PickFigure> {
        Some(PickFigure::number("weight", self.weights.weight(place) as f64))
    }
}
