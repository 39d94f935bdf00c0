//! The rollback, measured: how long after the rollback requests on the new path were still under way, and what
//! became of them.

use squall_determinism::Timestamp;
use squall_record::{Recording, RequestOutcome};
use std::time::Duration;

/// What became of the requests on the new path.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct DrainResult {
    /// From the flip to the moment at which the last of them was sent; zero if none was sent after it.
    pub(super) sent: Duration,
    /// From the flip to the moment at which the last of them had ended.
    pub(super) ended: Duration,
    /// How many were under way at the flip.
    pub(super) under_way: u64,
    /// Of those, how many got no whole answer.
    pub(super) lost: u64,
}

impl DrainResult {
    /// Measures it, of the requests of a kind.
    pub(super) fn of(recording: &Recording, kind: u16, flip: Timestamp) -> Self {
        let mut drain = Self::default();
        for row in recording.requests.iter().filter(|row| row.kind == kind) {
            drain.sent = drain.sent.max(row.sent.since(flip));
            drain.ended = drain.ended.max(row.ended.since(flip));
            if row.intended < flip && row.ended > flip {
                drain.under_way += 1;
                drain.lost += u64::from(row.outcome != RequestOutcome::Succeeded);
            }
        }
        drain
    }
}
