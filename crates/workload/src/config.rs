//! How traffic is described.

use crate::{AbortRule, Arrivals, ClientRetries, Rate};
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;
use squall_determinism::{Distribution, Share, Timestamp};

/// All the traffic of a run. Times in it are intended times: when a user asked, not when a driver got
/// round to sending.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkloadConfig {
    /// Who sends: each independent of all others, and none of them changes what another one sends.
    pub sources: Vec<SourceConfig>,
    /// No request is intended at or after this time.
    pub until: Timestamp,
    /// When the traffic ends early; never without.
    pub abort: Option<AbortRule>,
}

/// A source of traffic: users who ask for the same things, and wait alike.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceConfig {
    /// What its draws are keyed by, beside the seed: sources with the same key draw the same.
    pub key: u32,
    /// Who asks, and when.
    pub arrivals: Arrivals,
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
}

/// Other weights of the kinds from some time on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Shift {
    /// From when, by intended time.
    pub at: Timestamp,
    /// The weight of each kind, in the order of [`SourceConfig::kinds`].
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
    /// The traffic of one source alone.
    #[must_use]
    pub fn of(source: SourceConfig, until: Timestamp) -> Self {
        Self { sources: vec![source], until, abort: None }
    }

    /// About the most requests that can ever be in flight: as many as come while a client waits.
    #[must_use]
    pub fn most_in_flight(&self) -> f64 {
        self.sources.iter().map(SourceConfig::most_in_flight).sum()
    }

    /// Requests per second at a time, of all sources together; `None` where times or clients decide in any of them.
    #[must_use]
    pub fn rate_at(&self, at: Timestamp) -> Option<f64> {
        self.sources.iter().map(|source| source.arrivals.rate_at(at)).sum()
    }

    /// About the most requests that come within so long, at the highest rate and in a burst; `None` where times or clients
    /// decide in any source.
    #[must_use]
    pub fn most_within(&self, span: Duration) -> Option<f64> {
        let most = |source: &SourceConfig| {
            let mean = source.arrivals.rate()?.peak() * span.as_secs_f64();
            Some(mean + source.arrivals.surplus(mean))
        };
        self.sources.iter().map(most).sum()
    }

    /// The largest index of dispersion of any source: that of all together is no larger, since they are independent.
    #[must_use]
    pub fn dispersion(&self) -> f64 {
        let each = self.sources.iter().map(|source| source.arrivals.dispersion());
        each.fold(0.0, f64::max)
    }

    /// The longest that any client waits.
    #[must_use]
    pub fn longest_wait(&self) -> Duration {
        self.sources.iter().map(|source| source.client.timeout).max().unwrap_or_default()
    }
}

impl SourceConfig {
    /// How many kinds of requests it has: one at least. Kinds are numbered over all sources, in their order.
    #[must_use]
    pub fn kind_count(&self) -> usize {
        self.kinds.len().max(1)
    }

    fn most_in_flight(&self) -> f64 {
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
    /// A client that has no whole answer by then, from its intended time, hangs up: however often it has called.
    pub timeout: Duration,
    /// One that nothing of an answer has reached by then, from its intended time, hangs up as well.
    pub first_token: Option<Duration>,
    /// A call whose answer has not begun by then, from when it was made, has failed.
    pub call_timeout: Option<Duration>,
    /// How it calls again after a call that failed; `None` if it does not.
    pub retries: Option<ClientRetries>,
}

impl ClientConfig {
    /// One who calls once and waits for so long.
    #[must_use]
    pub const fn waiting(timeout: Duration) -> Self {
        Self { timeout, first_token: None, call_timeout: None, retries: None }
    }

    /// Whether its calls are looked at one by one.
    pub(crate) const fn watches_calls(&self) -> bool {
        self.first_token.is_some() || self.call_timeout.is_some() || self.retries.is_some()
    }
}
