//! A draw by weight, without memory: over n requests a share p is off by √(n·p·(1−p)) as a rule.

use super::weight_table::WeightTable;
use crate::balancer::for_each_kind;
use crate::explain::PickFigure;
use crate::{Balancer, Candidates, PickContext};
use alloc::vec::Vec;
use squall_determinism::RandomStream;

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

/// A place drawn by weight; `None` when all weigh nothing.
#[inline]
pub(super) fn draw(
    draws: &mut RandomStream,
    places: usize,
    weight: impl Fn(usize) -> u64,
) -> Option<usize> {
    let sum = (0..places).map(&weight).sum::<u64>();
    if sum == 0 {
        return None;
    }
    let mut left = draws.below(sum);
    (0..places).find(|&place| {
        let weight = weight(place);
        let hit = left < weight;
        left = left.saturating_sub(weight);
        hit
    })
}
