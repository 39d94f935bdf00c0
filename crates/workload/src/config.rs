//! How traffic is described.

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

/// Who asks, and when.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Arrivals {
    /// Open loop: users come one by one, each independent of all others.
    Poisson {
        /// How many a second.
        rate: Rate,
    },
    /// Open loop: users come at even distances.
    Even {
        /// How many a second.
        rate: Rate,
    },
    /// Open loop: one user at each of these times, which are nobody's draw.
    At {
        /// When, in any order.
        times: Vec<Timestamp>,
    },
    /// Closed loop: so many clients, each of which asks again when it was answered and has thought.
    Closed {
        /// How many clients. They start evenly over the first second.
        clients: u32,
        /// Between an answer and the next question, in nanoseconds.
        think: Distribution,
    },
}

/// A rate over time: segments, each from its start to the next one's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rate {
    /// In the order of their starts, the first at 0.
    pub segments: Vec<RateSegment>,
}

/// A piece of a rate. Rates are requests per second.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum RateSegment {
    /// Always the same.
    Constant {
        /// From when.
        at: Timestamp,
        /// How many a second.
        rps: f64,
    },
    /// From the rate at its start in a straight line to `to`, then constant.
    Ramp {
        /// From when.
        at: Timestamp,
        /// Where it starts.
        from: f64,
        /// Where it arrives.
        to: f64,
        /// How long it takes.
        over: Duration,
    },
    /// A spike over a base: a straight rise to `peak`, then a fall back towards the base.
    Spike {
        /// From when.
        at: Timestamp,
        /// The rate it starts from and falls back to.
        base: f64,
        /// The rate at its top.
        peak: f64,
        /// From the start to the top.
        rise: Duration,
        /// How it falls.
        decay: Decay,
    },
}

impl WorkloadConfig {
    /// About the most requests that can ever be in flight: as many as come while a client waits.
    #[must_use]
    pub fn most_in_flight(&self) -> f64 {
        match &self.arrivals {
            Arrivals::Poisson { rate } | Arrivals::Even { rate } => {
                // Of arrivals by chance there are a few more than of even ones.
                1.2 * rate.peak() * self.client.timeout.as_secs_f64() + 50.0
            }
            Arrivals::At { times } => times.len() as f64,
            Arrivals::Closed { clients, .. } => f64::from(*clients),
        }
    }
}

impl Rate {
    /// The highest rate of any moment.
    #[must_use]
    pub fn peak(&self) -> f64 {
        let peaks = self.segments.iter().map(|segment| match *segment {
            RateSegment::Constant { rps, .. } => rps,
            RateSegment::Ramp { from, to, .. } => from.max(to),
            RateSegment::Spike { base, peak, .. } => base.max(peak),
        });
        peaks.fold(0.0, f64::max)
    }
}

impl RateSegment {
    /// From when it holds.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        match *self {
            Self::Constant { at, .. } | Self::Ramp { at, .. } | Self::Spike { at, .. } => at,
        }
    }
}

/// How a spike falls: base + (peak − base) · (1 + t / scale)^−exponent, t from the top (Crane and
/// Sornette 2008: 1.4 for an exogenous burst that does not spread further, 0.6 for a viral one).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decay {
    /// How steeply.
    pub exponent: f64,
    /// How long until it has fallen by 2^−exponent.
    pub scale: Duration,
}

/// How clients behave.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ClientConfig {
    /// A client that has no whole answer by then, from its intended time, hangs up.
    pub timeout: Duration,
}
