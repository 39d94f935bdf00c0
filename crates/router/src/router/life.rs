//! One request's life: begun, tried, tried again, moved on, ended.

use super::Router;
use super::pick::{Among, Picked, WhyNone};
use crate::request::{Request, Running, State, Tried};
use crate::{
    Arrival, AttemptId, CancelReason, DeploymentId, GroupId, Note, Outcome, Output, RetryWait,
    StartAttempt, Usage,
};
use squall_determinism::{Purpose, Timestamp};
use squall_failure::{Failure, FailureClass, Retryable, Sent, Source};

/// How many requests may wait in one group; one more is refused.
const QUEUE_MAX: usize = 10_000;

const JITTER: Purpose = Purpose::named("router.backoff");

impl Router {
    /// Makes a place for the request and tells the shell its name.
    pub(super) fn admit(&mut self, arrival: &Arrival) -> u32 {
        let patience = self.groups[arrival.group.index()].config.deadline;
        let patience = arrival.deadline.map_or(patience, |deadline| deadline.min(patience));
        let key = self.requests.insert(Request {
            tag: arrival.tag,
            serial: self.arrivals,
            origin: arrival.group,
            group: arrival.group,
            fallbacks: 0,
            stream: arrival.stream,
            tokens: u64::from(arrival.input_tokens) + u64::from(arrival.output_tokens),
            deadline: self.now + patience,
            attempts: 0,
            retries: 0,
            tried: Tried::default(),
            state: State::Deciding,
            last_failure: None,
        });
        self.outputs.push_back(Output::Accepted { tag: arrival.tag, request: key });
        key.slot
    }

    /// Takes the request's next step in its group: an attempt, a wait, another group, or its end.
    pub(super) fn advance(&mut self, slot: u32) {
        let group = self.requests.at(slot).group;
        // Nobody overtakes those who wait.
        if !self.groups[group.index()].queue.is_empty()
            && !matches!(self.requests.at(slot).state, State::Queued { .. } | State::Backoff)
        {
            let why = WhyNone { earliest: None, possible: true, limited: true };
            self.wait_or_move_on(slot, why);
            return;
        }
        match self.pick(slot, Among::PreferUntried) {
            Picked::Deployment { id, probe } => self.start(slot, id, probe),
            Picked::None(why) => self.wait_or_move_on(slot, why),
        }
    }

    fn start(&mut self, slot: u32, id: DeploymentId, probe: bool) {
        let now = self.now;
        let retry = self.requests.at(slot).attempts > 0;
        if retry {
            if !self.budget_allows(slot) {
                return;
            }
            self.budget.withdraw(now);
        }
        let key = self.requests.key(slot);
        let deployment = &mut self.deployments[id.index()];
        let timeouts = deployment.timeouts;
        let request = self.requests.at(slot);
        let nth = request.attempts;
        let running = Running {
            deployment: id,
            nth,
            reservation: deployment.start(now, request.tokens, probe),
            probe,
            committed: false,
            total_due: now + timeouts.total,
        };
        request.attempts += 1;
        request.tried.add(id);
        request.state = State::Running(running);
        // An answer that is not streamed has no first token before its end.
        let patience = if request.stream { timeouts.first_token } else { timeouts.total };
        let due = request.deadline.min(now + patience.min(timeouts.total));
        let attempt = AttemptId { request: key, nth };
        let start = StartAttempt {
            tag: request.tag,
            attempt,
            deployment: id,
            connect_timeout: timeouts.connect,
            between_tokens_timeout: timeouts.between_tokens,
        };
        self.outputs.push_back(Output::StartAttempt(start));
        self.arm_request(slot, due);
        if probe {
            self.note(Note::Probe { deployment: id, attempt });
        }
    }

    /// Whether the budget has room for one more attempt; if not, the request has ended.
    fn budget_allows(&mut self, slot: u32) -> bool {
        if self.budget.allows(self.now) {
            return true;
        }
        let request = self.requests.key(slot);
        let group = self.requests.at(slot).group;
        self.note(Note::BudgetSpent { request, group });
        self.give_up(slot, None);
        false
    }

