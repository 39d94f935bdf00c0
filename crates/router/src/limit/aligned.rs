//! Windows that begin at multiples of their length on the wall clock: minutes, or slices of them.

use core::time::Duration;
use squall_defects::{Defect, planted};
use squall_determinism::Timestamp;

#[derive(Clone, Debug)]
pub(crate) struct Aligned {
    /// How many pass in one window.
    allowed: u64,
    /// Length of a window in nanoseconds.
    length: u64,
    /// Wall time at the start of the run, within a window, in nanoseconds.
    offset: u64,
    /// The window that `used` counts, numbered from the start of the run.
    window: u64,
    used: u64,
}

impl Aligned {
    pub(crate) fn new(per_minute: u64, length: Duration, epoch_nanos: u64) -> Self {
        let length = u64::try_from(length.as_nanos()).unwrap_or(u64::MAX).max(1);
        let share = u128::from(per_minute) * u128::from(length) / 60_000_000_000;
        Self {
            allowed: u64::try_from(share).unwrap_or(u64::MAX).max(1),
            length,
            offset: epoch_nanos % length,
            window: 0,
            used: 0,
        }
    }

    pub(crate) fn earliest(&mut self, now: Timestamp, amount: u64) -> Option<Timestamp> {
        self.turn(now);
        if amount > self.allowed {
            None
        } else if self.used.saturating_add(amount)
            <= self.allowed + u64::from(planted(Defect::SliceOffByOne))
        {
            Some(now)
        } else {
            let next = (self.window + 1).saturating_mul(self.length);
            Some(Timestamp::from_nanos(next.saturating_sub(self.offset)))
        }
    }

    pub(crate) fn reserve(&mut self, now: Timestamp, amount: u64) -> u64 {
        self.turn(now);
        self.used = self.used.saturating_add(amount);
        self.window
    }

    /// A window that has passed takes nothing back: its number was spent, whatever came of it.
    pub(crate) fn refund(&mut self, now: Timestamp, window: u64, amount: u64) {
        self.turn(now);
        if window == self.window {
            self.used = self.used.saturating_sub(amount);
        }
    }

    pub(crate) const fn allowed(&self) -> u64 {
        self.allowed
    }

    pub(crate) fn used(&mut self, now: Timestamp) -> u64 {
        self.turn(now);
        self.used
    }

    fn turn(&mut self, now: Timestamp) {
        let window = now.as_nanos().saturating_add(self.offset) / self.length;
        if window != self.window {
            self.window = window;
            self.used = 0;
        }
    }
}
