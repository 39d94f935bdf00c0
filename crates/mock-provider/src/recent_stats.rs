//! How the attempts of the last minute ended, second by second, and whom each fault hit: what a person wants
//! to see while it happens.

use squall_determinism::Timestamp;
use squall_failure::FailureClass;
use squall_record::{AttemptOutcome, AttemptRow};
use std::collections::{BTreeMap, VecDeque};

/// How many seconds are kept.
pub(crate) const SECONDS: u64 = 60;

/// How attempts ended within a second.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, serde::Serialize)]
pub(crate) struct Second {
    /// With their whole answer.
    pub(crate) answered: u32,
    /// Refused for a limit: 429.
    pub(crate) throttled: u32,
    /// Failed otherwise.
    pub(crate) failed: u32,
    /// Given up by their callers.
    pub(crate) given_up: u32,
}

/// The last minute, and the hits of each fault since the start.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// From the oldest second on, none left out.
    seconds: VecDeque<Second>,
    /// The newest of them, counted from the start.
    newest: u64,
    hits: BTreeMap<u16, u64>,
}

impl Tally {
    /// Counts an attempt that has ended.
    pub(crate) fn count(&mut self, row: &AttemptRow) {
        self.enter(row.ended);
        if let Some(fault) = row.fault {
            *self.hits.entry(fault).or_default() += 1;
        }
        let Some(second) = self.seconds.back_mut() else { return };
        match row.outcome {
            AttemptOutcome::Succeeded => second.answered += 1,
            AttemptOutcome::Failed {
                class: FailureClass::Throttled | FailureClass::QuotaSpent,
            } => {
                second.throttled += 1;
            }
            AttemptOutcome::Failed { .. } => second.failed += 1,
            AttemptOutcome::Abandoned | AttemptOutcome::Unfinished => second.given_up += 1,
        }
    }

    /// The last minute as of `now`, the present second last.
    pub(crate) fn seconds(&mut self, now: Timestamp) -> Vec<Second> {
        self.enter(now);
        self.seconds.iter().copied().collect()
    }

    /// How many attempts a fault has hit.
    pub(crate) fn hits(&self, fault: u16) -> u64 {
        self.hits.get(&fault).copied().unwrap_or_default()
    }

    fn enter(&mut self, now: Timestamp) {
        let second = now.as_nanos() / 1_000_000_000;
        if self.seconds.is_empty() || second > self.newest + SECONDS {
            self.seconds.clear();
            self.seconds.push_back(Second::default());
            self.newest = second;
        }
        while self.newest < second {
            self.seconds.push_back(Second::default());
            self.newest += 1;
        }
        while self.seconds.len() as u64 > SECONDS {
            self.seconds.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider_server::new_row;

    fn ended(secs: u64, outcome: AttemptOutcome) -> AttemptRow {
        let at = Timestamp::from_secs(secs);
        AttemptRow { outcome, ended: at, fault: Some(2), ..new_row(None, at) }
    }

    #[test]
    fn a_minute_is_kept_second_by_second() {
        let mut tally = Tally::default();
        tally.count(&ended(10, AttemptOutcome::Succeeded));
        tally.count(&ended(12, AttemptOutcome::Failed { class: FailureClass::Throttled }));
        tally.count(&ended(12, AttemptOutcome::Abandoned));
        let seconds = tally.seconds(Timestamp::from_secs(13));
        let told: Vec<_> =
            seconds.iter().map(|s| (s.answered, s.throttled, s.failed, s.given_up)).collect();
        assert_eq!(told, [(1, 0, 0, 0), (0, 0, 0, 0), (0, 1, 0, 1), (0, 0, 0, 0)]);
        assert_eq!(tally.hits(2), 3);
        assert_eq!(tally.seconds(Timestamp::from_secs(500)).len(), 1, "silence is forgotten");
        assert!(tally.seconds(Timestamp::from_secs(560)).len() <= 60);
    }
}
