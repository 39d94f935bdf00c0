//! A draw by weight, without memory: over n requests a share p is off by √(n·p·(1−p)) as a rule.

use super::Ask;
use alloc::vec::Vec;

#[derive(Clone, Debug)]
pub(crate) struct WeightedRandom {
    weights: Vec<u64>,
}

impl WeightedRandom {
    pub(crate) fn new(weights: Vec<u64>) -> Self {
        Self { weights }
    }

    #[inline]
    pub(crate) fn choose(&self, ask: &Ask, may: impl Fn(usize) -> bool) -> Option<usize> {
        draw(ask, self.weights.len(), |place| if may(place) { self.weights[place] } else { 0 })
    }
}

/// A place drawn by weight; `None` when all weigh nothing.
#[inline]
pub(super) fn draw(ask: &Ask, places: usize, weight: impl Fn(usize) -> u64) -> Option<usize> {
    let sum = (0..places).map(&weight).sum::<u64>();
    if sum == 0 {
        return None;
    }
    let mut left = ask.lots.draws().below(sum);
    (0..places).find(|&place| {
        let weight = weight(place);
        let hit = left < weight;
        left = left.saturating_sub(weight);
        hit
    })
}
