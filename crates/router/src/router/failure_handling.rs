//! After a failed attempt: what it says of the deployment, and what becomes of the request.

use super::Router;
use super::pick::{CandidateScope, NoCandidate, PickOutcome};
use crate::cooldown::FailureEvidence;
use crate::deployment::CannotServe;
use crate::request_table::{ActiveAttempt, RequestState};
use crate::retry::{RetryContext, RetryDecision, max_retries};
use crate::{
    AfterTimeout, AttemptId, CancelReason, DeploymentId, FailureSample, FallbackChoice, Outcome,
    RetryRule, RetryWait, RouterEvent, RouterOutput, UnavailablePolicy,
};
use core::time::Duration;
use squall_determinism::StreamPurpose;
use squall_failure::{Evidence, Failure, FailureClass, FailureSource, Retryable, Sent};

const JITTER: StreamPurpose = StreamPurpose::named("router.backoff");

impl Router {
    /// An attempt took too long: it is stopped, and counts as failed.
    pub(super) fn timed_out(&mut self, slot: u32, running: &ActiveAttempt) {
        let attempt = AttemptId { request: self.requests.key(slot), nth: running.nth };
        let tag = self.requests.at(slot).tag;
        let reason = if running.begun || self.now >= running.total_due {
            CancelReason::TotalTimeout
        } else {
            CancelReason::FirstTokenTimeout
        };
        self.outputs.push_back(RouterOutput::CancelAttempt { tag, attempt, reason });
        self.note(RouterEvent::TimedOut { attempt, deployment: running.deployment, reason });
        let failure = Failure::new(FailureClass::Timeout, FailureSource::Provider);
        // How long a client allows, and how slowly it reads, says nothing of a deployment.
        let hurried = running.hurried && !self.is_overdue(slot, running);
        let failure = match (hurried, running.unread) {
            (false, false) => failure,
            (_, true) => {
                Failure { source: FailureSource::Client, evidence: Evidence::None, ..failure }
            }
            (true, false) => Failure { evidence: Evidence::None, ..failure },
        };
        self.failed(attempt, failure);
    }

    /// An attempt ended badly: what that says of its deployment, and what becomes of its request.
    pub(super) fn attempt_failed(&mut self, attempt: AttemptId, failure: Failure) {
        let Some(&mut running) = self.requests.running(attempt) else { return };
        let slot = attempt.request.slot;
        let failure = self.weighed_for_a_continuation(slot, failure);
        let id = running.deployment;
        let group = self.requests.at(slot).group;
        let of = &self.groups[group.index()].config;
        if let RetryRule::Litellm(config) = of.retry_rule
            && config.cut_is_success.unwrap_or_else(|| of.litellm.rules().cut_is_success)
            && failure.class == FailureClass::Cut
            && running.begun
        {
            // Its transport takes the end of the connection for the end of the answer.
            self.finished(attempt, None);
            return;
        }
        if failure.is_refusal() {
            self.not_sent(attempt, &running, failure);
            return;
        }
        self.note(RouterEvent::AttemptFailed { attempt, deployment: id, class: failure.class });
        self.request_timers.disarm(slot);
        self.attempt_lost(slot, &running, Some(&failure));
        let request = self.requests.at(slot);
        request.state = RequestState::Deciding;
        request.last_failure = Some(failure);
        request.first_failure.get_or_insert(failure);
        self.remember_original(slot, failure);
        self.blame(slot, &running, failure);
        if let Some(output_tokens) = running.brought {
            self.go_on_elsewhere(slot, &running, failure, output_tokens);
        } else if running.committed {
            self.done(slot, Outcome::Failed { failure, committed: true });
        } else if !self.goes_on_beside(slot, &failure) {
            self.after_failure(slot, id, failure);
        }
        self.serve_queue(self.deployments[id.index()].group);
    }

    /// Whether the request's second attempt goes on, now that its first has failed. What no other attempt could
    /// mend ends both.
    fn goes_on_beside(&mut self, slot: u32, failure: &Failure) -> bool {
        if !self.requests.at(slot).hedged {
            return false;
        }
        if failure.retryable == Retryable::Nowhere || failure.class == FailureClass::ContentPolicy {
            self.stop_hedge(slot, CancelReason::LostRace);
            return false;
        }
        let goes_on = self.take_over(slot);
        if goes_on {
            self.arm_running(slot);
        }
        goes_on
    }

