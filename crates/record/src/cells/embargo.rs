//! Whether a provider was left alone when it asked for it.
//!
//! A 429 with Retry-After is an embargo: from its end until the wait is over. It is broken by an attempt
//! at the same deployment that starts inside it. Rows come in the order of their ends, so the 429s that
//! ended before an attempt's start are known when its row comes.
//!
//! Bounded: an embargo is forgotten once it is broken, or [`HORIZON`] after its end.

use core::time::Duration;
use squall_determinism::Timestamp;
use std::collections::VecDeque;

/// How long after a 429 an attempt may still start without breaking its Retry-After: it set out before
/// the answer reached the router, and a provider's log cannot see when that was.
pub const TRANSIT: Duration = Duration::from_millis(25);

/// How long an attempt may last and still be held against a Retry-After that it broke.
const HORIZON: Duration = Duration::from_secs(600);

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Embargoes {
    /// Those that nobody has broken yet, by the time of the 429.
    unbroken: VecDeque<Embargo>,
    /// The longest wait that was asked for: no older 429 can forbid a start.
    longest: Duration,
    /// When the provider had asked to be left alone, overlapping waits as one.
    ranges: Vec<(Timestamp, Timestamp)>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Embargo {
    from: Timestamp,
    until: Timestamp,
}

impl Embargoes {
    /// A 429 that ended at `from` asked for a wait.
    pub(super) fn ask(&mut self, from: Timestamp, wait: Duration) {
        let until = from + wait;
        self.longest = self.longest.max(wait);
        let forgotten = self.longest.saturating_add(HORIZON);
        while self.unbroken.front().is_some_and(|oldest| oldest.from + forgotten < from) {
            self.unbroken.pop_front();
        }
        let place = self.unbroken.partition_point(|other| other.from <= from);
        self.unbroken.insert(place, Embargo { from, until });
        self.cover(from, until);
    }

    /// An attempt started; `broken` is told the time of each 429 whose wait it broke.
    #[inline]
    pub(super) fn attempt(&mut self, started: Timestamp, broken: impl FnMut(Timestamp)) {
        if !self.unbroken.is_empty() {
            self.look(started, broken);
        }
    }

    /// Those that forbid `started` ended in the longest wait before it.
    fn look(&mut self, started: Timestamp, mut broken: impl FnMut(Timestamp)) {
        let longest = self.longest;
        let first = self.unbroken.partition_point(|other| other.from + longest <= started);
        let last = self.unbroken.partition_point(|other| other.from + TRANSIT < started);
        let mut kept = first;
        for place in first..last {
            let embargo = self.unbroken[place];
            if embargo.until > started {
                broken(embargo.from);
            } else {
                self.unbroken[kept] = embargo;
                kept += 1;
            }
        }
        if kept < last {
            self.unbroken.drain(kept..last);
        }
    }

    /// Takes the stretch into `ranges`, whose last one it overlaps or follows.
    fn cover(&mut self, from: Timestamp, until: Timestamp) {
        match self.ranges.last_mut() {
            Some(last) if from <= last.1 => {
                last.0 = last.0.min(from);
                last.1 = last.1.max(until);
            }
            _ => self.ranges.push((from, until)),
        }
    }

    pub(crate) fn ranges(&self) -> &[(Timestamp, Timestamp)] {
        &self.ranges
    }

    /// Puts a stretch back, from a file.
    pub(crate) fn push_range(&mut self, from: Timestamp, until: Timestamp) {
        self.ranges.push((from, until));
    }

    /// Forgets what only further rows would need.
    pub(super) fn settle(&mut self) {
        self.unbroken = VecDeque::new();
        self.longest = Duration::ZERO;
    }
}
