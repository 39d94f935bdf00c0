//! Spend budgets: the spend since the start of a period, and when it resets.

use crate::shared_budget::{SharedBudget, SpendBlock};
use crate::{Money, SpendBudget, SpendPeriod, calendar};
use alloc::boxed::Box;
use squall_determinism::Timestamp;
use squall_shared_state::{Lease, ReplicaConfig};

/// What was spent from a budget in its current period.
#[derive(Clone, Debug)]
pub(crate) struct SpendAccount {
    config: SpendBudget,
    /// The wall time at the start of the run, in nanoseconds since 1970.
    epoch_nanos: u64,
    spent: Money,
    /// When the period ends that began with the first that was spent, or that the calendar has.
    ends: Timestamp,
    /// What this replica may spend, where replicas share the budget.
    shared: Option<Box<SharedBudget>>,
    /// Why nothing could be spent, when that was asked last.
    block: Option<SpendBlock>,
}

impl SpendAccount {
    pub(crate) fn new(now: Timestamp, config: SpendBudget, epoch_nanos: u64) -> Self {
        let spent = config.spent;
        let mut new = Self {
            config,
            epoch_nanos,
            spent: Money::default(),
            ends: Timestamp::ZERO,
            shared: None,
            block: None,
        };
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

    /// From now on the budget is that of all replicas together. `name`: its own, or its place where it has none.
    pub(crate) fn share(&mut self, now: Timestamp, name: &str, config: ReplicaConfig) {
        let (before, budget) = (self.shared.as_deref(), (name, &self.config));
        let shared = SharedBudget::renewed(before, now, budget, config, self.epoch_nanos);
        self.shared = Some(Box::new(shared));
    }

    /// From now on the budget is this replica's own.
    pub(crate) fn unshare(&mut self) {
        self.shared = None;
    }

    pub(crate) const fn is_shared(&self) -> bool {
        self.shared.is_some()
    }

    /// What replicas share of the current period.
    fn current(&mut self, now: Timestamp) -> Option<&mut SharedBudget> {
        let shared = self.shared.as_deref_mut()?;
        if shared.is_over(now) {
            *shared = shared.in_period_of(now, &self.config, self.epoch_nanos);
        }
        Some(shared)
    }

    /// The lease on the current period, where replicas share the budget.
    pub(crate) fn lease(&mut self, now: Timestamp) -> Option<&mut Lease> {
        self.current(now).map(SharedBudget::lease)
    }

    /// Whether more is wanted than is in hand.
    pub(crate) fn runs_low(&self, now: Timestamp) -> bool {
        self.shared.as_ref().is_some_and(|shared| shared.runs_low(now))
    }

    /// Why nothing may be spent now: this replica alone has spent all of it, or all together have, or it waits for more.
    pub(crate) fn block(&mut self, now: Timestamp) -> Option<SpendBlock> {
        let own = self.spent_until(now).map(|until| SpendBlock { until, exhausted: true });
        own.max(self.current(now).and_then(|shared| shared.block(now)))
    }

    /// The same, with what it was before.
    pub(crate) fn renew_block(&mut self, now: Timestamp) -> [Option<SpendBlock>; 2] {
        let block = self.block(now);
        [core::mem::replace(&mut self.block, block), block]
    }

    /// Whether nothing could be spent, and that is to be asked again.
    pub(crate) fn is_block_over(&self, now: Timestamp) -> bool {
        self.shared.is_some() && self.block.is_some_and(|block| block.until <= now)
    }

    /// The store knows so many replicas: in a period that begins without it, each has its part.
    pub(crate) fn replicas_are(&mut self, members: u64) {
        if let Some(shared) = &mut self.shared {
            shared.replicas_are(members);
        }
    }

    /// Adds the cost of an attempt. Returns true if this exhausts the budget by itself.
    pub(crate) fn spend(&mut self, now: Timestamp, cost: Money) -> bool {
        if let Some(shared) = self.current(now) {
            shared.spend(now, cost);
        }
        self.spend_own(now, cost)
    }

    fn spend_own(&mut self, now: Timestamp, cost: Money) -> bool {
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
        let begins = self.own_spent(now) == Money::default();
        // Replicas that share know already.
        let exhausted = self.spend_own(now, spent);
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
        let shared = self.shared.as_ref().and_then(|shared| shared.ends());
        (self.spent(now) > Money::default()).then(|| shared.unwrap_or(self.ends))
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

    /// What was spent in the current period, by all replicas where they share the budget.
    pub(crate) fn spent(&mut self, now: Timestamp) -> Money {
        let shared = self.current(now).map_or_else(Money::default, |shared| shared.spent());
        self.own_spent(now).max(shared)
    }

    fn own_spent(&mut self, now: Timestamp) -> Money {
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
