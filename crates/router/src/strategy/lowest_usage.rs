//! Smallest used share of the tokens-per-minute limit in this calendar minute; reserved when an attempt
//! starts, corrected when it ends. Without limits, the fewest tokens.

use super::{least_after, moved};
use crate::explained_decision::PickFigure;
use crate::{Balancer, Candidates, FailureSample, PickContext, SuccessSample};
use alloc::vec;
use alloc::vec::Vec;

#[derive(Clone, Debug)]
pub(crate) struct LowestUsage {
    /// Tokens per minute; 1 for all where nobody has a limit.
    allowed: Vec<u64>,
    /// The minute that is counted.
    minute: u64,
    tokens: Vec<u64>,
    /// The part used, in steps of 2⁻²⁰.
    parts: Vec<u64>,
    last: usize,
}

impl LowestUsage {
    /// A deployment without a limit counts as one with the highest that another has.
    pub(crate) fn new(limits: Vec<u64>) -> Self {
        let highest = limits.iter().copied().max().unwrap_or(0).max(1);
        let allowed: Vec<u64> =
            limits.into_iter().map(|limit| if limit == 0 { highest } else { limit }).collect();
        let places = allowed.len();
        let last = places.saturating_sub(1);
        Self { allowed, minute: 0, tokens: vec![0; places], parts: vec![0; places], last }
    }

    fn settle(&mut self, place: usize, minute: u64, estimate: u64, used: u64) {
        self.turn(minute);
        let before = self.tokens[place].saturating_sub(estimate);
        self.set(place, before.saturating_add(used));
    }

    fn set(&mut self, place: usize, tokens: u64) {
        self.tokens[place] = tokens;
        self.parts[place] = tokens.saturating_mul(1 << 20) / self.allowed[place];
    }

    /// A new minute begins with nothing used.
    fn turn(&mut self, minute: u64) {
        if minute != self.minute {
            self.minute = minute;
            self.tokens.fill(0);
            self.parts.fill(0);
        }
    }
}

impl Balancer for LowestUsage {
    fn pick(&mut self, context: &PickContext, candidates: &Candidates<'_>) -> Option<usize> {
        if context.minute != self.minute {
            let places = self.allowed.len();
            let mut around = (self.last + 1..places).chain(0..places);
            return around.find(|&place| candidates.contains(place));
        }
        least_after(&self.parts, self.last, candidates)
    }

    fn figure(
        &self,
        context: &PickContext,
        _: &Candidates<'_>,
        place: usize,
    ) -> Option<PickFigure> {
        let used = if context.minute == self.minute { self.parts[place] } else { 0 };
        Some(PickFigure::number("part of its tokens used", used as f64 / f64::from(1 << 20)))
    }

    fn started(&mut self, context: &PickContext, place: usize) {
        let tokens = u64::from(context.input_tokens) + u64::from(context.output_tokens);
        self.turn(context.minute);
        self.set(place, self.tokens[place].saturating_add(tokens));
        self.last = place;
    }

    fn succeeded(&mut self, place: usize, sample: &SuccessSample) {
        if let Some((input, output)) = sample.usage {
            let used = u64::from(input) + u64::from(output);
            self.settle(place, sample.minute, sample.estimate, used);
        }
    }

    fn failed(&mut self, place: usize, sample: &FailureSample) {
        if sample.sent_nothing {
            self.settle(place, sample.minute, sample.estimate, 0);
        }
    }

    fn inherit(&mut self, old: &dyn Balancer, from: &[Option<usize>], _: &[u32]) {
        let Some(old) = old.downcast_ref::<Self>() else { return };
        moved(&mut self.tokens, &old.tokens, from);
        self.minute = old.minute;
        (0..self.tokens.len()).for_each(|place| self.set(place, self.tokens[place]));
    }
}
