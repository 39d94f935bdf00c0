//! Windows of a minute that start with the first request after the previous window: expiring counters, as in
//! LiteLLM and many others. Around the end of a window, twice the limit can pass.

use super::window_counter::WindowCounter;
use core::time::Duration;
use squall_determinism::Timestamp;

#[derive(Clone, Debug)]
pub(crate) struct FirstRequestWindow {
    allowed: u64,
    length: Duration,
    ends: Timestamp,
    counter: WindowCounter,
}

impl FirstRequestWindow {
    pub(crate) fn new(per_minute: u64, length: Duration) -> Self {
        let counter = WindowCounter::default();
        Self { allowed: per_minute, length, ends: Timestamp::ZERO, counter }
    }

    pub(crate) fn earliest(&mut self, now: Timestamp, amount: u64) -> Option<Timestamp> {
        self.turn(now);
        if amount > self.allowed {
            None
        } else if self.counter.used().saturating_add(amount) <= self.allowed {
            Some(now)
        } else {
            Some(self.ends)
        }
    }

    pub(crate) fn reserve(&mut self, now: Timestamp, amount: u64) -> u64 {
        self.turn(now);
        if self.counter.used() == 0 {
            self.ends = now + self.length;
        }
        self.counter.reserve(amount)
    }

    pub(crate) fn refund(&mut self, now: Timestamp, window: u64, amount: u64) {
        self.turn(now);
        self.counter.refund(window, amount);
    }

    pub(crate) fn used(&mut self, now: Timestamp) -> u64 {
        self.turn(now);
        self.counter.used()
    }

    fn turn(&mut self, now: Timestamp) {
        if self.counter.used() > 0 && now >= self.ends {
            self.counter.enter(self.counter.window() + 1);
        }
    }
}
