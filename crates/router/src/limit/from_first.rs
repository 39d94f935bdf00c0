//! Minutes that begin with the first that comes after the one before: counters that expire, as LiteLLM
//! and many others keep them. Twice the number can pass around the end of one.

use core::time::Duration;
use squall_determinism::Timestamp;

#[derive(Clone, Debug)]
pub(crate) struct FromFirst {
    allowed: u64,
    length: Duration,
    used: u64,
    ends: Timestamp,
    /// Counts the windows, so that a refund finds its own.
    window: u64,
}

impl FromFirst {
    pub(crate) fn new(per_minute: u64, length: Duration) -> Self {
        Self { allowed: per_minute, length, used: 0, ends: Timestamp::ZERO, window: 0 }
    }

    pub(crate) fn earliest(&mut self, now: Timestamp, amount: u64) -> Option<Timestamp> {
        self.turn(now);
        if amount > self.allowed {
            None
        } else if self.used.saturating_add(amount) <= self.allowed {
            Some(now)
        } else {
            Some(self.ends)
        }
    }

    pub(crate) fn reserve(&mut self, now: Timestamp, amount: u64) -> u64 {
        self.turn(now);
        if self.used == 0 {
            self.ends = now + self.length;
        }
        self.used = self.used.saturating_add(amount);
        self.window
    }

    pub(crate) fn refund(&mut self, now: Timestamp, window: u64, amount: u64) {
        self.turn(now);
        if window == self.window {
            self.used = self.used.saturating_sub(amount);
        }
    }

    pub(crate) fn used(&mut self, now: Timestamp) -> u64 {
        self.turn(now);
        self.used
    }

    fn turn(&mut self, now: Timestamp) {
        if self.used > 0 && now >= self.ends {
            self.used = 0;
            self.window += 1;
        }
    }
}
