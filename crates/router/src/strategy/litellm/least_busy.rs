//! `least-busy`. In 1.80 a counter per deployment, in the order in which deployments were first used: the
//! smallest of *all* counters decides; if that is the counter of one that cannot be used, any is drawn. From
//! 1.110 on the smallest of those that can be used, of several the first of the list.

use crate::strategy::weighted_draw::weighted_draw;
use crate::{Balancer, Candidates, FailureSample, PickContext, SuccessSample};
use alloc::vec;
use alloc::vec::Vec;

#[derive(Clone, Debug)]
pub(crate) struct DictionaryLeastBusy {
    /// Place and calls in flight, in the order of the dictionary.
    counters: Vec<(usize, u32)>,
    /// Where a place's counter is, if it has one.
    at: Vec<Option<usize>>,
}

impl DictionaryLeastBusy {
    pub(crate) fn new(places: usize) -> Self {
        Self { counters: Vec::new(), at: vec![None; places] }
    }

    fn counter(&mut self, place: usize) -> &mut u32 {
        let end = self.counters.len();
        let at = *self.at[place].get_or_insert(end);
        if at == end {
            self.counters.push((place, 0));
        }
        &mut self.counters[at].1
    }

    fn ended(&mut self, place: usize) {
        let counter = self.counter(place);
        *counter = counter.saturating_sub(1);
    }
}

impl Balancer for DictionaryLeastBusy {
    fn pick(&mut self, context: &PickContext, candidates: &Candidates<'_>) -> Option<usize> {
        let eligible = |place| candidates.contains(place);
        let mut least: Option<(usize, u32)> = None;
        for &each in &self.counters {
            if least.is_none_or(|least| each.1 < least.1) {
                least = Some(each);
            }
        }
        if least.is_none_or(|(_, running)| running > 0) {
            // Usable deployments without a counter are put behind the others, with 0.
            let fresh = |&place: &usize| self.at[place].is_none() && eligible(place);
            let fresh = (self.counters.len() < self.at.len())
                .then(|| (0..self.at.len()).find(fresh))
                .flatten();
            least = fresh.map(|place| (place, 0)).or(least);
        }
        let (place, _) = least?;
        if eligible(place) {
            return Some(place);
        }
        weighted_draw(&mut context.rng.random_stream(), self.at.len(), |place| {
            eligible(place).into()
        })
    }

    fn started(&mut self, _: &PickContext, place: usize) {
        *self.counter(place) += 1;
    }

    fn succeeded(&mut self, place: usize, _: &SuccessSample) {
        self.ended(place);
    }

    fn failed(&mut self, place: usize, _: &FailureSample) {
        self.ended(place);
    }

    /// The order of the dictionary begins anew.
    fn inherit(&mut self, _: &dyn Balancer, _: &[Option<usize>], running: &[u32]) {
        *self = Self::new(running.len());
        for (place, &running) in running.iter().enumerate().filter(|&(_, &running)| running > 0) {
            *self.counter(place) = running;
        }
    }
}

/// The counters of 1.110.
#[derive(Clone, Debug)]
pub(crate) struct FirstLeastBusy {
    /// Calls in flight, by place.
    running: Vec<u32>,
}

impl FirstLeastBusy {
    pub(crate) fn new(places: usize) -> Self {
        Self { running: vec![0; places] }
    }

    fn ended(&mut self, place: usize) {
        self.running[place] = self.running[place].saturating_sub(1);
    }
}

impl Balancer for FirstLeastBusy {
    fn pick(&mut self, _: &PickContext, candidates: &Candidates<'_>) -> Option<usize> {
        candidates.iter().min_by_key(|&place| self.running[place])
    }

    /// A pick holds its place until its call starts: here both are one.
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
        self.running.copy_from_slice(running);
    }
}
