//! One request's life: begun, tried, answered, ended.

use super::Router;
use super::pick::{CandidateScope, HealthUse, PickOutcome};
use crate::request_table::{ActiveAttempt, RequestEntry, RequestState};
use crate::{
    AttemptId, AttemptKind, AttemptTimeouts, CancelReason, DeploymentId, Features, MidStream,
    Money, Outcome, PickContext, PickRng, RequestArrival, RouterEvent, RouterOutput, StartAttempt,
    SuccessSample, TokenUsage, UpstreamLimits,
};
use core::time::Duration;
use squall_defects::{Defect, planted};
use squall_determinism::Timestamp;
use squall_failure::{Failure, FailureClass, FailureSource, Retryable, Sent};

impl Router {
    /// Makes a place for the request and tells the driver its name.
    pub(super) fn admit(&mut self, arrival: &RequestArrival) -> u32 {
        let patience = self.groups[arrival.group.index()].config.deadline;
        let patience = arrival.deadline.map_or(patience, |deadline| deadline.min(patience));
        let times = if planted(Defect::DeadlineDoubled) { 2 } else { 1 };
        let deadline = self.now + patience * times;
        let key = self.requests.insert(RequestEntry::new(arrival, self.arrivals, deadline));
        self.outputs.push_back(RouterOutput::Accepted { tag: arrival.tag, request: key });
        self.explain_arrival(key);
        key.slot
    }

    /// Ends a request for a group that was never there.
    pub(super) fn refuse(&mut self, arrival: &RequestArrival) {
        let request = self.requests.insert(RequestEntry::new(arrival, self.arrivals, self.now));
        self.requests.remove(request.slot);
        let tag = arrival.tag;
        self.outputs.push_back(RouterOutput::Accepted { tag, request });
        let failure = Failure::new(FailureClass::NotFound, FailureSource::Gateway).with_status(404);
        let outcome = Outcome::Failed { failure, committed: false };
        self.outputs.push_back(RouterOutput::Done { tag, request, outcome });
    }

    /// Takes the request's next step in its group: an attempt, a wait, another group, or its end.
    pub(super) fn advance(&mut self, slot: u32) {
        if self.must_wait_its_turn(slot) {
            self.wait_its_turn(slot);
            return;
        }
        if let Some(held) = self.over_limit(slot) {
            let request = self.requests.key(slot);
            self.note(RouterEvent::RateLimited { request, tenant: held.tenant, limit: held.limit });
            self.wait_or_move_on(slot, held.why);
            return;
        }
        let group = self.requests.at(slot).group;
        if self.health_use(group) == HealthUse::Ignored {
            let request = self.requests.key(slot);
            self.note(RouterEvent::GroupUnavailable { request, group });
        }
        if self.yields_to_fallback(slot) {
            self.move_on(slot, None);
            return;
        }
        let scope = self.candidates(slot);
        match self.pick(slot, scope) {
            PickOutcome::Deployment { id, probe } => self.start(slot, id, probe),
            PickOutcome::None(why) => self.group_unavailable(slot, why),
        }
    }

    /// Where a request may be tried: where it has not been, or anywhere, as its group's rule has it.
    pub(super) fn candidates(&mut self, slot: u32) -> CandidateScope {
        let group = self.requests.at(slot).group;
        let forgets = self.groups[group.index()].config.retry_rule.forgets();
        if forgets { CandidateScope::All } else { CandidateScope::PreferUntried }
    }

    /// Starts an attempt.
    pub(super) fn start(&mut self, slot: u32, id: DeploymentId, probe: bool) {
        let now = self.now;
        if self.is_too_late(slot) || self.is_refused_when_full(slot, id) {
            return;
        }
        self.remember_asked(slot, id);
        let request = self.requests.at(slot);
        let charged = request.calls() > 0 && !is_unserved(request);
        if charged {
            if !self.retry_budget_allows(slot) {
                return;
            }
            self.retry_budget.withdraw(now);
        }
        self.enter_gates(slot);
        let timeouts = self.deployments[id.index()].timeouts;
        let allowed = self.allowed(slot, id, &timeouts);
        self.requests.at(slot).hedge_at = self.hedge_at(slot, &allowed);
        let running = self.attempt(slot, id, probe, &allowed);
        let running = ActiveAttempt { charged, ..running };
        self.requests.at(slot).tried.add(id);
        self.requests.at(slot).state = RequestState::Running(running);
        self.awaits(slot, id);
        self.call(slot, &running, &timeouts);
        self.arm_running(slot);
        if probe {
            let attempt = AttemptId { request: self.requests.key(slot), nth: running.nth };
            self.note(RouterEvent::Probe { deployment: id, attempt });
        }
    }