    /// What a failed attempt says of its deployment.
    pub(super) fn blame(&mut self, slot: u32, running: &ActiveAttempt, failure: Failure) {
        let id = running.deployment;
        let request = self.requests.at(slot);
        let first_of_request = !core::mem::replace(&mut request.counted, true);
        let repeated = request.tried.is_repeated(id);
        let group = self.deployments[id.index()].group;
        let of = &self.groups[group.index()];
        let evidence = FailureEvidence {
            failure,
            started: running.started,
            probe: running.probe,
            begun: running.begun,
            first_of_request,
            repeated,
            siblings: of.candidates.len(),
            group_falls_back: !of.config.fallbacks.general.is_empty(),
        };
        self.hold_against(id, &evidence);
        self.explain_evidence(slot, id, &evidence);
        self.renew(id);
    }

    /// The driver refused to make the call, since the request cannot be expressed there: nothing was sent,
    /// and nothing is charged. Another deployment is asked at once, and this one not again.
    fn not_sent(&mut self, attempt: AttemptId, running: &ActiveAttempt, refusal: Failure) {
        let slot = attempt.request.slot;
        let id = running.deployment;
        self.note(RouterEvent::NotSent { attempt, deployment: id });
        self.request_timers.disarm(slot);
        self.attempt_lost(slot, running, Some(&refusal));
        if running.charged {
            self.retry_budget.give_back(self.now);
        }
        self.deployments[id.index()].record.probe_ended(running.probe);
        self.renew(id);
        let request = self.requests.at(slot);
        request.state = RequestState::Deciding;
        request.unsent += 1;
        request.refusal.get_or_insert(refusal);
        let is_retry = request.retries > 0;
        if self.goes_on_beside(slot, &refusal) {
            self.serve_queue(self.deployments[id.index()].group);
            return;
        }
        match refusal.retryable {
            Retryable::Nowhere => self.fail(slot, refusal),
            Retryable::OtherGroup => self.move_on(slot, None),
            Retryable::OtherDeployment | Retryable::Anywhere => {
                self.requests.cold(slot).refused_by.push(id);
                if is_retry { self.retry_elsewhere(slot) } else { self.advance(slot) }
            }
        }
        self.serve_queue(self.deployments[id.index()].group);
    }

    /// Gives back what an attempt held that did not end well; `failure` if that was the deployment's.
    pub(super) fn attempt_lost(
        &mut self,
        slot: u32,
        running: &ActiveAttempt,
        failure: Option<&Failure>,
    ) {
        let now = self.now;
        let minute = self.minute();
        let request = self.requests.at(slot);
        let (estimate, stream) = (request.tokens(), request.stream);
        let used =
            running.brought.map(|output| u64::from(request.input_tokens) + u64::from(output));
        if !running.begun && !running.beside {
            self.awaits_no_more(slot, running.deployment);
        }
        let sent = failure.map_or(Sent::Something, |failure| failure.sent);
        let deployment = &mut self.deployments[running.deployment.index()];
        let silent = failure.is_some_and(|failure| failure.class == FailureClass::Timeout);
        if silent && stream && !running.begun && !running.hurried {
            deployment.limiter.first_token(now, now.since(running.started));
        }
        deployment.limiter.leave(now, running.permit, used, sent);
        if let Some(failure) = failure.filter(|failure| failure.class == FailureClass::Throttled) {
            let told = failure.retry_after.is_some();
            deployment.limiter.throttled(now, &running.permit, told);
        }
        let Some(place) = deployment.place else { return };
        let class = failure.map(|failure| failure.class);
        let evidence = failure.map(|failure| failure.evidence);
        let sample = FailureSample {
            now,
            minute,
            started: running.started,
            estimate,
            is_evidence: evidence == Some(Evidence::Failed),
            timed_out: matches!(class, Some(FailureClass::Timeout | FailureClass::Stalled)),
            sent_nothing: sent == Sent::Nothing,
        };
        self.groups[deployment.group.index()].balancer.failed(place, &sample);
    }

