//! How much a deployment is given.

use core::time::Duration;

/// The limits of one deployment. `None` is no limit.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Limits {
    /// Requests per minute.
    pub rpm: Option<RateLimit>,
    /// Tokens per minute, prompt and answer together.
    pub tpm: Option<RateLimit>,
    /// Attempts at once.
    pub concurrency: Option<u32>,
}

/// So many per minute.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RateLimit {
    /// How many per minute.
    pub per_minute: u64,
    /// How they are counted.
    pub window: Window,
}

/// How a rate is counted. The provider has the same words, implemented apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Window {
    /// The generic cell rate algorithm: at most `burst` + ⌊w·n/60 s⌋ in any window w.
    Gcra {
        /// How many at once after a rest. `None` for as many as per minute.
        burst: Option<u64>,
    },
    /// Minutes of the wall clock, each with the whole number.
    Fixed,
    /// The last 60 s, exactly.
    Sliding,
    /// Slices of this length from the epoch on, each with its part of the minute's number, at least 1.
    Slice(Duration),
}
