//! An arrival's way in: faults that answer, limits, a place, a plan.

use super::Provider;
use super::places::{Admitted, Room};
use crate::fault::{Bend, Effect};
use crate::limit::Verdict;
use crate::{Arrival, Ending, FaultKind, LimitState, Output, Plan, Rejection, Tag};
use core::time::Duration;
use squall_determinism::{Purpose, Seed, Share, Timestamp};
use squall_failure::FailureClass;

/// The draws of an attempt's service: time to first token, gap, tokens, in this order.
const SERVICE: Purpose = Purpose::named("provider.service");
/// How long an error takes.
const ERROR: Purpose = Purpose::named("provider.error");
/// Whether a fault hits a check.
const CHECK: Purpose = Purpose::named("provider.check");
/// Whether a fault hits an attempt.
const FAULT: Purpose = Purpose::named("provider.fault");

/// Whom a fault hits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Victims {
    seed: Seed,
    /// Provider and fault: a stream for each, so that adding a fault moves no other's draws.
    entity: u64,
    share: Share,
}

impl Victims {
    /// Whether the attempt with this key is among them: the same answer whenever it is asked.
    pub(super) fn include(self, key: u64) -> bool {
        self.seed.stream(FAULT, self.entity, key).chance(self.share)
    }
}

impl Provider {
    pub(super) fn admit(&mut self, arrival: &Arrival) {
        let key = key(arrival, self.repeats.count(arrival.request));
        if let Some((fault, effect)) = self.first_answer(key) {
            if let Effect::Answer { status, class, retry_after } = effect {
                self.reject(
                    arrival.tag,
                    key,
                    Answer { status, class, retry_after, fault: Some(fault) },
                );
            }
            return;
        }
        if self.config.context_window.is_some_and(|window| arrival.input_tokens > window) {
            self.reject(arrival.tag, key, Answer::of(FailureClass::ContextWindow));
            return;
        }
        let tokens = arrival.output_tokens.unwrap_or_else(|| self.draw_tokens(key)).max(1);
        let total = u64::from(arrival.input_tokens) + u64::from(tokens);
        match self.check_limits(total) {
            Verdict::Pass => {}
            Verdict::Wait(wait) => {
                let answer = Answer::of(FailureClass::Throttled);
                self.reject(arrival.tag, key, Answer { retry_after: Some(wait), ..answer });
                return;
            }
            Verdict::Never => {
                self.reject(arrival.tag, key, Answer::of(FailureClass::Throttled));
                return;
            }
        }
        let room = self.places.room();
        if room == Room::None {
            self.reject(arrival.tag, key, Answer::of(FailureClass::Overloaded));
            return;
        }
        self.charge_limits(total);
        let admitted = Admitted { tag: arrival.tag, key, tokens, limits: self.limit_state() };
        if room == Room::Place {
            self.serve(&admitted);
        } else {
            self.places.wait(admitted);
        }
    }

    /// Draws the plan of an attempt whose service starts now.
    pub(super) fn serve(&mut self, admitted: &Admitted) {
        let Admitted { tag, key, tokens, limits } = *admitted;
        let mut draws = self.seed.stream(SERVICE, self.entity, key);
        let ttft = self.config.ttft.sample(&mut draws);
        let gap = self.config.itl.sample(&mut draws);
        let mut plan = Plan {
            first_at: self.now + Duration::from_nanos(ttft),
            gap: Duration::from_nanos(gap),
            tokens,
            ending: Ending::Complete,
            fault: None,
            limits,
        };
        self.bend(key, &mut plan);
        if plan.ending != Ending::Never {
            self.places.serve(tag, key, plan);
        }
        self.outputs.push_back(Output::Plan { tag, plan });
    }

    /// Lets the faults that hit an attempt change its plan. Slowdowns multiply; of several endings the
    /// first in the file holds, but nothing comes out of a black hole.
    fn bend(&self, key: u64, plan: &mut Plan) {
        for &fault in &self.active {
            let Effect::Bend(bend) = self.config.faults[usize::from(fault)].kind.effect() else {
                continue;
            };
            if !self.victims(fault).include(key) {
                continue;
            }
            match bend {
                Bend::Ends(Ending::Never) => {
                    *plan = Plan { fault: Some(fault), ..bend.apply(self.now, *plan) };
                    return;
                }
                Bend::Ends(_) if plan.ending != Ending::Complete => {}
                Bend::Ends(_) | Bend::Slower { .. } => {
                    *plan = bend.apply(self.now, *plan);
                    plan.fault = plan.fault.or(Some(fault));
                }
            }
        }
    }

