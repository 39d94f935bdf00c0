//! A limit learned from the headers of answers: a bucket that refills evenly within a minute (as OpenAI and Anthropic
//! document theirs), corrected by every answer.
//!
//! What an answer states is what the provider had counted when it took that attempt in. Attempts that began since
//! then are added: they are under way, and the provider will count them. A limit of 0 says nothing, and more
//! remaining than the limit allows is taken for the limit, so that headers which lie cost no more than one refill.

use squall_determinism::{Share, Timestamp};

/// Units of level in one request or token: a limit of n per minute leaks n units a nanosecond.
const UNIT: u64 = 60_000_000_000;

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct HeaderLimit {
    /// Per minute; 0 while nothing is known.
    limit: u64,
    /// What is used up, in units, at `at`.
    level: u64,
    at: Timestamp,
    /// All that was ever taken: what attempts compare, to know what began after them.
    taken: u64,
}

impl HeaderLimit {
    /// Whether an answer has stated a limit.
    pub(crate) const fn is_known(&self) -> bool {
        self.limit > 0
    }

    /// From when so much can pass. More than the limit has to wait for the whole of it.
    pub(crate) fn earliest(&mut self, now: Timestamp, amount: u64) -> Timestamp {
        if self.limit == 0 {
            return now;
        }
        self.leak_until(now);
        let wanted = amount.min(self.limit).saturating_mul(UNIT);
        let over =
            self.level.saturating_add(wanted).saturating_sub(self.limit.saturating_mul(UNIT));
        Timestamp::from_nanos(now.as_nanos().saturating_add(over.div_ceil(self.limit)))
    }

    /// Takes so much; answers with a mark, by which [`learn`](Self::learn) knows what began later.
    pub(crate) fn take(&mut self, now: Timestamp, amount: u64) -> u64 {
        self.taken = self.taken.wrapping_add(amount);
        if self.limit > 0 {
            self.leak_until(now);
            self.level = self.level.saturating_add(amount.saturating_mul(UNIT));
        }
        self.taken
    }

    /// Takes in what the answer to the attempt with this mark states.
    pub(crate) fn learn(&mut self, now: Timestamp, mark: u64, limit: u64, remaining: u64) {
        if limit == 0 {
            return;
        }
        let began_since = self.taken.wrapping_sub(mark);
        let used = (limit - remaining.min(limit)).saturating_add(began_since);
        *self = Self { limit, level: used.saturating_mul(UNIT), at: now, taken: self.taken };
    }

    /// Which part of the limit could pass now.
    pub(crate) fn headroom(&mut self, now: Timestamp) -> Share {
        super::part(self.room(now), self.limit)
    }

    /// How much could pass at once now.
    pub(crate) fn room(&mut self, now: Timestamp) -> u64 {
        if self.limit == 0 {
            return u64::MAX;
        }
        self.leak_until(now);
        self.limit.saturating_sub(self.level.div_ceil(UNIT))
    }

    fn leak_until(&mut self, now: Timestamp) {
        let leaked = u128::from(now.since(self.at).as_nanos() as u64) * u128::from(self.limit);
        self.level = self.level.saturating_sub(u64::try_from(leaked).unwrap_or(u64::MAX));
        self.at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn nothing_is_held_up_before_anything_is_known() {
        let mut limit = HeaderLimit::default();
        for _ in 0..1_000 {
            limit.take(at(0), 1);
        }
        assert_eq!(limit.earliest(at(0), 5), at(0));
        assert_eq!(limit.room(at(0)), u64::MAX);
    }

    #[test]
    fn what_remains_can_pass_and_then_as_much_as_refills() {
        let mut limit = HeaderLimit::default();
        let mark = limit.take(at(0), 1);
        limit.learn(at(0), mark, 60, 2);
        for _ in 0..2 {
            assert_eq!(limit.earliest(at(0), 1), at(0));
            limit.take(at(0), 1);
        }
        // Sixty a minute: one a second.
        assert_eq!(limit.earliest(at(0), 1), at(1_000));
        assert_eq!(limit.earliest(at(1_000), 1), at(1_000));
    }

    #[test]
    fn attempts_that_began_after_the_one_that_is_answered_are_counted_too() {
        let mut limit = HeaderLimit::default();
        let first = limit.take(at(0), 1);
        for _ in 0..3 {
            limit.take(at(10), 1);
        }
        limit.learn(at(20), first, 60, 3);
        assert_eq!(limit.earliest(at(20), 1), at(1_020), "the three under way use up what remains");
    }

    #[test]
    fn headers_that_lie_stop_nothing_for_longer_than_a_minute() {
        for (stated, remaining) in [(0, 0), (10, 0), (10, 50), (1, 0), (u64::MAX, 0)] {
            let mut limit = HeaderLimit::default();
            let mark = limit.take(at(0), 1);
            limit.learn(at(0), mark, stated, remaining);
            let wait = limit.earliest(at(0), 1_000).since(at(0));
            assert!(wait <= Duration::from_secs(60), "{stated}, {remaining}: {wait:?}");
        }
    }
}
