//! Error answers that are not sent yet, since errors take time as well. They use no slot.

use super::concurrency::Subject;
use crate::{AttemptPlan, AttemptTag, Rejection};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use squall_determinism::Timestamp;

/// Those that have not left yet, by when they will.
#[derive(Clone, Debug, Default)]
pub(super) struct PendingErrors {
    due: BTreeMap<(Timestamp, u64), PendingError>,
    /// Counts them: those of one time leave in the order in which they were found.
    sequence: u64,
}

#[derive(Clone, Copy, Debug)]
struct PendingError {
    tag: AttemptTag,
    /// Whose attempt it is.
    subject: Subject,
    rejection: Rejection,
}

impl PendingErrors {
    pub(super) fn add(
        &mut self,
        at: Timestamp,
        tag: AttemptTag,
        subject: Subject,
        rejection: Rejection,
    ) {
        self.sequence += 1;
        self.due.insert((at, self.sequence), PendingError { tag, subject, rejection });
    }

    pub(super) fn next_at(&self) -> Option<Timestamp> {
        self.due.first_key_value().map(|(&(at, _), _)| at)
    }

    /// Takes out the next to leave.
    pub(super) fn pop(&mut self) -> Option<(AttemptTag, Rejection)> {
        self.due.pop_first().map(|(_, late)| (late.tag, late.rejection))
    }

    /// Takes out that of an attempt whose caller is gone.
    pub(super) fn forget(&mut self, tag: AttemptTag) {
        if !self.due.is_empty() {
            self.due.retain(|_, late| late.tag != tag);
        }
    }

    /// Takes out those whom a fault hits, in the order of their tags, as attempts that were never served.
    pub(super) fn take(
        &mut self,
        is_hit: impl Fn(&Subject) -> bool,
    ) -> Vec<(AttemptTag, AttemptPlan)> {
        let hit = self.due.extract_if(.., |_, late| is_hit(&late.subject));
        let mut hit: Vec<_> = hit.map(|(_, late)| (late.tag, AttemptPlan::unserved())).collect();
        hit.sort_unstable_by_key(|&(tag, _)| tag);
        hit
    }
}
