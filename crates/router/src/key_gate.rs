//! The limits of one virtual key: checked in front of the router, before a request costs anything.
//!
//! A request is counted when its head is there ([`KeyGate::count`]), so that whoever is over the limit has nothing read;
//! what its body asks for is reserved afterwards ([`KeyGate::enter`]) and settled at its end ([`KeyGate::leave`]).

use crate::admission::{AdmissionDenied, AdmissionLimiter, Permit};
use crate::spend_budget::SpendAccount;
use crate::{LimitScope, LimitUse, Money, RateLimit, RateLimits, SpendBudget};
use squall_determinism::Timestamp;
use squall_failure::Sent;

/// How much a key is given at most. `None` is no limit.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct KeyGateLimits {
    /// Requests per minute.
    pub rpm: Option<RateLimit>,
    /// Tokens per minute, prompt and answer together.
    pub tpm: Option<RateLimit>,
    /// Requests at once.
    pub concurrency: Option<u32>,
    /// Money.
    pub budget: Option<SpendBudget>,
}

/// The limits of a key at work.
#[derive(Clone, Debug)]
pub struct KeyGate {
    requests: AdmissionLimiter,
    /// Tokens and requests at once.
    bodies: AdmissionLimiter,
    account: Option<SpendAccount>,
    epoch_nanos: u64,
}

/// What a request holds of the limits of its key, until it [leaves](KeyGate::leave).
#[derive(Clone, Copy, Debug)]
pub struct KeyPermit(Permit);

/// Why a request is refused by the limits of its key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KeyDenied {
    /// Which limit.
    pub limit: LimitScope,
    /// When it could pass at the earliest; `None` where a request under way has to end first, or none could ever.
    pub until: Option<Timestamp>,
    /// Whether it could pass at all.
    pub possible: bool,
}

/// What has been spent of a key's budget.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KeySpend {
    /// Spent in the current period.
    pub spent: Money,
    /// The limit.
    pub limit: Money,
    /// When the period ends, if anything was spent in it.
    pub until: Option<Timestamp>,
}

impl KeyGate {
    /// A gate with these limits, of which nothing is used.
    #[must_use]
    pub fn new(now: Timestamp, limits: &KeyGateLimits, epoch_nanos: u64) -> Self {
        let (requests, bodies) = split(limits);
        Self {
            requests: AdmissionLimiter::new(requests, epoch_nanos),
            bodies: AdmissionLimiter::new(bodies, epoch_nanos),
            account: limits
                .budget
                .as_ref()
                .map(|budget| SpendAccount::new(now, budget.clone(), epoch_nanos)),
            epoch_nanos,
        }
    }

    /// Takes other limits. What was used and spent is kept.
    pub fn reconfigure(&mut self, now: Timestamp, limits: &KeyGateLimits) {
        let (requests, bodies) = split(limits);
        self.requests.reconfigure(now, requests);
        self.bodies.reconfigure(now, bodies);
        let epoch_nanos = self.epoch_nanos;
        self.account = match (self.account.take(), &limits.budget) {
            (Some(mut account), Some(budget)) => {
                account.reconfigure(now, budget.clone());
                Some(account)
            }
            (None, Some(budget)) => Some(SpendAccount::new(now, budget.clone(), epoch_nanos)),
            (_, None) => None,
        };
    }

    /// Counts a request by its head.
    ///
    /// # Errors
    /// When the budget is exhausted, or there have been too many requests; then it is not counted.
    pub fn count(&mut self, now: Timestamp) -> Result<(), KeyDenied> {
        self.solvent(now)?;
        if let Some(denied) = self.requests.closed(now, 0) {
            return Err(KeyDenied::of(denied, LimitScope::Requests));
        }
        let counted = self.requests.enter(now, 0);
        self.requests.leave(now, counted, None, Sent::Something);
        Ok(())
    }

    /// Reserves what a request's body asks for.
    ///
    /// # Errors
    /// When so many tokens cannot pass now, or as many requests as may are under way.
    pub fn enter(&mut self, now: Timestamp, tokens: u64) -> Result<KeyPermit, KeyDenied> {
        self.solvent(now)?;
        match self.bodies.closed(now, tokens) {
            Some(denied) => Err(KeyDenied::of(denied, LimitScope::Tokens)),
            None => Ok(KeyPermit(self.bodies.enter(now, tokens))),
        }
    }

    /// A request has ended: `used` tokens, or as many as reserved if nobody knows, at this cost. What was sent nowhere
    /// gets its tokens back.
    pub fn leave(
        &mut self,
        now: Timestamp,
        permit: KeyPermit,
        used: Option<u64>,
        cost: Money,
        sent: Sent,
    ) {
        self.bodies.leave(now, permit.0, used, sent);
        if let Some(account) = self.account.as_mut().filter(|_| cost > Money::default()) {
            account.spend(now, cost);
        }
    }

    /// Adds what was spent before a restart, in a period that ends at `until`.
    pub fn restore(&mut self, now: Timestamp, spent: Money, until: Timestamp) {
        if let Some(account) = &mut self.account {
            account.restore(now, spent, until);
        }
    }

