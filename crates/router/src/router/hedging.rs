//! A second attempt beside a first that keeps its request waiting for longer than is usual: the first answer
//! that begins is the request's, and the other attempt is stopped.

use super::Router;
use super::pick::{CandidateScope, PickOutcome};
use super::request_lifecycle::AttemptAllowance;
use crate::fallback::FallbackPath;
use crate::request_table::{ActiveAttempt, HedgeAttempt, RequestState, TriedDeployments};
use crate::retry::max_retries;
use crate::silence_detection::Awaited;
use crate::{
    AttemptId, CancelReason, DeploymentId, FallbackChoice, GroupId, HedgeAfter, RouterEvent,
    RouterOutput,
};
use squall_determinism::Timestamp;
use squall_failure::{Failure, FailureClass, FailureSource, Sent};

/// Until enough answers are known, a second attempt is due after this part of the time-out to the first token.
const COLD_PART: u32 = 3;

/// Where a second attempt could be made.
struct HedgeTarget {
    id: DeploymentId,
    group: GroupId,
    path: Option<FallbackPath>,
}

impl Router {
    /// When a second attempt is due beside the one that begins now; `MAX` if none is.
    pub(super) fn hedge_at(&mut self, slot: u32, allowed: &AttemptAllowance) -> Timestamp {
        let request = self.requests.at(slot);
        let (stream, fallbacks) = (request.stream, request.overrides.fallbacks);
        let group = &self.groups[request.group.index()];
        let config = &group.config;
        let Some(hedge) = config.hedge else { return Timestamp::MAX };
        let nowhere = match fallbacks {
            FallbackChoice::Configured => config.fallbacks.general.is_empty(),
            FallbackChoice::None => true,
            FallbackChoice::These(_) => false,
        };
        let alone = group.candidates.len() < 2 && nowhere;
        // A probe as well: a deployment that is still silent must cost its request no more than any other, and is
        // found out as soon.
        if request.hedged || alone || config.retry_rule.forgets() {
            return Timestamp::MAX;
        }
        let usual = &group.response_times[Awaited::of(stream) as usize];
        let delay = match (hedge.after, usual.hedge(hedge.min_samples)) {
            (HedgeAfter::Time(after), _) => after,
            (HedgeAfter::Quantile(_), Some(usual)) => usual.max(hedge.floor),
            (HedgeAfter::Quantile(_), None) if stream => {
                hedge.cold.unwrap_or(allowed.unshared / COLD_PART)
            }
            // Answers in one piece take minutes, or seconds: nobody knows yet.
            (HedgeAfter::Quantile(_), None) => return Timestamp::MAX,
        };
        if allowed.patience < allowed.unshared {
            // What is tried next has its turn beside this attempt rather than after it.
            return self.now + delay.min(allowed.patience);
        }
        if delay < allowed.patience { self.now + delay } else { Timestamp::MAX }
    }

    /// The timer of a request that is tried: a second attempt is due, or one of its attempts has taken too long.
    pub(super) fn running_due(&mut self, slot: u32) {
        let now = self.now;
        let request = self.requests.at(slot);
        if now >= request.hedge_at {
            request.hedge_at = Timestamp::MAX;
            self.hedge(slot);
        }
        let RequestState::Running(running) = self.requests.at(slot).state else { return };
        let hedge = self.requests.cold(slot).hedge.map(|hedge| hedge.running);
        if now >= running.due {
            self.timed_out(slot, &running);
        } else if let Some(hedge) = hedge.filter(|hedge| now >= hedge.due) {
            self.timed_out(slot, &hedge);
        } else {
            self.arm_running(slot);
        }
    }

