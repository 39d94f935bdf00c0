//! The router: what it is told, and what it wants done.

use super::World;
use squall_determinism::{Digest, Timestamp};
use squall_failure::{CallFailureCause, Failure};
use squall_record::{JournalWriter, NoteRow, RecordedEvent, RequestOutcome};
use squall_router::journal::{digest_output, encode_arrival, encode_frame};
use squall_router::{
    AttemptId, Outcome, RequestKey, RequestTag, RouterInput, RouterOutput, SharedOutput,
};
use squall_workload::{CallFailure, ClientAnswer, WorkloadInput as ClientInput, WorkloadOutput};

/// The journal of a run, while it is written.
#[derive(Debug, Default)]
pub(super) struct Journal {
    writer: JournalWriter,
    frame: Vec<u8>,
}

impl Journal {
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.writer.into_bytes()
    }
}

impl World<'_> {
    /// Tells the router something. What it wants done waits in `pending`, so that nobody is called
    /// back in the middle of a step.
    pub(super) fn tell_router(&mut self, replica: u16, input: RouterInput) {
        let place = usize::from(replica);
        self.routers[place].handle(self.now, input);
        let mut digest = Digest::new();
        while let Some(output) = self.routers[place].poll() {
            digest_output(&output, self.collector.digest());
            if self.journal.is_some() {
                digest_output(&output, &mut digest);
            }
            self.pending.push_back((replica, output));
        }
        self.find_router_due(replica);
        if let Some(journal) = &mut self.journal {
            let (now, digest) = (self.now, digest.short());
            journal.frame.clear();
            if let RouterInput::Arrived(arrival) = input
                && let Some(flight) = self.flights.get(arrival.tag.0 as u32)
            {
                let request = flight.client.request.0;
                encode_arrival(now, &input, request, digest, &mut journal.frame);
            } else {
                encode_frame(now, &input, digest, &mut journal.frame);
            }
            journal.writer.frame(&journal.frame);
        }
    }

    /// Finds out when a router, and the first of all, has something to do by itself.
    #[inline]
    pub(super) fn find_router_due(&mut self, replica: u16) {
        let place = usize::from(replica);
        let due = self.routers[place].next_timer().unwrap_or(Timestamp::MAX);
        self.router_due[place] = due;
        if due <= self.first_router.0 {
            self.first_router = (due, replica);
        } else if self.first_router.1 == replica {
            let all = self.router_due.iter().copied().zip(0..);
            self.first_router = all.min().unwrap_or((Timestamp::MAX, 0));
        }
    }

    /// Does what the router wants done, and what comes of it, until nothing is left to do now.
    pub(super) fn carry_out(&mut self) {
        while let Some((replica, output)) = self.pending.pop_front() {
            match output {
                RouterOutput::Accepted { tag, request } => self.accepted(replica, tag, request),
                RouterOutput::StartAttempt(start) => self.start_attempt(start.tag.0 as u32, start),
                RouterOutput::CancelAttempt { tag, attempt, reason } => {
                    self.cancel_attempt(tag.0 as u32, attempt, reason);
                }
                RouterOutput::Commit { tag, attempt } => self.commit(tag, attempt),
                RouterOutput::Done { tag, outcome, .. } => self.done(tag.0 as u32, outcome),
                RouterOutput::Check { deployment, timeout } => {
                    self.check(replica, deployment, timeout)
                }
                RouterOutput::Shared(SharedOutput::Sync { .. }) => self.send_sync(replica),
                RouterOutput::Note(note) => self.note(replica, note),
            }
        }
    }

    fn accepted(&mut self, replica: u16, tag: RequestTag, request: RequestKey) {
        let Some(flight) = self.flights.get(tag.0 as u32) else { return };
        flight.key = request;
        let slot = request.slot as usize;
        let slots = &mut self.slots[usize::from(replica)];
        if slots.len() <= slot {
            slots.resize(slot + 1, u64::MAX);
        }
        slots[slot] = flight.client.request.0;
    }

    /// A stream's first token goes to the client when the router commits to it.
    fn commit(&mut self, tag: RequestTag, attempt: AttemptId) {
        let now = self.now;
        let Some(flight) = self.flights.get(tag.0 as u32) else { return };
        let begins = flight.client.stream.then_some(flight.client);
        if flight.client.stream {
            flight.first_token.get_or_insert(now);
        }
        if let Some(lane) = flight.lane_of(attempt)
            && let Some(running) = &mut flight.calls[usize::from(lane)]
        {
            running.committed = true;
        }
        if let Some(client) = begins {
            self.answer_begins(client);
        }
    }

    fn done(&mut self, flight: u32, outcome: Outcome) {
        let Some(there) = self.flights.get(flight) else { return };
        let (client, gave_up) = (there.client, there.gave_up);
        if !client.stream && matches!(outcome, Outcome::Succeeded { .. }) {
            there.first_token = Some(self.now);
        }
        let (answer, outcome, status) = match outcome {
            Outcome::Succeeded { .. } => (ClientAnswer::Succeeded, RequestOutcome::Succeeded, 200),
            Outcome::Failed { failure, committed } => {
                let Failure { class, source, .. } = failure;
                let status = if committed { 200 } else { failure.client_status() };
                let told = ClientAnswer::Failed(call_failure(&failure, committed));
                (told, RequestOutcome::Failed { class, source }, status)
            }
            // Written down when the client gave up, if it did: one that only hung up on a call is to call again.
            Outcome::ClientGone => {
                if gave_up {
                    self.flights.remove(flight);
                    self.forget_ended();
                }
                return;
            }
        };
        self.workload.handle(self.now, ClientInput::Answered { request: client.request, answer });
        // What comes of the answer itself comes first, since nothing else is due.
        let first = self.workload.poll();
        if !matches!(first, Some(WorkloadOutput::Retry(_))) {
            self.record_request(flight, outcome, status);
            self.flights.remove(flight);
            self.forget_ended();
        }
        first.into_iter().for_each(|output| self.act(output));
        self.hear_clients();
    }

    fn note(&mut self, replica: u16, note: squall_router::RouterEvent) {
        let slots = &self.slots[usize::from(replica)];
        let request = note.request().map(|key| slots[key.slot as usize]);
        self.collector.note(NoteRow { at: self.now, request, note: RecordedEvent::Router(note) });
    }
}

/// What a client is told of a failure: an error with its status, or a stream that ends too early.
fn call_failure(failure: &Failure, committed: bool) -> CallFailure {
    let cause = match committed {
        true => CallFailureCause::Final,
        false => CallFailureCause::Status(failure.client_status()),
    };
    let retry_after = failure.retry_after.filter(|_| !committed);
    CallFailure { retry_after, ..CallFailure::new(cause) }
}
