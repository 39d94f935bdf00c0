//! Admission of an arrival: faults that answer it, limits, a slot, a plan.

use super::Provider;
use super::concurrency::{AdmittedAttempt, SlotAvailability, Subject};
use crate::fault::{Effect, PlanModifier, ProviderEffect};
use crate::latency::times_milli;
use crate::limit::TokenCharge;
use crate::{
    AssistantPrefill, AttemptArrival, AttemptEnding, AttemptPlan, AttemptTag, CountScope,
    ErrorAnswer, FaultTarget, OverloadResponse, ProviderOutput, Rejection, RetryAfter,
};
use core::time::Duration;
use squall_determinism::{RandomStream, Seed, Share, StreamPurpose, Timestamp};
use squall_failure::{FailureClass, ProviderLimitKind};

/// The draws of an attempt's service: time to first token, gap, tokens, in this order.
const SERVICE: StreamPurpose = StreamPurpose::named("provider.service");
/// Whether an answer is one of the slow ones, and how slow.
const SLOW: StreamPurpose = StreamPurpose::named("provider.slow");
/// How long an error takes.
const ERROR: StreamPurpose = StreamPurpose::named("provider.error");
/// How long a model thinks before it answers.
const REASONING: StreamPurpose = StreamPurpose::named("provider.reasoning");
/// Whether an answer that may call a tool does.
const TOOL: StreamPurpose = StreamPurpose::named("provider.tool");
/// Whether a fault hits a check.
const CHECK: StreamPurpose = StreamPurpose::named("provider.check");
/// Whether a fault hits an attempt.
const FAULT: StreamPurpose = StreamPurpose::named("provider.fault");
/// Which of several errors a fault answers with.
const MIX: StreamPurpose = StreamPurpose::named("provider.mix");

/// Selects the attempts that a fault hits at a moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct FaultSelection {
    seed: Seed,
    /// Provider and fault: a stream for each, so that adding a fault moves no other's draws.
    entity: u64,
    share: Share,
    target: FaultTarget,
}

impl FaultSelection {
    /// Whether this attempt is among them: the same answer whenever it is asked with this share.
    pub(super) fn include(self, subject: &Subject) -> bool {
        let FaultTarget { model, key, sticky, first: _ } = self.target;
        if model.is_some_and(|model| model != subject.model)
            || key.is_some_and(|key| key != subject.key)
        {
            return false;
        }
        let drawn = if sticky { subject.user } else { subject.draw };
        self.seed.stream(FAULT, self.entity, drawn).chance(self.share)
    }

    /// Whether a check at `now` is.
    pub(super) fn include_check(self, now: Timestamp) -> bool {
        self.seed.stream(CHECK, self.entity, now.as_nanos()).chance(self.share)
    }
}