    /// An attempt of the request in `slot`, which enters its deployment's limiter.
    pub(super) fn attempt(
        &mut self,
        slot: u32,
        id: DeploymentId,
        probe: bool,
        allowed: &AttemptAllowance,
    ) -> ActiveAttempt {
        let now = self.now;
        let request = self.requests.at(slot);
        let nth = request.attempts;
        request.attempts = request.attempts.saturating_add(1);
        let (tokens, stream) = (request.tokens(), request.stream);
        // A text that has a form to keep cannot be put together.
        let plain = !request.needs().features.holds(Features::JSON_SCHEMA);
        self.want_more_quota();
        let deployment = &mut self.deployments[id.index()];
        let config = &self.groups[deployment.group.index()].config;
        ActiveAttempt {
            deployment: id,
            nth,
            permit: deployment.start(now, tokens, probe),
            probe,
            charged: false,
            hurried: allowed.hurried,
            unread: false,
            beside: false,
            begun: false,
            committed: false,
            holds: stream && config.mid_stream == MidStream::Hold,
            may_continue: stream && plain && config.mid_stream == MidStream::Continue,
            brought: None,
            started: now,
            first_token: None,
            due: now + allowed.patience.min(allowed.total),
            total_due: now + allowed.total,
        }
    }

    /// Tells the driver to call, and the group that it did.
    pub(super) fn call(&mut self, slot: u32, running: &ActiveAttempt, timeouts: &AttemptTimeouts) {
        let (now, seed, minute) = (self.now, self.seed, self.minute());
        let key = self.requests.key(slot);
        let id = running.deployment;
        let continues = self.continues_by(slot, id);
        let request = self.requests.at(slot);
        let retry = running.nth > request.unsent;
        let context = PickContext {
            now,
            minute,
            kind: if retry { AttemptKind::Retry } else { AttemptKind::First },
            input_tokens: request.input_tokens,
            output_tokens: request.output_tokens,
            stream: request.stream,
            session: request.session,
            rng: PickRng::new(seed, request.group.0, 0),
        };
        let start = StartAttempt {
            tag: request.tag,
            attempt: AttemptId { request: key, nth: running.nth },
            deployment: id,
            connect_timeout: timeouts.connect,
            between_tokens_timeout: timeouts.between_tokens,
            wants_limits: self.deployments[id.index()].limiter.learns(),
            may_continue: running.may_continue,
            continues,
        };
        let deployment = &mut self.deployments[id.index()];
        if let Some(place) = deployment.place {
            let group = &mut self.groups[deployment.group.index()];
            group.balancer.started(&context, place);
            group.candidates.renew(now, place, deployment);
            let group = deployment.group;
            self.grow_shares(group, id);
        }
        self.outputs.push_back(RouterOutput::StartAttempt(start));
    }

    /// Sets the timer of a request that is tried: whatever of its attempts is due first.
    pub(super) fn arm_running(&mut self, slot: u32) {
        let request = self.requests.at(slot);
        let RequestState::Running(running) = request.state else { return };
        let (hedged, due) = (request.hedged, running.due.min(request.deadline));
        let mut due = due.min(request.hedge_at);
        if hedged && let Some(hedge) = &self.requests.cold(slot).hedge {
            due = due.min(hedge.running.due);
        }
        self.arm_request(slot, due);
    }

    /// How long an attempt may take: by its time-outs, and so that what is tried after it has its turn.
    fn allowed(
        &mut self,
        slot: u32,
        id: DeploymentId,
        timeouts: &AttemptTimeouts,
    ) -> AttemptAllowance {
        let allowed = AttemptAllowance::of(self.requests.at(slot), timeouts);
        let patience = allowed.patience.min(allowed.total);
        let turn = self.turn(slot, id, patience);
        if turn < patience {
            AttemptAllowance { patience: turn, hurried: true, ..allowed }
        } else {
            allowed
        }
    }

