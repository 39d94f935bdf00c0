//! LiteLLM's cooldown, by its own formula; where versions differ, by the version's rules.
//!
//! Failures and successes are counted in windows of a minute that start with the first of their kind, so that
//! a busy deployment that dies is measured against all its earlier successes; a cooldown ends without a
//! probe; and it is never prolonged.

use super::{Availability, FailureEvidence};
use crate::{
    CooldownCause, LitellmAllowedFails, LitellmCooldown, LitellmCounts, LitellmRules, PolicyClasses,
};
use core::time::Duration;
use squall_determinism::Timestamp;
use squall_failure::{Failure, FailureClass};

/// `DEFAULT_FAILURE_THRESHOLD_PERCENT`, in percent.
const SHARE: u64 = 50;
/// `DEFAULT_FAILURE_THRESHOLD_MINIMUM_REQUESTS`.
const MIN_REQUESTS: u64 = 5;
/// `SINGLE_DEPLOYMENT_TRAFFIC_FAILURE_THRESHOLD`.
const SINGLE_MIN_REQUESTS: u64 = 1_000;
/// `DEFAULT_ALLOWED_FAILS`: what counts where a policy says nothing.
const DEFAULT_ALLOWED_FAILS: u32 = 3;
const MINUTE: Duration = Duration::from_secs(60);

#[derive(Clone, Debug)]
pub(super) struct Litellm {
    config: LitellmCooldown,
    rules: &'static LitellmRules,
    /// The policy is the deployment's own: it counts by class, and cools down for what else is never counted.
    own_policy: bool,
    until: Timestamp,
    successes: ExpiringCount,
    failures: ExpiringCount,
    /// Failures in the counting mode, kept for a cooldown's length from the first: all of them, or by class.
    fails: [ExpiringCount; FailureClass::ALL.len()],
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
    pub(super) fn new(
        config: LitellmCooldown,
        rules: &'static LitellmRules,
        own_policy: bool,
    ) -> Self {
        Self {
            config,
            rules,
            own_policy: own_policy && rules.policy == PolicyClasses::All,
            until: Timestamp::ZERO,
            successes: ExpiringCount::default(),
            failures: ExpiringCount::default(),
            fails: [ExpiringCount::default(); FailureClass::ALL.len()],
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
        let counts = self.config.counts.unwrap_or(self.rules.counts);
        if counts == LitellmCounts::OncePerRequest && !evidence.first_of_request {
            return None;
        }
        self.failures.add(now, MINUTE);
        // It reads whole seconds only; a date is a number of them.
        let readable = |wait: &Duration| wait.subsec_nanos() == 0;
        let asked = evidence.failure.retry_after.filter(readable);
        let asked = self.config.deployment_time.or(asked);
        let lasts = asked.unwrap_or(self.config.cooldown_time);
        let cause = self.trigger(now, evidence)?;
        if lasts.is_zero() || now < self.until {
            return None;
        }
        self.until = now + lasts;
        Some((cause, self.until))
    }

    fn trigger(&mut self, now: Timestamp, evidence: &FailureEvidence) -> Option<CooldownCause> {
        let failure = evidence.failure;
        let status = status(failure);
        let single = evidence.siblings <= 1;
        let named = self.named(failure, status);
        let is_402 = status == 402 && self.rules.cools_402;
        let ignored = (400..500).contains(&status) && !matches!(status, 401 | 404 | 408 | 429);
        if ignored && !is_402 && !(self.own_policy && named.is_some()) {
            return None;
        }
        // An `APIConnectionError`: its text is on the list of what is ignored. A connection that ends before an
        // answer is an `InternalServerError`, as one that is refused.
        let cut = failure.class == FailureClass::Cut && evidence.begun;
        if cut && !self.rules.cut_is_success {
            return None;
        }
        if is_402 && single && named.is_none() {
            return None;
        }
        let general = self.config.allowed_fails;
        let general = general.filter(|_| general != self.rules.allowed_fails_unset);
        if general.is_none() && self.config.policy.is_none() {
            return self.default_trigger(now, status, single);
        }
        let lone = single && !evidence.group_falls_back;
        if lone && self.rules.spares_the_lone && named.is_none() {
            return None;
        }
        let allowed = named.or(general).unwrap_or(DEFAULT_ALLOWED_FAILS);
        let counter = if self.own_policy && named.is_some() { failure.class.code() } else { 0 };
        let fails = self.fails[usize::from(counter)].add(now, self.config.cooldown_time);
        (fails > u64::from(allowed)).then_some(CooldownCause::AllowedFails)
    }

    /// What the policy allows of such failures by name.
    fn named(&self, failure: Failure, status: u16) -> Option<u32> {
        let policy = self.config.policy?;
        match self.rules.policy {
            PolicyClasses::First => {
                first_classes(&policy, failure.class).filter(|&fails| fails > 0)
            }
            PolicyClasses::All => first_classes(&policy, failure.class).or(match status {
                404 => policy.not_found,
                500 => policy.internal_server,
                502 => policy.bad_gateway,
                503 => policy.service_unavailable,
                _ => None,
            }),
        }
    }

    fn default_trigger(&self, now: Timestamp, status: u16, single: bool) -> Option<CooldownCause> {
        if status == 429 && !single {
            return Some(CooldownCause::Throttled);
        }
        let failed = self.failures.get(now);
        let all = failed + self.successes.get(now);
        if failed == all && all >= SINGLE_MIN_REQUESTS {
            return Some(CooldownCause::FailureShare);
        }
        if failed * 100 > all * SHARE && all >= MIN_REQUESTS && !single {
            return Some(CooldownCause::FailureShare);
        }
        matches!(status, 401 | 402 | 404).then_some(CooldownCause::Misconfigured)
    }
}

/// The classes that every version's policy knows.
const fn first_classes(policy: &LitellmAllowedFails, class: FailureClass) -> Option<u32> {
    match class {
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