    /// How much of its limits is in use.
    pub fn used(&mut self, now: Timestamp) -> LimitUse {
        LimitUse { rpm: self.requests.gauge(now).rpm, ..self.bodies.gauge(now) }
    }

    /// What has been spent, if it has a budget.
    pub fn spend(&mut self, now: Timestamp) -> Option<KeySpend> {
        let account = self.account.as_mut()?;
        let spent = account.spent(now);
        Some(KeySpend { spent, limit: account.limit(), until: account.ends(now) })
    }

    fn solvent(&mut self, now: Timestamp) -> Result<(), KeyDenied> {
        let until = self.account.as_mut().and_then(|account| account.spent_until(now));
        match until {
            Some(until) => {
                Err(KeyDenied { limit: LimitScope::Money, until: Some(until), possible: true })
            }
            None => Ok(()),
        }
    }
}

impl KeyDenied {
    fn of(denied: AdmissionDenied, rate: LimitScope) -> Self {
        match denied {
            AdmissionDenied::Until(until, limit) => {
                Self { limit, until: Some(until), possible: true }
            }
            AdmissionDenied::Full => {
                Self { limit: LimitScope::Concurrency, until: None, possible: true }
            }
            AdmissionDenied::Never => Self { limit: rate, until: None, possible: false },
        }
    }
}

/// What a head counts against, and what a body does.
fn split(limits: &KeyGateLimits) -> (RateLimits, RateLimits) {
    let KeyGateLimits { rpm, tpm, concurrency, .. } = *limits;
    (
        RateLimits { rpm, ..RateLimits::default() },
        RateLimits { tpm, concurrency, ..RateLimits::default() },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RateWindow;
    use core::time::Duration;

    fn rate(per_minute: u64) -> Option<RateLimit> {
        Some(RateLimit { per_minute, window: RateWindow::Sliding })
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_secs(seconds)
    }

    #[test]
    fn requests_are_counted_by_their_heads_whatever_becomes_of_them() {
        let limits = KeyGateLimits { rpm: rate(2), ..KeyGateLimits::default() };
        let mut gate = KeyGate::new(at(0), &limits, 0);
        assert_eq!([gate.count(at(0)), gate.count(at(1))], [Ok(()), Ok(())]);
        let denied = KeyDenied { limit: LimitScope::Requests, until: Some(at(60)), possible: true };
        assert_eq!(gate.count(at(2)), Err(denied));
        assert_eq!(gate.used(at(2)).rpm, Some((2, 2)));
        assert_eq!(gate.count(at(61)), Ok(()), "a minute later");
    }

    #[test]
    fn tokens_are_reserved_and_what_was_not_used_comes_back() {
        let limits =
            KeyGateLimits { tpm: rate(100), concurrency: Some(2), ..KeyGateLimits::default() };
        let mut gate = KeyGate::new(at(0), &limits, 0);
        let first = gate.enter(at(0), 80).expect("they fit");
        let denied = gate.enter(at(1), 30).expect_err("20 are left");
        assert_eq!((denied.limit, denied.possible), (LimitScope::Tokens, true));
        assert!(!gate.enter(at(1), 101).expect_err("they never fit").possible);
        gate.leave(at(2), first, Some(10), Money::default(), Sent::Something);
        let [second, third] = [gate.enter(at(3), 30), gate.enter(at(3), 30)];
        assert!(second.is_ok() && third.is_ok());
        let full = gate.enter(at(3), 1).expect_err("two are under way");
        assert_eq!((full.limit, full.until), (LimitScope::Concurrency, None));
    }

    #[test]
    fn a_budget_that_is_exhausted_stops_heads_until_its_period_ends_and_is_restored() {
        let budget = SpendBudget::rolling(Money(100), Duration::from_secs(60));
        let limits = KeyGateLimits { budget: Some(budget), ..KeyGateLimits::default() };
        let mut gate = KeyGate::new(at(0), &limits, 0);
        let permit = gate.enter(at(10), 1).expect("nothing is spent");
        gate.leave(at(11), permit, None, Money(100), Sent::Something);
        let denied = KeyDenied { limit: LimitScope::Money, until: Some(at(71)), possible: true };
        assert_eq!(gate.count(at(12)), Err(denied));
        assert_eq!(gate.count(at(71)), Ok(()));
        gate.restore(at(80), Money(99), at(90));
        let spend = KeySpend { spent: Money(99), limit: Money(100), until: Some(at(90)) };
        assert_eq!(gate.spend(at(80)), Some(spend));
    }

    #[test]
    fn other_limits_keep_what_was_used() {
        let mut limits = KeyGateLimits { rpm: rate(2), ..KeyGateLimits::default() };
        let mut gate = KeyGate::new(at(0), &limits, 0);
        assert_eq!([gate.count(at(0)), gate.count(at(0))], [Ok(()), Ok(())]);
        limits.rpm = rate(3);
        gate.reconfigure(at(1), &limits);
        assert_eq!(gate.count(at(1)), Ok(()));
        assert!(gate.count(at(1)).is_err(), "three of three");
        gate.reconfigure(at(2), &KeyGateLimits::default());
        assert_eq!(gate.count(at(2)), Ok(()));
    }
}
