//! Spend budgets: the spend since the start of a period, and when it resets.

use crate::{Money, SpendBudget, SpendPeriod, calendar};
use squall_determinism::Timestamp;

/// What was spent from a budget in its current period.
#[derive(Clone, Debug)]
pub(crate) struct SpendAccount {
    config: SpendBudget,
    /// The wall time at the start of the run, in nanoseconds since 1970.
    epoch_nanos: u64,
    spent: Money,
    /// When the period ends that began with the first that was spent, or that the calendar has.
    ends: Timestamp,
}

impl SpendAccount {
    pub(crate) fn new(now: Timestamp, config: SpendBudget, epoch_nanos: u64) -> Self {
        let spent = config.spent;
        let mut new = Self { config, epoch_nanos, spent: Money::default(), ends: Timestamp::ZERO };
        new.restore(now, spent, Timestamp::MAX);
        new
    }

    /// Whose account it is.
    pub(crate) fn name(&self) -> &str {
        &self.config.name
    }

    pub(crate) fn reconfigure(&mut self, now: Timestamp, config: SpendBudget) {
        if config.period != self.config.period {
            self.config = config;
            let ends = self.period_ends(now);
            self.ends = match self.config.period {
                SpendPeriod::Rolling(_) => self.ends.min(ends),
                SpendPeriod::Day(_) | SpendPeriod::Month(_) if now < self.ends => ends,
                SpendPeriod::Day(_) | SpendPeriod::Month(_) => self.ends,
            };
        } else {
            self.config = config;
        }
    }

    /// Adds the cost of an attempt. Returns true if this exhausts the budget.
    pub(crate) fn spend(&mut self, now: Timestamp, cost: Money) -> bool {
        let before = self.spent_until(now).is_some();
        if self.spent == Money::default() {
            self.ends = self.period_ends(now);
        }
        self.spent = Money(self.spent.0.saturating_add(cost.0));
        !before && self.spent >= self.config.limit
    }

    /// Adds what was spent before this router began, in a period that ends at `until`; nothing where that period
    /// is over. No saved period is believed to be longer than one that begins now. Returns true if this exhausts
    /// the budget.
    pub(crate) fn restore(&mut self, now: Timestamp, spent: Money, until: Timestamp) -> bool {
        if until <= now || spent == Money::default() {
            return false;
        }
        let begins = self.spent(now) == Money::default();
        let exhausted = self.spend(now, spent);
        if begins {
            self.ends = self.ends.min(until);
        }
        exhausted
    }

    /// When a period ends that has begun by now.
    fn period_ends(&self, now: Timestamp) -> Timestamp {
        match self.config.period {
            SpendPeriod::Rolling(period) => now + period,
            SpendPeriod::Day(offset) => calendar::day_ends(self.epoch_nanos, now, offset),
            SpendPeriod::Month(offset) => calendar::month_ends(self.epoch_nanos, now, offset),
        }
    }

    /// When its period ends, if anything was spent in it.
    pub(crate) fn ends(&mut self, now: Timestamp) -> Option<Timestamp> {
        (self.spent(now) > Money::default()).then_some(self.ends)
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
    use crate::UtcOffset;
    use core::time::Duration;

    #[test]
    fn a_period_begins_with_the_first_that_is_spent_and_forgets_all_at_once() {
        let mut account = SpendAccount::new(
            Timestamp::ZERO,
            SpendBudget::rolling(Money(100), Duration::from_secs(60)),
            0,
        );
        let at = Timestamp::from_secs;
        assert!(!account.spend(at(10), Money(60)));
        assert_eq!(account.spent_until(at(20)), None);
        assert!(account.spend(at(30), Money(60)), "the last of it");
        assert_eq!(account.spent_until(at(40)), Some(at(70)));
        assert_eq!(account.spent_until(at(70)), None);
        assert_eq!(account.spent(at(70)), Money(0));
    }

    fn daily() -> SpendAccount {
        let period = SpendPeriod::Day(UtcOffset { seconds: 3_600 });
        let budget = SpendBudget { period, ..SpendBudget::rolling(Money(100), Duration::ZERO) };
        // The run begins at a quarter to eleven at night in UTC.
        SpendAccount::new(Timestamp::ZERO, budget, 81_900 * 1_000_000_000)
    }

    #[test]
    fn a_calendar_day_ends_at_midnight_whenever_the_first_was_spent() {
        let at = Timestamp::from_secs;
        let mut account = daily();
        assert!(account.spend(at(800), Money(100)));
        assert_eq!(
            account.spent_until(at(800)),
            Some(at(900)),
            "midnight an hour east of Greenwich"
        );
        assert_eq!(account.spent_until(at(900)), None);
        assert!(account.spend(at(1_000), Money(100)));
        assert_eq!(account.spent_until(at(1_000)), Some(at(900 + 86_400)));
    }

    #[test]
    fn what_was_spent_before_a_restart_counts_until_its_period_ends() {
        let at = Timestamp::from_secs;
        let mut account = daily();
        assert!(!account.restore(at(0), Money(60), at(900)));
        assert_eq!((account.spent(at(0)), account.ends(at(0))), (Money(60), Some(at(900))));
        assert!(account.spend(at(10), Money(40)), "the rest of it");
        assert_eq!(account.spent(at(900)), Money(0));

        let mut account = daily();
        assert!(!account.restore(at(50), Money(100), at(50)), "that period is over");
        assert_eq!(account.spent(at(50)), Money(0));
        assert!(account.restore(at(60), Money(100), Timestamp::MAX));
        assert_eq!(
            account.spent_until(at(60)),
            Some(at(900)),
            "no longer than a period of its own"
        );
    }

    #[test]
    fn another_period_holds_from_the_change_on_for_what_was_spent() {
        let at = Timestamp::from_secs;
        let mut account = daily();
        account.spend(at(0), Money(10));
        let hourly = SpendBudget::rolling(Money(100), Duration::from_secs(3_600));
        account.reconfigure(at(100), hourly);
        assert_eq!(account.ends(at(100)), Some(at(900)), "no later than before");
        let period = SpendPeriod::Month(UtcOffset::default());
        account.reconfigure(
            at(200),
            SpendBudget { period, ..SpendBudget::rolling(Money(100), Duration::ZERO) },
        );
        assert!(account.ends(at(200)) > Some(at(86_400)));
        assert_eq!(account.spent(at(200)), Money(10));
    }
}