impl Provider {
    pub(super) fn admit(&mut self, arrival: &AttemptArrival) {
        let repeat = self.repeats.count(arrival.request);
        let subject = subject(arrival, repeat);
        let tag = arrival.tag;
        if let Some((fault, answer)) = self.first_answer(&subject) {
            let why = RejectionCause { fault: Some(fault), ..RejectionCause::UNSAID };
            return self.reject(tag, &subject, answer, why);
        }
        if self.config.context_window.is_some_and(|window| arrival.input_tokens > window) {
            let answer = ErrorAnswer::of(FailureClass::ContextWindow);
            return self.reject(tag, &subject, answer, RejectionCause::UNSAID);
        }
        let prefill = self.config.assistant_prefill;
        if prefill == AssistantPrefill::Refused && arrival.prefill.is_some() {
            let answer = ErrorAnswer::of(FailureClass::BadRequest);
            return self.reject(tag, &subject, answer, RejectionCause::UNSAID);
        }
        let reasoning = self.draw_reasoning(subject.draw);
        let tokens = arrival.output_tokens.unwrap_or_else(|| self.draw_tokens(subject.draw)).max(1);
        let prefill = arrival.prefill.filter(|_| prefill == AssistantPrefill::Continued);
        let prefilled = prefill.or(arrival.quoted).unwrap_or(0).min(tokens - 1);
        let tokens = (tokens - prefilled).saturating_add(reasoning);
        let amount = TokenCharge { input: arrival.input_tokens, output: tokens };
        if let Some(refusal) = self.gates.check(self.now, subject.key, amount) {
            let form = self.config.limits.retry_after;
            let retry_after = refusal.wait.and_then(|wait| form.stated(wait, self.unix_nanos()));
            let answer = ErrorAnswer { retry_after, ..ErrorAnswer::of(FailureClass::Throttled) };
            let why = RejectionCause {
                limit: Some(refusal.limit),
                form: Some(form),
                ..RejectionCause::UNSAID
            };
            return self.reject(tag, &subject, answer, why);
        }
        let room = self.slots.room();
        if room == SlotAvailability::None {
            self.overload_on_recovery();
            return self.shed(tag, &subject);
        }
        self.gates.charge(self.now, subject.key, amount);
        let admitted = AdmittedAttempt {
            tag: Some(tag),
            subject,
            arrived: self.now,
            input_tokens: arrival.input_tokens,
            tokens,
            reasoning,
            prefilled,
        };
        if room == SlotAvailability::Place {
            self.serve(&admitted);
        } else {
            self.slots.wait(admitted);
        }
    }

    /// Refuses an attempt for want of capacity.
    pub(super) fn shed(&mut self, tag: AttemptTag, subject: &Subject) {
        let shed =
            self.config.capacity.map_or_else(OverloadResponse::default, |capacity| capacity.shed);
        let overloaded = ErrorAnswer::of(FailureClass::Overloaded);
        let answer = match shed {
            OverloadResponse::Overloaded => overloaded,
            OverloadResponse::Overloaded503 => ErrorAnswer { status: Some(503), ..overloaded },
            OverloadResponse::Overloaded529 => ErrorAnswer { status: Some(529), ..overloaded },
            OverloadResponse::Throttled429 => ErrorAnswer::of(FailureClass::Throttled),
        };
        let why =
            RejectionCause { limit: Some(ProviderLimitKind::Capacity), ..RejectionCause::UNSAID };
        self.reject(tag, subject, answer, why);
    }

    /// Draws the plan of an attempt whose service starts now.
    pub(super) fn serve(&mut self, admitted: &AdmittedAttempt) {
        let AdmittedAttempt { tag, subject, tokens, reasoning, prefilled, .. } = *admitted;
        let (ttft, gap, cached) = self.draw_times(admitted);
        let mut plan = AttemptPlan {
            first_at: self.now + ttft,
            gap,
            tokens,
            reasoning,
            prefilled,
            cached,
            malformed_after: None,
            early_head: false,
            ending: AttemptEnding::Complete,
            fault: None,
        };
        self.modifier(&subject, &mut plan);
        let Some(tag) = tag else {
            if plan.ends_at() < Timestamp::MAX {
                self.slots.serve_nobody(plan.ends_at());
            }
            return;
        };
        if plan.ending != AttemptEnding::Never {
            self.slots.serve(tag, subject, plan);
        }
        self.outputs.push_back(ProviderOutput::Plan { tag, plan });
    }

