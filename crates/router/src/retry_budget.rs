//! The retry budget: retries never exceed a share of requests, so that they never multiply an outage.

use crate::RetryBudget;
use crate::rolling_counts::RollingCounts;
use squall_defects::{Defect, planted};
use squall_determinism::Timestamp;

/// Requests and retries of the window.
#[derive(Clone, Debug)]
pub(crate) struct RetryBudgetWindow {
    config: RetryBudget,
    /// Requests, and retries.
    counts: RollingCounts,
    /// Retries that are allowed whatever the requests: the rate times the window.
    floor: u64,
}

impl RetryBudgetWindow {
    pub(crate) fn new(config: RetryBudget) -> Self {
        let floor = (u128::from(config.min_per_second) * config.window.as_millis() / 1_000) as u64;
        Self { config, counts: RollingCounts::new(config.window), floor }
    }

    pub(crate) const fn config(&self) -> RetryBudget {
        self.config
    }

    pub(crate) fn deposit(&mut self, now: Timestamp) {
        self.counts.add(now, [1, 0]);
    }

    /// Whether one more retry fits.
    pub(crate) fn allows(&mut self, now: Timestamp) -> bool {
        let (_, retries, most) = self.figures(now);
        u64::from(retries) < most
    }

    /// Requests and retries of the window, and how many retries there may be.
    pub(crate) fn figures(&mut self, now: Timestamp) -> (u32, u32, u64) {
        let [requests, retries] = self.counts.sums(now);
        (requests, retries, self.floor + self.config.ratio.of(u64::from(requests)))
    }

    /// Whether one more attempt fits that answers no failure: half of the budget is kept for those that do.
    pub(crate) fn allows_hedge(&mut self, now: Timestamp) -> bool {
        let [requests, retries] = self.counts.sums(now);
        u64::from(retries) * 2 < self.floor + self.config.ratio.of(u64::from(requests))
    }

    pub(crate) fn withdraw(&mut self, now: Timestamp) {
        self.counts.add(now, [0, u32::from(!planted(Defect::BudgetNotCharged))]);
    }

    /// A retry that was paid for was no call after all.
    pub(crate) fn give_back(&mut self, now: Timestamp) {
        self.counts.take_back(now, [0, 1]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;
    use squall_determinism::Share;

    fn budget(ratio: u32, min_per_second: u32) -> RetryBudgetWindow {
        RetryBudgetWindow::new(RetryBudget {
            ratio: Share::percent(ratio),
            min_per_second,
            window: Duration::from_secs(10),
        })
    }

    fn spend(budget: &mut RetryBudgetWindow, now: Timestamp) -> u32 {
        let mut spent = 0;
        while budget.allows(now) {
            budget.withdraw(now);
            spent += 1;
        }
        spent
    }

    #[test]
    fn retries_are_a_share_of_requests_over_a_floor() {
        let mut budget = budget(20, 1);
        let now = Timestamp::from_secs(3);
        (0..100).for_each(|_| budget.deposit(now));
        assert_eq!(spend(&mut budget, now), 20 + 10);
    }

    #[test]
    fn what_was_spent_comes_back_when_the_window_has_passed() {
        let mut budget = budget(0, 1);
        assert_eq!(spend(&mut budget, Timestamp::ZERO), 10);
        assert_eq!(spend(&mut budget, Timestamp::from_secs(5)), 0);
        assert_eq!(spend(&mut budget, Timestamp::from_secs(11)), 10);
    }
}
