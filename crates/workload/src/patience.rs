//! Those who wait for an answer, and when they give up.

use crate::Ordinal;
use alloc::collections::{BinaryHeap, VecDeque};
use core::cmp::Reverse;
use squall_defects::{Defect, planted};
use squall_determinism::Timestamp;

/// Requests without an answer, in the order of their intended times.
#[derive(Clone, Debug)]
pub(crate) struct Patience {
    waiting: VecDeque<WaitingRequest>,
    /// The ordinal of the first in `waiting`.
    first: u64,
    unanswered: usize,
    /// Who gives up first. Where all clients wait equally long it is the first in the queue, and nothing is kept here.
    by_due: Option<BinaryHeap<Reverse<(Timestamp, u64)>>>,
}

#[derive(Clone, Copy, Debug)]
struct WaitingRequest {
    due: Timestamp,
    asked_by: AskedBy,
    answered: bool,
}

/// Who waits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct AskedBy {
    /// The client, of a source that tells clients apart.
    pub(crate) client: u32,
    /// The source, by its place.
    pub(crate) source: u16,
}

impl Patience {
    /// Nobody waits yet; `are_alike` if all will wait equally long.
    pub(crate) fn new(are_alike: bool) -> Self {
        Self {
            waiting: VecDeque::new(),
            first: 0,
            unanswered: 0,
            by_due: (!are_alike).then(BinaryHeap::new),
        }
    }

    /// The number of the next request that begins.
    pub(crate) fn next_ordinal(&self) -> Ordinal {
        Ordinal(self.first + self.waiting.len() as u64)
    }

    pub(crate) fn begin(
        &mut self,
        intended: Timestamp,
        timeout: core::time::Duration,
        asked_by: AskedBy,
    ) {
        let timeout =
            if planted(Defect::PatienceDoubled) { timeout.saturating_mul(2) } else { timeout };
        let due = intended + timeout;
        if let Some(by_due) = &mut self.by_due {
            by_due.push(Reverse((due, self.first + self.waiting.len() as u64)));
        }
        self.waiting.push_back(WaitingRequest { due, asked_by, answered: false });
        self.unanswered += 1;
    }

    /// A client has its answer; `None` if it no longer waits for one, else who it is.
    pub(crate) fn answered(&mut self, request: Ordinal) -> Option<AskedBy> {
        let place = self.place(request.0)?;
        self.waiting[place].answered = true;
        let asked_by = self.waiting[place].asked_by;
        self.unanswered -= 1;
        self.forget();
        Some(asked_by)
    }

    #[inline]
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        match &self.by_due {
            None => self.waiting.front().map(|waiting| waiting.due),
            Some(by_due) => by_due.peek().map(|Reverse((due, _))| *due),
        }
    }

    /// Takes out the first who gives up.
    pub(crate) fn give_up(&mut self) -> Option<(Ordinal, AskedBy)> {
        let ordinal = match &mut self.by_due {
            None => self.first,
            Some(by_due) => by_due.pop()?.0.1,
        };
        let asked_by = self.answered(Ordinal(ordinal))?;
        Some((Ordinal(ordinal), asked_by))
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.unanswered == 0
    }

    /// The place of a request that waits.
    fn place(&self, ordinal: u64) -> Option<usize> {
        let place = usize::try_from(ordinal.checked_sub(self.first)?).ok()?;
        self.waiting.get(place).filter(|waiting| !waiting.answered).map(|_| place)
    }

    fn forget(&mut self) {
        while self.waiting.front().is_some_and(|waiting| waiting.answered) {
            self.waiting.pop_front();
            self.first += 1;
        }
        // Whoever was answered gives up no more.
        while let Some(Reverse((_, ordinal))) = self.by_due.as_ref().and_then(BinaryHeap::peek)
            && self.place(*ordinal).is_none()
        {
            self.by_due.as_mut().and_then(BinaryHeap::pop);
        }
    }
}
