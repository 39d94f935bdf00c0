//! When a deployment is skipped. One file per rule.

mod circuit_breaker;
mod failure_row;
mod litellm;
mod outlier_detection;

use crate::explained_decision::BreakerFigures;
use crate::{
    CooldownCause, CooldownRule, DeploymentConfig, GroupConfig, LitellmVersion, SilenceCooldown,
};
use alloc::boxed::Box;
use core::time::Duration;
use litellm::Litellm;
pub(crate) use litellm::status as litellm_status;
use outlier_detection::OutlierDetection;
use squall_determinism::{RandomStream, Seed, StreamPurpose, Timestamp};
use squall_failure::{Failure, FailureClass};

/// What is held against one deployment.
#[derive(Clone, Debug)]
pub(crate) struct OutlierRecord {
    terms: CooldownTerms,
    state: CooldownState,
    jitter: JitterSource,
}

/// Where the draws of one deployment's cooldowns come from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JitterSource {
    pub(crate) seed: Seed,
    /// The deployment's number.
    pub(crate) deployment: u16,
}

impl JitterSource {
    /// The draws of the deployment's cooldown number `nth`.
    fn random_stream(self, nth: u64) -> RandomStream {
        const COOLDOWN: StreamPurpose = StreamPurpose::named("router.cooldown");
        self.seed.stream(COOLDOWN, self.deployment.into(), nth)
    }
}

#[derive(Clone, Debug)]
enum CooldownState {
    Careful(Box<OutlierDetection>),
    Litellm(Box<Litellm>),
    Never,
}

/// Whether a deployment may be called, as far as cooldowns go.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Availability {
    /// It may.
    Available,
    /// By one attempt, to see whether it has recovered.
    Probe,
    /// Not before then: it is unhealthy.
    Until(Timestamp),
    /// Not before then: it has had enough.
    Throttled(Timestamp),
    /// Not before its probe is back.
    Probing,
}

/// A failed attempt, as a rule needs to know it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FailureEvidence {
    pub(crate) failure: Failure,
    /// When it began.
    pub(crate) started: Timestamp,
    /// It was the deployment's probe.
    pub(crate) probe: bool,
    /// Its answer had begun.
    pub(crate) begun: bool,
    /// It is the first of its request that failed.
    pub(crate) first_of_request: bool,
    /// Its request has failed at this deployment before.
    pub(crate) repeated: bool,
    /// How many deployments the group has.
    pub(crate) siblings: usize,
    /// Whether the group has somewhere to fall back to.
    pub(crate) group_falls_back: bool,
}

/// A rule, and what else it goes by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct CooldownTerms {
    pub(crate) rule: CooldownRule,
    pub(crate) version: LitellmVersion,
    /// The rule's policy is the deployment's own, not the group's.
    pub(crate) own_policy: bool,
}

impl CooldownTerms {
    /// Those of a deployment of a group.
    pub(crate) fn new(config: &DeploymentConfig, of: &GroupConfig) -> Self {
        let policy = |rule: CooldownRule| match rule {
            CooldownRule::Litellm(litellm) => litellm.policy,
            CooldownRule::Breaker(_) | CooldownRule::Never => None,
        };
        let own = config.cooldown.and_then(policy);
        Self {
            rule: config.cooldown.unwrap_or(of.cooldown),
            version: of.litellm,
            own_policy: own.is_some() && own != policy(of.cooldown),
        }
    }
}

impl OutlierRecord {
    pub(crate) fn new(terms: CooldownTerms, jitter: JitterSource) -> Self {
        let state = match terms.rule {
            CooldownRule::Breaker(config) => {
                CooldownState::Careful(Box::new(OutlierDetection::new(config, jitter)))
            }
            CooldownRule::Litellm(config) => {
                let rules = terms.version.rules();
                CooldownState::Litellm(Box::new(Litellm::new(config, rules, terms.own_policy)))
            }
            CooldownRule::Never => CooldownState::Never,
        };
        Self { terms, state, jitter }
    }

    /// Takes another rule. What the old one held against the deployment is forgotten with it.
    pub(crate) fn reconfigure(&mut self, terms: CooldownTerms) {
        if self.terms != terms {
            *self = Self::new(terms, self.jitter);
        }
    }

    /// What silences of the deployment say, if they say anything.
    #[inline]
    pub(crate) const fn silence(&self) -> Option<SilenceCooldown> {
        self.terms.rule.silence()
    }

