//! The circuit breaker: closed, open for an interval, half-open for one probe.
//!
//! Two triggers, because neither is enough alone (linkerd's unified breaker): failures in a row catch
//! a dead deployment within a few requests, at any rate; the share over a window catches one that
//! fails half the time and never several times in a row. Throttling counts for neither. Two rows are counted: failures
//! with no success between them, and those with no success of an attempt begun since ([`FailureRow`]). The open interval
//! doubles with each probe that fails, since incidents last minutes to hours, and with each relapse: a
//! deployment that answers one probe and fails under its share is not well yet. After a relapse it takes more
//! probes in a row to close it, one more for each (resilience4j takes ten from the first on). All of it starts over
//! once the breaker has been closed for as long as its window (Envoy's ejection multiplier falls in the same way).
//! Until then it is on trial: half of the evidence opens it again, since the outage before is evidence too.

use super::failure_row::FailureRow;
use super::{Availability, JitterSource, doubled};
use crate::explained_decision::BreakerFigures;
use crate::rolling_counts::RollingCounts;
use crate::{CooldownCause, FailureCooldown};
use core::time::Duration;
use squall_defects::{Defect, planted};
use squall_determinism::Timestamp;

/// However often it relapses, it takes no more probes than this beside the first: as many answers in a row as the
/// failures in a row that open it by default.
const MOST_MORE_PROBES: u32 = 4;