    /// No deployment can take the request now: it waits for one if that is allowed, or moves on.
    fn wait_or_move_on(&mut self, slot: u32, why: WhyNone) {
        let now = self.now;
        let request = *self.requests.at(slot);
        let group = &self.groups[request.group.index()];
        let until = (now + group.config.max_queue_wait).min(request.deadline);
        let soon_enough = why.earliest.is_none_or(|at| at <= until);
        let room = group.queue.len() < QUEUE_MAX;
        if !why.possible || !soon_enough || until <= now || !room {
            self.move_on(slot, Some(why));
            return;
        }
        let key = self.requests.key(slot);
        self.groups[request.group.index()].queue.push_back(key);
        self.requests.at(slot).state = State::Queued { until };
        self.note(Note::Queued { request: key, group: request.group, until });
        self.arm_queued(slot, until);
    }

    /// A waiting request's timer: something may be usable now, or its patience is at an end.
    pub(super) fn queue_due(&mut self, slot: u32, until: Timestamp) {
        let group = self.requests.at(slot).group;
        self.serve_queue(group);
        if !matches!(self.requests.at(slot).state, State::Queued { .. }) {
            return;
        }
        if self.now >= until {
            self.leave_queue(slot);
            let why = self.why_none(slot);
            self.move_on(slot, Some(why));
        } else {
            self.arm_queued(slot, until);
        }
    }

    /// Sets a waiting request's timer: when a deployment could be usable, or its patience ends.
    fn arm_queued(&mut self, slot: u32, until: Timestamp) {
        let earliest = self.why_none(slot).earliest.filter(|&at| at > self.now);
        self.arm_request(slot, earliest.map_or(until, |at| at.min(until)));
    }

    fn leave_queue(&mut self, slot: u32) {
        let key = self.requests.key(slot);
        let group = self.requests.at(slot).group;
        self.groups[group.index()].queue.retain(|&waiting| waiting != key);
        self.requests.at(slot).state = State::Deciding;
    }

    /// Starts those who wait in a group, first come first served, as far as deployments are usable.
    pub(super) fn serve_queue(&mut self, group: GroupId) {
        while let Some(&key) = self.groups[group.index()].queue.front() {
            match self.pick(key.slot, Among::PreferUntried) {
                Picked::Deployment { id, probe } => {
                    self.groups[group.index()].queue.pop_front();
                    self.start(key.slot, id, probe);
                }
                Picked::None(_) => {
                    if let State::Queued { until } = self.requests.at(key.slot).state {
                        self.arm_queued(key.slot, until);
                    }
                    return;
                }
            }
        }
    }

    /// The answer has begun to arrive: it is this attempt's, for better or worse.
    pub(super) fn commit(&mut self, attempt: AttemptId) {
        let slot = attempt.request.slot;
        let request = self.requests.at(slot);
        let State::Running(running) = &mut request.state else { return };
        running.committed = true;
        let (id, probe) = (running.deployment, running.probe);
        let due = running.total_due.min(request.deadline);
        let tag = request.tag;
        self.arm_request(slot, due);
        self.outputs.push_back(Output::Commit { tag, attempt });
        if probe {
            self.succeeded(id, probe);
        }
    }

    /// An attempt ended well, and its request with it.
    pub(super) fn finished(&mut self, attempt: AttemptId, usage: Option<Usage>) {
        let Some(&mut running) = self.requests.running(attempt) else {
            self.ignored += 1;
            return;
        };
        if !running.committed {
            self.commit(attempt);
        }
        let id = running.deployment;
        let deployment = &mut self.deployments[id.index()];
        deployment.end(self.now, running.reservation, usage.map(Usage::total), Sent::Something);
        if !running.probe || running.committed {
            self.succeeded(id, false);
        }
        self.done(attempt.request.slot, Outcome::Succeeded { deployment: id, usage });
        self.serve_queue(GroupId(self.deployments[id.index()].group));
    }