    /// Whether the budget has room for one more attempt; if not, the request has ended.
    pub(super) fn retry_budget_allows(&mut self, slot: u32) -> bool {
        let allowed = self.retry_budget.allows(self.now);
        self.explain_retry_budget(slot, allowed);
        if allowed {
            return true;
        }
        let request = self.requests.key(slot);
        let group = self.requests.at(slot).group;
        self.note(RouterEvent::RetryBudgetExhausted { request, group });
        self.give_up(slot, None);
        false
    }

    /// An answer states the provider's limits.
    pub(super) fn learn_limits(&mut self, attempt: AttemptId, headers: &UpstreamLimits) {
        let running = match self.requests.beside(attempt) {
            Some(hedge) => Some(hedge.running),
            None => self.requests.running(attempt).copied(),
        };
        let Some(running) = running else {
            self.ignored += 1;
            return;
        };
        let id = running.deployment;
        self.deployments[id.index()].limiter.learn(self.now, &running.permit, headers);
        self.renew(id);
    }

    /// The answer of the request's only attempt has begun to arrive. It is the request's answer, unless it is
    /// held back until it is whole.
    pub(super) fn answer_begins(&mut self, attempt: AttemptId) {
        let slot = attempt.request.slot;
        let now = self.now;
        let request = self.requests.at(slot);
        let stream = request.stream;
        let RequestState::Running(running) = &mut request.state else { return };
        running.begun = true;
        running.first_token = Some(now);
        running.due = running.total_due;
        // With this the probe has said what it had to say: what becomes of it later is no answer to another.
        let (id, probe) = (running.deployment, core::mem::take(&mut running.probe));
        let (started, holds) = (running.started, running.holds);
        let limiter = &mut self.deployments[id.index()].limiter;
        let mut freed = limiter.begun(now, &mut running.permit);
        if stream {
            freed |= limiter.first_token(now, now.since(started));
        }
        request.hedge_at = Timestamp::MAX;
        self.arm_running(slot);
        self.answer_began(slot, id, started);
        if !holds {
            self.commit(attempt);
        }
        self.gates_begun(slot);
        if freed {
            self.renew(id);
            self.serve_queue(self.deployments[id.index()].group);
        }
        if probe {
            self.succeeded(id, probe);
        }
    }

    /// The answer is this attempt's, for better or worse.
    fn commit(&mut self, attempt: AttemptId) {
        let request = self.requests.at(attempt.request.slot);
        let RequestState::Running(running) = &mut request.state else { return };
        running.committed = true;
        let (tag, id) = (request.tag, running.deployment);
        self.outputs.push_back(RouterOutput::Commit { tag, attempt });
        if let Some(by) = self.continues_by(attempt.request.slot, id) {
            self.note(RouterEvent::Continued { attempt, deployment: id, by });
        }
    }

    /// An attempt ended well, and its request with it.
    pub(super) fn finished(&mut self, attempt: AttemptId, usage: Option<TokenUsage>) {
        if !self.wins(attempt) {
            self.ignored += 1;
            return;
        }
        let Some(&mut running) = self.requests.running(attempt) else { return };
        // For strategies: an answer that was not streamed begins with its end.
        let began = running.first_token;
        if !running.begun {
            self.answer_begins(attempt);
        }
        if running.holds {
            self.commit(attempt);
        }
        let slot = attempt.request.slot;
        let now = self.now;
        let minute = self.minute();
        let request = self.requests.at(slot);
        let RequestState::Running(running) = request.state else { return };
        let id = running.deployment;
        let sample = SuccessSample {
            now,
            minute,
            stream: request.stream,
            first_token: began.map(|first| first.since(running.started)),
            total: now.since(running.started),
            estimate: request.tokens(),
            usage: usage.map(|usage| (usage.input_tokens, usage.output_tokens)),
        };
        let used = usage.unwrap_or(TokenUsage {
            input_tokens: request.input_tokens,
            output_tokens: request.output_tokens,
        });
        let (session, asked) = (request.session, request.group);
        let deployment = &mut self.deployments[id.index()];
        deployment.limiter.leave(
            now,
            running.permit,
            usage.map(TokenUsage::total),
            Sent::Something,
        );
        let group = &mut self.groups[deployment.group.index()];
        if let Some(place) = deployment.place {
            group.balancer.succeeded(place, &sample);
        }
        if let (Some(session), Some(lasts)) = (session, group.config.session_affinity) {
            self.affinity.pin(now, (asked, session), (id, running.started), lasts);
        }
        let cost = deployment.price.of(used.input_tokens, used.output_tokens);
        self.spend(id, cost);
        self.renew(id);
        if !running.probe || running.committed {
            self.succeeded(id, false);
        }
        let begun = self.requests.cold(slot).begun_answer;
        let usage = usage.map(|usage| begun.map_or(usage, |begun| begun.used.plus(usage)));
        self.done(slot, Outcome::Succeeded { deployment: id, usage });
        self.serve_queue(self.deployments[id.index()].group);
    }

