//! Takes in what happens and ends in a recording.

use crate::header::stalled_after;
use crate::{AnswerSeen, AttemptOutcome, AttemptRow, NoteRow, RequestOutcome, RequestRow};
use crate::{CellMarks, RunHeader, SeriesLayout, ServerLag, TRANSIT, TimeSeries};
use squall_determinism::{Digest, Timestamp};

/// Whether rows are kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RowRetention {
    /// Rows, notes and cells.
    Rows,
    /// Cells, and the few notes that are of no request: faults, cooldowns, health, configurations.
    Cells,
}

/// A run, from the outside: all that metrics, verdict and report are made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// What it is of.
    pub header: RunHeader,
    /// Requests, by ordinal. Empty if rows were not kept.
    pub requests: Vec<RequestRow>,
    /// Attempts, by start. Empty if rows were not kept.
    pub attempts: Vec<AttemptRow>,
    /// Notes, by time.
    pub notes: Vec<NoteRow>,
    /// Counts and distributions.
    pub cells: TimeSeries,
    /// The journal of the router, in the frames of [`JournalWriter`](crate::JournalWriter).
    pub journal: Option<Vec<u8>>,
}

impl Recording {
    /// Whether rows were kept, if there were any.
    #[must_use]
    pub fn has_rows(&self) -> bool {
        let kept = !(self.requests.is_empty() && self.attempts.is_empty());
        kept || self.cells.counts() == (0, 0)
    }
}

/// Takes rows in as requests and attempts end.
///
/// Attempts come in the order in which they end: whether a Retry-After was obeyed is judged as they come.
#[derive(Clone, Debug)]
pub struct Collector {
    keep: RowRetention,
    requests: Vec<RequestRow>,
    attempts: Vec<AttemptRow>,
    notes: Vec<NoteRow>,
    cells: TimeSeries,
    /// Whether the kind of a request tells anything.
    has_kinds: bool,
    digest: Digest,
    /// How late the servers were, of a live run.
    server_lag: Vec<ServerLag>,
}

impl Collector {
    /// A collector for a run of this shape.
    #[must_use]
    pub fn new(shape: SeriesLayout, keep: RowRetention) -> Self {
        Self {
            keep,
            requests: Vec::new(),
            attempts: Vec::new(),
            notes: Vec::new(),
            cells: TimeSeries::new(shape),
            has_kinds: shape.kinds > 1,
            digest: Digest::new(),
            server_lag: Vec::new(),
        }
    }

    /// With what is known of the lag of the servers: an attempt that began before a stalled gateway could read a 429
    /// is not held against it.
    #[must_use]
    pub fn with_server_lag(self, server_lag: Vec<ServerLag>) -> Self {
        Self { server_lag, ..self }
    }

    /// With what is kept apart in the cells. It comes before the first row.
    #[must_use]
    pub fn with_marks(mut self, marks: &CellMarks) -> Self {
        self.cells.mark(marks);
        self
    }

    /// A request has ended.
    pub fn request(&mut self, row: &RequestRow) {
        digest_request(row, &mut self.digest);
        if self.has_kinds {
            self.digest.word(row.kind.into());
        }
        self.cells.request(row);
        if self.keep == RowRetention::Rows {
            self.requests.push(*row);
        }
    }

    /// An attempt for a request of this kind has ended.
    pub fn attempt_for(&mut self, kind: u16, row: &AttemptRow) {
        self.cells.attempt_for(kind, row);
        self.attempt(row);
    }

    /// An attempt has ended, of which nobody knows what kind of request it served.
    pub fn attempt(&mut self, row: &AttemptRow) {
        digest_attempt(row, &mut self.digest);
        self.cells.attempt(row, stalled_after(&self.server_lag, row.ended, TRANSIT));
        if self.keep == RowRetention::Rows {
            self.attempts.push(*row);
        }
    }

    /// Something was noted.
    pub fn note(&mut self, row: NoteRow) {
        if self.keep == RowRetention::Rows || row.note.is_of_state() {
            self.notes.push(row);
        }
    }

    /// The digest, to take the router's outputs in as they come.
    pub const fn digest(&mut self) -> &mut Digest {
        &mut self.digest
    }

    /// The recording. Its header gets the digest.
    #[must_use]
    pub fn finish(mut self, header: RunHeader) -> Recording {
        self.cells.close();
        self.requests.sort_by_key(|row| row.request);
        self.attempts.sort_by_key(|row| (row.started, row.request, row.ordinal));
        self.notes.sort_by_key(|row| row.at);
        Recording {
            header: RunHeader { digest: self.digest.to_string(), ..header },
            requests: self.requests,
            attempts: self.attempts,
            notes: self.notes,
            cells: self.cells,
            journal: None,
        }
    }
}

/// Fills in the ordinals of attempts, over all providers: the first to start is the first.
pub fn join(attempts: &mut [AttemptRow]) {
    attempts.sort_by_key(|row| (row.request, row.started, row.deployment));
    let (mut last, mut ordinal) = (None, 0);
    for row in attempts.iter_mut().filter(|row| row.request.is_some()) {
        ordinal = if row.request == last { ordinal + 1 } else { 0 };
        last = row.request;
        row.ordinal = ordinal;
    }
}

fn digest_request(row: &RequestRow, digest: &mut Digest) {
    let outcome = match row.outcome {
        RequestOutcome::Succeeded => 0,
        RequestOutcome::Failed { class, source } => {
            1 | u64::from(class.code()) << 8 | (source as u64) << 16
        }
        RequestOutcome::GaveUp => 2,
        RequestOutcome::Unfinished => 3,
    };
    digest.word(row.request);
    digest.word(u64::from(row.group) | u64::from(row.status) << 16 | u64::from(row.stream) << 32);
    digest.word(row.intended.as_nanos());
    digest.word(option(row.first_token));
    digest.word(row.ended.as_nanos());
    digest.word(u64::from(row.input_tokens) | u64::from(row.output_tokens) << 32);
    digest.word(u64::from(row.received_tokens) | outcome << 32);
    if row.calls != 1 {
        digest.word(row.calls.into());
    }
    // An answer that is as it should be adds nothing.
    let AnswerSeen { whole, usage, model: _ } = row.answer;
    if row.outcome == RequestOutcome::Succeeded && !(whole && usage) {
        digest.word(1 | u64::from(whole) << 1 | u64::from(usage) << 2);
    }
}

fn digest_attempt(row: &AttemptRow, digest: &mut Digest) {
    let outcome = match row.outcome {
        AttemptOutcome::Succeeded => 0,
        AttemptOutcome::Failed { class } => 1 | u64::from(class.code()) << 8,
        AttemptOutcome::Abandoned => 2,
        AttemptOutcome::Unfinished => 3,
    };
    digest.word(row.request.unwrap_or(u64::MAX));
    digest.word(
        u64::from(row.ordinal) | u64::from(row.deployment) << 16 | u64::from(row.status) << 32,
    );
    digest.word(row.started.as_nanos());
    digest.word(option(row.first_token));
    digest.word(row.ended.as_nanos());
    digest.word(u64::from(row.input_tokens) | u64::from(row.output_tokens) << 32);
    digest.word(outcome | row.retry_after.map_or(0, |wait| wait.as_nanos() as u64 + 1) << 16);
}

fn option(time: Option<Timestamp>) -> u64 {
    time.map_or(u64::MAX, Timestamp::as_nanos)
}