    /// The length of an answer of which the request says nothing: the third draw of its service, so
    /// that the two before it are the same either way.
    fn draw_tokens(&self, key: u64) -> u32 {
        let mut draws = self.seed.stream(SERVICE, self.entity, key);
        draws.unit();
        draws.unit();
        u32::try_from(self.config.output_tokens.sample(&mut draws)).unwrap_or(u32::MAX)
    }

    /// The first active fault that answers the attempt with this key.
    fn first_answer(&self, key: u64) -> Option<(u16, Effect)> {
        self.active.iter().find_map(|&fault| {
            let effect = self.config.faults[usize::from(fault)].kind.effect();
            let answers = matches!(effect, Effect::Answer { .. });
            (answers && self.victims(fault).include(key)).then_some((fault, effect))
        })
    }

    pub(super) fn victims(&self, fault: u16) -> Victims {
        let entity = self.entity << 16 | u64::from(fault);
        Victims { seed: self.seed, entity, share: self.config.faults[usize::from(fault)].share }
    }

    fn check_limits(&mut self, tokens: u64) -> Verdict {
        let now = self.now;
        let requests = self.rpm.as_mut().map_or(Verdict::Pass, |limit| limit.check(now, 1));
        requests.and(self.tpm.as_mut().map_or(Verdict::Pass, |limit| limit.check(now, tokens)))
    }

    fn charge_limits(&mut self, tokens: u64) {
        if let Some(limit) = &mut self.rpm {
            limit.charge(self.now, 1);
        }
        if let Some(limit) = &mut self.tpm {
            limit.charge(self.now, tokens);
        }
    }

    fn limit_state(&mut self) -> LimitState {
        let now = self.now;
        LimitState {
            requests: self.rpm.as_mut().map(|limit| limit.gauge(now)),
            tokens: self.tpm.as_mut().map(|limit| limit.gauge(now)),
        }
    }

    /// Answers with an error: at once, or when that has taken its time.
    fn reject(&mut self, tag: Tag, key: u64, answer: Answer) {
        let Answer { status, class, retry_after, fault } = answer;
        let limits = self.limit_state();
        let rejection = Rejection { status, class, retry_after, fault, limits };
        let takes = self.draw_error_latency(key);
        if takes.is_zero() {
            self.outputs.push_back(Output::Reject { tag, rejection });
        } else {
            self.errors.add(self.now + takes, tag, key, rejection);
        }
    }

    /// How long an error takes: as drawn, times every slowdown that hits the attempt.
    fn draw_error_latency(&self, key: u64) -> Duration {
        let mut draws = self.seed.stream(ERROR, self.entity, key);
        let mut nanos = u128::from(self.config.error_latency.sample(&mut draws));
        for &fault in &self.active {
            if let FaultKind::Slowdown { factor_milli } =
                self.config.faults[usize::from(fault)].kind
                && nanos > 0
                && self.victims(fault).include(key)
            {
                nanos = (nanos * u128::from(factor_milli) / 1_000).min(u64::MAX.into());
            }
        }
        Duration::from_nanos(nanos as u64)
    }

    /// Whether a black hole swallows a check at `now`.
    pub(super) fn swallows_check(&self, fault: u16, now: Timestamp) -> bool {
        let Victims { entity, share, .. } = self.victims(fault);
        self.seed.stream(CHECK, entity, now.as_nanos()).chance(share)
    }
}

/// An error to answer with.
#[derive(Clone, Copy, Debug)]
struct Answer {
    status: u16,
    class: FailureClass,
    retry_after: Option<Duration>,
    fault: Option<u16>,
}

impl Answer {
    /// That of a class, with the status it implies, and no fault behind it.
    const fn of(class: FailureClass) -> Self {
        Self { status: class.status(), class, retry_after: None, fault: None }
    }
}

impl Plan {
    /// Of an attempt whose service never started.
    pub(super) const fn unserved() -> Self {
        Self {
            first_at: Timestamp::MAX,
            gap: Duration::ZERO,
            tokens: 0,
            ending: Ending::Never,
            fault: None,
            limits: LimitState { requests: None, tokens: None },
        }
    }
}

/// What the draws of an attempt are keyed by: the request, and how often it has come before.
fn key(arrival: &Arrival, repeat: u32) -> u64 {
    arrival.request.wrapping_add(u64::from(repeat) << 48)
}
