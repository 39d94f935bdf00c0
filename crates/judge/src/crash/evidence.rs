//! What a recording shows of a fault: what callers got, and what primary and fallback saw.

use squall_determinism::Timestamp;
use squall_record::{AttemptRow, Recording, RequestOutcome, RequestRow};
use std::time::Duration;

/// Rows, by who saw them.
#[derive(Clone, Debug)]
pub(super) struct CrashEvidence<'a> {
    /// Those that met the fault, in the order in which they were sent.
    pub(super) requests: Vec<&'a RequestRow>,
    /// The one afterwards that asks whether the system is alive.
    pub(super) alive: Option<&'a RequestRow>,
    /// Attempts at the primary for `requests`, in the order of their starts.
    pub(super) primary: Vec<&'a AttemptRow>,
    /// Those at the fallback.
    pub(super) fallback: Vec<&'a AttemptRow>,
    /// The number of the fallback.
    pub(super) fallback_number: Option<u16>,
}

impl<'a> CrashEvidence<'a> {
    pub(super) fn of(recording: &'a Recording) -> Self {
        let header = &recording.header;
        let alive_kind = header.kinds.iter().position(|kind| kind == "alive");
        let is_alive = |row: &&RequestRow| Some(usize::from(row.kind)) == alive_kind;
        let (alive, mut requests): (Vec<&RequestRow>, Vec<&RequestRow>) =
            recording.requests.iter().partition(is_alive);
        requests.sort_by_key(|row| (row.sent, row.request));
        let number = |name: &str| {
            let place = header.deployments.iter().position(|deployment| deployment.name == name);
            place.and_then(|place| u16::try_from(place).ok())
        };
        let attempts = |deployment: Option<u16>| {
            let rows = recording.attempts.iter();
            let mut rows: Vec<_> = rows.filter(|row| Some(row.deployment) == deployment).collect();
            rows.sort_by_key(|row| row.started);
            rows
        };
        let fallback_number = number("fallback");
        Self {
            requests,
            alive: alive.last().copied(),
            primary: attempts(number("primary")),
            fallback: attempts(fallback_number),
            fallback_number,
        }
    }

    /// When the first request was sent.
    pub(super) fn start(&self) -> Timestamp {
        self.requests.first().map_or(Timestamp::ZERO, |row| row.sent)
    }

    /// The longest that a caller waited.
    pub(super) fn longest(&self) -> Duration {
        self.requests.iter().map(|row| waited(row)).max().unwrap_or_default()
    }

    /// A request that had no end when its caller left.
    pub(super) fn hung(&self) -> Option<&'a RequestRow> {
        self.requests.iter().copied().find(|row| is_hung(row))
    }
}

/// How long its caller waited.
pub(super) fn waited(row: &RequestRow) -> Duration {
    row.ended.since(row.sent)
}

/// Whether it got its whole answer.
pub(super) fn is_answered(row: &RequestRow) -> bool {
    row.outcome == RequestOutcome::Succeeded && row.answer.whole
}

/// Whether half an answer, or another one, was given as a success.
pub(super) fn is_truncated(row: &RequestRow) -> bool {
    row.outcome == RequestOutcome::Succeeded && !row.answer.whole
}

/// Whether it had no end when its caller left.
pub(super) fn is_hung(row: &RequestRow) -> bool {
    matches!(row.outcome, RequestOutcome::GaveUp | RequestOutcome::Unfinished)
}

/// The error that its caller was told, if it was one.
pub(super) fn failure(row: &RequestRow) -> Option<String> {
    match row.outcome {
        RequestOutcome::Failed { class, .. } if row.status == 200 => {
            Some(format!("an error in the stream ({})", class.as_str()))
        }
        RequestOutcome::Failed { class, .. } => Some(format!("{} {}", row.status, class.as_str())),
        RequestOutcome::Succeeded | RequestOutcome::GaveUp | RequestOutcome::Unfinished => None,
    }
}
