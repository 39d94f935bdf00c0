//! The log of a run that is recorded: notes, refused attempts, the journal.

use super::RefusedRequest;
use crate::setup::GatewayLog;
use squall_determinism::Timestamp;
use squall_failure::FailureClass;
use squall_record::{
    AttemptOutcome, AttemptRow, JournalReader, JournalWriter, NoteRow, RecordedEvent, RowSender,
    SeenBy,
};
use squall_router::journal::{digest_outputs, encode_arrival, encode_frame};
use squall_router::{RequestKey, RequestTag, RouterInput, RouterOutput, StartAttempt};

#[derive(Debug, Default)]
pub(super) struct RunLog {
    notes: Vec<NoteRow>,
    refused: Vec<AttemptRow>,
    journal: JournalWriter,
    frame: Vec<u8>,
    /// The place in the run of the request with each tag, and of the request in each slot of the router.
    by_tag: Vec<Option<u64>>,
    by_slot: Vec<Option<u64>>,
    /// Where everything goes besides, as it comes.
    rows: Option<RowSender>,
}

impl RunLog {
    /// Sends everything on from now on, and what has been written down so far.
    pub(super) fn stream(&mut self, rows: RowSender) {
        self.notes.iter().for_each(|row| rows.note(row));
        self.refused.iter().for_each(|row| rows.attempt(row));
        let journal = self.journal.clone().into_bytes();
        let frames = JournalReader::new(&journal).and_then(JournalReader::frames);
        frames.unwrap_or_default().into_iter().for_each(|frame| rows.frame(frame));
        self.rows = Some(rows);
    }

    pub(super) fn arrived(&mut self, tag: RequestTag, ordinal: Option<u64>) {
        set(&mut self.by_tag, tag.0 as usize, ordinal);
    }

    pub(super) fn accepted(&mut self, tag: RequestTag, request: RequestKey) {
        let ordinal = self.by_tag.get(tag.0 as usize).copied().flatten();
        set(&mut self.by_slot, request.slot as usize, ordinal);
    }

    pub(super) fn journal(
        &mut self,
        now: Timestamp,
        input: &RouterInput,
        outputs: &[RouterOutput],
    ) {
        self.frame.clear();
        let digest = digest_outputs(outputs);
        let request = match input {
            RouterInput::Arrived(arrival) => self.by_tag.get(arrival.tag.0 as usize).copied(),
            RouterInput::FirstToken { .. }
            | RouterInput::Finished { .. }
            | RouterInput::Failed { .. }
            | RouterInput::Interrupted { .. }
            | RouterInput::Unread { .. }
            | RouterInput::LimitHeaders { .. }
            | RouterInput::ClientGone { .. }
            | RouterInput::Checked { .. }
            | RouterInput::SpendRestored { .. }
            | RouterInput::Reconfigure { .. }
            | RouterInput::Shared(_)
            | RouterInput::Tick => None,
        };
        match request.flatten() {
            Some(request) => encode_arrival(now, input, request, digest, &mut self.frame),
            None => encode_frame(now, input, digest, &mut self.frame),
        }
        self.journal.frame(&self.frame);
        if let Some(rows) = &self.rows {
            rows.frame(&self.frame);
        }
    }

    pub(super) fn note(&mut self, at: Timestamp, note: squall_router::RouterEvent) {
        let slot = note.request().map(|key| key.slot as usize);
        let request = slot.and_then(|slot| self.by_slot.get(slot).copied().flatten());
        let row = NoteRow { at, request, note: RecordedEvent::Router(note) };
        self.notes.push(row);
        if let Some(rows) = &self.rows {
            rows.note(&row);
        }
    }

    pub(super) fn refused(
        &mut self,
        start: &StartAttempt,
        request: &RefusedRequest,
        ended: Timestamp,
    ) {
        let row = AttemptRow {
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
            limit: None,
            stream: request.stream,
            input_tokens: request.input_tokens,
            output_tokens: 0,
        };
        self.refused.push(row);
        if let Some(rows) = &self.rows {
            rows.attempt(&row);
        }
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
