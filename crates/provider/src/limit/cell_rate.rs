//! The generic cell rate algorithm, kept as the theoretical arrival time of the next request.
//!
//! Times are in nanoseconds times the rate per minute, so that one request is exactly 60e9 of them and
//! nothing is rounded.

use super::LimitDecision;
use crate::LimitStatus;
use core::time::Duration;
use squall_defects::{Defect, planted};
use squall_determinism::Timestamp;

const MINUTE: u128 = 60_000_000_000;

#[derive(Clone, Debug)]
pub(crate) struct CellRate {
    per_minute: u64,
    burst: u64,
    /// When the bucket would be whole again, in nanoseconds times `per_minute`.
    arrival: u128,
}

impl CellRate {
    pub(super) const fn new(per_minute: u64, burst: u64) -> Self {
        Self { per_minute, burst, arrival: 0 }
    }

    /// The same debt at another rate.
    pub(super) fn set_rate(&mut self, now: Timestamp, per_minute: u64, burst: u64) {
        let debt = self.debt(now);
        (self.per_minute, self.burst) = (per_minute, burst);
        self.arrival = self.scaled(now) + debt;
    }

    pub(super) fn check(&self, now: Timestamp, amount: u64) -> LimitDecision {
        if amount > self.burst || self.per_minute == 0 {
            return LimitDecision::Never;
        }
        let whole_after = self.debt(now) + u128::from(amount) * MINUTE;
        let more = u64::from(planted(Defect::BucketOffByOne));
        let tolerance = u128::from(self.burst + more) * MINUTE;
        match whole_after.checked_sub(tolerance) {
            None | Some(0) => LimitDecision::Pass,
            Some(over) => LimitDecision::Wait(self.nanos(over)),
        }
    }

    pub(super) fn charge(&mut self, now: Timestamp, amount: u64) {
        self.arrival = self.arrival.max(self.scaled(now)) + u128::from(amount) * MINUTE;
    }

    pub(super) fn gauge(&self, now: Timestamp) -> LimitStatus {
        let used = self.debt(now).div_ceil(MINUTE);
        LimitStatus {
            limit: self.per_minute,
            remaining: self.burst.saturating_sub(u64::try_from(used).unwrap_or(u64::MAX)),
            reset: self.nanos(self.debt(now)),
        }
    }

    fn scaled(&self, now: Timestamp) -> u128 {
        u128::from(now.as_nanos()) * u128::from(self.per_minute)
    }

    fn debt(&self, now: Timestamp) -> u128 {
        self.arrival.saturating_sub(self.scaled(now))
    }

    fn nanos(&self, scaled: u128) -> Duration {
        let nanos = scaled.div_ceil(u128::from(self.per_minute.max(1)));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}