    /// Begins a second attempt, if the budget and somebody else have room for it.
    fn hedge(&mut self, slot: u32) {
        let now = self.now;
        if !self.retry_budget.allows_hedge(now) {
            return;
        }
        let Some(HedgeTarget { id, group, path }) = self.elsewhere(slot) else { return };
        self.retry_budget.withdraw(now);
        let timeouts = self.deployments[id.index()].timeouts;
        let allowed = AttemptAllowance::of(self.requests.at(slot), &timeouts);
        let running = self.attempt(slot, id, false, &allowed);
        let running = ActiveAttempt { charged: true, beside: true, ..running };
        let tokens = self.requests.at(slot).tokens();
        let home = self.requests.at(slot).group;
        let limiter = &mut self.groups[group.index()].limiter;
        let elsewhere = group != home && !limiter.is_open_to_all();
        let permit = elsewhere.then(|| limiter.enter(now, tokens));
        self.requests.cold(slot).hedge = Some(HedgeAttempt { running, group, path, permit });
        let request = self.requests.at(slot);
        request.hedged = true;
        if group == home {
            request.tried.add(id);
            request.retries += 1;
        }
        // What comes next has its turn now: the first may have all that its time-outs allow.
        if let RequestState::Running(first) = request.state {
            let timeouts = self.deployments[first.deployment.index()].timeouts;
            let request = self.requests.at(slot);
            let whole = AttemptAllowance::of(request, &timeouts);
            if let RequestState::Running(first) = &mut request.state {
                (first.due, first.hurried) = whole.from(first.started);
            }
        }
        self.call(slot, &running, &timeouts);
        let attempt = AttemptId { request: self.requests.key(slot), nth: running.nth };
        self.note(RouterEvent::Hedged { attempt, deployment: id });
    }

    /// Another deployment of the request's group that has said something of late, or else of the group that it
    /// would fall back to. Nobody is overtaken there, and nobody's probe is taken.
    fn elsewhere(&mut self, slot: u32) -> Option<HedgeTarget> {
        let request = self.requests.at(slot);
        let (group, retries, asked) = (request.group, request.retries, request.overrides.retries);
        let stream = request.stream;
        let left = request.deadline.since(self.now);
        let timeout = Failure::new(FailureClass::Timeout, FailureSource::Provider);
        let here = &self.groups[group.index()];
        let most = max_retries(&here.config.retries, asked, &timeout);
        if here.candidates.len() > 1
            && here.queue.is_empty()
            && retries < most
            && left >= self.least_time_in(group, stream)
            && let Some(id) = self.lively(slot)
        {
            return Some(HedgeTarget { id, group, path: None });
        }
        let (to, path) = self.next_group(slot, None)?;
        let tokens = self.requests.at(slot).tokens();
        let now = self.now;
        let there = &mut self.groups[to.index()];
        let closed = !there.limiter.is_open_to_all() && there.limiter.closed(now, tokens).is_some();
        if closed || !there.queue.is_empty() || left < self.least_time_in(to, stream) {
            return None;
        }
        let tried = TriedDeployments::default();
        let tried = core::mem::replace(&mut self.requests.at(slot).tried, tried);
        let refused_by = core::mem::take(&mut self.requests.cold(slot).refused_by);
        self.requests.at(slot).group = to;
        let id = self.lively(slot);
        let request = self.requests.at(slot);
        (request.group, request.tried) = (group, tried);
        self.requests.cold(slot).refused_by = refused_by;
        Some(HedgeTarget { id: id?, group: to, path: Some(path) })
    }

    fn lively(&mut self, slot: u32) -> Option<DeploymentId> {
        match self.pick(slot, CandidateScope::Untried) {
            PickOutcome::Deployment { id, probe: false } if !self.is_last(id) => Some(id),
            PickOutcome::Deployment { .. } | PickOutcome::None(_) => None,
        }
    }

    /// Whether it is only picked for want of another: it is silent, or has had its share for now since it returned.
    fn is_last(&self, id: DeploymentId) -> bool {
        self.is_silent(id) || self.deployments[id.index()].is_held_back(self.now)
    }

    /// The answer of this attempt begins: if another runs beside it, that one has lost. Whether it is an
    /// attempt that runs at all.
    pub(super) fn wins(&mut self, attempt: AttemptId) -> bool {
        let slot = attempt.request.slot;
        if self.requests.running(attempt).is_some() {
            if self.requests.at(slot).hedged {
                self.stop_hedge(slot, CancelReason::LostRace);
            }
            return true;
        }
        if self.requests.beside(attempt).is_none() {
            return false;
        }
        let request = self.requests.at(slot);
        let (tag, state) = (request.tag, request.state);
        if let RequestState::Running(first) = state {
            let attempt = AttemptId { nth: first.nth, ..attempt };
            let reason = CancelReason::LostRace;
            self.outputs.push_back(RouterOutput::CancelAttempt { tag, attempt, reason });
            self.lose(slot, attempt, &first);
            self.take_over(slot);
            self.serve_queue(self.deployments[first.deployment.index()].group);
        }
        true
    }

