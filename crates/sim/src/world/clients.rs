//! Clients: what they send, and when they give up.

use super::World;
use crate::in_flight::{Flight, LANES, NOBODY};
use squall_failure::CallFailureCause;
use squall_record::{NoteRow, RecordedEvent, RequestOutcome};
use squall_router::{RequestArrival, RequestTag, RouterInput};
use squall_scenario::RequestKind;
use squall_workload::{
    ClientRequest, Ordinal, RetriedCall, WorkloadInput as ClientInput, WorkloadOutput,
};

impl World<'_> {
    pub(super) fn clients_due(&mut self) {
        self.workload.handle(self.now, ClientInput::Tick);
        self.hear_clients();
    }

    /// Tells a client that its answer has begun, if it asks for that.
    pub(super) fn answer_begins(&mut self, client: ClientRequest) {
        if client.watched {
            self.workload.handle(self.now, ClientInput::Begun { call: client.call() });
            self.hear_clients();
        }
    }

    pub(super) fn hear_clients(&mut self) {
        while let Some(output) = self.workload.poll() {
            self.act(output);
        }
    }

    pub(super) fn act(&mut self, output: WorkloadOutput) {
        match output {
            WorkloadOutput::Send(client) if client.nth > 0 => self.send_again(client),
            WorkloadOutput::Send(client) => self.send(client),
            WorkloadOutput::Retry(retried) => self.will_retry(&retried),
            WorkloadOutput::GiveUp { request } => self.give_up(request),
        }
    }

    fn send(&mut self, client: ClientRequest) {
        // A load balancer before the replicas, round robin.
        let replica = (client.request.0 % self.routers.len() as u64) as u16;
        let flight = self.flights.insert(Flight {
            client,
            replica,
            key: NOBODY,
            gave_up: false,
            first_token: None,
            received_tokens: 0,
            begun_tokens: 0,
            answered_by: None,
            attempts: 0,
            calls: [None; LANES],
        });
        self.ordinals.push_back(flight);
        self.call(flight, &client, replica);
    }

    /// A client calls again: another request for the router, and the same one of the run.
    fn send_again(&mut self, client: ClientRequest) {
        let Some(flight) = self.flight_of(client.request) else { return };
        let Some(there) = self.flights.get(flight) else { return };
        there.client = client;
        let replica = there.replica;
        self.call(flight, &client, replica);
    }

    fn call(&mut self, flight: u32, client: &ClientRequest, replica: u16) {
        let kind = self.kind_of(client);
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

    /// A client will call again: what there is of its last call is void.
    fn will_retry(&mut self, retried: &RetriedCall) {
        let Some(flight) = self.flight_of(retried.call.request) else { return };
        let Some(there) = self.flights.get(flight) else { return };
        let (key, replica) = (there.key, there.replica);
        there.begin_anew();
        self.collector.note(NoteRow {
            at: self.now,
            request: Some(retried.call.request.0),
            note: RecordedEvent::ClientRetried {
                nth: retried.call.nth,
                cause: retried.cause,
                wait: retried.wait,
            },
        });
        // One that has hung up: its router does not know yet.
        if retried.cause == CallFailureCause::TimedOut {
            self.tell_router(replica, RouterInput::ClientGone { request: key });
        }
    }

    fn give_up(&mut self, request: Ordinal) {
        let Some(flight) = self.flight_of(request) else { return };
        let Some(there) = self.flights.get(flight) else { return };
        there.gave_up = true;
        let (key, replica) = (there.key, there.replica);
        self.record_request(flight, RequestOutcome::GaveUp, 0);
        if key == NOBODY {
            // Between two calls no router knows of it.
            self.flights.remove(flight);
            self.forget_ended();
        } else {
            self.tell_router(replica, RouterInput::ClientGone { request: key });
        }
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