    pub(super) fn hold_against(&mut self, id: DeploymentId, evidence: &FailureEvidence) {
        let now = self.now;
        let deployment = &mut self.deployments[id.index()];
        let Some((cause, until)) = deployment.record.failed(now, evidence) else { return };
        deployment.cooling = true;
        let until = deployment.record.next_change(now).unwrap_or(until);
        self.arm_deployment(id, until);
        self.note(RouterEvent::CooldownStarted { deployment: id, cause, until });
        self.tell_cooldown(id, cause, until);
    }

    pub(super) fn after_failure(&mut self, slot: u32, id: DeploymentId, failure: Failure) {
        let request = self.requests.at(slot);
        let (group, retries) = (request.group, request.retries);
        let first_failure = request.first_failure.unwrap_or(failure);
        let asked = request.overrides.retries;
        let falls_back = request.overrides.fallbacks != FallbackChoice::None;
        let (serial, attempts) = (request.serial, request.attempts);
        let config = &self.groups[group.index()].config;
        let (rule, rules) = (config.retry_rule, config.litellm.rules());
        // LiteLLM asks the first how many there may be, whatever comes later.
        let decisive = if rule.reports_origin() { first_failure } else { failure };
        let (deployments, healthy) = self.head_count(group);
        let silent = matches!(failure.class, FailureClass::Timeout | FailureClass::Stalled);
        let elsewhere = silent
            && self.groups[group.index()].config.after_timeout == AfterTimeout::Elsewhere
            && self.next_group(slot, Some(failure.class)).is_some();
        let config = &self.groups[group.index()].config;
        let facts = RetryContext {
            failure,
            first_failure,
            retries,
            max_retries: max_retries(&config.retries, asked, &decisive),
            named: asked.is_none() && config.retries.is_for(failure.class),
            deployments,
            healthy,
            for_context_window: falls_back && config.fallbacks.context_window.is_some(),
            for_content_policy: falls_back && config.fallbacks.content_policy.is_some(),
            elsewhere,
        };
        let seed = self.seed;
        if rule.remembers_refusal(rules, &failure) {
            self.requests.cold(slot).refused_by.push(id);
        }
        let decision = rule.next(&facts, rules, || seed.stream(JITTER, serial, attempts.into()));
        self.explain_after_failure(slot, &facts, decision);
        match decision {
            RetryDecision::Fail => self.fail(slot, failure),
            RetryDecision::MoveOn => self.move_on(slot, None),
            RetryDecision::Untried => self.retry_untried(slot),
            RetryDecision::UntriedOrMoveOn => self.retry_untried_or_move_on(slot),
            RetryDecision::Again(wait) => {
                self.requests.at(slot).retries += 1;
                self.wait_before(slot, wait, false);
            }
            RetryDecision::MoveOnAfter(wait) => self.wait_before(slot, wait, true),
        }
    }

    /// Keeps what a request by LiteLLM's rule ends with: the first failure of all, or the last in the group that it
    /// asked for.
    pub(super) fn remember_original(&mut self, slot: u32, failure: Failure) {
        let request = self.requests.at(slot);
        let of = &self.groups[request.origin.index()].config;
        let first = of.retry_rule.goes_by_the_first(of.litellm.rules());
        if request.original_failure.is_none() || (!first && request.group == request.origin) {
            request.original_failure = Some(failure);
        }
    }

    fn fail(&mut self, slot: u32, failure: Failure) {
        // Whoever has the beginning of an answer is told what broke it, not why nobody went on with it.
        let begun = self.requests.cold(slot).begun_answer;
        let (failure, committed) = begun.map_or((failure, false), |begun| (begun.failure, true));
        self.done(slot, Outcome::Failed { failure, committed });
    }

    /// Waits, then is tried again or leaves its group.
    fn wait_before(&mut self, slot: u32, wait: Duration, leaves: bool) {
        let at = self.now + wait;
        let request = self.requests.at(slot);
        if wait.is_zero() {
            if leaves {
                self.move_on(slot, None)
            } else {
                self.advance(slot)
            }
            return;
        }
        request.state = RequestState::Backoff { leaves };
        let due = at.min(request.deadline);
        let retry_after = request.last_failure.and_then(|failure| failure.retry_after);
        let retry = request.retries;
        let wait = RetryWait { retry, ceiling: wait, jitter: wait, retry_after, delay: wait };
        let key = self.requests.key(slot);
        if !leaves {
            self.note(RouterEvent::RetryScheduled { request: key, wait });
        }
        self.arm_request(slot, due);
    }

