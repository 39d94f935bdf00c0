//! The smallest part of its tokens per minute used in this minute of the clock; reserved when an attempt
//! starts, put right when it ends. Without such limits, the fewest tokens.

use super::{Ask, Loss, Sample, least_after, moved};
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

    #[inline]
    pub(crate) fn choose(&self, ask: &Ask, may: impl Fn(usize) -> bool) -> Option<usize> {
        if ask.minute != self.minute {
            let places = self.allowed.len();
            return (self.last + 1..places).chain(0..places).find(|&place| may(place));
        }
        least_after(&self.parts, self.last, may)
    }

    pub(crate) fn started(&mut self, ask: &Ask, place: usize) {
        let tokens = u64::from(ask.input_tokens) + u64::from(ask.output_tokens);
        self.turn(ask.minute);
        self.set(place, self.tokens[place].saturating_add(tokens));
        self.last = place;
    }

    pub(crate) fn succeeded(&mut self, place: usize, sample: &Sample) {
        if let Some((input, output)) = sample.usage {
            let used = u64::from(input) + u64::from(output);
            self.settle(place, sample.minute, sample.estimate, used);
        }
    }

    pub(crate) fn failed(&mut self, place: usize, loss: &Loss) {
        if loss.sent_nothing {
            self.settle(place, loss.minute, loss.estimate, 0);
        }
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

    pub(crate) fn succeed(&mut self, old: &Self, from: &[Option<usize>]) {
        moved(&mut self.tokens, &old.tokens, from);
        self.minute = old.minute;
        (0..self.tokens.len()).for_each(|place| self.set(place, self.tokens[place]));
    }
}