#[derive(Clone, Debug)]
pub(crate) struct CircuitBreaker {
    config: FailureCooldown,
    pub(crate) state: BreakerState,
    /// Failures since the last success.
    consecutive: u32,
    /// Failures since the last success of an attempt begun after the first of them.
    row: FailureRow,
    /// Attempts, and failures among them.
    window: RollingCounts,
    /// The length of the latest open interval since the deployment was last well.
    last_open: Duration,
    /// When a probe last closed it.
    closed_at: Option<Timestamp>,
    /// How often it has opened again since, each time within its window.
    relapses: u32,
    /// Probes in a row that were answered while it is half-open.
    answered_probes: u32,
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
            row: FailureRow::default(),
            window: RollingCounts::new(config.window),
            last_open: Duration::ZERO,
            closed_at: None,
            relapses: 0,
            answered_probes: 0,
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
        let [opens_at_consecutive, min_attempts] = self.evidence_needed(now);
        BreakerFigures {
            consecutive: self.consecutive.max(self.row.evidence()),
            opens_at_consecutive,
            attempts,
            failures,
            opens_at_share: self.config.share,
            min_attempts,
        }
    }

    /// An open interval that is over ends: one probe may go.
    pub(crate) fn time_passed(&mut self, now: Timestamp) {
        if let BreakerState::Open { until } = self.state
            && until <= now
        {
            self.state = BreakerState::HalfOpen { probing: false };
        }
    }

    #[inline]
    pub(crate) fn attempt_started(&mut self, probe: bool) {
        if probe {
            self.state = BreakerState::HalfOpen { probing: true };
        }
        self.row.begun();
    }

    /// The probe ended without saying anything about the deployment: another may go.
    pub(crate) fn probe_ended(&mut self, probe: bool) {
        if probe && self.state == (BreakerState::HalfOpen { probing: true }) {
            self.state = BreakerState::HalfOpen { probing: false };
        }
    }

    /// The answer to an attempt that began at `started` has begun to arrive.
    #[inline]
    pub(crate) fn answered(&mut self, started: Timestamp) {
        self.row.answered(started);
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
                self.answered_probes += 1;
                let is_enough = self.answered_probes > self.relapses.min(MOST_MORE_PROBES);
                if is_enough {
                    self.close(now);
                } else {
                    self.state = BreakerState::HalfOpen { probing: false };
                }
                is_enough
            }
            // Begun before it opened: it says how the deployment was, not how it is.
            BreakerState::Open { .. } | BreakerState::HalfOpen { .. } => false,
        }
    }

    /// Takes in the failure of an attempt that began at `started`. Returns the open interval that it began, if it did.
    pub(crate) fn failed(
        &mut self,
        now: Timestamp,
        probe: bool,
        started: Timestamp,
    ) -> Option<(CooldownCause, Timestamp)> {
        let cause = match self.state {
            BreakerState::Closed => {
                self.consecutive += 1;
                self.row.failed(now, started);
                self.window.add(now, [1, 1]);
                let cause = self.trigger(now)?;
                if self.is_on_trial(now) {
                    self.relapses += 1;
                } else {
                    (self.last_open, self.relapses) = (Duration::ZERO, 0);
                }
                cause
            }
            BreakerState::HalfOpen { .. } if probe => CooldownCause::ProbeFailed,
            BreakerState::Open { .. } | BreakerState::HalfOpen { .. } => return None,
        };
        self.last_open = doubled(self.last_open, self.config.base, self.config.cap);
        let half = if planted(Defect::BreakTooShort) { 2 } else { 1 };
        let until = now + self.drawn(self.last_open / half);
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
        // What was under way and fails later never shortens an open interval.
        let until = match self.state {
            BreakerState::Open { until: before } => until.max(before),
            BreakerState::Closed | BreakerState::HalfOpen { .. } => until,
        };
        self.state = BreakerState::Open { until };
        (self.consecutive, self.row, self.answered_probes) = (0, FailureRow::default(), 0);
        self.window.clear();
    }

    /// Another replica has closed its own. True if this closes it.
    pub(crate) fn told_recovered(&mut self, now: Timestamp) -> bool {
        let is_open = self.state != BreakerState::Closed;
        if is_open {
            self.close(now);
        }
        is_open
    }

    fn close(&mut self, now: Timestamp) {
        self.state = BreakerState::Closed;
        (self.consecutive, self.row, self.answered_probes) = (0, FailureRow::default(), 0);
        self.closed_at = Some(now);
    }

    /// Whether a probe closed it within its window: until that is over, it has not proved to be well.
    fn is_on_trial(&self, now: Timestamp) -> bool {
        self.closed_at.is_some_and(|closed| now.since(closed) < self.config.window)
    }

    /// The failures in a row, and the attempts that a share needs, that are enough to open it.
    fn evidence_needed(&self, now: Timestamp) -> [u32; 2] {
        let usual = [self.config.consecutive, self.config.min_attempts.max(1)];
        if self.is_on_trial(now) { usual.map(|count| count.div_ceil(2)) } else { usual }
    }

    fn trigger(&mut self, now: Timestamp) -> Option<CooldownCause> {
        let [consecutive, min_attempts] = self.evidence_needed(now);
        if consecutive > 0 && self.consecutive.max(self.row.evidence()) >= consecutive {
            return Some(CooldownCause::ConsecutiveFailures);
        }
        let [attempts, failures] = self.window.sums(now);
        let enough = attempts >= min_attempts;
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
            breaker.failed(now, false, now);
        }
    }

    /// An answer to an attempt begun now.
    fn answer(breaker: &mut CircuitBreaker, now: Timestamp) {
        breaker.attempt_started(false);
        breaker.answered(now);
        breaker.succeeded(now, false);
    }

    #[test]
    fn failures_in_a_row_open_it() {
        let mut breaker = breaker();
        assert_eq!(breaker.failed(at(0), false, at(0)), None);
        assert_eq!(breaker.failed(at(0), false, at(0)), None);
        let opened = breaker.failed(at(0), false, at(0));
        assert_eq!(opened, Some((CooldownCause::ConsecutiveFailures, at(5))));
        assert_eq!(breaker.availability(), Availability::Until(at(5)));
    }

    #[test]
    fn jitter_shortens_an_open_interval_each_time_by_another_part() {
        let mut breaker = breaker_with(Share::percent(20));
        let mut intervals = std::collections::BTreeSet::new();
        for time in 0..20 {
            let now = at(time * 100);
            fail(&mut breaker, 0..2, now);
            let open = breaker.failed(now, false, now).unwrap().1.since(now);
            assert!(open <= Duration::from_secs(5) && open >= Duration::from_secs(4), "{open:?}");
            intervals.insert(open);
            breaker.time_passed(at(time * 100 + 10));
            breaker.attempt_started(true);
            assert!(breaker.succeeded(at(time * 100 + 10), true));
        }
        assert!(intervals.len() > 15, "{intervals:?}");
    }

    #[test]
    fn a_shorter_open_interval_does_not_end_a_longer_one() {
        let mut breaker = breaker();
        breaker.trip_until(at(30));
        breaker.trip_until(at(5));
        assert_eq!(breaker.availability(), Availability::Until(at(30)));
    }

    #[test]
    fn a_success_between_starts_the_row_again() {
        let mut breaker = breaker();
        for _ in 0..4 {
            answer(&mut breaker, at(0));
            assert_eq!(breaker.failed(at(0), false, at(0)), None);
        }
    }

    #[test]
    fn answers_begun_before_an_outage_that_end_well_in_it_do_not_start_the_row_again() {
        let mut breaker = breaker();
        for _ in 0..2 {
            assert_eq!(breaker.failed(at(10), false, at(10)), None);
            breaker.answered(at(1));
            breaker.succeeded(at(10), false);
        }
        let opened = breaker.failed(at(10), false, at(10));
        assert_eq!(opened, Some((CooldownCause::ConsecutiveFailures, at(15))));
    }

    #[test]
    fn half_of_enough_attempts_opens_it_without_a_row() {
        let mut breaker = breaker();
        let mut opened = None;
        for _ in 0..5 {
            answer(&mut breaker, at(1));
            opened = breaker.failed(at(1), false, at(1));
        }
        assert_eq!(opened, Some((CooldownCause::FailureShare, at(6))));
    }

    #[test]
    fn each_failed_probe_doubles_the_open_interval_up_to_the_cap() {
        let mut breaker = breaker();
        fail(&mut breaker, 0..3, at(0));
        let mut intervals = std::vec::Vec::new();
        for _ in 0..3 {
            breaker.time_passed(at(1_000));
            breaker.attempt_started(true);
            let (cause, until) = breaker.failed(at(100), true, at(100)).unwrap();
            assert_eq!(cause, CooldownCause::ProbeFailed);
            intervals.push(until.since(at(100)).as_secs());
        }
        assert_eq!(intervals, [10, 15, 15]);
    }

    #[test]
    fn an_answered_probe_closes_it_and_once_it_stayed_closed_the_interval_starts_over() {
        let mut breaker = breaker();
        fail(&mut breaker, 0..3, at(0));
        breaker.time_passed(at(1_000));
        breaker.attempt_started(true);
        assert_eq!(breaker.availability(), Availability::Probing);
        assert!(breaker.succeeded(at(5), true));
        assert_eq!(breaker.availability(), Availability::Available);
        fail(&mut breaker, 0..2, at(15));
        assert_eq!(breaker.failed(at(15), false, at(15)).unwrap().1, at(20), "the base again");
    }

    /// Fails until it opens. Returns the number of failures that it took, and the interval in seconds.
    fn fail_until_open(breaker: &mut CircuitBreaker, now: Timestamp) -> (u32, u64) {
        let opened = (1..).find_map(|count| Some((count, breaker.failed(now, false, now)?.1)));
        let (failures, until) = opened.unwrap();
        (failures, until.since(now).as_secs())
    }

    #[test]
    fn half_of_the_evidence_opens_it_again_until_it_was_closed_for_its_window() {
        let mut breaker = breaker();
        assert_eq!(fail_until_open(&mut breaker, at(0)).0, 3);
        for (closed, opens, failures) in [(10, 19, 2), (30, 41, 3)] {
            breaker.time_passed(at(closed));
            while !breaker.succeeded(at(closed), true) {}
            assert_eq!(fail_until_open(&mut breaker, at(opens)).0, failures);
        }
    }

    #[test]
    fn half_of_the_attempts_make_a_share_while_it_is_on_trial() {
        let mut breaker = breaker();
        fail(&mut breaker, 0..3, at(0));
        breaker.time_passed(at(10));
        assert!(breaker.succeeded(at(10), true));
        assert_eq!(breaker.failed(at(11), false, at(11)), None);
        answer(&mut breaker, at(11));
        assert_eq!(breaker.failed(at(11), false, at(11)), None);
        answer(&mut breaker, at(11));
        let opened = breaker.failed(at(11), false, at(11));
        assert_eq!(opened, Some((CooldownCause::FailureShare, at(21))), "three of five");
    }

    /// Opens it, and lets probes be answered until it closes again, 9 s before the next hundred seconds. Returns the
    /// open interval and the number of probes.
    fn relapse(breaker: &mut CircuitBreaker, number: u64) -> (u64, u32) {
        let (_, interval) = fail_until_open(breaker, at(number * 100));
        breaker.time_passed(at(number * 100 + 90));
        let mut probes = 0;
        while breaker.availability() == Availability::Probe {
            breaker.attempt_started(true);
            breaker.succeeded(at(number * 100 + 91), true);
            probes += 1;
        }
        assert_eq!(breaker.availability(), Availability::Available);
        (interval, probes)
    }

    #[test]
    fn after_a_relapse_within_the_window_the_interval_goes_on_doubling_and_more_probes_close_it() {
        let mut breaker = breaker();
        let relapses: std::vec::Vec<_> =
            (0..7).map(|number| relapse(&mut breaker, number)).collect();
        assert_eq!(relapses, [(5, 1), (10, 2), (15, 3), (15, 4), (15, 5), (15, 5), (15, 5)]);
        assert_eq!(relapse(&mut breaker, 9), (5, 1), "it was well for longer than the window");
    }

    #[test]
    fn a_probe_that_fails_after_others_were_answered_opens_it_again() {
        let mut breaker = breaker();
        relapse(&mut breaker, 0);
        fail_until_open(&mut breaker, at(100));
        breaker.time_passed(at(190));
        breaker.attempt_started(true);
        assert!(!breaker.succeeded(at(191), true), "one answer is not enough after a relapse");
        breaker.attempt_started(true);
        assert_eq!(breaker.failed(at(192), true, at(192)).unwrap().0, CooldownCause::ProbeFailed);
        breaker.time_passed(at(300));
        for is_closed in [false, true] {
            breaker.attempt_started(true);
            assert_eq!(breaker.succeeded(at(301), true), is_closed);
        }
    }

    #[test]
    fn what_began_before_it_opened_does_not_end_or_prolong_the_interval() {
        let mut breaker = breaker();
        fail(&mut breaker, 0..3, at(0));
        assert!(!breaker.succeeded(at(1), false));
        assert_eq!(breaker.failed(at(2), false, at(2)), None);
        assert_eq!(breaker.availability(), Availability::Until(at(5)));
    }
}
