//! An arrival's way in: faults that answer, limits, a place, a plan.

use super::Provider;
use super::places::{Room, Waiting};
use crate::fault::{Bend, Effect};
use crate::limit::Verdict;
use crate::{Arrival, Ending, LimitState, Output, Plan, Rejection};
use core::time::Duration;
use squall_determinism::{Draws, Purpose, Timestamp};
use squall_failure::FailureClass;

/// The draws of an attempt's service: time to first token, gap, tokens, in this order.
const SERVICE: Purpose = Purpose::named("provider.service");
/// Whether a fault hits an attempt: a stream for each fault, so that adding one moves no other.
const FAULT: Purpose = Purpose::named("provider.fault");

impl Provider {
    pub(super) fn admit(&mut self, arrival: &Arrival) {
        let repeat = self.repeats.count(arrival.request);
        if let Some((fault, effect)) = self.first_answer(arrival, repeat) {
            if let Effect::Answer { status, class, retry_after } = effect {
                self.reject(arrival, status, class, retry_after, Some(fault));
            }
            return;
        }
        match self.check_limits(arrival) {
            Verdict::Pass => {}
            Verdict::Wait(wait) => {
                self.reject(arrival, 429, FailureClass::Throttled, Some(wait), None);
                return;
            }
            Verdict::Never => {
                self.reject(arrival, 429, FailureClass::Throttled, None, None);
                return;
            }
        }
        let room = self.places.room();
        if room == Room::None {
            self.reject(arrival, 503, FailureClass::Overloaded, None, None);
            return;
        }
        self.charge_limits(arrival);
        let waiting = Waiting { arrival: *arrival, repeat };
        if room == Room::Place {
            self.serve(&waiting);
        } else {
            self.places.wait(waiting);
        }
    }

    /// Draws the plan of an attempt whose service starts now.
    pub(super) fn serve(&mut self, waiting: &Waiting) {
        let Waiting { arrival, repeat } = *waiting;
        let mut draws = self.seed.stream(SERVICE, self.entity, key(&arrival, repeat));
        let ttft = self.config.ttft.sample(&mut draws);
        let gap = self.config.itl.sample(&mut draws);
        let tokens = arrival.output_tokens.unwrap_or_else(|| {
            u32::try_from(self.config.output_tokens.sample(&mut draws)).unwrap_or(u32::MAX)
        });
        let mut plan = Plan {
            first_at: self.now + Duration::from_nanos(ttft),
            gap: Duration::from_nanos(gap),
            tokens: tokens.max(1),
            ending: Ending::Complete,
            fault: None,
            limits: self.limit_state(),
        };
        for place in 0..self.active.len() {
            let fault = self.active[place];
            if let Effect::Bend(bend) = self.config.faults[usize::from(fault)].kind.effect()
                && self.hits(fault, &arrival, repeat)
            {
                plan = bend.apply(self.now, plan);
                plan.fault = plan.fault.or(Some(fault));
                if bend == Bend::Ends(Ending::Never) {
                    break;
                }
            }
        }
        self.places.serve(arrival.tag, plan);
        self.outputs.push_back(Output::Plan { tag: arrival.tag, plan });
    }

    /// The first active fault that answers this arrival.
    fn first_answer(&self, arrival: &Arrival, repeat: u32) -> Option<(u16, Effect)> {
        self.active.iter().find_map(|&fault| {
            let effect = self.config.faults[usize::from(fault)].kind.effect();
            let answers = matches!(effect, Effect::Answer { .. });
            (answers && self.hits(fault, arrival, repeat)).then_some((fault, effect))
        })
    }

    fn hits(&self, fault: u16, arrival: &Arrival, repeat: u32) -> bool {
        let entity = self.entity << 16 | u64::from(fault);
        let mut draws: Draws = self.seed.stream(FAULT, entity, key(arrival, repeat));
        draws.chance(self.config.faults[usize::from(fault)].share)
    }

    fn check_limits(&mut self, arrival: &Arrival) -> Verdict {
        let now = self.now;
        let requests = self.rpm.as_mut().map_or(Verdict::Pass, |limit| limit.check(now, 1));
        let tokens = tokens(arrival);
        requests.and(self.tpm.as_mut().map_or(Verdict::Pass, |limit| limit.check(now, tokens)))
    }

    fn charge_limits(&mut self, arrival: &Arrival) {
        if let Some(limit) = &mut self.rpm {
            limit.charge(self.now, 1);
        }
        if let Some(limit) = &mut self.tpm {
            limit.charge(self.now, tokens(arrival));
        }
    }

    fn limit_state(&mut self) -> LimitState {
        let now = self.now;
        LimitState {
            requests: self.rpm.as_mut().map(|limit| limit.gauge(now)),
            tokens: self.tpm.as_mut().map(|limit| limit.gauge(now)),
        }
    }

    fn reject(
        &mut self,
        arrival: &Arrival,
        status: u16,
        class: FailureClass,
        retry_after: Option<Duration>,
        fault: Option<u16>,
    ) {
        let limits = self.limit_state();
        let rejection = Rejection { status, class, retry_after, fault, limits };
        self.outputs.push_back(Output::Reject { tag: arrival.tag, rejection });
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

/// What an attempt uses of a token limit, judged at its arrival.
fn tokens(arrival: &Arrival) -> u64 {
    u64::from(arrival.input_tokens) + u64::from(arrival.output_tokens.unwrap_or(0))
}

/// What the draws of an attempt are keyed by: the request, and how often it has come before.
fn key(arrival: &Arrival, repeat: u32) -> u64 {
    arrival.request.wrapping_add(u64::from(repeat) << 48)
}
