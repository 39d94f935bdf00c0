//! The generic cell rate algorithm, kept as the level of a leaky bucket.
//!
//! The level is in units of 1 / 60e9 of a request or token, so that n per minute leak exactly n units
//! a nanosecond and no rate is ever rounded: at most `burst` + ⌊w·n / 60 s⌋ in any window w.

use alloc::collections::VecDeque;
use squall_determinism::Timestamp;

/// Units of level in one request or token.
const UNIT: u64 = 60_000_000_000;

#[derive(Clone, Debug)]
pub(crate) struct Gcra {
    /// Units that leak away each nanosecond: the rate per minute.
    leak: u64,
    /// The highest level, in units.
    burst: u64,
    /// Units that were taken and have not leaked away, at `last`.
    level: u64,
    last: Timestamp,
    /// The level just before each reservation, as far as it is the lowest since: what a refund may
    /// give back without giving anything away. Times and levels both rise from front to back.
    lows: VecDeque<(Timestamp, u64)>,
    /// Receipts from before this time have no low any more: they get nothing back.
    lows_from: Timestamp,
}

/// How many lows are kept: refunds look back over the attempts in flight, and levels that rise this
/// often without a lower one between are rare.
const LOWS_MAX: usize = 1_024;

impl Gcra {
    pub(crate) fn new(per_minute: u64, burst: u64) -> Self {
        Self {
            leak: per_minute,
            burst: burst.saturating_mul(UNIT),
            level: 0,
            last: Timestamp::ZERO,
            lows: VecDeque::new(),
            lows_from: Timestamp::ZERO,
        }
    }

    pub(crate) fn earliest(&mut self, now: Timestamp, amount: u64) -> Option<Timestamp> {
        self.leak_until(now);
        let wanted = amount.saturating_mul(UNIT);
        if wanted > self.burst || self.leak == 0 {
            return None;
        }
        let over = (self.level.saturating_add(wanted)).saturating_sub(self.burst);
        Some(Timestamp::from_nanos(now.as_nanos().saturating_add(over.div_ceil(self.leak))))
    }

    pub(crate) fn reserve(&mut self, now: Timestamp, amount: u64) -> u64 {
        self.leak_until(now);
        self.remember_low(now);
        self.level = self.level.saturating_add(amount.saturating_mul(UNIT));
        0
    }

    /// Gives back what was taken at `taken` and not used. Only as much as the bucket has held at its
    /// lowest since then: what had leaked away by itself is not given back a second time.
    pub(crate) fn refund(&mut self, now: Timestamp, taken: Timestamp, amount: u64) {
        self.leak_until(now);
        if taken < self.lows_from {
            return;
        }
        // The low at `taken` itself was before the reservation and does not bound its refund.
        let mut from = self.lows.partition_point(|&(at, _)| at <= taken);
        let lowest = self.lows.get(from).map_or(self.level, |&(_, low)| low.min(self.level));
        let back = amount.saturating_mul(UNIT).min(lowest);
        self.level -= back;
        self.lows.iter_mut().skip(from).for_each(|(_, low)| *low -= back);
        // Levels rise from front to back again: an earlier one that is no lower says nothing any more.
        while let Some(before) = from.checked_sub(1)
            && self.lows.get(from).is_some_and(|&(_, low)| self.lows[before].1 >= low)
        {
            self.lows.remove(before);
            from = before;
        }
    }

    /// What was taken and has not leaked away, rounded up.
    pub(crate) fn used(&mut self, now: Timestamp) -> u64 {
        self.leak_until(now);
        self.level.div_ceil(UNIT)
    }

    fn leak_until(&mut self, now: Timestamp) {
        let elapsed = now.as_nanos().saturating_sub(self.last.as_nanos());
        if elapsed > 0 {
            self.level = self.level.saturating_sub(elapsed.saturating_mul(self.leak));
            self.last = now;
        }
    }

    fn remember_low(&mut self, now: Timestamp) {
        while self.lows.back().is_some_and(|&(_, low)| low >= self.level) {
            self.lows.pop_back();
        }
        if self.lows.len() == LOWS_MAX
            && let Some((at, _)) = self.lows.pop_front()
        {
            self.lows_from = at;
        }
        self.lows.push_back((now, self.level));
    }
}
