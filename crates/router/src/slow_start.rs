//! Slow start: a deployment that returns takes a share that grows with time, up to its whole one.
//!
//! It is a factor on the deployment's weight, whatever the strategy: while the ramp lasts, each attempt that begins in
//! the group earns the deployment its part of it, by weight, times the factor, and each attempt that begins there
//! costs one. A deployment in debt is picked last. So its attempts never exceed the sum of the parts by more than one,
//! also by strategies that go by load or latency, to which an idle deployment looks best of all. What it does not take
//! it is not owed: nothing is caught up afterwards.

use crate::SlowStart;
use squall_determinism::Timestamp;

/// One attempt, in the units of credits.
const ATTEMPT: i64 = 1_000_000_000;

/// What is earned at most ahead of time: strategies that draw may be late to pick a deployment.
const EARNED_MAX: i64 = 2 * ATTEMPT;

/// The return of one deployment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ramp {
    since: Timestamp,
    credit: i64,
}

impl Ramp {
    pub(crate) const fn new(now: Timestamp) -> Self {
        Self { since: now, credit: 0 }
    }

    pub(crate) fn is_over(&self, now: Timestamp, rule: &SlowStart) -> bool {
        now.since(self.since) >= rule.window
    }

    /// Whether others are to be picked before it.
    pub(crate) const fn is_in_debt(&self) -> bool {
        self.credit < 0
    }

    /// An attempt begins in the group, of which `weight` parts in `sum` would be the deployment's.
    pub(crate) fn earn(&mut self, now: Timestamp, rule: &SlowStart, weight: u64, sum: u64) {
        let factor = rule.factor(now.since(self.since)).ppm();
        let part = u128::from(factor) * u128::from(weight) * (ATTEMPT as u128 / 1_000_000)
            / u128::from(sum.max(1));
        let earned = i64::try_from(part).unwrap_or(ATTEMPT).min(ATTEMPT);
        self.credit = (self.credit + earned).min(EARNED_MAX);
    }

    /// It begins there. Where nobody else could take it, nothing is held against the deployment for long.
    pub(crate) fn pay(&mut self) {
        self.credit = (self.credit - ATTEMPT).max(-ATTEMPT);
    }
}
