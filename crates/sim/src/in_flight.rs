//! Requests on their way, and the attempt that each is at.

use crate::event::FlightPart;
use squall_determinism::Timestamp;
use squall_failure::Failure;
use squall_provider::Plan;
use squall_router::{AttemptId, DeploymentId, RequestKey};
use squall_workload::ClientRequest;
use std::time::Duration;

/// A request on its way. Its number is its tag at the router and at the provider.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flight {
    pub(crate) client: ClientRequest,
    pub(crate) key: RequestKey,
    /// When the client had the first token.
    pub(crate) first_token: Option<Timestamp>,
    pub(crate) received_tokens: u32,
    /// The deployment whose answer it got, as a place in the scenario.
    pub(crate) answered_by: Option<u16>,
    /// How many of its attempts are written down.
    pub(crate) attempts: u16,
    /// The attempt that runs; one at a time.
    pub(crate) call: Option<InFlightAttempt>,
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
    /// `None` while it waits for a place at the provider.
    pub(crate) plan: Option<Plan>,
    pub(crate) first_token: Option<Timestamp>,
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
    /// Counts the plans of all flights that were here: what tells an event that its plan is void.
    plan: u32,
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

    pub(crate) fn remove(&mut self, slot: u32) -> Option<Flight> {
        let flight = self.slots.get_mut(slot as usize)?.flight.take();
        if flight.is_some() {
            self.new_plan(slot);
            self.free.push(slot);
        }
        flight
    }

    #[inline]
    pub(crate) fn get(&mut self, slot: u32) -> Option<&mut Flight> {
        self.slots.get_mut(slot as usize)?.flight.as_mut()
    }

    /// Voids the parts of the flight's plan so far; returns what is part of the next.
    pub(crate) fn new_plan(&mut self, slot: u32) -> FlightPart {
        let there = &mut self.slots[slot as usize];
        there.plan = there.plan.wrapping_add(1);
        FlightPart { flight: slot, plan: there.plan }
    }

    /// Whether something is part of its flight's present plan.
    #[inline]
    pub(crate) fn is_current(&self, part: FlightPart) -> bool {
        self.slots[part.flight as usize].plan == part.plan
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.slots.len() == self.free.len()
    }
}
