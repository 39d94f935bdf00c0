//! Those who wait for an answer, and when they give up.

use crate::Ordinal;
use alloc::collections::VecDeque;
use core::time::Duration;
use squall_defects::{Defect, planted};
use squall_determinism::Timestamp;

/// Requests without an answer, in the order of their intended times. All clients wait equally long, so
/// that the first in the queue is the first to give up.
#[derive(Clone, Debug)]
pub(crate) struct Patience {
    timeout: Duration,
    waiting: VecDeque<WaitingRequest>,
    /// The ordinal of the first in `waiting`.
    first: u64,
    unanswered: usize,
}

#[derive(Clone, Copy, Debug)]
struct WaitingRequest {
    due: Timestamp,
    client: u32,
    answered: bool,
}

impl Patience {
    pub(crate) fn new(timeout: Duration) -> Self {
        let timeout =
            if planted(Defect::PatienceDoubled) { timeout.saturating_mul(2) } else { timeout };
        Self { timeout, waiting: VecDeque::new(), first: 0, unanswered: 0 }
    }

    pub(crate) fn begin(&mut self, intended: Timestamp, client: u32) -> Ordinal {
        let ordinal = Ordinal(self.first + self.waiting.len() as u64);
        self.waiting.push_back(WaitingRequest {
            due: intended + self.timeout,
            client,
            answered: false,
        });
        self.unanswered += 1;
        ordinal
    }

    /// A client has its answer; `None` if it no longer waits for one, else which client it is.
    pub(crate) fn answered(&mut self, request: Ordinal) -> Option<u32> {
        let place = usize::try_from(request.0.checked_sub(self.first)?).ok()?;
        let waiting = self.waiting.get_mut(place).filter(|waiting| !waiting.answered)?;
        waiting.answered = true;
        let client = waiting.client;
        self.unanswered -= 1;
        self.forget();
        Some(client)
    }

    #[inline]
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.waiting.front().map(|waiting| waiting.due)
    }

    /// Takes out the first, who gives up.
    pub(crate) fn give_up(&mut self) -> Option<(Ordinal, u32)> {
        let waiting = self.waiting.pop_front()?;
        let ordinal = Ordinal(self.first);
        self.first += 1;
        self.unanswered -= 1;
        self.forget();
        Some((ordinal, waiting.client))
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.unanswered == 0
    }

    fn forget(&mut self) {
        while self.waiting.front().is_some_and(|waiting| waiting.answered) {
            self.waiting.pop_front();
            self.first += 1;
        }
    }
}
