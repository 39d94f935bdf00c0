//! Of two drawn by weight the one with fewer attempts under way, for its weight: hardly worse than the least
//! busy of all, and no herd forms where many routers see the same one idle.

use super::Ask;
use super::weighted_random::draw;
use alloc::vec;
use alloc::vec::Vec;

#[derive(Clone, Debug)]
pub(crate) struct TwoChoices {
    weights: Vec<u64>,
    running: Vec<u64>,
}

impl TwoChoices {
    pub(crate) fn new(weights: Vec<u64>) -> Self {
        Self { running: vec![0; weights.len()], weights }
    }

    #[inline]
    pub(crate) fn choose(&self, ask: &Ask, may: impl Fn(usize) -> bool) -> Option<usize> {
        let mut draws = ask.lots.draws();
        let weight = |place| if may(place) { self.weights[place] } else { 0 };
        let one = draw(&mut draws, self.weights.len(), weight)?;
        let but_one = |place| if place == one { 0 } else { weight(place) };
        let Some(other) = draw(&mut draws, self.weights.len(), but_one) else { return Some(one) };
        Some(if self.is_busier(one, other) { other } else { one })
    }

    /// Whether `one` would have more under way than `other` with one more each, for their weights.
    fn is_busier(&self, one: usize, other: usize) -> bool {
        let load = |place: usize, by: usize| {
            u128::from(self.running[place] + 1) * u128::from(self.weights[by])
        };
        load(one, other) > load(other, one)
    }

    pub(crate) fn started(&mut self, place: usize) {
        self.running[place] += 1;
    }

    pub(crate) fn ended(&mut self, place: usize) {
        self.running[place] = self.running[place].saturating_sub(1);
    }

    pub(crate) fn recount(&mut self, running: &[u32]) {
        self.running = running.iter().map(|&running| running.into()).collect();
    }
}
