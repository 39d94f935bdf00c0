//! The lease on money of one spend budget that replicas share.

use crate::{Money, SpendBudget, SpendPeriod, calendar};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use core::time::Duration;
use squall_determinism::Timestamp;
use squall_shared_state::{BUCKETS, Lease, ReplicaConfig, Resource, ResourceKey};

/// A unit of a lease, a millionth of a dollar, in [`Money`].
const UNIT: u64 = 1_000_000;
/// The most units that a store counts exactly.
const MAX_UNITS: u64 = 1 << 50;
const DAY: Duration = Duration::from_secs(86_400);
/// No month is longer.
const MONTH: Duration = Duration::from_secs(31 * 86_400);

/// What this replica may spend of a budget now, and what it has spent.
///
/// A calendar period has a resource of its own, named after its end: what was spent in the one before is no longer asked
/// for. A period of so much time is held as a rolling window, as the windows of rates are.
#[derive(Clone, Debug)]
pub(crate) struct SharedBudget {
    /// What replicas call the budget.
    name: Box<str>,
    lease: Lease,
    config: ReplicaConfig,
    /// When the calendar period of the lease ends; `MAX` where the window rolls.
    ends: Timestamp,
    /// What was spent beyond whole units.
    remainder: u64,
}

/// Nothing may be spent until then.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct SpendBlock {
    pub(crate) until: Timestamp,
    /// The budget is exhausted; otherwise only what is in hand is, and the store is asked for more.
    pub(crate) exhausted: bool,
}

impl SharedBudget {
    /// That of a budget called `name`, in the period of `now`. A lease on the same resource goes on.
    pub(crate) fn renewed(
        before: Option<&Self>,
        now: Timestamp,
        (name, budget): (&str, &SpendBudget),
        config: ReplicaConfig,
        epoch_nanos: u64,
    ) -> Self {
        let (resource, ends) = resource(now, name, budget, epoch_nanos);
        if let Some(before) = before.filter(|before| before.lease.resource() == resource) {
            return Self { config, ..before.clone() };
        }
        let mut lease = Lease::new(resource, config.replicas).with_reserve();
        match before {
            // What was spent before there was a router, in the period that it begins in: its part of it.
            None => lease.take(now, (budget.spent.0 / UNIT).div_ceil(config.replicas.max(1))),
            // Another limit for the same period: each replica tells anew what it has spent.
            Some(before) if before.ends == ends => {
                lease.take(now, before.lease.clone().used_in_window(now));
            }
            Some(_) => {}
        }
        Self { name: name.into(), lease, config, ends, remainder: 0 }
    }

    /// The same in the period of `now`.
    pub(crate) fn in_period_of(&self, now: Timestamp, budget: &SpendBudget, epoch: u64) -> Self {
        Self::renewed(Some(self), now, (&self.name, budget), self.config, epoch)
    }

    pub(crate) const fn replicas_are(&mut self, members: u64) {
        self.config.replicas = members;
    }

    /// Whether its period is over.
    pub(crate) fn is_over(&self, now: Timestamp) -> bool {
        now >= self.ends
    }

    pub(crate) const fn lease(&mut self) -> &mut Lease {
        &mut self.lease
    }

    pub(crate) fn runs_low(&self, now: Timestamp) -> bool {
        self.lease.runs_low(now)
    }

    pub(crate) fn spend(&mut self, now: Timestamp, cost: Money) {
        let cost = cost.0.saturating_add(self.remainder);
        self.remainder = cost % UNIT;
        self.lease.take(now, cost / UNIT);
    }

    /// What all replicas have spent, as far as this one knows.
    pub(crate) fn spent(&self) -> Money {
        Money(self.lease.used_by_all().saturating_mul(UNIT))
    }

    /// When its calendar period ends.
    pub(crate) fn ends(&self) -> Option<Timestamp> {
        (self.ends < Timestamp::MAX).then_some(self.ends)
    }

    /// Why nothing may be spent now, if so. Something may as long as anything is in hand: what a request costs is known
    /// when it has ended.
    pub(crate) fn block(&mut self, now: Timestamp) -> Option<SpendBlock> {
        if self.lease.available(now) > 0 {
            return None;
        }
        self.lease.missed(1);
        let Resource { limit, window_ms, .. } = self.lease.resource();
        let exhausted = self.lease.used_by_all() >= limit;
        let soon = self.lease.retry_at(now, self.config.sync_interval);
        let until = match (exhausted, self.ends < Timestamp::MAX) {
            (true, true) => self.ends,
            // Nothing is forgotten before a bucket of the window ends.
            (true, false) => soon.max(now + Duration::from_millis(window_ms / BUCKETS)),
            (false, _) => soon.min(self.ends),
        };
        Some(SpendBlock { until, exhausted })
    }
}

