//! A factor on the weight of a deployment, whatever the strategy.
//!
//! Each attempt that begins in the group earns the deployment its part of it, by weight, times the factor, and each
//! attempt that begins there costs one. A deployment in debt is picked last. So its attempts never exceed the sum of
//! the parts by more than one, also by strategies that go by load or latency, to which an idle deployment looks best
//! of all. What it does not take it is not owed: nothing is caught up afterwards.

use squall_determinism::Share;

/// One attempt, in the units of credits.
const ATTEMPT: i64 = 1_000_000_000;

/// What is earned at most ahead of time: strategies that draw may be late to pick a deployment.
const EARNED_MAX: i64 = 2 * ATTEMPT;

/// What a deployment has earned and not taken yet.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ShareCredit(i64);

impl ShareCredit {
    /// Whether others are to be picked before it.
    pub(crate) const fn is_in_debt(&self) -> bool {
        self.0 < 0
    }

    /// An attempt begins in the group, of which `weight` parts in `sum` would be the deployment's.
    pub(crate) fn earn(&mut self, factor: Share, weight: u64, sum: u64) {
        let part = u128::from(factor.ppm()) * u128::from(weight) * (ATTEMPT as u128 / 1_000_000)
            / u128::from(sum.max(1));
        let earned = i64::try_from(part).unwrap_or(ATTEMPT).min(ATTEMPT);
        self.0 = (self.0 + earned).min(EARNED_MAX);
    }

    /// It begins there. Where nobody else could take it, nothing is held against the deployment for long.
    pub(crate) fn pay(&mut self) {
        self.0 = (self.0 - ATTEMPT).max(-ATTEMPT);
    }
}
