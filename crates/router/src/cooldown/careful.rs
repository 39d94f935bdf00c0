//! Our own rule: throttling and failing are kept apart, as different evidence.

use super::Standing;
use super::breaker::Breaker;
use crate::{Cooldown, CooldownCause, MisconfiguredCooldown};
use core::time::Duration;
use squall_defects::{Defect, planted};
use squall_determinism::Timestamp;
use squall_failure::{Evidence, Failure, FailureClass};

#[derive(Clone, Debug)]
pub(super) struct Careful {
    config: Cooldown,
    /// It asked to be left alone until then.
    throttled_until: Timestamp,
    pub(super) breaker: Breaker,
}

impl Careful {
    pub(super) fn new(config: Cooldown) -> Self {
        Self { config, throttled_until: Timestamp::ZERO, breaker: Breaker::new(config.failure) }
    }

    #[inline]
    pub(super) fn standing(&self, now: Timestamp) -> Standing {
        let standing = self.breaker.standing();
        match standing {
            Standing::Until(until) => Standing::Until(until.max(self.throttled_until)),
            _ if now < self.throttled_until && !planted(Defect::CooldownIgnored) => {
                Standing::Throttled(self.throttled_until)
            }
            _ => standing,
        }
    }

    pub(super) fn is_throttled(&self, now: Timestamp) -> bool {
        now < self.throttled_until
    }

    pub(super) fn failed(
        &mut self,
        now: Timestamp,
        failure: Failure,
        probe: bool,
    ) -> Option<(CooldownCause, Timestamp)> {
        let halved = if planted(Defect::RetryAfterHalved) { 2 } else { 1 };
        let asked =
            failure.retry_after.map(|wait| now + wait.min(self.config.throttled.max) / halved);
        match failure.evidence {
            // One that is only suspected is not held against it yet.
            Evidence::None | Evidence::Suspected => {
                self.breaker.probe_ended(probe);
                None
            }
            Evidence::Throttled => {
                self.breaker.probe_ended(probe);
                let until = asked.unwrap_or_else(|| now + self.config.throttled.default);
                self.leave_alone(now, until).then_some((CooldownCause::Throttled, until))
            }
            Evidence::Failed => {
                let asked = asked.filter(|&until| self.leave_alone(now, until));
                let tripped = self.breaker.failed(now, probe);
                tripped
                    .map(|(cause, until)| (cause, asked.map_or(until, |asked| asked.max(until))))
                    .or_else(|| asked.map(|until| (CooldownCause::Throttled, until)))
            }
            Evidence::Misconfigured => {
                let until = now + long_break(&self.config.misconfigured, failure.class);
                self.breaker.trip_until(until);
                Some((CooldownCause::Misconfigured, until))
            }
        }
    }

    /// True if this prolongs the wait.
    fn leave_alone(&mut self, now: Timestamp, until: Timestamp) -> bool {
        let longer = until > self.throttled_until && until > now;
        if longer {
            self.throttled_until = until;
        }
        longer
    }
}

const fn long_break(config: &MisconfiguredCooldown, class: FailureClass) -> Duration {
    match class {
        FailureClass::NotFound => config.not_found,
        FailureClass::QuotaSpent => config.quota_spent,
        _ => config.auth,
    }
}
