//! What takes rows as they end, and makes the recording.

use crate::{
    AttemptOutcome, AttemptRow, Cells, Keep, NoteRow, Recording, RequestOutcome, RequestRow,
    RunHeader, SeenBy,
};
use core::time::Duration;
use squall_determinism::{Digest, Timestamp};

/// How many of each a run has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Shape {
    /// Model groups.
    pub groups: usize,
    /// Deployments, all groups together.
    pub deployments: usize,
}

/// Takes what happens, in the order of its end, and makes a [`Recording`] of it.
///
/// The digest covers requests, attempts and whatever words the shell adds for the router's outputs;
/// notes are left out.
#[derive(Clone, Debug)]
pub struct Collector {
    keep: Keep,
    requests: Vec<RequestRow>,
    attempts: Vec<AttemptRow>,
    notes: Vec<NoteRow>,
    cells: Cells,
    digest: Digest,
}

impl Collector {
    /// An empty one for a run of this shape.
    #[must_use]
    pub fn new(shape: Shape, keep: Keep) -> Self {
        Self {
            keep,
            requests: Vec::new(),
            attempts: Vec::new(),
            notes: Vec::new(),
            cells: Cells::new(shape.groups, shape.deployments),
            digest: Digest::new(),
        }
    }

    /// A request has ended.
    ///
    /// # Panics
    /// When its group is outside the shape.
    pub fn request(&mut self, row: &RequestRow) {
        digest_request(row, &mut self.digest);
        self.cells.request(row);
        if self.keep == Keep::Rows {
            self.requests.push(*row);
        }
    }

    /// An attempt has ended. Attempts come in the order of their ends.
    ///
    /// # Panics
    /// When its deployment is outside the shape.
    pub fn attempt(&mut self, row: &AttemptRow) {
        digest_attempt(row, &mut self.digest);
        self.cells.attempt(row);
        if self.keep == Keep::Rows {
            self.attempts.push(*row);
        }
    }

    /// Something to annotate a chart with. Left out when only cells are kept.
    pub fn note(&mut self, row: NoteRow) {
        if self.keep == Keep::Rows {
            self.notes.push(row);
        }
    }

    /// The digest so far, to be fed the router's outputs.
    pub const fn digest(&mut self) -> &mut Digest {
        &mut self.digest
    }

    /// The recording: its rows sorted, its digest in the header.
    #[must_use]
    pub fn finish(mut self, header: RunHeader) -> Recording {
        self.requests.sort_unstable_by_key(|row| row.request);
        self.attempts.sort_by_key(|row| (row.started, row.request, row.deployment));
        self.notes.sort_by_key(|row| row.at);
        self.cells.settle();
        Recording {
            header: RunHeader { digest: self.digest.to_string(), ..header },
            kept: self.keep,
            requests: self.requests,
            attempts: self.attempts,
            notes: self.notes,
            cells: self.cells,
            journal: None,
        }
    }
}

#[inline]
fn digest_request(row: &RequestRow, digest: &mut Digest) {
    let outcome = match row.outcome {
        RequestOutcome::Succeeded => 0,
        RequestOutcome::Failed { class, source } => {
            1 | u64::from(class.code()) << 8 | (source as u64) << 16
        }
        RequestOutcome::GaveUp => 2,
        RequestOutcome::Unfinished => 3,
    };
    let small = outcome | u64::from(row.status) << 24 | u64::from(row.group) << 40;
    digest.word(REQUEST | small | u64::from(row.stream) << 56);
    digest.word(row.request);
    digest.word(row.intended.as_nanos());
    digest.word(row.sent.as_nanos());
    digest.word(row.first_token.unwrap_or(Timestamp::MAX).as_nanos());
    digest.word(row.ended.as_nanos());
    digest.word(u64::from(row.input_tokens) << 32 | u64::from(row.output_tokens));
    digest.word(row.received_tokens.into());
}

#[inline]
fn digest_attempt(row: &AttemptRow, digest: &mut Digest) {
    let outcome = match row.outcome {
        AttemptOutcome::Succeeded => 0,
        AttemptOutcome::Failed { class } => 1 | u64::from(class.code()) << 8,
        AttemptOutcome::Abandoned => 2,
        AttemptOutcome::Unfinished => 3,
    };
    let seen_by = match row.seen_by {
        SeenBy::Provider => 0,
        SeenBy::Gateway => 1,
    };
    let small = outcome | seen_by << 16 | u64::from(row.status) << 24;
    digest.word(ATTEMPT | small | u64::from(row.deployment) << 40 | u64::from(row.stream) << 56);
    digest.word(row.request.unwrap_or(u64::MAX));
    digest.word(row.started.as_nanos());
    digest.word(row.first_token.unwrap_or(Timestamp::MAX).as_nanos());
    digest.word(row.ended.as_nanos());
    digest.word(row.retry_after.map_or(u64::MAX, nanos));
    digest.word(u64::from(row.input_tokens) << 32 | u64::from(row.output_tokens));
    digest.word(u64::from(row.ordinal) << 32 | row.fault.map_or(u64::from(u32::MAX), u64::from));
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// What tells the rows apart in the digest.
const REQUEST: u64 = 1 << 60;
const ATTEMPT: u64 = 2 << 60;
