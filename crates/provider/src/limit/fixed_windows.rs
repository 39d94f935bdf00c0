//! Fixed windows aligned to the wall clock: minutes, or slices of them, each with its own count.

use super::LimitDecision;
use crate::LimitStatus;
use core::time::Duration;
use squall_defects::{Defect, planted};
use squall_determinism::Timestamp;

#[derive(Clone, Debug)]
pub(crate) struct FixedWindows {
    /// As headers tell it.
    limit: u64,
    allowed: u64,
    /// Length of a slot, and wall time at the start of the run, in nanoseconds.
    length: u64,
    epoch: u64,
    slot: u64,
    count: u64,
}

impl FixedWindows {
    /// Slots of which each has its part of a minute's number, at least 1.
    pub(super) fn new(per_minute: u64, length: Duration, epoch: u64) -> Self {
        let nanos = length.as_nanos().max(1);
        Self {
            limit: per_minute,
            allowed: part(per_minute, nanos),
            length: u64::try_from(nanos).unwrap_or(u64::MAX),
            epoch,
            slot: 0,
            count: 0,
        }
    }

    /// Days of the wall clock.
    pub(super) const fn days(per_day: u64, epoch: u64) -> Self {
        const DAY: u64 = 86_400_000_000_000;
        Self { limit: per_day, allowed: per_day, length: DAY, epoch, slot: 0, count: 0 }
    }

    pub(super) fn set_rate(&mut self, per_minute: u64) {
        self.limit = per_minute;
        self.allowed = part(per_minute, self.length.into());
    }

    pub(super) fn check(&mut self, now: Timestamp, amount: u64) -> LimitDecision {
        self.enter_slot(now);
        if amount > self.allowed {
            LimitDecision::Never
        } else if self.count + amount <= self.allowed + u64::from(planted(Defect::SlotOffByOne)) {
            LimitDecision::Pass
        } else {
            LimitDecision::Wait(self.until_next(now))
        }
    }

    pub(super) fn charge(&mut self, now: Timestamp, amount: u64) {
        self.enter_slot(now);
        self.count += amount;
    }

    pub(super) fn gauge(&mut self, now: Timestamp) -> LimitStatus {
        self.enter_slot(now);
        LimitStatus {
            limit: self.limit,
            remaining: self.allowed.saturating_sub(self.count),
            reset: if self.count == 0 { Duration::ZERO } else { self.until_next(now) },
        }
    }

    fn wall(&self, now: Timestamp) -> u64 {
        self.epoch.saturating_add(now.as_nanos())
    }

    fn until_next(&self, now: Timestamp) -> Duration {
        Duration::from_nanos(self.length - self.wall(now) % self.length)
    }

    fn enter_slot(&mut self, now: Timestamp) {
        let slot = self.wall(now) / self.length;
        if slot != self.slot {
            self.slot = slot;
            self.count = 0;
        }
    }
}

/// The part of a minute's number that falls to so many nanoseconds.
fn part(per_minute: u64, nanos: u128) -> u64 {
    let part = u128::from(per_minute) * nanos / Duration::from_secs(60).as_nanos();
    u64::try_from(part.max(1)).unwrap_or(u64::MAX)
}