    /// Tries again in the same group: at an untried sibling at once, else after a wait.
    fn retry_untried(&mut self, slot: u32) {
        // Where everyone has refused it there is nothing to be tried, and no budget to ask.
        let refused = !self.requests.cold(slot).refused_by.is_empty();
        if refused && !self.why_none(slot).possible {
            self.move_on(slot, None);
            return;
        }
        if !self.retry_budget_allows(slot) {
            return;
        }
        self.requests.at(slot).retries += 1;
        self.retry_elsewhere(slot);
    }

    fn retry_elsewhere(&mut self, slot: u32) {
        match self.pick(slot, CandidateScope::Untried) {
            PickOutcome::Deployment { id, probe } => self.start(slot, id, probe),
            PickOutcome::None(_) => self.back_off(slot),
        }
    }

    /// Tries again at a sibling that has not been silent, or leaves the group.
    fn retry_untried_or_move_on(&mut self, slot: u32) {
        match self.pick(slot, CandidateScope::Untried) {
            PickOutcome::Deployment { id, probe } if !self.is_silent(id) => {
                if self.retry_budget_allows(slot) {
                    self.requests.at(slot).retries += 1;
                    self.start(slot, id, probe);
                }
            }
            PickOutcome::Deployment { .. } | PickOutcome::None(_) => self.move_on(slot, None),
        }
    }

    /// Waits until a deployment is usable again, and for the jitter of this retry on top: a Retry-After
    /// keeps its deployment cooling, so that the wait is never shorter, and those who were asked to wait
    /// until the same moment do not all come back at it.
    fn back_off(&mut self, slot: u32) {
        let now = self.now;
        let request = *self.requests.at(slot);
        let group = &self.groups[request.group.index()];
        let RetryRule::Untried(backoff) = group.config.retry_rule else { return };
        let mut draws = self.seed.stream(JITTER, request.serial, u64::from(request.attempts));
        let jitter = backoff.jitter(request.retries, &mut draws);
        let ceiling = backoff.ceiling(request.retries);
        let (patience, short) = (group.config.max_queue_wait, group.config.short_retry_after);
        let why = self.why_none(slot);
        let patience =
            if self.waits_for_retry_after(slot) { patience.max(short) } else { patience };
        let Some(earliest) = why.earliest.filter(|&at| at <= now + patience) else {
            self.none_for_a_retry(slot, why);
            return;
        };
        let at = earliest.max(now) + jitter;
        if at + self.least_time(slot) >= request.deadline {
            self.move_on(slot, None);
            return;
        }
        self.requests.at(slot).state = RequestState::Backoff { leaves: false };
        let retry_after = request.last_failure.and_then(|failure| failure.retry_after);
        let wait = RetryWait {
            retry: request.retries,
            ceiling,
            jitter,
            retry_after,
            delay: at.since(now),
        };
        let key = self.requests.key(slot);
        self.note(RouterEvent::RetryScheduled { request: key, wait });
        self.arm_request(slot, at);
    }

    /// Whether the request waits out a short Retry-After rather than fall back to another model: once, for the
    /// provider that asked for it.
    fn waits_for_retry_after(&mut self, slot: u32) -> bool {
        let request = self.requests.at(slot);
        request.retries <= 1
            && request.last_failure.is_some_and(|failure| {
                failure.evidence == Evidence::Throttled && failure.retry_after.is_some()
            })
    }

    /// A retry finds nobody in time: it leaves, unless its group is to be used though all cool down.
    fn none_for_a_retry(&mut self, slot: u32, why: NoCandidate) {
        let group = self.requests.at(slot).group;
        if why.out && self.groups[group.index()].config.when_unavailable == UnavailablePolicy::Panic
        {
            self.group_unavailable(slot, why);
        } else {
            self.explain_none_in_time(slot, &why);
            self.move_on(slot, None);
        }
    }

