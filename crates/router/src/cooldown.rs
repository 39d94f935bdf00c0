//! When a deployment is skipped: throttling and failing are kept apart, as different evidence.

mod breaker;

pub(crate) use breaker::{Breaker, State};

use crate::{Cooldown, CooldownCause};
use core::time::Duration;
use squall_determinism::Timestamp;
use squall_failure::{Evidence, Failure};

/// What is held against one deployment.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    config: Cooldown,
    /// It asked to be left alone until then.
    throttled_until: Timestamp,
    pub(crate) breaker: Breaker,
}

/// Whether a deployment may be called, as far as cooldowns go.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Standing {
    /// It may.
    Good,
    /// By one attempt, to see whether it has recovered.
    Probe,
    /// Not before then: it is ill.
    Until(Timestamp),
    /// Not before then: it has had enough.
    Throttled(Timestamp),
    /// Not before its probe is back.
    Probing,
}

impl Record {
    pub(crate) fn new(config: Cooldown) -> Self {
        Self { config, throttled_until: Timestamp::ZERO, breaker: Breaker::new(config.failure) }
    }

    #[inline]
    pub(crate) fn standing(&self, now: Timestamp) -> Standing {
        let standing = self.breaker.standing();
        match standing {
            Standing::Until(until) => Standing::Until(until.max(self.throttled_until)),
            _ if now < self.throttled_until => Standing::Throttled(self.throttled_until),
            _ => standing,
        }
    }

    /// Takes in a failure; returns the cooldown that it began, if it began or prolonged one.
    pub(crate) fn failed(
        &mut self,
        now: Timestamp,
        failure: Failure,
        probe: bool,
    ) -> Option<(CooldownCause, Timestamp)> {
        let asked = failure.retry_after.map(|wait| now + wait.min(self.config.throttled.max));
        match failure.class.evidence() {
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
                let tripped = self.breaker.failed(now, probe);
                tripped
                    .map(|(cause, until)| (cause, asked.map_or(until, |asked| asked.max(until))))
                    .or_else(|| asked.map(|until| (CooldownCause::Throttled, until)))
            }
            Evidence::Misconfigured => {
                let until = now + self.config.failure.misconfigured;
                self.breaker.trip_until(until);
                Some((CooldownCause::Misconfigured, until))
            }
        }
    }

    /// When the next change of standing is due by itself.
    pub(crate) fn next_change(&self, now: Timestamp) -> Option<Timestamp> {
        match self.standing(now) {
            Standing::Until(until) | Standing::Throttled(until) => Some(until),
            Standing::Good | Standing::Probe | Standing::Probing => None,
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

/// A break of this length after the one before.
pub(crate) fn doubled(last: Duration, base: Duration, cap: Duration) -> Duration {
    last.saturating_mul(2).max(base).min(cap)
}
