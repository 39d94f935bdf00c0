//! Spend budgets: the spend since the start of a period, and when it resets.

use crate::{Money, SpendBudget};
use squall_determinism::Timestamp;

/// What was spent from a budget in its current period.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SpendAccount {
    config: SpendBudget,
    spent: Money,
    /// When the period ends that began with the first that was spent.
    ends: Timestamp,
}

impl SpendAccount {
    pub(crate) fn new(config: SpendBudget) -> Self {
        Self { config, spent: Money::default(), ends: Timestamp::ZERO }
    }

    pub(crate) fn reconfigure(&mut self, config: SpendBudget) {
        self.config = config;
    }

    /// Adds the cost of an attempt. Returns true if this exhausts the budget.
    pub(crate) fn spend(&mut self, now: Timestamp, cost: Money) -> bool {
        let before = self.spent_until(now).is_some();
        if self.spent == Money::default() {
            self.ends = now + self.config.period;
        }
        self.spent = Money(self.spent.0.saturating_add(cost.0));
        !before && self.spent >= self.config.limit
    }

    /// Until when the budget is exhausted, if it is.
    #[inline]
    pub(crate) fn spent_until(&mut self, now: Timestamp) -> Option<Timestamp> {
        if now >= self.ends {
            self.spent = Money::default();
        }
        (self.spent >= self.config.limit && self.spent > Money::default()).then_some(self.ends)
    }

    pub(crate) const fn limit(&self) -> Money {
        self.config.limit
    }

    pub(crate) fn spent(&mut self, now: Timestamp) -> Money {
        self.spent_until(now);
        self.spent
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    #[test]
    fn a_period_begins_with_the_first_that_is_spent_and_forgets_all_at_once() {
        let mut account =
            SpendAccount::new(SpendBudget { limit: Money(100), period: Duration::from_secs(60) });
        let at = Timestamp::from_secs;
        assert!(!account.spend(at(10), Money(60)));
        assert_eq!(account.spent_until(at(20)), None);
        assert!(account.spend(at(30), Money(60)), "the last of it");
        assert_eq!(account.spent_until(at(40)), Some(at(70)));
        assert_eq!(account.spent_until(at(70)), None);
        assert_eq!(account.spent(at(70)), Money(0));
    }
}