    /// Leaves the group: to the next fallback, or to the end.
    pub(super) fn move_on(&mut self, slot: u32, why: Option<NoCandidate>) {
        let group = self.requests.at(slot).group;
        let config = &self.groups[group.index()].config;
        let first_counts = config.retry_rule.goes_by_the_first(config.litellm.rules());
        let request = self.requests.at(slot);
        let from = request.group;
        let class = match why {
            Some(NoCandidate { possible: false, unfit: Some(CannotServe::Window), .. }) => {
                Some(FailureClass::ContextWindow)
            }
            _ => {
                let of_attempts =
                    if first_counts { request.first_failure } else { request.last_failure };
                of_attempts.or(request.refusal).map(|failure| failure.class)
            }
        };
        if self.goes_on_in_group(slot, class) {
            return;
        }
        let next = self.next_group(slot, class);
        self.explain_leaving(slot, next.map(|(to, _)| to), why);
        let Some((to, path)) = next else {
            self.give_up(slot, why);
            return;
        };
        self.requests.cold(slot).path = Some(path);
        self.leave_for_another_group(slot);
        self.requests.at(slot).move_to(to);
        self.requests.cold(slot).refused_by.clear();
        self.requests.cold(slot).hops.clear();
        let key = self.requests.key(slot);
        self.note(RouterEvent::FellBack { request: key, from, to });
        // What has failed there beside the attempt before was the first of those that the group allows.
        if self.requests.cold(slot).hedge_failed_in.take_if(|failed| *failed == to).is_some() {
            let request = self.requests.at(slot);
            request.retries = 1;
            let (asked, failure) = (request.overrides.retries, request.last_failure);
            let config = &self.groups[to.index()].config;
            if failure.is_some_and(|failure| max_retries(&config.retries, asked, &failure) == 0) {
                self.move_on(slot, None);
                return;
            }
        }
        self.advance(slot);
    }

    /// Fails the request with its last failure, or for want of a deployment.
    pub(super) fn give_up(&mut self, slot: u32, why: Option<NoCandidate>) {
        let request = self.requests.at(slot);
        let (origin, needs, refusal) = (request.origin, request.needs(), request.refusal);
        let told = if self.groups[origin.index()].config.retry_rule.reports_origin() {
            request.original_failure
        } else {
            request.last_failure
        };
        let told = told.or(refusal);
        let stated = match self.groups[origin.index()].config.when_unavailable {
            UnavailablePolicy::FailStating(wait) => {
                Some(wait).filter(|_| why.is_some_and(|why| why.out))
            }
            UnavailablePolicy::Wait | UnavailablePolicy::Fail | UnavailablePolicy::Panic => None,
        };
        let failure = told.unwrap_or_else(|| match stated {
            // Whatever they cool down for: LiteLLM's `RouterRateLimitError`.
            Some(_) => {
                Failure::new(FailureClass::Throttled, FailureSource::Gateway).with_status(429)
            }
            None => want(why),
        });
        let refused = told.is_none() && failure.status != 400;
        let retry_after = if refused {
            Some(self.retry_hint(slot, why))
        } else {
            self.why_none_of(origin, &needs, &[]).earliest.map(|at| at.since(self.now))
        };
        let retry_after = stated.or(retry_after);
        let failure = failure.with_retry_after(retry_after.filter(|wait| !wait.is_zero()));
        self.fail(slot, failure);
    }
}

/// The failure of a request that no deployment took.
fn want(why: Option<NoCandidate>) -> Failure {
    let (class, status) = match why {
        Some(NoCandidate { possible: false, unfit: Some(CannotServe::Capabilities), .. }) => {
            (FailureClass::BadRequest, 400)
        }
        Some(NoCandidate { possible: false, unfit: Some(_), .. }) => {
            (FailureClass::ContextWindow, 400)
        }
        Some(NoCandidate { possible: true, spent: true, .. }) => (FailureClass::QuotaSpent, 429),
        Some(NoCandidate { possible: true, limited: true, .. }) => (FailureClass::Throttled, 429),
        Some(NoCandidate { possible: true, reason: Some(reason), .. }) => skipped(reason.class),
        _ => (FailureClass::Overloaded, 503),
    };
    Failure::new(class, FailureSource::Gateway).with_status(status)
}

/// What a request is told whose deployments are skipped, where the first to return is skipped for `class`:
/// what only a person mends is told as it was told to whoever met it; whatever else failed passes, and is
/// no fault of this request.
const fn skipped(class: FailureClass) -> (FailureClass, u16) {
    match class.evidence() {
        Evidence::Misconfigured | Evidence::Throttled => (class, class.status()),
        Evidence::Failed | Evidence::Suspected | Evidence::None => (FailureClass::Overloaded, 503),
    }
}