    /// The time to the first token and the gap of an answer that begins now, before faults; and how much of its
    /// prompt the cache has.
    fn draw_times(&mut self, admitted: &AdmittedAttempt) -> (Duration, Duration, u32) {
        let draw = admitted.subject.draw;
        let mut draws = self.seed.stream(SERVICE, self.entity, draw);
        let mut ttft = self.config.ttft.sample(&mut draws);
        let mut gap = self.config.itl.sample(&mut draws);
        if let Some(slow) = self.config.slow {
            ttft = slow.apply(ttft, &mut self.seed.stream(SLOW, self.entity, draw));
        }
        let cold = self.suffers(ProviderEffect::EmptiesCache);
        let prefill = self.config.prefill;
        let (prefill, cached) = self.warmth.prefill(prefill, admitted.input_tokens, self.now, cold);
        ttft = ttft.saturating_add(prefill.as_nanos() as u64);
        if let Some(batch) = self.config.capacity.and_then(|capacity| capacity.batch) {
            let serving = self.slots.serving() + 1;
            let factor = batch.factor_milli(serving, self.slots.concurrent());
            (ttft, gap) = (times_milli(ttft, factor), times_milli(gap, factor));
        }
        (Duration::from_nanos(ttft), Duration::from_nanos(gap), cached)
    }

    /// Lets the faults that hit an attempt change its plan. Slowdowns multiply, delays add up; of several
    /// endings the first in the file holds, but nothing comes out of a black hole.
    fn modifier(&mut self, subject: &Subject, plan: &mut AttemptPlan) {
        for place in 0..self.active.len() {
            let fault = self.active[place];
            let Effect::Modify(modifier) = self.effect(fault, subject) else { continue };
            let never = modifier == PlanModifier::Ends(AttemptEnding::Never);
            let is_ended = modifier.is_ending() && plan.ending != AttemptEnding::Complete;
            if (is_ended && !never) || !self.hits(fault, subject) {
                continue;
            }
            *plan = modifier.apply(self.now, *plan);
            if never {
                plan.fault = Some(fault);
                return;
            }
            plan.fault = plan.fault.or(Some(fault));
        }
    }

    /// The length of an answer of which the request says nothing: the third draw of its service, so
    /// that the two before it are the same either way.
    fn draw_tokens(&self, draw: u64) -> u32 {
        let mut draws = self.seed.stream(SERVICE, self.entity, draw);
        draws.unit();
        draws.unit();
        u32::try_from(self.config.output_tokens.sample(&mut draws)).unwrap_or(u32::MAX)
    }

    /// How long a model thinks: a stream of its own, so that a model that thinks moves no other draw.
    fn draw_reasoning(&self, draw: u64) -> u32 {
        let mut draws = self.seed.stream(REASONING, self.entity, draw);
        u32::try_from(self.config.reasoning.sample(&mut draws)).unwrap_or(u32::MAX)
    }

    /// What the draws of the next attempt of this request are keyed by: it has not come yet.
    #[must_use]
    pub fn next_draw(&self, request: u64) -> u64 {
        draw_of(request, self.repeats.before(request))
    }

    /// Whether an answer with these draws calls a tool, where that is left to it.
    #[must_use]
    pub fn calls_a_tool(&self, draw: u64) -> bool {
        self.seed.stream(TOOL, self.entity, draw).chance(self.config.tool_calls)
    }

    /// The first active fault that answers this attempt, and with what.
    fn first_answer(&mut self, subject: &Subject) -> Option<(u16, ErrorAnswer)> {
        (0..self.active.len()).find_map(|place| {
            let fault = self.active[place];
            let Effect::Answer(answer) = self.effect(fault, subject) else { return None };
            self.hits(fault, subject).then_some((fault, answer))
        })
    }

    /// Whether a fault hits this attempt, which counts as one of its first if so: to be asked once for each
    /// attempt that it would hit.
    fn hits(&mut self, fault: u16, subject: &Subject) -> bool {
        let selection = self.selection(fault);
        if !selection.include(subject) {
            return false;
        }
        let Some(first) = selection.target.first else { return true };
        let whom = match first.of {
            CountScope::Provider => 0,
            CountScope::Model => subject.model,
            CountScope::Key => subject.key,
            CountScope::Request => subject.request,
        };
        self.hits.take(fault, first, whom)
    }

    fn effect(&self, fault: u16, subject: &Subject) -> Effect {
        let draws =
            || -> RandomStream { self.seed.stream(MIX, self.entity_of(fault), subject.draw) };
        self.faults[usize::from(fault)].effect(self.now, draws)
    }