    /// Stops the second attempt, if there is one.
    pub(super) fn stop_hedge(&mut self, slot: u32, reason: CancelReason) {
        let Some(hedge) = self.requests.cold(slot).hedge.take() else { return };
        let attempt = AttemptId { request: self.requests.key(slot), nth: hedge.running.nth };
        let tag = self.requests.at(slot).tag;
        self.outputs.push_back(RouterOutput::CancelAttempt { tag, attempt, reason });
        if reason == CancelReason::LostRace {
            self.lose(slot, attempt, &hedge.running);
        } else {
            self.cut_short(slot, attempt, &hedge.running);
        }
        self.leave_hedge(&hedge, Sent::Something);
    }

    /// Another attempt's answer has begun first. What the prompt cost is spent. A silence longer than the group's
    /// own answers take is its deployment's failure; any other, and one before enough of them have come, is an
    /// answer that would have taken longer.
    fn lose(&mut self, slot: u32, attempt: AttemptId, running: &ActiveAttempt) {
        let id = running.deployment;
        let request = self.requests.at(slot);
        let (input, awaited) = (request.input_tokens, Awaited::of(request.stream));
        let deployment = &self.deployments[id.index()];
        let (cost, group) = (deployment.price.of(input, 0), deployment.group.index());
        let needed = deployment.record.silence().map_or(u32::MAX, |rule| rule.min_samples);
        let known = self.groups[group].response_times[awaited as usize].has_answered(needed);
        if known && self.is_overdue(slot, running) {
            self.cut_short(slot, attempt, running);
        } else {
            let waited = self.now.since(running.started);
            self.attempt_lost(slot, running, None);
            self.deployments[id.index()].record.probe_ended(running.probe);
            self.groups[group].response_times[awaited as usize].take_in_unfinished(waited);
        }
        self.spend(id, cost);
        self.renew(id);
    }

    /// The second attempt is the only one from now on, and its group is the request's.
    pub(super) fn take_over(&mut self, slot: u32) -> bool {
        let Some(hedge) = self.requests.cold(slot).hedge.take() else { return false };
        let HedgeAttempt { running, group, path, permit } = hedge;
        let from = self.requests.at(slot).group;
        if group != from {
            self.leave_for_another_group(slot);
            self.requests.at(slot).move_to(group);
            let cold = self.requests.cold(slot);
            (cold.path, cold.group) = (path, permit);
            cold.refused_by.clear();
            self.requests.at(slot).tried.add(running.deployment);
            let request = self.requests.key(slot);
            self.note(RouterEvent::FellBack { request, from, to: group });
        }
        let running = ActiveAttempt { beside: false, ..running };
        self.requests.at(slot).state = RequestState::Running(running);
        self.awaits(slot, running.deployment);
        self.renew(running.deployment);
        true
    }

    /// The second attempt has failed: the first goes on by itself.
    pub(super) fn hedge_failed(&mut self, attempt: AttemptId, failure: Failure) {
        let slot = attempt.request.slot;
        let Some(hedge) = self.requests.cold(slot).hedge.take() else { return };
        let id = hedge.running.deployment;
        if failure.is_refusal() {
            self.note(RouterEvent::NotSent { attempt, deployment: id });
            self.attempt_lost(slot, &hedge.running, Some(&failure));
            self.retry_budget.give_back(self.now);
            self.requests.at(slot).unsent += 1;
            self.renew(id);
        } else {
            self.note(RouterEvent::AttemptFailed { attempt, deployment: id, class: failure.class });
            self.attempt_lost(slot, &hedge.running, Some(&failure));
            if hedge.path.is_some() {
                self.requests.cold(slot).hedge_failed_in = Some(hedge.group);
            }
            self.blame(slot, &hedge.running, failure);
        }
        self.leave_hedge(&hedge, failure.sent);
        self.arm_running(slot);
        self.serve_queue(self.deployments[id.index()].group);
    }

    /// What a second attempt held at its group's limiter is given back.
    fn leave_hedge(&mut self, hedge: &HedgeAttempt, sent: Sent) {
        if let Some(permit) = hedge.permit {
            self.groups[hedge.group.index()].limiter.leave(self.now, permit, Some(0), sent);
            self.freed = true;
        }
        self.renew(hedge.running.deployment);
    }
}
