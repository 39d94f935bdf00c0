//! Fewest attempts in flight relative to the weight; ties go to the first after the last pick.

use super::least_after;
use crate::balancer::for_each_kind;
use crate::explained_decision::PickFigure;
use crate::{Balancer, Candidates, FailureSample, PickContext, SuccessSample};
use alloc::vec;
use alloc::vec::Vec;

#[derive(Clone, Debug)]
pub(crate) struct LeastBusy {
    weights: Vec<u64>,
    running: Vec<u64>,
    /// How busy each would be with one more: (running + 1) / weight, in steps of 2⁻³².
    loads: Vec<u64>,
    last: usize,
}

impl LeastBusy {
    pub(crate) fn new(weights: Vec<u64>) -> Self {
        let (running, loads) = (vec![0; weights.len()], vec![0; weights.len()]);
        let last = weights.len().saturating_sub(1);
        let mut new = Self { weights, running, loads, last };
        (0..new.weights.len()).for_each(|place| new.weigh(place));
        new
    }

    /// How many attempts are in flight at `place`.
    pub(super) fn running(&self, place: usize) -> u64 {
        self.running[place]
    }

    pub(super) fn weight(&self, place: usize) -> u64 {
        self.weights[place]
    }

    /// How many attempts are in flight at the candidates, and the sum of their weights.
    pub(super) fn in_all(&self, candidates: &Candidates<'_>) -> (u64, u64) {
        let columns = self.running.iter().zip(&self.weights).enumerate();
        let mut all = (0, 0);
        for_each_kind!(candidates, |eligible| {
            for (place, (running, weight)) in columns {
                // Without a branch, so that several places are added at once.
                let counts = u64::from(eligible(place));
                all.0 += counts * running;
                all.1 += counts * weight;
            }
        });
        all
    }

    fn weigh(&mut self, place: usize) {
        let load = (self.running[place] + 1) << 32;
        // A deployment with weight 0 is never picked.
        self.loads[place] = load.checked_div(self.weights[place]).unwrap_or(u64::MAX);
    }

    fn ended(&mut self, place: usize) {
        self.running[place] = self.running[place].saturating_sub(1);
        self.weigh(place);
    }
}

impl Balancer for LeastBusy {
    fn pick(&mut self, _: &PickContext, candidates: &Candidates<'_>) -> Option<usize> {
        least_after(&self.loads, self.last, candidates)
    }

    fn figure(&self, _: &PickContext, _: &Candidates<'_>, place: usize) -> Option<PickFigure> {
        let load = (self.running[place] + 1) as f64 / self.weights[place].max(1) as f64;
        Some(PickFigure::number("load", load))
    }

    fn started(&mut self, _: &PickContext, place: usize) {
        self.running[place] += 1;
        self.last = place;
        self.weigh(place);
    }

    fn succeeded(&mut self, place: usize, _: &SuccessSample) {
        self.ended(place);
    }

    fn failed(&mut self, place: usize, _: &FailureSample) {
        self.ended(place);
    }

    fn inherit(&mut self, _: &dyn Balancer, _: &[Option<usize>], running: &[u32]) {
        self.running = running.iter().map(|&running| running.into()).collect();
        (0..self.weights.len()).for_each(|place| self.weigh(place));
    }
}