    pub(super) fn succeeded(&mut self, id: DeploymentId, probe: bool) {
        if self.deployments[id.index()].record.succeeded(self.now, probe) {
            self.renew(id);
            self.note(RouterEvent::Recovered { deployment: id });
            self.tell_recovery(id);
            self.begin_ramp(id);
            self.serve_queue(self.deployments[id.index()].group);
        }
    }

    /// Takes the money out of the budgets that the deployment spends from.
    pub(super) fn spend(&mut self, id: DeploymentId, cost: Money) {
        let now = self.now;
        if cost == Money::default() {
            return;
        }
        for nth in 0..self.deployments[id.index()].spends_from.len() {
            let from = self.deployments[id.index()].spends_from[nth];
            let account = &mut self.spend_accounts[from.index()];
            let exhausted = account.spend(now, cost);
            if account.is_shared() {
                self.want_more_quota();
                self.renew_spend(from);
            } else if exhausted && let Some(until) = account.spent_until(now) {
                self.spend_budget_exceeded(from, until);
            }
        }
    }

    /// What may be spent of the budgets that replicas share has changed.
    pub(super) fn renew_spend_of_all(&mut self) {
        (0..self.spend_accounts.len())
            .for_each(|place| self.renew_spend(crate::SpendBudgetId(place as u16)));
    }

    /// Asks again for what could not be spent until now.
    pub(super) fn renew_spend_that_is_over(&mut self) {
        for place in 0..self.spend_accounts.len() {
            if self.spend_accounts[place].is_block_over(self.now) {
                self.want_more_quota();
                self.renew_spend(crate::SpendBudgetId(place as u16));
            }
        }
    }

    /// What may be spent of a budget that replicas share has changed: whoever spends from it waits for more, or no longer.
    pub(super) fn renew_spend(&mut self, budget: crate::SpendBudgetId) {
        let now = self.now;
        let [before, block] = self.spend_accounts[budget.index()].renew_block(now);
        if before.is_none() && block.is_none() {
            return;
        }
        let is_new = block.is_some_and(|block| block.exhausted)
            && before.is_none_or(|before| !before.exhausted);
        for place in 0..self.deployments.len() {
            let deployment = &mut self.deployments[place];
            if deployment.place.is_none() || !deployment.spends_from.contains(&budget) {
                continue;
            }
            let accounts = &mut self.spend_accounts;
            let blocks =
                deployment.spends_from.iter().map(|from| accounts[from.index()].block(now));
            deployment.spent_until = blocks.flatten().map(|block| block.until).max().unwrap_or(now);
            let (id, until) = (DeploymentId(place as u16), deployment.spent_until);
            self.renew(id);
            if is_new {
                self.note(RouterEvent::SpendBudgetExceeded { deployment: id, until });
            }
        }
    }

    /// What was spent before this router began counts too.
    pub(super) fn restore_spend(
        &mut self,
        id: crate::SpendBudgetId,
        spent: Money,
        until: Timestamp,
    ) {
        let now = self.now;
        let Some(account) = self.spend_accounts.get_mut(id.index()) else {
            self.ignored += 1;
            return;
        };
        let exhausted = account.restore(now, spent, until);
        if account.is_shared() {
            self.renew_spend(id);
        } else if exhausted && let Some(until) = account.spent_until(now) {
            self.spend_budget_exceeded(id, until);
        }
    }

