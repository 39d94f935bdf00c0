//! Whether Retry-After was obeyed, from the provider's log alone.
//!
//! A 429 with Retry-After is an embargo: from its end until the wait is over. It is broken by an attempt
//! at the same deployment that starts inside it. Rows come in the order in which attempts end, so that
//! every 429 that an attempt could have known of is here before the attempt is.
//!
//! Bounded: an embargo is forgotten once it is broken, or [`MEMORY`] after its end.

use squall_determinism::Timestamp;
use std::collections::VecDeque;
use std::time::Duration;

/// How long an attempt may have been under way when a 429 left the provider: one that starts within
/// this time of a 429 was begun before the router could know of it. Generous for loopback, small beside
/// the shortest Retry-After that a header can say.
pub const TRANSIT: Duration = Duration::from_millis(25);

/// How long an embargo is remembered after its end: rows come when attempts end, so an attempt that
/// broke it may be told of as late as an answer takes.
const MEMORY: Duration = Duration::from_secs(600);

/// The times for which a provider asked to be left alone, each counted as broken at most once.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Embargoes {
    /// Those that nobody has broken yet, by the time of the 429.
    open: VecDeque<Embargo>,
    /// The longest wait so far: no 429 older than that forbids a start.
    longest: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Embargo {
    asked: Timestamp,
    /// Attempts that started up to then may have been under way when the 429 was read.
    known: Timestamp,
    until: Timestamp,
}

impl Embargoes {
    /// A 429 that left the provider at `asked`, and may have been read by `delay` later than [`TRANSIT`] says.
    pub(super) fn add(&mut self, asked: Timestamp, wait: Duration, delay: Duration) {
        self.longest = self.longest.max(wait);
        let remembered = self.longest.saturating_add(MEMORY);
        while self.open.front().is_some_and(|oldest| oldest.asked + remembered < asked) {
            self.open.pop_front();
        }
        let place = self.open.partition_point(|other| other.asked <= asked);
        self.open
            .insert(place, Embargo { asked, known: asked + TRANSIT + delay, until: asked + wait });
    }

    /// Takes out the embargoes that an attempt started at `started` has broken, and tells when each was
    /// asked.
    #[inline]
    pub(super) fn broken_by(&mut self, started: Timestamp, broken: impl FnMut(Timestamp)) {
        if !self.open.is_empty() {
            self.take_broken(started, broken);
        }
    }

    /// Looks only at the 429s that ended in the longest wait before `started`: no other forbids it.
    fn take_broken(&mut self, started: Timestamp, mut broken: impl FnMut(Timestamp)) {
        let longest = self.longest;
        let first = self.open.partition_point(|other| other.asked + longest <= started);
        let end = self.open.partition_point(|other| other.asked + TRANSIT < started);
        let mut kept = first;
        for place in first..end {
            let embargo = self.open[place];
            if embargo.known < started && started < embargo.until {
                broken(embargo.asked);
            } else {
                self.open[kept] = embargo;
                kept += 1;
            }
        }
        if kept < end {
            self.open.drain(kept..end);
        }
    }
}
