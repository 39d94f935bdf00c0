//! What is written down of a run: notes, refused attempts, the journal.

use super::RefusedRequest;
use crate::setup::GatewayLog;
use squall_determinism::Timestamp;
use squall_failure::FailureClass;
use squall_record::{AttemptOutcome, AttemptRow, JournalWriter, Note, NoteRow, SeenBy};
use squall_router::journal::{digest_outputs, encode_frame};
use squall_router::{Input, Output, RequestKey, StartAttempt, Tag};

#[derive(Debug, Default)]
pub(super) struct Ledger {
    notes: Vec<NoteRow>,
    refused: Vec<AttemptRow>,
    journal: JournalWriter,
    frame: Vec<u8>,
    /// The place in the run of the request with each tag, and of the request in each slot of the router.
    by_tag: Vec<Option<u64>>,
    by_slot: Vec<Option<u64>>,
}

impl Ledger {
    pub(super) fn arrived(&mut self, tag: Tag, ordinal: Option<u64>) {
        set(&mut self.by_tag, tag.0 as usize, ordinal);
    }

    pub(super) fn accepted(&mut self, tag: Tag, request: RequestKey) {
        let ordinal = self.by_tag.get(tag.0 as usize).copied().flatten();
        set(&mut self.by_slot, request.slot as usize, ordinal);
    }

    pub(super) fn journal(&mut self, now: Timestamp, input: &Input, outputs: &[Output]) {
        self.frame.clear();
        encode_frame(now, input, digest_outputs(outputs), &mut self.frame);
        self.journal.frame(&self.frame);
    }

    pub(super) fn note(&mut self, at: Timestamp, note: squall_router::Note) {
        let slot = note.request().map(|key| key.slot as usize);
        let request = slot.and_then(|slot| self.by_slot.get(slot).copied().flatten());
        self.notes.push(NoteRow { at, request, note: Note::Router(note) });
    }

    pub(super) fn refused(
        &mut self,
        start: &StartAttempt,
        request: &RefusedRequest,
        ended: Timestamp,
    ) {
        self.refused.push(AttemptRow {
            request: request.ordinal,
            ordinal: start.attempt.nth,
            deployment: start.deployment.0,
            seen_by: SeenBy::Gateway,
            started: request.started,
            first_token: None,
            ended,
            outcome: AttemptOutcome::Failed { class: FailureClass::Connect },
            status: 0,
            retry_after: None,
            fault: None,
            stream: request.stream,
            input_tokens: request.input_tokens,
            output_tokens: 0,
        });
    }

    pub(super) fn into_log(self) -> GatewayLog {
        GatewayLog { notes: self.notes, refused: self.refused, journal: self.journal.into_bytes() }
    }
}

fn set(places: &mut Vec<Option<u64>>, place: usize, ordinal: Option<u64>) {
    if places.len() <= place {
        places.resize(place + 1, None);
    }
    places[place] = ordinal;
}