    fn succeeded(&mut self, id: DeploymentId, probe: bool) {
        if self.deployments[id.index()].record.breaker.succeeded(self.now, probe) {
            self.note(Note::Recovered { deployment: id });
            self.serve_queue(GroupId(self.deployments[id.index()].group));
        }
    }

    /// An attempt ended badly: what that says of its deployment, and what becomes of its request.
    pub(super) fn attempt_failed(&mut self, attempt: AttemptId, failure: Failure) {
        let Some(&mut running) = self.requests.running(attempt) else { return };
        let slot = attempt.request.slot;
        let id = running.deployment;
        self.note(Note::AttemptFailed { attempt, deployment: id, class: failure.class });
        self.requests.at(slot).state = State::Deciding;
        self.request_timers.disarm(slot);
        self.deployments[id.index()].end(self.now, running.reservation, None, failure.sent);
        self.hold_against(id, failure, running.probe);
        self.requests.at(slot).last_failure = Some(failure);
        if running.committed {
            self.done(slot, Outcome::Failed { failure, committed: true });
        } else {
            match failure.retryable {
                Retryable::Nowhere => {
                    self.done(slot, Outcome::Failed { failure, committed: false })
                }
                Retryable::OtherGroup => self.move_on(slot, None),
                Retryable::OtherDeployment | Retryable::Anywhere => self.retry(slot),
            }
        }
        self.serve_queue(GroupId(self.deployments[id.index()].group));
    }

    fn hold_against(&mut self, id: DeploymentId, failure: Failure, probe: bool) {
        let now = self.now;
        let deployment = &mut self.deployments[id.index()];
        let Some((cause, until)) = deployment.record.failed(now, failure, probe) else { return };
        deployment.cooling = true;
        let until = deployment.record.next_change(now).unwrap_or(until);
        self.arm_deployment(id.index(), until);
        self.note(Note::CooldownStarted { deployment: id, cause, until });
    }

    /// Tries again in the same group: at an untried sibling at once, else after a wait.
    fn retry(&mut self, slot: u32) {
        let request = *self.requests.at(slot);
        let max_retries = self.groups[request.group.index()].config.max_retries;
        if request.retries >= max_retries {
            self.move_on(slot, None);
            return;
        }
        if !self.budget_allows(slot) {
            return;
        }
        self.requests.at(slot).retries += 1;
        match self.pick(slot, Among::Untried) {
            Picked::Deployment { id, probe } => self.start(slot, id, probe),
            Picked::None(_) => self.back_off(slot),
        }
    }

    /// Waits until a deployment is usable again, and for the jitter of this retry on top: a Retry-After
    /// keeps its deployment cooling, so that the wait is never shorter, and those who were asked to wait
    /// until the same moment do not all come back at it.
    fn back_off(&mut self, slot: u32) {
        let now = self.now;
        let request = *self.requests.at(slot);
        let group = &self.groups[request.group.index()];
        let mut draws = self.seed.stream(JITTER, request.serial, u64::from(request.attempts));
        let jitter = group.config.backoff.jitter(request.retries, &mut draws);
        let ceiling = group.config.backoff.ceiling(request.retries);
        let patience = group.config.max_queue_wait;
        let earliest = self.why_none(slot).earliest;
        let Some(earliest) = earliest.filter(|&at| at <= now + patience) else {
            self.move_on(slot, None);
            return;
        };
        let at = earliest.max(now) + jitter;
        if at >= request.deadline {
            self.move_on(slot, None);
            return;
        }
        self.requests.at(slot).state = State::Backoff;
        let retry_after = request.last_failure.and_then(|failure| failure.retry_after);
        let wait = RetryWait {
            retry: request.retries,
            ceiling,
            jitter,
            retry_after,
            delay: at.since(now),
        };
        let key = self.requests.key(slot);
        self.note(Note::RetryScheduled { request: key, wait });
        self.arm_request(slot, at);
    }

