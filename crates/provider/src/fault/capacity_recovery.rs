//! How capacity recovers while a capacity cut lasts.

use core::time::Duration;
use squall_determinism::{Share, Timestamp};

/// How places come back: a service that restarts under load.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Recovery {
    /// How many of all its places come back in a minute.
    pub per_minute: Share,
    /// Whether it falls back to where it began whenever more come than it has places for: the herd that
    /// kills what recovers.
    pub fails_again: bool,
}

impl Recovery {
    /// What there is of its places so long after it began with `from`.
    pub(crate) fn left(self, from: Share, since: Timestamp, now: Timestamp) -> Share {
        let minute = Duration::from_secs(60).as_nanos();
        let back = u128::from(self.per_minute.ppm()) * now.since(since).as_nanos() / minute;
        let ppm = u128::from(from.ppm()) + back;
        u32::try_from(ppm).ok().and_then(Share::from_ppm).unwrap_or(Share::ALL)
    }
}
