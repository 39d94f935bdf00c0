//! Whether Retry-After was obeyed, from the provider's log alone.

use squall_determinism::Timestamp;
use std::collections::VecDeque;
use std::time::Duration;

/// How long an attempt may have been under way when a 429 left the provider: one that starts within
/// this time of a 429 was begun before the router could know of it. Generous for loopback, small beside
/// the shortest Retry-After that a header can say.
pub const TRANSIT: Duration = Duration::from_millis(25);

/// How long an embargo is remembered after its end: rows come when attempts end, so an attempt that
/// broke it may be told of as late as an answer takes.
const MEMORY: Duration = Duration::from_secs(120);

/// The times for which a provider asked to be left alone, each counted as broken at most once. Rows
/// come in the order in which attempts end, so that every 429 that an attempt could have known of is
/// here before the attempt is.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Embargoes {
    open: VecDeque<Embargo>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Embargo {
    asked: Timestamp,
    until: Timestamp,
}

impl Embargoes {
    pub(super) fn add(&mut self, asked: Timestamp, until: Timestamp) {
        while self.open.front().is_some_and(|first| first.until + MEMORY < asked) {
            self.open.pop_front();
        }
        self.open.push_back(Embargo { asked, until });
    }

    /// Takes out the embargoes that an attempt started at `started` has broken: when each was asked.
    pub(super) fn broken_by(&mut self, started: Timestamp) -> Vec<Timestamp> {
        if self.open.is_empty() {
            return Vec::new();
        }
        let broken =
            |embargo: &Embargo| started > embargo.asked + TRANSIT && started < embargo.until;
        let times: Vec<_> =
            self.open.iter().filter(|embargo| broken(embargo)).map(|each| each.asked).collect();
        if !times.is_empty() {
            self.open.retain(|embargo| !broken(embargo));
        }
        times
    }
}
