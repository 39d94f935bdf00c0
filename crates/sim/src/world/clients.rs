//! Clients: what they send, and when they give up.

use super::World;
use crate::in_flight::{Flight, LANES};
use squall_record::RequestOutcome;
use squall_router::{RequestArrival, RequestKey, RequestTag, RouterInput};
use squall_scenario::RequestKind;
use squall_workload::{
    ClientAnswer, ClientRequest, Ordinal, WorkloadInput as ClientInput, WorkloadOutput,
};

impl World<'_> {
    pub(super) fn clients_due(&mut self) {
        self.workload.handle(self.now, ClientInput::Tick);
        self.hear_clients();
    }

    /// Tells a client of its answer.
    pub(super) fn answer(&mut self, request: Ordinal, answer: ClientAnswer) {
        self.workload.handle(self.now, ClientInput::Answered { request, answer });
        self.hear_clients();
    }

    fn hear_clients(&mut self) {
        while let Some(output) = self.workload.poll() {
            match output {
                WorkloadOutput::Send(client) => self.send(client),
                WorkloadOutput::GiveUp { request } => self.give_up(request),
            }
        }
    }

    fn send(&mut self, client: ClientRequest) {
        let nobody = RequestKey { slot: u32::MAX, generation: u32::MAX };
        // A load balancer before the replicas, round robin.
        let replica = (client.request.0 % self.routers.len() as u64) as u16;
        let flight = self.flights.insert(Flight {
            client,
            replica,
            key: nobody,
            first_token: None,
            received_tokens: 0,
            begun_tokens: 0,
            answered_by: None,
            attempts: 0,
            calls: [None; LANES],
        });
        self.ordinals.push_back(flight);
        let kind = self.kind_of(&client);
        let arrival = RequestArrival {
            input_tokens: client.input_tokens,
            output_tokens: client.output_tokens,
            stream: client.stream,
            priority: kind.priority,
            tenant: kind.tenant,
            tags: kind.tags,
            session: client.session,
            features: kind.features,
            region: kind.region,
            overrides: kind.overrides,
            ..RequestArrival::new(RequestTag(flight.into()), kind.group)
        };
        self.tell_router(replica, RouterInput::Arrived(arrival));
    }

    /// What a client asks for beyond tokens.
    pub(super) fn kind_of(&self, client: &ClientRequest) -> &RequestKind {
        &self.scenario.kinds[usize::from(client.kind)]
    }

    fn give_up(&mut self, request: Ordinal) {
        let Some(flight) = self.flight_of(request) else { return };
        let Some(&mut Flight { key, replica, .. }) = self.flights.get(flight) else { return };
        self.record_request(flight, RequestOutcome::GaveUp, 0);
        self.tell_router(replica, RouterInput::ClientGone { request: key });
    }

    fn flight_of(&mut self, request: Ordinal) -> Option<u32> {
        let place = self.own_ordinal(request).checked_sub(self.first_ordinal)?;
        let flight = *self.ordinals.get(usize::try_from(place).ok()?)?;
        let there = self.flights.get(flight)?;
        (there.client.request == request).then_some(flight)
    }

    /// The place of a request among those of the shard.
    fn own_ordinal(&self, request: Ordinal) -> u64 {
        self.shard.unwrap_or_default().own_of(request.0).unwrap_or(request.0)
    }

    /// Forgets the oldest requests that have ended.
    pub(super) fn forget_ended(&mut self) {
        while let Some(&oldest) = self.ordinals.front() {
            let request = Ordinal(self.shard.unwrap_or_default().ordinal_of(self.first_ordinal));
            if self.flights.get(oldest).is_some_and(|flight| flight.client.request == request) {
                break;
            }
            self.ordinals.pop_front();
            self.first_ordinal += 1;
        }
    }
}
