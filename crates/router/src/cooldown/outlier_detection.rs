//! Our own rule: throttling and failing are kept apart, as different evidence.

use super::circuit_breaker::CircuitBreaker;
use super::{Availability, FailureEvidence, JitterSource};
use crate::{Cooldown, CooldownCause, MisconfiguredCooldown};
use core::time::Duration;
use squall_defects::{Defect, planted};
use squall_determinism::Timestamp;
use squall_failure::{Evidence, FailureClass};

#[derive(Clone, Debug)]
pub(super) struct OutlierDetection {
    config: Cooldown,
    /// It asked to be left alone until then.
    throttled_until: Timestamp,
    pub(super) breaker: CircuitBreaker,
    /// Requests, since the latest answer, that met what a wrong key or model or the request itself may
    /// have caused.
    suspicions: u32,
    /// What the latest break began with.
    broken_by: FailureClass,
}

impl OutlierDetection {
    pub(super) fn new(config: Cooldown, jitter: JitterSource) -> Self {
        Self {
            config,
            throttled_until: Timestamp::ZERO,
            breaker: CircuitBreaker::new(config.failure, jitter),
            suspicions: 0,
            broken_by: FailureClass::Server,
        }
    }

    #[inline]
    pub(super) fn availability(&self, now: Timestamp) -> Availability {
        let availability = self.breaker.availability();
        if let Availability::Until(until) = availability {
            return Availability::Until(until.max(self.throttled_until));
        }
        if now < self.throttled_until && !planted(Defect::CooldownIgnored) {
            return Availability::Throttled(self.throttled_until);
        }
        availability
    }

    pub(super) fn is_throttled(&self, now: Timestamp) -> bool {
        now < self.throttled_until
    }

    /// The class of the failure for which it is skipped, or would be put to a probe.
    pub(super) fn reason(&self, now: Timestamp) -> Option<FailureClass> {
        match self.breaker.availability() {
            Availability::Available if self.is_throttled(now) => Some(FailureClass::Throttled),
            Availability::Available => None,
            Availability::Probe
            | Availability::Until(_)
            | Availability::Throttled(_)
            | Availability::Probing => Some(self.broken_by),
        }
    }

    /// An answer has begun: whatever was suspected was the requests' own doing.
    pub(super) fn answered(&mut self, started: Timestamp) {
        self.suspicions = 0;
        self.breaker.answered(started);
    }

    /// Returns whether the deployment is trusted again.
    pub(super) fn succeeded(&mut self, now: Timestamp, probe: bool) -> bool {
        self.suspicions = 0;
        self.breaker.succeeded(now, probe)
    }

    pub(super) fn failed(
        &mut self,
        now: Timestamp,
        evidence: &FailureEvidence,
    ) -> Option<(CooldownCause, Timestamp)> {
        let (failure, probe) = (evidence.failure, evidence.probe);
        let halved = if planted(Defect::RetryAfterHalved) { 2 } else { 1 };
        let asked =
            failure.retry_after.map(|wait| now + wait.min(self.config.throttled.max) / halved);
        match failure.evidence {
            Evidence::None => {
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
                let tripped = self.breaker.failed(now, probe, evidence.started);
                if tripped.is_some() {
                    self.broken_by = failure.class;
                }
                tripped
                    .map(|(cause, until)| (cause, asked.map_or(until, |asked| asked.max(until))))
                    .or_else(|| asked.map(|until| (CooldownCause::Throttled, until)))
            }
            Evidence::Misconfigured => Some(self.break_for_long(now, failure.class)),
            Evidence::Suspected => {
                // The count stands until an answer comes: behind a break, one probe is enough.
                self.suspicions = self.suspicions.saturating_add(u32::from(!evidence.repeated));
                if self.suspicions >= self.config.misconfigured.suspicions {
                    return Some(self.break_for_long(now, failure.class));
                }
                self.breaker.probe_ended(probe);
                None
            }
        }
    }

    fn break_for_long(
        &mut self,
        now: Timestamp,
        class: FailureClass,
    ) -> (CooldownCause, Timestamp) {
        let until = now + long_break(&self.config.misconfigured, class);
        self.breaker.trip_until(until);
        self.broken_by = class;
        (CooldownCause::Misconfigured, until)
    }

    /// Another replica has found it to be out until then. True if that is longer than was known.
    pub(super) fn told_out(&mut self, now: Timestamp, until: Timestamp, throttled: bool) -> bool {
        if throttled {
            return self.leave_alone(now, until);
        }
        let known = match self.breaker.availability() {
            Availability::Until(known) => known >= until,
            Availability::Available
            | Availability::Probe
            | Availability::Throttled(_)
            | Availability::Probing => false,
        };
        if known || until <= now {
            return false;
        }
        self.breaker.trip_until(until);
        self.broken_by = FailureClass::Server;
        true
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
    if matches!(class, FailureClass::NotFound) {
        config.not_found
    } else if matches!(class, FailureClass::QuotaSpent) {
        config.quota_spent
    } else {
        config.auth
    }
}