    #[inline]
    pub(crate) fn availability(&self, now: Timestamp) -> Availability {
        match &self.state {
            CooldownState::Careful(state) => state.availability(now),
            CooldownState::Litellm(state) => state.availability(now),
            CooldownState::Never => Availability::Available,
        }
    }

    /// Whether it asked to be left alone until later, whatever else is held against it.
    pub(crate) fn is_throttled(&self, now: Timestamp) -> bool {
        matches!(&self.state, CooldownState::Careful(state) if state.is_throttled(now))
    }

    /// Takes in a failure; returns the cooldown that it began or prolonged, if it did.
    pub(crate) fn failed(
        &mut self,
        now: Timestamp,
        evidence: &FailureEvidence,
    ) -> Option<(CooldownCause, Timestamp)> {
        match &mut self.state {
            CooldownState::Careful(state) => state.failed(now, evidence),
            CooldownState::Litellm(state) => state.failed(now, evidence),
            CooldownState::Never => None,
        }
    }

    /// Takes in a success; returns whether the deployment is trusted again.
    pub(crate) fn succeeded(&mut self, now: Timestamp, probe: bool) -> bool {
        match &mut self.state {
            CooldownState::Careful(state) => state.succeeded(now, probe),
            CooldownState::Litellm(state) => {
                state.succeeded(now);
                false
            }
            CooldownState::Never => false,
        }
    }

    /// The answer to an attempt that began at `started` has begun to arrive.
    pub(crate) fn answered(&mut self, started: Timestamp) {
        if let CooldownState::Careful(state) = &mut self.state {
            state.answered(started);
        }
    }

    /// The class of the failure for which it is skipped, or would be put to a probe.
    pub(crate) fn reason(&self, now: Timestamp) -> Option<FailureClass> {
        match &self.state {
            CooldownState::Careful(state) => state.reason(now),
            CooldownState::Litellm(_) | CooldownState::Never => None,
        }
    }

    /// What its circuit breaker counts now, if it has one.
    pub(crate) fn figures(&mut self, now: Timestamp) -> Option<BreakerFigures> {
        match &mut self.state {
            CooldownState::Careful(state) => Some(state.breaker.figures(now)),
            CooldownState::Litellm(_) | CooldownState::Never => None,
        }
    }

    /// An attempt begins, as the deployment's probe or not.
    #[inline]
    pub(crate) fn attempt_started(&mut self, probe: bool) {
        if let CooldownState::Careful(state) = &mut self.state {
            state.breaker.attempt_started(probe);
        }
    }

    /// A probe ended without saying anything about the deployment.
    pub(crate) fn probe_ended(&mut self, probe: bool) {
        if let CooldownState::Careful(state) = &mut self.state {
            state.breaker.probe_ended(probe);
        }
    }

    /// Lets a break that is over end.
    pub(crate) fn time_passed(&mut self, now: Timestamp) {
        if let CooldownState::Careful(state) = &mut self.state {
            state.breaker.time_passed(now);
        }
    }

    /// Whether a probe decides of its return, rather than time alone.
    pub(crate) const fn probes(&self) -> bool {
        matches!(self.state, CooldownState::Careful(_))
    }

    /// Another replica has found it to be out until then, or throttled. True if that is news.
    pub(crate) fn told_out(&mut self, now: Timestamp, until: Timestamp, throttled: bool) -> bool {
        match &mut self.state {
            CooldownState::Careful(state) => state.told_out(now, until, throttled),
            // LiteLLM's instances tell each other by its own rules, and `never` is no rule.
            CooldownState::Litellm(_) | CooldownState::Never => false,
        }
    }

    /// Another replica has had its probe answered. True if that is news.
    pub(crate) fn told_recovered(&mut self, now: Timestamp) -> bool {
        match &mut self.state {
            CooldownState::Careful(state) => state.breaker.told_recovered(now),
            CooldownState::Litellm(_) | CooldownState::Never => false,
        }
    }

    /// When the next change of standing is due by itself.
    pub(crate) fn next_change(&self, now: Timestamp) -> Option<Timestamp> {
        match self.availability(now) {
            Availability::Until(until) | Availability::Throttled(until) => Some(until),
            Availability::Available | Availability::Probe | Availability::Probing => None,
        }
    }
}

/// A break of this length after the one before.
fn doubled(last: Duration, base: Duration, cap: Duration) -> Duration {
    last.saturating_mul(2).max(base).min(cap)
}
