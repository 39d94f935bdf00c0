//! What the router makes of a deployment, from its notes.

use crate::model::StateView;
use squall_determinism::Timestamp;
use squall_router::{CooldownCause, RouterEvent};
use std::time::Duration;

/// A deployment, as the router's notes have told so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct DeploymentTrack {
    /// How long it takes to get its whole share after it has returned; zero without slow start.
    slow_start: Duration,
    cooling: Option<(CooldownCause, Timestamp)>,
    is_probed: bool,
    returned: Option<Timestamp>,
    is_unhealthy: bool,
    spent_until: Option<Timestamp>,
}

impl DeploymentTrack {
    pub(crate) fn new(slow_start: Duration) -> Self {
        Self { slow_start, ..Self::default() }
    }

    /// The router decided something about it.
    pub(crate) fn decided(&mut self, at: Timestamp, event: RouterEvent) {
        match event {
            RouterEvent::CooldownStarted { cause, until, .. } => {
                (self.cooling, self.is_probed, self.returned) = (Some((cause, until)), false, None);
            }
            RouterEvent::CooldownEnded { .. } => self.cooled_down(),
            RouterEvent::Probe { .. } => (self.cooling, self.is_probed) = (None, true),
            RouterEvent::Recovered { .. } => {
                (self.cooling, self.is_probed, self.returned) = (None, false, Some(at));
            }
            RouterEvent::HealthChanged { healthy, .. } => {
                self.is_unhealthy = !healthy;
                self.returned = healthy.then_some(at);
            }
            RouterEvent::SpendBudgetExceeded { until, .. } => self.spent_until = Some(until),
            _ => {}
        }
    }

    fn cooled_down(&mut self) {
        let cause = self.cooling.take().map(|(cause, _)| cause);
        self.is_probed = cause.is_some_and(is_probed_after);
    }

    /// Its state, and until when it lasts at least, where that is known.
    pub(crate) fn state(&self, now: Timestamp) -> (StateView, Option<Timestamp>) {
        let slow_until = self.returned.map(|at| at + self.slow_start);
        match self.cooling {
            _ if self.is_unhealthy => (StateView::Unhealthy, None),
            Some((CooldownCause::Throttled, until)) if until > now => {
                (StateView::Throttled, Some(until))
            }
            Some((_, until)) if until > now => (StateView::Ejected, Some(until)),
            // The note that says so comes with the next decision.
            Some((cause, _)) if is_probed_after(cause) => (StateView::HalfOpen, None),
            _ if self.is_probed => (StateView::HalfOpen, None),
            _ => match (self.spent_until, slow_until) {
                (Some(until), _) if until > now => (StateView::BudgetSpent, Some(until)),
                (_, Some(until)) if until > now => (StateView::SlowStart, Some(until)),
                _ => (StateView::Healthy, None),
            },
        }
    }
}

/// Whether one probe decides after a cooldown.
const fn is_probed_after(cause: CooldownCause) -> bool {
    match cause {
        CooldownCause::ConsecutiveFailures
        | CooldownCause::FailureShare
        | CooldownCause::ProbeFailed
        | CooldownCause::Misconfigured
        | CooldownCause::Peer => true,
        // LiteLLM's cooldown ends without one.
        CooldownCause::Throttled | CooldownCause::AllowedFails => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use squall_router::{AttemptId, DeploymentId, RequestKey};

    const ONE: DeploymentId = DeploymentId(0);

    fn at(second: u64) -> Timestamp {
        Timestamp::from_secs(second)
    }

    fn ejected(cause: CooldownCause, until: u64) -> RouterEvent {
        RouterEvent::CooldownStarted { deployment: ONE, cause, until: at(until) }
    }

    fn probe() -> RouterEvent {
        let request = RequestKey { slot: 0, generation: 0 };
        RouterEvent::Probe { deployment: ONE, attempt: AttemptId { request, nth: 0 } }
    }

    #[test]
    fn an_outage_goes_from_ejected_over_half_open_and_slow_start_to_healthy() {
        let mut track = DeploymentTrack::new(Duration::from_secs(5));
        assert_eq!(track.state(at(1)), (StateView::Healthy, None));
        track.decided(at(10), ejected(CooldownCause::ConsecutiveFailures, 12));
        assert_eq!(track.state(at(11)), (StateView::Ejected, Some(at(12))));
        assert_eq!(track.state(at(12)), (StateView::HalfOpen, None), "before it is noted");
        track.decided(at(12), RouterEvent::CooldownEnded { deployment: ONE });
        assert_eq!(track.state(at(12)), (StateView::HalfOpen, None));
        track.decided(at(13), probe());
        track.decided(at(13), ejected(CooldownCause::ProbeFailed, 17));
        assert_eq!(track.state(at(14)), (StateView::Ejected, Some(at(17))));
        track.decided(at(17), probe());
        track.decided(at(18), RouterEvent::Recovered { deployment: ONE });
        assert_eq!(track.state(at(19)), (StateView::SlowStart, Some(at(23))));
        assert_eq!(track.state(at(23)), (StateView::Healthy, None));
    }

    #[test]
    fn after_throttling_nothing_is_probed() {
        let mut track = DeploymentTrack::new(Duration::ZERO);
        track.decided(at(10), ejected(CooldownCause::Throttled, 12));
        assert_eq!(track.state(at(11)), (StateView::Throttled, Some(at(12))));
        assert_eq!(track.state(at(12)), (StateView::Healthy, None));
        track.decided(at(12), RouterEvent::CooldownEnded { deployment: ONE });
        assert_eq!(track.state(at(12)), (StateView::Healthy, None));
    }

    #[test]
    fn failing_health_checks_are_told_before_anything_else() {
        let mut track = DeploymentTrack::new(Duration::ZERO);
        track.decided(at(1), RouterEvent::HealthChanged { deployment: ONE, healthy: false });
        track.decided(at(2), ejected(CooldownCause::FailureShare, 9));
        assert_eq!(track.state(at(3)), (StateView::Unhealthy, None));
        track.decided(at(4), RouterEvent::HealthChanged { deployment: ONE, healthy: true });
        assert_eq!(track.state(at(5)), (StateView::Ejected, Some(at(9))));
    }
}
