//! What is written down.

use super::World;
use crate::event::CallId;
use squall_provider::Rejection;
use squall_record::{AnswerSeen, AttemptOutcome, AttemptRow, RequestOutcome, RequestRow, SeenBy};

impl World<'_> {
    pub(super) fn record_request(&mut self, flight: u32, outcome: RequestOutcome, status: u16) {
        let Some(there) = self.flights.get(flight) else { return };
        let there = *there;
        let client = there.client;
        self.collector.request(&RequestRow {
            request: client.request.0,
            group: self.kind_of(&client).group.0,
            kind: client.kind,
            intended: client.intended,
            sent: client.intended,
            first_token: there.first_token,
            ended: self.now,
            stream: client.stream,
            input_tokens: client.input_tokens,
            output_tokens: client.output_tokens,
            received_tokens: if there.first_token.is_some() { there.received_tokens } else { 0 },
            outcome,
            status: if there.first_token.is_some() { 200 } else { status },
            // What reaches a client as a success is whole: the gateway does not tell the end of one that is not.
            answer: match outcome {
                RequestOutcome::Succeeded => {
                    AnswerSeen { model: there.answered_by, ..AnswerSeen::WHOLE }
                }
                RequestOutcome::Failed { .. }
                | RequestOutcome::GaveUp
                | RequestOutcome::Unfinished => AnswerSeen::default(),
            },
            calls: client.nth + 1,
        });
    }

    /// Writes an attempt down as ended now; `rejection` if it was answered with an error.
    pub(super) fn record_attempt(
        &mut self,
        id: CallId,
        seen_by: SeenBy,
        outcome: AttemptOutcome,
        rejection: Option<Rejection>,
    ) {
        let Some(there) = self.flights.get(id.flight) else { return };
        let Some(call) = there.calls[usize::from(id.lane)] else { return };
        let provider = usize::from(self.scenario.deployments[call.deployment.index()].provider);
        let (client, ordinal, begun) = (there.client, call.ordinal, there.begun_tokens);
        let output_tokens = call.plan.map_or(0, |plan| plan.tokens_by(self.now));
        let answered = call.plan.is_some_and(|plan| plan.first_at <= self.now);
        let row = AttemptRow {
            request: Some(client.request.0),
            ordinal,
            deployment: call.deployment.0,
            seen_by,
            started: call.started,
            first_token: call.plan.map(|plan| plan.first_at).filter(|&first| first <= self.now),
            ended: self.now,
            outcome,
            status: match (rejection, outcome) {
                (Some(rejection), _) => rejection.status,
                // An answer in one piece that turns out to be an error has that error's status.
                (None, AttemptOutcome::Failed { class })
                    if !client.stream
                        && call.plan.is_some_and(|plan| plan.ends_with_error(class)) =>
                {
                    self.providers[provider].vendor_status(class)
                }
                (None, _) if answered => 200,
                (None, _) => 0,
            },
            retry_after: rejection.and_then(|rejection| rejection.retry_after),
            fault: match rejection {
                Some(rejection) => rejection.fault,
                None => call.plan.and_then(|plan| plan.fault),
            },
            limit: rejection.and_then(|rejection| rejection.limit),
            stream: client.stream,
            input_tokens: client.input_tokens.saturating_add(begun),
            output_tokens,
        };
        self.collector.attempt_for(client.kind, &row);
    }
}
