//! Fixed windows aligned to the wall clock: calendar minutes, or parts of them.

use super::window_counter::WindowCounter;
use core::time::Duration;
use squall_defects::{Defect, planted};
use squall_determinism::Timestamp;

#[derive(Clone, Debug)]
pub(crate) struct FixedWindow {
    /// How many pass in one window.
    allowed: u64,
    /// Length of a window in nanoseconds.
    length: u64,
    /// Wall time at the start of the run, within a window, in nanoseconds.
    offset: u64,
    /// Windows are numbered from the start of the run.
    counter: WindowCounter,
}

impl FixedWindow {
    pub(crate) fn new(per_minute: u64, length: Duration, epoch_nanos: u64) -> Self {
        let length = u64::try_from(length.as_nanos()).unwrap_or(u64::MAX).max(1);
        let share = u128::from(per_minute) * u128::from(length) / 60_000_000_000;
        Self {
            allowed: u64::try_from(share).unwrap_or(u64::MAX).max(1),
            length,
            offset: epoch_nanos % length,
            counter: WindowCounter::default(),
        }
    }

    pub(crate) fn earliest(&mut self, now: Timestamp, amount: u64) -> Option<Timestamp> {
        self.turn(now);
        if amount > self.allowed {
            None
        } else if self.counter.used().saturating_add(amount)
            <= self.allowed + u64::from(planted(Defect::SliceOffByOne))
        {
            Some(now)
        } else {
            let next = (self.counter.window() + 1).saturating_mul(self.length);
            Some(Timestamp::from_nanos(next.saturating_sub(self.offset)))
        }
    }

    pub(crate) fn reserve(&mut self, now: Timestamp, amount: u64) -> u64 {
        self.turn(now);
        self.counter.reserve(amount)
    }

    pub(crate) fn refund(&mut self, now: Timestamp, window: u64, amount: u64) {
        self.turn(now);
        self.counter.refund(window, amount);
    }

    pub(crate) const fn allowed(&self) -> u64 {
        self.allowed
    }

    pub(crate) fn used(&mut self, now: Timestamp) -> u64 {
        self.turn(now);
        self.counter.used()
    }

    fn turn(&mut self, now: Timestamp) {
        self.counter.enter(now.as_nanos().saturating_add(self.offset) / self.length);
    }
}
