//! Slow start: a deployment that returns takes a share that grows with time, up to its whole one.

use crate::SlowStart;
use crate::share_credit::ShareCredit;
use squall_determinism::Timestamp;

/// The return of one deployment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ramp {
    since: Timestamp,
    credit: ShareCredit,
}

impl Ramp {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self { since: now, credit: ShareCredit::default() }
    }

    pub(crate) fn is_over(&self, now: Timestamp, rule: &SlowStart) -> bool {
        now.since(self.since) >= rule.window
    }

    /// Whether others are to be picked before it.
    pub(crate) const fn is_in_debt(&self) -> bool {
        self.credit.is_in_debt()
    }

    /// An attempt begins in the group, of which `weight` parts in `sum` would be the deployment's.
    pub(crate) fn earn(&mut self, now: Timestamp, rule: &SlowStart, weight: u64, sum: u64) {
        self.credit.earn(rule.factor(now.since(self.since)), weight, sum);
    }

    /// It begins there.
    pub(crate) fn pay(&mut self) {
        self.credit.pay();
    }
}