    /// Leaves the group: to the next fallback, or to the end.
    fn move_on(&mut self, slot: u32, why: Option<WhyNone>) {
        let request = *self.requests.at(slot);
        let fallback = &self.groups[request.origin.index()].config.fallback;
        let Some(&to) = fallback.get(usize::from(request.fallbacks)) else {
            self.give_up(slot, why);
            return;
        };
        let next = self.requests.at(slot);
        next.group = to;
        next.fallbacks += 1;
        next.retries = 0;
        next.tried = Tried::default();
        next.state = State::Deciding;
        let key = self.requests.key(slot);
        self.note(Note::FellBack { request: key, from: request.group, to });
        self.advance(slot);
    }

    /// Fails the request with its last failure, or for want of a deployment.
    fn give_up(&mut self, slot: u32, why: Option<WhyNone>) {
        let request = *self.requests.at(slot);
        let retry_after = self.why_none_of(request.origin, request.tokens).earliest;
        let retry_after = retry_after.map(|at| at.since(self.now));
        let failure = request.last_failure.unwrap_or_else(|| {
            let (class, status) = match why {
                Some(WhyNone { possible: false, .. }) => (FailureClass::ContextWindow, 400),
                Some(WhyNone { limited: true, .. }) => (FailureClass::Throttled, 429),
                _ => (FailureClass::Overloaded, 503),
            };
            Failure::new(class, Source::Gateway).with_status(status)
        });
        let failure = failure.with_retry_after(retry_after.filter(|wait| !wait.is_zero()));
        self.done(slot, Outcome::Failed { failure, committed: false });
    }

    /// An attempt took too long: it is stopped, and counts as failed.
    pub(super) fn timed_out(&mut self, slot: u32, reason: CancelReason) {
        let key = self.requests.key(slot);
        let request = self.requests.at(slot);
        let State::Running(running) = request.state else { return };
        let attempt = AttemptId { request: key, nth: running.nth };
        let tag = request.tag;
        self.outputs.push_back(Output::CancelAttempt { tag, attempt, reason });
        self.note(Note::TimedOut { attempt, deployment: running.deployment, reason });
        self.attempt_failed(attempt, Failure::new(FailureClass::Timeout, Source::Provider));
    }

    /// The request's own time is up.
    pub(super) fn deadline_passed(&mut self, slot: u32) {
        let request = self.requests.at(slot);
        let committed = matches!(request.state, State::Running(running) if running.committed);
        let failure = Failure::new(FailureClass::Timeout, Source::Gateway).with_status(504);
        let outcome = Outcome::Failed { failure, committed };
        self.abandon(slot, CancelReason::Deadline, outcome);
    }

    /// Ends a request from outside: whatever runs for it is stopped and says nothing of its deployment.
    pub(super) fn abandon(&mut self, slot: u32, reason: CancelReason, outcome: Outcome) {
        let key = self.requests.key(slot);
        let request = *self.requests.at(slot);
        match request.state {
            State::Running(running) => {
                let attempt = AttemptId { request: key, nth: running.nth };
                self.outputs.push_back(Output::CancelAttempt { tag: request.tag, attempt, reason });
                let deployment = &mut self.deployments[running.deployment.index()];
                deployment.end(self.now, running.reservation, None, Sent::Something);
                deployment.record.breaker.probe_ended(running.probe);
                let group = GroupId(deployment.group);
                self.done(slot, outcome);
                self.serve_queue(group);
            }
            State::Queued { .. } => {
                self.leave_queue(slot);
                self.done(slot, outcome);
            }
            State::Backoff | State::Deciding => self.done(slot, outcome),
        }
    }

    fn done(&mut self, slot: u32, outcome: Outcome) {
        self.request_timers.disarm(slot);
        let key = self.requests.key(slot);
        if let Some(request) = self.requests.remove(slot) {
            self.outputs.push_back(Output::Done { tag: request.tag, request: key, outcome });
        }
    }
}
