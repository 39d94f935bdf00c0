//! How traffic is described.

use crate::{AbortRule, Arrivals, Rate};
use alloc::vec::Vec;
use core::time::Duration;
use squall_determinism::{Distribution, Share, Timestamp};

/// All the traffic of a run. Times in it are intended times: when a user asked, not when a driver got
/// round to sending.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkloadConfig {
    /// Who asks, and when.
    pub arrivals: Arrivals,
    /// No request is intended at or after this time.
    pub until: Timestamp,
    /// Tokens of a prompt.
    pub prompt_tokens: Distribution,
    /// Tokens of an answer.
    pub output_tokens: Distribution,
    /// How many ask for a stream, drawn per request.
    pub stream: Share,
    /// How clients behave.
    pub client: ClientConfig,
    /// The kinds of requests, one of which is drawn for each by weight. Empty for a single kind.
    pub kinds: Vec<KindConfig>,
    /// When the weights of the kinds become others, in the order of time.
    pub shifts: Vec<Shift>,
    /// When the traffic ends early; never without.
    pub abort: Option<AbortRule>,
}

/// Other weights of the kinds from some time on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Shift {
    /// From when, by intended time.
    pub at: Timestamp,
    /// The weight of each kind, in the order of [`WorkloadConfig::kinds`].
    pub weights: Vec<u32>,
}

/// A kind of request. What it does not say holds as for all.
#[derive(Clone, Debug, PartialEq)]
pub struct KindConfig {
    /// How many requests are of this kind, relative to the others.
    pub weight: u32,
    /// Tokens of its prompts.
    pub prompt_tokens: Option<Distribution>,
    /// Tokens of its answers.
    pub output_tokens: Option<Distribution>,
    /// How many of it ask for a stream.
    pub stream: Option<Share>,
    /// How many sessions it has, one of which is drawn evenly for each request; 0 for none.
    pub sessions: u32,
}

impl WorkloadConfig {
    /// About the most requests that can ever be in flight: as many as come while a client waits.
    #[must_use]
    pub fn most_in_flight(&self) -> f64 {
        let arrivals = &self.arrivals;
        if let Some(most) = arrivals.most_at_once() {
            return most as f64;
        }
        let mean = arrivals.rate().map_or(0.0, Rate::peak) * self.client.timeout.as_secs_f64();
        // Of arrivals by chance there are a few more than of even ones.
        1.2 * mean + 50.0 + arrivals.surplus(mean)
    }
}

/// How clients behave.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ClientConfig {
    /// A client that has no whole answer by then, from its intended time, hangs up.
    pub timeout: Duration,
}