    /// Whom a fault hits now.
    pub(super) fn selection(&self, fault: u16) -> FaultSelection {
        self.victims_at(fault, self.now)
    }

    pub(super) fn victims_at(&self, fault: u16, now: Timestamp) -> FaultSelection {
        let config = &self.faults[usize::from(fault)];
        FaultSelection {
            seed: self.seed,
            entity: self.entity_of(fault),
            share: config.share_at(now),
            target: config.target,
        }
    }

    fn entity_of(&self, fault: u16) -> u64 {
        self.entity << 16 | u64::from(fault)
    }

    /// Answers with an error: at once, or when that has taken its time.
    fn reject(
        &mut self,
        tag: AttemptTag,
        subject: &Subject,
        answer: ErrorAnswer,
        why: RejectionCause,
    ) {
        let ErrorAnswer { class, retry_after, .. } = answer;
        // What a limit says was written in its form when it was reached; a fault's wait is now.
        let (form, retry_after) = match why.form {
            Some(form) => (form, retry_after),
            None => {
                let form = self.config.vendor.retry_after;
                (form, retry_after.and_then(|wait| form.stated(wait, self.unix_nanos())))
            }
        };
        let rejection = Rejection {
            status: self.status_of(answer),
            class,
            retry_after,
            retry_after_form: form,
            fault: why.fault,
            limit: why.limit,
        };
        let takes = self.draw_error_latency(subject);
        if takes.is_zero() {
            self.outputs.push_back(ProviderOutput::Reject { tag, rejection });
        } else {
            self.errors.add(self.now + takes, tag, *subject, rejection);
        }
    }

    /// The wall time now.
    fn unix_nanos(&self) -> u64 {
        self.epoch_nanos.saturating_add(self.now.as_nanos())
    }

    /// How long an error takes: as drawn, times every slowdown that hits the attempt.
    fn draw_error_latency(&mut self, subject: &Subject) -> Duration {
        let mut draws = self.seed.stream(ERROR, self.entity, subject.draw);
        let mut nanos = self.config.error_latency.sample(&mut draws);
        for place in 0..self.active.len() {
            let fault = self.active[place];
            if nanos > 0
                && let Effect::Modify(PlanModifier::Slower { ttft_milli, .. }) =
                    self.effect(fault, subject)
                && self.hits(fault, subject)
            {
                nanos = times_milli(nanos, ttft_milli.into());
            }
        }
        Duration::from_nanos(nanos)
    }
}

/// Why an attempt is refused, beyond its failure.
#[derive(Clone, Copy, Debug)]
struct RejectionCause {
    fault: Option<u16>,
    limit: Option<ProviderLimitKind>,
    /// In which form a wait is told, where it is not the vendor's usual one.
    form: Option<RetryAfter>,
}

impl RejectionCause {
    /// Neither a fault nor a limit.
    const UNSAID: Self = Self { fault: None, limit: None, form: None };
}

impl AttemptPlan {
    /// Of an attempt whose service never started.
    pub(super) const fn unserved() -> Self {
        Self {
            first_at: Timestamp::MAX,
            gap: Duration::ZERO,
            tokens: 0,
            reasoning: 0,
            prefilled: 0,
            cached: 0,
            malformed_after: None,
            early_head: false,
            ending: AttemptEnding::Never,
            fault: None,
        }
    }
}

/// What an attempt's draws are keyed by.
const fn draw_of(request: u64, repeat: u32) -> u64 {
    request.wrapping_add((repeat as u64) << 48)
}

/// Whose attempt this is. Its draws are keyed by the request and how often it has come before.
fn subject(arrival: &AttemptArrival, repeat: u32) -> Subject {
    Subject {
        request: arrival.request,
        draw: draw_of(arrival.request, repeat),
        model: arrival.model,
        key: arrival.key,
        user: arrival.session.unwrap_or(arrival.request),
    }
}
