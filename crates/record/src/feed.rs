//! Rows of a live run as they come, for whoever watches it: a copy that never makes the run wait. What a reader that is
//! too slow has no room for is left out, and counted.

use crate::{AttemptRow, NoteRow, RequestRow};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

/// Something that was written down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FeedRow {
    /// A request has ended.
    Request(RequestRow),
    /// An attempt has ended.
    Attempt(AttemptRow),
    /// Something was noted.
    Note(NoteRow),
}

/// Where rows of a run go in, without waiting.
#[derive(Clone, Debug)]
pub struct FeedSender {
    sender: SyncSender<FeedRow>,
    missed: Arc<AtomicU64>,
}

/// Where they come out.
#[derive(Debug)]
pub struct RowFeed {
    receiver: Receiver<FeedRow>,
    missed: Arc<AtomicU64>,
}

/// A feed in which at most `capacity` rows wait.
#[must_use]
pub fn row_feed(capacity: usize) -> (FeedSender, RowFeed) {
    let (sender, receiver) = sync_channel(capacity);
    let missed = Arc::<AtomicU64>::default();
    (FeedSender { sender, missed: Arc::clone(&missed) }, RowFeed { receiver, missed })
}

impl FeedSender {
    /// Puts a row in, if there is room and somebody who reads.
    pub(crate) fn send(&self, row: FeedRow) {
        if self.sender.try_send(row).is_err() {
            self.missed.fetch_add(1, Relaxed);
        }
    }
}

impl RowFeed {
    /// The next row.
    ///
    /// # Errors
    /// When none came within `patience`, or none can come any more.
    pub fn next(&self, patience: Duration) -> Result<FeedRow, RecvTimeoutError> {
        self.receiver.recv_timeout(patience)
    }

    /// How many rows were left out so far.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.missed.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RecordedEvent;
    use squall_determinism::Timestamp;

    fn note(second: u64) -> FeedRow {
        let note = RecordedEvent::FaultStarted { provider: 0, fault: 0 };
        FeedRow::Note(NoteRow { at: Timestamp::from_secs(second), request: None, note })
    }

    #[test]
    fn a_reader_that_is_too_slow_misses_the_latest_rows_and_knows_how_many() {
        let (sender, feed) = row_feed(2);
        (0..5).for_each(|second| sender.send(note(second)));
        assert_eq!(feed.missed(), 3);
        assert_eq!(feed.next(Duration::ZERO), Ok(note(0)));
        sender.send(note(5));
        assert_eq!(feed.next(Duration::ZERO), Ok(note(1)));
        assert_eq!(feed.next(Duration::ZERO), Ok(note(5)));
        assert_eq!(feed.next(Duration::ZERO), Err(RecvTimeoutError::Timeout));
    }

    #[test]
    fn rows_go_on_when_nobody_reads() {
        let (sender, feed) = row_feed(2);
        drop(feed);
        sender.send(note(0));
    }
}
