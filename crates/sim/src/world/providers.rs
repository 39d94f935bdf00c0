//! Providers: attempts that reach them, and what comes back.

use super::World;
use crate::caller_view::{self, CallerEvent};
use crate::event::{CallId, EventKind, FlightPart};
use crate::in_flight::{AttemptStage, InFlightAttempt};
use squall_determinism::Timestamp;
use squall_failure::{Failure, FailureClass, FailureSource};
use squall_provider::{
    AttemptArrival, AttemptPlan, Listener, ProviderInput, ProviderOutput, Rejection,
};
use squall_record::{AttemptOutcome, NoteRow, RecordedEvent, SeenBy};
use squall_router::{
    AttemptId, CancelReason, ContinueBy, RouterInput, StartAttempt, TokenUsage, UpstreamLimits,
};

impl World<'_> {
    /// Lets providers whose time has come change, and finds out when the next one will.
    pub(super) fn providers_due(&mut self) {
        for provider in 0..self.providers.len() {
            if self.providers[provider].next_timer().is_some_and(|due| due <= self.now) {
                self.tell_provider(provider, ProviderInput::Tick);
            }
        }
        self.find_provider_due();
    }

    pub(super) fn find_provider_due(&mut self) {
        let due = self.providers.iter().filter_map(squall_provider::Provider::next_timer).min();
        self.provider_due = due.unwrap_or(Timestamp::MAX);
    }

    /// The router wants an attempt.
    pub(super) fn start_attempt(&mut self, flight: u32, start: StartAttempt) {
        let Some(there) = self.flights.get(flight) else { return };
        let free = there.calls.iter().position(Option::is_none);
        let lane = free.expect("the router makes no third attempt beside two") as u8;
        there.calls[usize::from(lane)] = Some(InFlightAttempt {
            attempt: start.attempt,
            deployment: start.deployment,
            stage: AttemptStage::Preparing,
            started: self.now,
            between_tokens: start.between_tokens_timeout,
            wants_limits: start.wants_limits,
            may_continue: start.may_continue,
            continues: start.continues,
            committed: false,
            ordinal: 0,
            plan: None,
            first_token: None,
        });
        self.prepare_attempt(CallId { flight, lane });
    }

    /// An attempt of the router reaches its provider, or finds nobody there.
    pub(super) fn reach_provider(&mut self, call: CallId) {
        let now = self.now;
        let Some(there) = self.flights.get(call.flight) else { return };
        let (client, begun) = (there.client, there.begun_tokens);
        let Some(running) = &mut there.calls[usize::from(call.lane)] else { return };
        (running.stage, running.started) = (AttemptStage::Sent, now);
        // In the order of their starts, as providers see them: of two side by side the first may end last.
        running.ordinal = there.attempts;
        there.attempts += 1;
        let (deployment, continues) = (running.deployment, running.continues);
        let provider = self.provider_of(deployment);
        if self.providers[provider].listener() == Listener::Refusing {
            let class = FailureClass::Connect;
            self.record_attempt(call, SeenBy::Gateway, AttemptOutcome::Failed { class }, None);
            self.attempt_failed(call, Failure::new(class, FailureSource::Provider));
            return;
        }
        let names = self.names[deployment.index()];
        let arrival = AttemptArrival {
            tag: call.tag(),
            request: client.request.0,
            model: names.model,
            key: names.key,
            session: client.session,
            input_tokens: client.input_tokens.saturating_add(begun),
            output_tokens: Some(client.output_tokens),
            stream: client.stream,
            prefill: (continues == Some(ContinueBy::Prefill)).then_some(begun),
            quoted: (continues == Some(ContinueBy::Instruction)).then_some(begun),
        };
        self.tell_provider(provider, ProviderInput::Arrived(arrival));
    }

    /// The router no longer wants an attempt of the flight.
    pub(super) fn cancel_attempt(&mut self, flight: u32, attempt: AttemptId, reason: CancelReason) {
        let Some(there) = self.flights.get(flight) else { return };
        let replica = there.replica;
        let Some(lane) = there.lane_of(attempt) else { return };
        let Some(running) = there.calls[usize::from(lane)] else { return };
        let call = CallId { flight, lane };
        if running.stage != AttemptStage::Sent {
            // Its provider has not heard of it, or has done with it.
            self.end_call(call);
            return;
        }
        self.record_attempt(call, SeenBy::Provider, AttemptOutcome::Abandoned, None);
        self.end_call(call);
        if matches!(reason, CancelReason::FirstTokenTimeout | CancelReason::TotalTimeout) {
            self.work_off_failure(replica);
        }
        let provider = self.provider_of(running.deployment);
        self.tell_provider(provider, ProviderInput::Gone { tag: call.tag() });
    }

    /// An attempt gets on: its first token, its end, or a fault.
    pub(super) fn attempt_due(&mut self, part: FlightPart) {
        if !self.flights.is_current(part) {
            return;
        }
        let call = part.call;
        let Some(there) = self.flights.get(call.flight) else { return };
        let (stream, replica) = (there.client.stream, there.replica);
        let Some(running) = &mut there.calls[usize::from(call.lane)] else { return };
        let Some(plan) = running.plan else { return };
        let seen_first = running.first_token.is_some();
        match caller_view::next(&plan, stream, seen_first, running.between_tokens) {
            Some((_, CallerEvent::FirstToken)) => {
                running.first_token = Some(self.now);
                let attempt = running.attempt;
                self.expect_next(call);
                self.tell_limits(call);
                self.tell_router(replica, RouterInput::FirstToken { attempt });
            }
            Some((_, CallerEvent::Finished)) => self.attempt_finished(call, &plan),
            Some((_, CallerEvent::Failed(class))) => {
                let outcome = if class == FailureClass::Stalled {
                    AttemptOutcome::Abandoned
                } else {
                    AttemptOutcome::Failed { class }
                };
                self.attempt_ended(call, outcome, class == FailureClass::Stalled);
                self.attempt_failed(
                    call,
                    Failure::new(class, class.response_source()).with_status(200),
                );
            }
            None => {}
        }
    }

    /// The answer's head states the limits, once.
    fn tell_limits(&mut self, call: CallId) {
        let Some(there) = self.flights.get(call.flight) else { return };
        let replica = there.replica;
        let Some(running) = &mut there.calls[usize::from(call.lane)] else { return };
        if !core::mem::take(&mut running.wants_limits) {
            return;
        }
        let (attempt, deployment) = (running.attempt, running.deployment);
        let key = self.names[deployment.index()].key;
        let provider = self.provider_of(deployment);
        let limits = self.providers[provider].limits(self.now, key);
        let narrow = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        let (requests, tokens) = (limits.requests, limits.tokens);
        let headers = UpstreamLimits {
            limit_requests: requests.map(|status| narrow(status.limit)),
            remaining_requests: requests.map(|status| narrow(status.remaining)),
            limit_tokens: tokens.map(|status| narrow(status.limit)),
            remaining_tokens: tokens.map(|status| narrow(status.remaining)),
        };
        if headers != UpstreamLimits::default() {
            self.tell_router(replica, RouterInput::LimitHeaders { attempt, headers });
        }
    }

    fn attempt_finished(&mut self, call: CallId, plan: &AttemptPlan) {
        self.tell_limits(call);
        self.attempt_ended(call, AttemptOutcome::Succeeded, false);
        let Some(there) = self.flights.get(call.flight) else { return };
        let prompt = there.client.input_tokens.saturating_add(there.begun_tokens);
        let usage = TokenUsage { input_tokens: prompt, output_tokens: plan.tokens };
        let Some(running) = there.calls[usize::from(call.lane)] else { return };
        there.received_tokens = running.client_tokens(there.begun_tokens, Timestamp::MAX);
        there.answered_by.get_or_insert(running.deployment.0);
        let replica = there.replica;
        self.end_call(call);
        let (attempt, usage) = (running.attempt, Some(usage));
        self.tell_router(replica, RouterInput::Finished { attempt, usage });
    }

    /// Writes the attempt down and gives its place at the provider back.
    fn attempt_ended(&mut self, call: CallId, outcome: AttemptOutcome, caller_hung_up: bool) {
        self.record_attempt(call, SeenBy::Provider, outcome, None);
        let now = self.now;
        let Some(there) = self.flights.get(call.flight) else { return };
        let Some(running) = there.calls[usize::from(call.lane)] else { return };
        if running.committed || running.continues.is_none() {
            there.received_tokens = running.client_tokens(there.begun_tokens, now);
        }
        let tag = call.tag();
        let input = if caller_hung_up {
            ProviderInput::Gone { tag }
        } else {
            ProviderInput::Delivered { tag }
        };
        let provider = self.provider_of(running.deployment);
        self.tell_provider(provider, input);
    }

    pub(super) fn end_call(&mut self, call: CallId) {
        self.flights.new_plan(call);
        if let Some(there) = self.flights.get(call.flight) {
            there.calls[usize::from(call.lane)] = None;
        }
    }

    fn tell_provider(&mut self, provider: usize, input: ProviderInput) {
        self.providers[provider].handle(self.now, input);
        while let Some(output) = self.providers[provider].poll() {
            match output {
                ProviderOutput::Plan { tag, plan } => self.planned(CallId::of(tag), plan),
                ProviderOutput::Reject { tag, rejection } => {
                    self.rejected(CallId::of(tag), rejection);
                }
                ProviderOutput::Listener(_) => {}
                ProviderOutput::Note(note) => self.note_fault(provider as u16, note),
            }
        }
        if let Some(due) = self.providers[provider].next_timer() {
            self.provider_due = self.provider_due.min(due);
        }
    }

    fn planned(&mut self, call: CallId, plan: AttemptPlan) {
        if let Some(running) = self.flights.call(call) {
            running.plan = Some(plan);
            self.expect_next(call);
        }
    }

    /// Sets the event of what the call's caller will see next.
    fn expect_next(&mut self, call: CallId) {
        let part = self.flights.new_plan(call);
        let Some(there) = self.flights.get(call.flight) else { return };
        let Some(running) = &there.calls[usize::from(call.lane)] else { return };
        let Some(plan) = &running.plan else { return };
        let seen_first = running.first_token.is_some();
        if let Some((at, _)) =
            caller_view::next(plan, there.client.stream, seen_first, running.between_tokens)
            && at < Timestamp::MAX
        {
            self.events.push(at.max(self.now), EventKind::Attempt(part));
        }
    }

    fn rejected(&mut self, call: CallId, rejection: Rejection) {
        let outcome = AttemptOutcome::Failed { class: rejection.class };
        self.record_attempt(call, SeenBy::Provider, outcome, Some(rejection));
        let failure = Failure::new(rejection.class, rejection.class.response_source())
            .with_status(rejection.status)
            .with_retry_after(rejection.retry_after);
        self.attempt_failed(call, failure);
    }

    fn note_fault(&mut self, provider: u16, note: squall_provider::ProviderEvent) {
        let note = match note {
            squall_provider::ProviderEvent::FaultStarted { fault } => {
                RecordedEvent::FaultStarted { provider, fault }
            }
            squall_provider::ProviderEvent::FaultEnded { fault } => {
                RecordedEvent::FaultEnded { provider, fault }
            }
        };
        self.collector.note(NoteRow { at: self.now, request: None, note });
    }

    pub(super) fn provider_of(&self, deployment: squall_router::DeploymentId) -> usize {
        usize::from(self.scenario.deployments[deployment.index()].provider)
    }
}