fn resource(
    now: Timestamp,
    name: &str,
    budget: &SpendBudget,
    epoch_nanos: u64,
) -> (Resource, Timestamp) {
    let wall = |ends: Timestamp| epoch_nanos.saturating_add(ends.as_nanos()) / 1_000_000_000;
    let (kind, window, ends) = match budget.period {
        SpendPeriod::Rolling(period) => (String::from("spend"), period, None),
        SpendPeriod::Day(offset) => {
            let ends = calendar::day_ends(epoch_nanos, now, offset);
            (format!("spend of the day until {}", wall(ends)), DAY, Some(ends))
        }
        SpendPeriod::Month(offset) => {
            let ends = calendar::month_ends(epoch_nanos, now, offset);
            (format!("spend of the month until {}", wall(ends)), MONTH, Some(ends))
        }
    };
    let limit = (budget.limit.0 / UNIT).clamp(1, MAX_UNITS);
    let window_ms = u64::try_from(window.as_millis()).unwrap_or(MAX_UNITS).clamp(1, MAX_UNITS);
    let key = ResourceKey::new("budget", name, &kind, limit, window_ms);
    (Resource { key, limit, window_ms }, ends.unwrap_or(Timestamp::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::UtcOffset;

    const CONFIG: ReplicaConfig = ReplicaConfig {
        replicas: 4,
        sync_interval: Duration::from_millis(250),
        store_timeout: Duration::from_millis(200),
    };

    fn budget(dollars: u64, period: SpendPeriod) -> SpendBudget {
        let limit = Money(dollars * UNIT * UNIT);
        SpendBudget { period, ..SpendBudget::rolling(limit, Duration::ZERO) }
    }

    fn new(now: Timestamp, budget: &SpendBudget, epoch_nanos: u64) -> SharedBudget {
        SharedBudget::renewed(None, now, ("day", budget), CONFIG, epoch_nanos)
    }

    #[test]
    fn without_a_store_a_replica_spends_its_part_and_what_less_than_a_unit_costs_adds_up() {
        let budget = budget(8, SpendPeriod::Rolling(DAY));
        let mut shared = new(Timestamp::ZERO, &budget, 0);
        let now = Timestamp::from_secs(5);
        shared.spend(now, Money(2 * UNIT * UNIT - UNIT));
        assert_eq!(shared.block(now), None);
        (0..3).for_each(|_| shared.spend(now, Money(UNIT / 3 + 1)));
        let block = shared.block(now).expect("a quarter of $8 is spent");
        assert!(!block.exhausted && block.until > now, "{block:?}");
        assert_eq!(shared.spent(), Money(2 * UNIT * UNIT));
    }

    #[test]
    fn replicas_that_began_at_other_times_share_a_day_and_the_next_is_another() {
        let budget = budget(1, SpendPeriod::Day(UtcOffset { seconds: 3_600 }));
        let noon = 43_200 * 1_000_000_000;
        let mut early = new(Timestamp::ZERO, &budget, noon);
        let mut late = new(Timestamp::from_secs(10), &budget, noon + 7_777_777_777_777);
        assert_eq!(early.lease().resource(), late.lease().resource());
        let midnight = Timestamp::from_secs(11 * 3_600);
        assert_eq!(early.ends(), Some(midnight));
        let mut next = early.in_period_of(midnight, &budget, noon);
        assert_ne!(next.lease().resource().key, early.lease().resource().key);
        assert_eq!(next.block(midnight), None);
    }

    #[test]
    fn another_limit_for_the_same_period_keeps_what_was_spent() {
        let mut shared = new(Timestamp::ZERO, &budget(8, SpendPeriod::Rolling(DAY)), 0);
        let now = Timestamp::from_secs(5);
        shared.spend(now, Money(UNIT * UNIT));
        let smaller = budget(4, SpendPeriod::Rolling(DAY));
        let mut shared = SharedBudget::renewed(Some(&shared), now, ("day", &smaller), CONFIG, 0);
        assert_eq!(shared.spent(), Money(UNIT * UNIT));
        assert!(shared.block(now).is_some(), "its part of $4");
    }

    #[test]
    fn what_was_spent_before_the_start_is_split_over_the_replicas() {
        let mut budget = budget(8, SpendPeriod::Rolling(DAY));
        budget.spent = Money(4 * UNIT * UNIT);
        assert_eq!(new(Timestamp::ZERO, &budget, 0).spent(), Money(UNIT * UNIT));
    }
}
