//! The breaker: closed, open for a break, half-open for one probe.
//!
//! Two triggers, because neither is enough alone (linkerd's unified breaker): failures in a row catch
//! a dead deployment within a few requests, at any rate; the share over a window catches one that
//! fails half the time and never several times in a row. Throttling counts for neither. A break
//! doubles with each probe that fails, since incidents last minutes to hours; any success starts over.

use super::{Availability, JitterSource, doubled};
use crate::explained_decision::BreakerFigures;
use crate::rolling_counts::RollingCounts;
use crate::{CooldownCause, FailureCooldown};
use core::time::Duration;
use squall_defects::{Defect, planted};
use squall_determinism::Timestamp;

#[derive(Clone, Debug)]
pub(crate) struct CircuitBreaker {
    config: FailureCooldown,
    pub(crate) state: BreakerState,
    /// Failures since the last success.
    consecutive: u32,
    /// Attempts, and failures among them.
    window: RollingCounts,
    /// The length of the latest break since the deployment was last well.
    last_break: Duration,
    jitter: JitterSource,
    /// How often it has opened.
    trips: u64,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum BreakerState {
    Closed,
    Open { until: Timestamp },
    HalfOpen { probing: bool },
}

impl CircuitBreaker {
    pub(crate) fn new(config: FailureCooldown, jitter: JitterSource) -> Self {
        Self {
            config,
            state: BreakerState::Closed,
            consecutive: 0,
            window: RollingCounts::new(config.window),
            last_break: Duration::ZERO,
            jitter,
            trips: 0,
        }
    }

    #[inline]
    pub(crate) fn availability(&self) -> Availability {
        match self.state {
            BreakerState::Closed => Availability::Available,
            BreakerState::Open { until } => Availability::Until(until),
            BreakerState::HalfOpen { probing: false } => Availability::Probe,
            BreakerState::HalfOpen { probing: true } if planted(Defect::ProbeBesideProbe) => {
                Availability::Probe
            }
            BreakerState::HalfOpen { probing: true } => Availability::Probing,
        }
    }

    /// What it goes by now.
    pub(crate) fn figures(&mut self, now: Timestamp) -> BreakerFigures {
        let [attempts, failures] = self.window.sums(now);
        BreakerFigures {
            consecutive: self.consecutive,
            opens_at_consecutive: self.config.consecutive,
            attempts,
            failures,
            opens_at_share: self.config.share,
            min_attempts: self.config.min_attempts.max(1),
        }
    }

    /// A break that is over ends: one probe may go.
    pub(crate) fn time_passed(&mut self, now: Timestamp) {
        if let BreakerState::Open { until } = self.state
            && until <= now
        {
            self.state = BreakerState::HalfOpen { probing: false };
        }
    }

    pub(crate) fn probe_started(&mut self) {
        self.state = BreakerState::HalfOpen { probing: true };
    }

    /// The probe ended without saying anything about the deployment: another may go.
    pub(crate) fn probe_ended(&mut self, probe: bool) {
        if probe && self.state == (BreakerState::HalfOpen { probing: true }) {
            self.state = BreakerState::HalfOpen { probing: false };
        }
    }

    /// Returns whether this closed the breaker.
    pub(crate) fn succeeded(&mut self, now: Timestamp, probe: bool) -> bool {
        match self.state {
            BreakerState::Closed => {
                self.consecutive = 0;
                self.window.add(now, [1, 0]);
                false
            }
            BreakerState::HalfOpen { .. } if probe && planted(Defect::RecoveryForgotten) => false,
            BreakerState::HalfOpen { .. } if probe => {
                self.close();
                true
            }
            // Begun before the break: it says how the deployment was, not how it is.
            BreakerState::Open { .. } | BreakerState::HalfOpen { .. } => false,
        }
    }

    /// Returns the break that this failure began, if it did.
    pub(crate) fn failed(
        &mut self,
        now: Timestamp,
        probe: bool,
    ) -> Option<(CooldownCause, Timestamp)> {
        let cause = match self.state {
            BreakerState::Closed => {
                self.consecutive += 1;
                self.window.add(now, [1, 1]);
                self.trigger(now)?
            }
            BreakerState::HalfOpen { .. } if probe => CooldownCause::ProbeFailed,
            BreakerState::Open { .. } | BreakerState::HalfOpen { .. } => return None,
        };
        self.last_break = doubled(self.last_break, self.config.base, self.config.cap);
        let half = if planted(Defect::BreakTooShort) { 2 } else { 1 };
        let until = now + self.drawn(self.last_break / half);
        self.trip_until(until);
        Some((cause, until))
    }

    /// An open interval with its jitter: gateways that met one outage do not all probe at one moment. It is
    /// never longer than without, so that the cap holds.
    fn drawn(&mut self, open: Duration) -> Duration {
        self.trips += 1;
        let most = self.config.jitter.of(u64::try_from(open.as_nanos()).unwrap_or(u64::MAX));
        if most == 0 {
            return open;
        }
        let less = self.jitter.random_stream(self.trips).below(most.saturating_add(1));
        open - Duration::from_nanos(less)
    }