    /// Whoever spends from this budget is passed over until its period ends.
    fn spend_budget_exceeded(&mut self, budget: crate::SpendBudgetId, until: Timestamp) {
        for place in 0..self.deployments.len() {
            let deployment = &mut self.deployments[place];
            if deployment.place.is_some() && deployment.spends_from.contains(&budget) {
                deployment.spent_until = deployment.spent_until.max(until);
                let id = DeploymentId(place as u16);
                self.renew(id);
                self.note(RouterEvent::SpendBudgetExceeded { deployment: id, until });
            }
        }
    }

    /// The request's own time is up.
    pub(super) fn deadline_passed(&mut self, slot: u32) {
        let request = self.requests.at(slot);
        let committed = matches!(request.state, RequestState::Running(running) if running.committed)
            || self.requests.cold(slot).begun_answer.is_some();
        let failure = Failure::new(FailureClass::Timeout, FailureSource::Gateway).with_status(504);
        let outcome = Outcome::Failed { failure, committed };
        self.abandon(slot, CancelReason::Deadline, outcome);
    }

    /// Ends a request from outside: whatever runs for it is stopped, and says nothing of its deployment unless
    /// it was overdue.
    pub(super) fn abandon(&mut self, slot: u32, reason: CancelReason, outcome: Outcome) {
        let key = self.requests.key(slot);
        let request = self.requests.at(slot);
        let tag = request.tag;
        match request.state {
            RequestState::Running(running) => {
                self.stop_hedge(slot, reason);
                let attempt = AttemptId { request: key, nth: running.nth };
                self.outputs.push_back(RouterOutput::CancelAttempt { tag, attempt, reason });
                self.cut_short(slot, attempt, &running);
                let group = self.deployments[running.deployment.index()].group;
                self.renew(running.deployment);
                self.done(slot, outcome);
                self.serve_queue(group);
            }
            RequestState::Queued { .. } => {
                self.leave_queue(slot);
                self.done(slot, outcome);
            }
            RequestState::Backoff { .. } | RequestState::Deciding => self.done(slot, outcome),
        }
    }

    pub(super) fn done(&mut self, slot: u32, outcome: Outcome) {
        self.request_timers.disarm(slot);
        let usage = match outcome {
            Outcome::Succeeded { usage, .. } => usage,
            // Nothing is known of what a lost answer used: the estimate stands.
            Outcome::Failed { .. } | Outcome::ClientGone => None,
        };
        self.leave_gates(slot, usage);
        let key = self.requests.key(slot);
        self.explain_end(key);
        if let Some(request) = self.requests.remove(slot) {
            self.outputs.push_back(RouterOutput::Done { tag: request.tag, request: key, outcome });
        }
    }
}

/// Whether the request has only been where another model than theirs is needed: then another attempt is no
/// retry, and multiplies no outage.
fn is_unserved(request: &RequestEntry) -> bool {
    request.last_failure.is_some_and(|failure| {
        let elsewhere = failure.retryable == Retryable::OtherGroup
            || failure.class == FailureClass::RequestTooLarge;
        request.retries == 0 && elsewhere
    })
}

/// How long an attempt may take.
pub(super) struct AttemptAllowance {
    /// Until its answer begins.
    pub(super) patience: Duration,
    /// Until its end.
    total: Duration,
    /// It is less than is configured: the client asked for less, or the deadline is shared out.
    hurried: bool,
    /// Until its answer begins, if the deadline were not shared out.
    pub(super) unshared: Duration,
}

impl AttemptAllowance {
    /// When the answer of an attempt that began then must have begun, and whether that is sooner than is
    /// configured.
    pub(super) fn from(&self, started: Timestamp) -> (Timestamp, bool) {
        (started + self.patience.min(self.total), self.hurried)
    }

    pub(super) fn of(request: &RequestEntry, timeouts: &AttemptTimeouts) -> Self {
        let mut total = timeouts.total;
        let mut patience = total;
        // An answer that is not streamed has no first token before its end.
        if request.stream {
            total = timeouts.stream_total.unwrap_or(Duration::MAX);
            patience = timeouts.first_token;
        }
        let asked = request.overrides.timeout;
        let hurried = asked.is_some_and(|asked| asked < patience.min(total));
        if let Some(asked) = asked {
            total = asked;
            patience = patience.min(asked);
        }
        Self { patience, total, hurried, unshared: patience }
    }
}
