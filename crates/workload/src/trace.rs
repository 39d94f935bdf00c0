//! A trace as the workload sees it: requests with their times and sizes, which somebody else reads.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt::Debug;
use core::time::Duration;
use squall_determinism::Timestamp;

/// A request of a trace.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct TracedRequest {
    /// When it was made: nanoseconds after the first request of the trace. Never before the request before it.
    pub at: u64,
    /// Tokens of its prompt, where the trace has them.
    pub input_tokens: Option<u32>,
    /// Tokens of its answer, where the trace has them.
    pub output_tokens: Option<u32>,
    /// Its kind, by its place in [`SourceConfig::kinds`](crate::SourceConfig::kinds), where the trace tells it.
    pub kind: Option<u16>,
    /// Its session, where the trace tells it.
    pub session: Option<u64>,
}

/// The requests of a trace, in the order of time, read one by one.
pub trait TraceRows: Debug + Send {
    /// The next request; why it cannot be read, after which nothing more is asked for; `None` at the end.
    fn next_row(&mut self) -> Option<Result<TracedRequest, String>>;
}

/// A trace that can be read as often as it is asked for, each time from its beginning and with the same requests.
pub trait TraceSource: Debug + Send + Sync {
    /// Its requests.
    fn rows(&self) -> Box<dyn TraceRows>;

    /// What it is, for a recording.
    fn identity(&self) -> TraceIdentity;
}

/// What tells a trace from others.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TraceIdentity {
    /// Its file or preset, as the scenario names it.
    pub name: String,
    /// The SHA-256 of its file in hexadecimal, where it was computed.
    pub sha256: Option<String>,
}

/// Why traffic has ended before its time.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TraceFault {
    /// When the last request came that was known.
    pub at: Timestamp,
    /// Which trace cannot be read on.
    pub trace: TraceIdentity,
    /// Why: the file, the line and what was expected.
    pub why: String,
}

/// How a trace is replayed.
#[derive(Clone, Debug)]
pub struct TraceReplay {
    /// Where its requests come from.
    pub source: Arc<dyn TraceSource>,
    /// How much longer everything takes: 0.1 is ten times as fast.
    pub time_scale: f64,
    /// How many requests are sent for each of the trace, on average: a part of them, or copies.
    pub rate_scale: f64,
    /// Each request comes later by an even draw from nothing up to this, in the time of the trace. Copies always have one:
    /// of 100 ms, where this is less.
    pub jitter: Duration,
    /// Whether it begins again at its end.
    pub repeat: bool,
    /// The part of it that is replayed, in its own time; all of it by default.
    pub window: Option<TraceWindow>,
    /// Whether requests have the sizes of the trace; else those of the traffic's distributions.
    pub sizes: TraceSizes,
    /// The requests of a pass of the part that is replayed, and the most of them within one time-out of the clients, where
    /// both were counted before the run.
    pub counted: Option<TraceCount>,
}

/// A part of a trace.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TraceWindow {
    /// Where it begins.
    pub from: Duration,
    /// How long it is.
    pub length: Duration,
}

/// Which sizes of a trace requests have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TraceSizes {
    /// Those of prompts.
    pub input: bool,
    /// Those of answers.
    pub output: bool,
}

/// What was counted of a trace before the run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TraceCount {
    /// Requests of the whole run, on average over seeds.
    pub requests: f64,
    /// The most of them that come within one time-out of the clients.
    pub at_once: f64,
}

impl PartialEq for TraceReplay {
    /// The same file, replayed in the same way.
    fn eq(&self, other: &Self) -> bool {
        self.source.identity() == other.source.identity()
            && self.time_scale.to_bits() == other.time_scale.to_bits()
            && self.rate_scale.to_bits() == other.rate_scale.to_bits()
            && (self.jitter, self.repeat, self.window) == (other.jitter, other.repeat, other.window)
            && self.sizes == other.sizes
    }
}