    pub(crate) fn trip_until(&mut self, until: Timestamp) {
        // What was under way and fails later never shortens a break.
        let until = match self.state {
            BreakerState::Open { until: before } => until.max(before),
            BreakerState::Closed | BreakerState::HalfOpen { .. } => until,
        };
        self.state = BreakerState::Open { until };
        self.consecutive = 0;
        self.window.clear();
    }

    fn close(&mut self) {
        self.state = BreakerState::Closed;
        self.consecutive = 0;
        self.last_break = Duration::ZERO;
    }

    fn trigger(&mut self, now: Timestamp) -> Option<CooldownCause> {
        if self.config.consecutive > 0 && self.consecutive >= self.config.consecutive {
            return Some(CooldownCause::ConsecutiveFailures);
        }
        let [attempts, failures] = self.window.sums(now);
        let enough = attempts >= self.config.min_attempts.max(1);
        let share = u64::from(failures) * 1_000_000
            >= u64::from(attempts) * u64::from(self.config.share.ppm());
        (enough && failures > 0 && share).then_some(CooldownCause::FailureShare)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use squall_determinism::{Seed, Share};

    fn at(secs: u64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    fn breaker() -> CircuitBreaker {
        breaker_with(Share::percent(0))
    }

    fn breaker_with(jitter: Share) -> CircuitBreaker {
        let config = FailureCooldown {
            jitter,
            consecutive: 3,
            share: Share::percent(50),
            min_attempts: 10,
            base: Duration::from_secs(5),
            cap: Duration::from_secs(15),
            ..FailureCooldown::default()
        };
        CircuitBreaker::new(config, JitterSource { seed: Seed::new(7), deployment: 0 })
    }

    fn fail(breaker: &mut CircuitBreaker, times: core::ops::Range<u32>, now: Timestamp) {
        for _ in times {
            breaker.failed(now, false);
        }
    }

    #[test]
    fn failures_in_a_row_open_it() {
        let mut breaker = breaker();
        assert_eq!(breaker.failed(at(0), false), None);
        assert_eq!(breaker.failed(at(0), false), None);
        let opened = breaker.failed(at(0), false);
        assert_eq!(opened, Some((CooldownCause::ConsecutiveFailures, at(5))));
        assert_eq!(breaker.availability(), Availability::Until(at(5)));
    }

    #[test]
    fn jitter_shortens_a_break_each_time_by_another_part() {
        let mut breaker = breaker_with(Share::percent(20));
        let mut breaks = std::collections::BTreeSet::new();
        for _ in 0..20 {
            fail(&mut breaker, 0..2, at(0));
            let open = breaker.failed(at(0), false).unwrap().1.since(at(0));
            assert!(open <= Duration::from_secs(5) && open >= Duration::from_secs(4), "{open:?}");
            breaks.insert(open);
            breaker.time_passed(at(1_000));
            breaker.probe_started();
            assert!(breaker.succeeded(at(0), true));
        }
        assert!(breaks.len() > 15, "{breaks:?}");
    }

    #[test]
    fn a_shorter_break_does_not_end_a_longer_one() {
        let mut breaker = breaker();
        breaker.trip_until(at(30));
        breaker.trip_until(at(5));
        assert_eq!(breaker.availability(), Availability::Until(at(30)));
    }

    #[test]
    fn a_success_between_starts_the_row_again() {
        let mut breaker = breaker();
        for _ in 0..4 {
            breaker.succeeded(at(0), false);
            assert_eq!(breaker.failed(at(0), false), None);
        }
    }

    #[test]
    fn half_of_enough_attempts_opens_it_without_a_row() {
        let mut breaker = breaker();
        let mut opened = None;
        for _ in 0..5 {
            breaker.succeeded(at(1), false);
            opened = breaker.failed(at(1), false);
        }
        assert_eq!(opened, Some((CooldownCause::FailureShare, at(6))));
    }

    #[test]
    fn each_failed_probe_doubles_the_break_up_to_the_cap() {
        let mut breaker = breaker();
        fail(&mut breaker, 0..3, at(0));
        let mut breaks = std::vec::Vec::new();
        for _ in 0..3 {
            breaker.time_passed(at(1_000));
            breaker.probe_started();
            let (cause, until) = breaker.failed(at(100), true).unwrap();
            assert_eq!(cause, CooldownCause::ProbeFailed);
            breaks.push(until.since(at(100)).as_secs());
        }
        assert_eq!(breaks, [10, 15, 15]);
    }

    #[test]
    fn an_answered_probe_closes_it_and_forgets_the_break() {
        let mut breaker = breaker();
        fail(&mut breaker, 0..3, at(0));
        breaker.time_passed(at(1_000));
        breaker.probe_started();
        assert_eq!(breaker.availability(), Availability::Probing);
        assert!(breaker.succeeded(at(5), true));
        assert_eq!(breaker.availability(), Availability::Available);
        fail(&mut breaker, 0..2, at(6));
        assert_eq!(breaker.failed(at(6), false).unwrap().1, at(11), "the base again");
    }

    #[test]
    fn what_began_before_the_break_does_not_end_or_prolong_it() {
        let mut breaker = breaker();
        fail(&mut breaker, 0..3, at(0));
        assert!(!breaker.succeeded(at(1), false));
        assert_eq!(breaker.failed(at(2), false), None);
        assert_eq!(breaker.availability(), Availability::Until(at(5)));
    }
}
