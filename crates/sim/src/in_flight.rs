//! Requests on their way, and the attempts that each is at.

use crate::event::{CallId, FlightPart};
use squall_determinism::Timestamp;
use squall_failure::Failure;
use squall_provider::{AttemptPlan, AttemptTag};
use squall_router::{AttemptId, ContinueBy, DeploymentId, RequestKey};
use squall_workload::ClientRequest;
use std::time::Duration;

/// How many attempts of a request run side by side at most.
pub(crate) const LANES: usize = 2;

impl CallId {
    /// Its tag at the provider.
    pub(crate) fn tag(self) -> AttemptTag {
        AttemptTag(u64::from(self.flight) * LANES as u64 + u64::from(self.lane))
    }

    /// The call with this tag.
    pub(crate) const fn of(tag: AttemptTag) -> Self {
        let (flight, lane) = (tag.0 / LANES as u64, tag.0 % LANES as u64);
        Self { flight: flight as u32, lane: lane as u8 }
    }
}

/// No request of a router.
pub(crate) const NOBODY: RequestKey = RequestKey { slot: u32::MAX, generation: u32::MAX };

/// A request on its way. Its number is its tag at the router.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flight {
    pub(crate) client: ClientRequest,
    /// Which replica of the gateway has it.
    pub(crate) replica: u16,
    /// [`NOBODY`] before its router has taken it, and between two calls.
    pub(crate) key: RequestKey,
    /// Its client has gone for good.
    pub(crate) gave_up: bool,
    /// When the client had the first token.
    pub(crate) first_token: Option<Timestamp>,
    pub(crate) received_tokens: u32,
    /// Tokens that the client has of the answer from attempts that broke off, while the rest is asked for.
    pub(crate) begun_tokens: u32,
    /// The deployment whose answer it got, as a place in the scenario.
    pub(crate) answered_by: Option<u16>,
    /// How many of its attempts are written down.
    pub(crate) attempts: u16,
    /// The attempts that run, by lane.
    pub(crate) calls: [Option<InFlightAttempt>; LANES],
}

impl Flight {
    /// What there was of a call of its client is void: another will be made.
    pub(crate) fn begin_anew(&mut self) {
        self.key = NOBODY;
        self.first_token = None;
        self.received_tokens = 0;
        self.begun_tokens = 0;
        self.answered_by = None;
    }

    /// The lane in which an attempt runs.
    pub(crate) fn lane_of(&self, attempt: AttemptId) -> Option<u8> {
        let is_it =
            |call: &Option<InFlightAttempt>| call.is_some_and(|call| call.attempt == attempt);
        self.calls.iter().position(is_it).map(|lane| lane as u8)
    }
}

/// An attempt that runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InFlightAttempt {
    pub(crate) attempt: AttemptId,
    pub(crate) deployment: DeploymentId,
    /// Where it is.
    pub(crate) stage: AttemptStage,
    pub(crate) started: Timestamp,
    pub(crate) between_tokens: Duration,
    /// The router wants to know the limits that the answer states.
    pub(crate) wants_limits: bool,
    /// Its stream may go on elsewhere if it breaks off.
    pub(crate) may_continue: bool,
    /// It is asked to go on with what the client has of the answer.
    pub(crate) continues: Option<ContinueBy>,
    /// Its answer is the client's.
    pub(crate) committed: bool,
    /// Its place among the attempts of its request, once it has reached its provider.
    pub(crate) ordinal: u16,
    /// `None` while it waits for a place at the provider.
    pub(crate) plan: Option<AttemptPlan>,
    pub(crate) first_token: Option<Timestamp>,
}

impl InFlightAttempt {
    /// How many tokens of the answer the client would have, if it gets what has come of this attempt: one that goes on
    /// brings what is new, and one that begins again what the client has already.
    pub(crate) fn client_tokens(&self, begun: u32, now: Timestamp) -> u32 {
        let Some(plan) = &self.plan else { return begun };
        let brought = plan.tokens_by(now);
        if self.continues.is_none() {
            return brought;
        }
        begun.max(plan.prefilled.saturating_add(brought))
    }
}

/// Where an attempt is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum AttemptStage {
    /// At the gateway, which prepares it: the provider has not heard of it.
    Preparing,
    /// At its provider.
    Sent,
    /// Back at the gateway, which works on its failure: the provider has done with it.
    Failing(Failure),
}

/// The flights, in slots that are used again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flights {
    slots: Vec<FlightSlot>,
    free: Vec<u32>,
}

#[derive(Clone, Debug, Default)]
struct FlightSlot {
    flight: Option<Flight>,
    /// Counts the plans of all flights that were here, by lane: what tells an event that its plan is void.
    plans: [u32; LANES],
}

impl Flights {
    pub(crate) fn insert(&mut self, flight: Flight) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(FlightSlot::default());
            self.slots.len() as u32 - 1
        });
        self.slots[slot as usize].flight = Some(flight);
        slot
    }

    /// The slots of those that are under way.
    pub(crate) fn under_way(&self) -> Vec<u32> {
        let slots = (0..).zip(&self.slots).filter(|(_, slot)| slot.flight.is_some());
        slots.map(|(place, _)| place).collect()
    }

    pub(crate) fn remove(&mut self, slot: u32) -> Option<Flight> {
        let flight = self.slots.get_mut(slot as usize)?.flight.take();
        if flight.is_some() {
            for lane in 0..LANES as u8 {
                self.new_plan(CallId { flight: slot, lane });
            }
            self.free.push(slot);
        }
        flight
    }

    #[inline]
    pub(crate) fn get(&mut self, slot: u32) -> Option<&mut Flight> {
        self.slots.get_mut(slot as usize)?.flight.as_mut()
    }

    /// The attempt of a call, if it runs.
    #[inline]
    pub(crate) fn call(&mut self, call: CallId) -> Option<&mut InFlightAttempt> {
        self.get(call.flight)?.calls[usize::from(call.lane)].as_mut()
    }

    /// Voids the parts of the call's plan so far; returns what is part of the next.
    pub(crate) fn new_plan(&mut self, call: CallId) -> FlightPart {
        let plan = &mut self.slots[call.flight as usize].plans[usize::from(call.lane)];
        *plan = plan.wrapping_add(1);
        FlightPart { call, plan: *plan }
    }

    /// Whether something is part of its call's present plan.
    #[inline]
    pub(crate) fn is_current(&self, part: FlightPart) -> bool {
        self.slots[part.call.flight as usize].plans[usize::from(part.call.lane)] == part.plan
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.slots.len() == self.free.len()
    }
}
