//! LiteLLM 1.80's cooldown, by its own formula.
//!
//! Failures and successes are counted in windows of a minute that start with the first of their kind, so that
//! a busy deployment that dies is measured against all its earlier successes; a cooldown ends without a
//! probe; and it is never prolonged.

use super::{Availability, FailureEvidence};
use crate::{CooldownCause, LitellmCooldown, LitellmCounts};
use core::time::Duration;
use squall_determinism::Timestamp;
use squall_failure::{Failure, FailureClass};

/// `DEFAULT_FAILURE_THRESHOLD_PERCENT`, in percent.
const SHARE: u64 = 50;
/// `DEFAULT_FAILURE_THRESHOLD_MINIMUM_REQUESTS`.
const MIN_REQUESTS: u64 = 5;
/// `SINGLE_DEPLOYMENT_TRAFFIC_FAILURE_THRESHOLD`.
const SINGLE_MIN_REQUESTS: u64 = 1_000;
/// `DEFAULT_ALLOWED_FAILS`: set to this it passes for unset.
const DEFAULT_ALLOWED_FAILS: u32 = 3;
const MINUTE: Duration = Duration::from_secs(60);

#[derive(Clone, Debug)]
pub(super) struct Litellm {
    config: LitellmCooldown,
    until: Timestamp,
    successes: ExpiringCount,
    failures: ExpiringCount,
    /// Failures in the counting mode, kept for a cooldown's length from the first.
    fails: ExpiringCount,
}

/// A count that is forgotten some time after its first.
#[derive(Clone, Copy, Debug, Default)]
struct ExpiringCount {
    count: u64,
    ends: Timestamp,
}

impl ExpiringCount {
    fn add(&mut self, now: Timestamp, lasts: Duration) -> u64 {
        if now >= self.ends {
            *self = Self { count: 0, ends: now + lasts };
        }
        self.count += 1;
        self.count
    }

    fn get(&self, now: Timestamp) -> u64 {
        if now < self.ends { self.count } else { 0 }
    }
}

impl Litellm {
    pub(super) fn new(config: LitellmCooldown) -> Self {
        Self {
            config,
            until: Timestamp::ZERO,
            successes: ExpiringCount::default(),
            failures: ExpiringCount::default(),
            fails: ExpiringCount::default(),
        }
    }

    #[inline]
    pub(super) fn availability(&self, now: Timestamp) -> Availability {
        if now < self.until { Availability::Until(self.until) } else { Availability::Available }
    }

    pub(super) fn succeeded(&mut self, now: Timestamp) {
        self.successes.add(now, MINUTE);
    }

    pub(super) fn failed(
        &mut self,
        now: Timestamp,
        evidence: &FailureEvidence,
    ) -> Option<(CooldownCause, Timestamp)> {
        if self.config.counts == LitellmCounts::OncePerRequest && !evidence.first_of_request {
            return None;
        }
        self.failures.add(now, MINUTE);
        let failure = evidence.failure;
        let asked = self.config.deployment_time.or(failure.retry_after);
        let lasts = asked.unwrap_or(self.config.cooldown_time);
        let cause = self.trigger(now, failure, evidence.siblings)?;
        if lasts.is_zero() || now < self.until {
            return None;
        }
        self.until = now + lasts;
        Some((cause, self.until))
    }

    fn trigger(
        &mut self,
        now: Timestamp,
        failure: Failure,
        siblings: usize,
    ) -> Option<CooldownCause> {
        let status = status(failure);
        let ignored = (400..500).contains(&status) && !matches!(status, 401 | 404 | 408 | 429);
        if ignored {
            return None;
        }
        if let Some(allowed) = self.allowed_fails(failure.class) {
            let fails = self.fails.add(now, self.config.cooldown_time);
            return (fails > u64::from(allowed)).then_some(CooldownCause::AllowedFails);
        }
        self.default_trigger(now, status, siblings)
    }

    /// The number of failures allowed, if they are counted at all rather than their share.
    fn allowed_fails(&self, class: FailureClass) -> Option<u32> {
        let policy = self.config.policy;
        let own = match class {
            FailureClass::BadRequest | FailureClass::ContextWindow => policy.bad_request,
            FailureClass::Auth => policy.authentication,
            FailureClass::Timeout | FailureClass::Stalled => policy.timeout,
            FailureClass::Throttled | FailureClass::QuotaSpent => policy.rate_limit,
            FailureClass::ContentPolicy => policy.content_policy,
            FailureClass::Overloaded
            | FailureClass::Server
            | FailureClass::Connect
            | FailureClass::Cut
            | FailureClass::NotFound
            | FailureClass::RequestTooLarge
            | FailureClass::AnswerTooLarge
            | FailureClass::Resources
            | FailureClass::Malformed => None,
        };
        let general = self.config.allowed_fails.filter(|&fails| fails != DEFAULT_ALLOWED_FAILS);
        match own.filter(|&fails| fails > 0).or(general) {
            // A policy switches to counting, whatever it says of this class.
            None if policy.is_set() => Some(DEFAULT_ALLOWED_FAILS),
            allowed => allowed,
        }
    }

    fn default_trigger(
        &self,
        now: Timestamp,
        status: u16,
        siblings: usize,
    ) -> Option<CooldownCause> {
        if status == 429 && siblings > 1 {
            return Some(CooldownCause::Throttled);
        }
        let failed = self.failures.get(now);
        let all = failed + self.successes.get(now);
        if failed == all && all >= SINGLE_MIN_REQUESTS {
            return Some(CooldownCause::FailureShare);
        }
        if failed * 100 > all * SHARE && all >= MIN_REQUESTS && siblings > 1 {
            return Some(CooldownCause::FailureShare);
        }
        matches!(status, 401 | 404).then_some(CooldownCause::Misconfigured)
    }
}

/// The status under which it files a failure: refused and cut connections as 500, time-outs as 408.
pub(crate) const fn status(failure: Failure) -> u16 {
    let class = failure.class;
    if matches!(class, FailureClass::Timeout | FailureClass::Stalled) {
        408
    } else if matches!(class, FailureClass::Connect | FailureClass::Cut) {
        500
    } else if failure.status == 0 || failure.status == 200 {
        class.status()
    } else {
        failure.status
    }
}
