//! Draws by weight in logarithmic time, whoever of those drawn may be picked.

use super::weighted_draw::weighted_draw;
use crate::balancer::for_each_kind;
use crate::{Candidates, PickContext};
use alloc::vec::Vec;
use squall_determinism::RandomStream;

/// How often a draw is repeated that hit nobody who may be picked: with half of the weight eligible one in 256
/// draws needs the slower way.
const TRIES: u32 = 8;

#[derive(Clone, Debug)]
pub(super) struct WeightTable {
    weights: Vec<u64>,
    /// The sum of the weights up to and with each place.
    sums: Vec<u64>,
}

impl WeightTable {
    pub(super) fn new(weights: Vec<u64>) -> Self {
        let sums = weights.iter().scan(0, |sum: &mut u64, weight| {
            *sum += weight;
            Some(*sum)
        });
        Self { sums: sums.collect(), weights }
    }

    pub(super) fn weight(&self, place: usize) -> u64 {
        self.weights[place]
    }

    /// Two candidates drawn by weight; one, where there is no other.
    #[inline]
    pub(super) fn two(
        &self,
        context: &PickContext,
        candidates: &Candidates<'_>,
    ) -> Option<(usize, Option<usize>)> {
        let mut random = context.rng.random_stream();
        for_each_kind!(candidates, |eligible| {
            let one = self.draw(&mut random, eligible)?;
            Some((one, self.draw(&mut random, |place| place != one && eligible(place))))
        })
    }

    /// An eligible place, each as likely as its weight says; `None` when none of them weighs anything.
    #[inline]
    pub(super) fn draw(
        &self,
        random: &mut RandomStream,
        eligible: impl Fn(usize) -> bool,
    ) -> Option<usize> {
        let sum = *self.sums.last()?;
        if sum == 0 {
            return None;
        }
        for _ in 0..TRIES {
            let hit = random.below(sum);
            let place = self.sums.partition_point(|&sum| sum <= hit);
            if eligible(place) {
                return Some(place);
            }
        }
        let weight = |place: usize| if eligible(place) { self.weights[place] } else { 0 };
        weighted_draw(random, self.weights.len(), weight)
    }
}
