//! Arrival processes: who asks next, and when. One file per process, and here the table of them: to add one, write
//! its file under `arrivals/`, its variants and its lines in the matches below, and its row in the reader of scenarios,
//! `crates/scenario/src/read/arrivals.rs`. One that follows a rate says how its gaps are drawn (`time_changed.rs`).

mod closed;
mod even;
mod gamma;
mod hawkes;
mod listed;
mod on_off;
mod poisson;
mod replay;
mod time_changed;
mod weibull;

use crate::Rate;
use crate::trace::{TraceIdentity, TraceReplay, TracedRequest};
use alloc::boxed::Box;
use alloc::vec::Vec;
use closed::ClosedLoop;
use core::time::Duration;
use even::EvenGaps;
use gamma::GammaGaps;
use hawkes::SelfExcitingGaps;
use listed::Listed;
use on_off::OnOff;
use poisson::ExponentialGaps;
use replay::Replay;
use squall_determinism::{Distribution, Seed, Shard, Timestamp};
use time_changed::TimeChanged;
use weibull::WeibullGaps;

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
    /// Open loop: a renewal process with gamma gaps, whose coefficient of variation is shape^−½.
    Gamma {
        /// How many a second.
        rate: Rate,
        /// The shape: 1 for Poisson arrivals, bursty below.
        shape: f64,
    },
    /// Open loop: a renewal process with Weibull gaps.
    Weibull {
        /// How many a second.
        rate: Rate,
        /// The shape: 1 for Poisson arrivals, bursty below.
        shape: f64,
    },
    /// Open loop: bursts and silences in turn, whose lengths are exponential. In a burst users come so much more often
    /// that the mean rate is kept.
    OnOff {
        /// How many a second, silences included.
        rate: Rate,
        /// The mean length of a burst.
        on: Duration,
        /// The mean length of a silence.
        off: Duration,
    },
    /// Open loop: a self-exciting process (Hawkes 1971), in which each user brings others on average.
    Hawkes {
        /// How many a second, those included that others bring.
        rate: Rate,
        /// How many each brings, below 1.
        branching: f64,
        /// The mean delay of those, at the mean rate of the run; where the rate is twice that, half as long.
        decay: Duration,
    },
    /// Open loop: one user at each of these times, which are nobody's draw.
    At {
        /// When, in any order.
        times: Vec<Timestamp>,
    },
    /// Open loop: users come as they came in a trace.
    Trace {
        /// The trace, and how it is replayed.
        replay: Box<TraceReplay>,
    },
    /// Closed loop: so many clients, each of which asks again when it was answered and has thought.
    Closed {
        /// How many clients. They start evenly over the first second.
        clients: u32,
        /// Between an answer and the next question, in nanoseconds.
        think: Distribution,
    },
}

impl Arrivals {
    /// A renewal process with gamma gaps of this coefficient of variation, where the rate is constant.
    #[must_use]
    pub fn gamma(rate: Rate, cv: f64) -> Self {
        Self::Gamma { rate, shape: gamma::shape_of(cv) }
    }

    /// A renewal process with Weibull gaps of this coefficient of variation, where the rate is constant.
    #[must_use]
    pub fn weibull(rate: Rate, cv: f64) -> Self {
        Self::Weibull { rate, shape: weibull::shape_of(cv) }
    }

    /// Requests per second over time, where the process follows a rate; `None` where times or clients decide.
    #[must_use]
    pub const fn rate(&self) -> Option<&Rate> {
        match self {
            Self::Poisson { rate }
            | Self::Even { rate }
            | Self::Gamma { rate, .. }
            | Self::Weibull { rate, .. }
            | Self::OnOff { rate, .. }
            | Self::Hawkes { rate, .. } => Some(rate),
            Self::Trace { .. } => None,
            Self::At { .. } | Self::Closed { .. } => None,
        }
    }

    /// Requests per second at a time, likewise.
    #[must_use]
    pub fn rate_at(&self, at: Timestamp) -> Option<f64> {
        self.rate().map(|rate| rate.at(at))
    }

    /// The index of dispersion of counts over long windows, variance ÷ mean: 1 of Poisson arrivals, more of bursts. 0
    /// where times are given, or clients decide.
    #[must_use]
    pub fn dispersion(&self) -> f64 {
        match self {
            Self::Poisson { .. } => 1.0,
            Self::Gamma { shape, .. } => 1.0 / shape,
            Self::Weibull { shape, .. } => weibull::squared_cv(*shape),
            Self::OnOff { rate, on, off } => on_off::dispersion(*on, *off, rate.peak()),
            Self::Hawkes { branching, .. } => 1.0 / ((1.0 - branching) * (1.0 - branching)),
            Self::Trace { .. } => 0.0,
            Self::Even { .. } | Self::At { .. } | Self::Closed { .. } => 0.0,
        }
    }

    /// About how many more than `mean` may come in a stretch of time that has so many on average, beyond those that
    /// Poisson arrivals may have: none of processes that are no burstier. By Bernstein's inequality, at
    /// `SURPLUS_ODDS`, with bursts of the index of dispersion.
    #[must_use]
    pub fn surplus(&self, mean: f64) -> f64 {
        let dispersion = self.dispersion();
        if dispersion <= 1.0 {
            return 0.0;
        }
        let burst = SURPLUS_ODDS * dispersion;
        burst + libm::sqrt(burst * (burst + 2.0 * mean))
    }

    /// The most requests that can be in flight, however long each takes; `None` where there may be any number.
    pub(crate) fn most_at_once(&self) -> Option<usize> {
        match self {
            Self::At { times } => Some(times.len()),
            // Chance adds a few to those of a mean.
            Self::Trace { replay } => {
                replay.counted.map(|counted| libm::ceil(1.2 * counted.at_once) as usize + 50)
            }
            Self::Closed { clients, .. } => Some(*clients as usize),
            Self::Poisson { .. } | Self::Even { .. } => None,
            Self::Gamma { .. } | Self::Weibull { .. } => None,
            Self::OnOff { .. } | Self::Hawkes { .. } => None,
        }
    }
}

/// e to this power to one against it.
const SURPLUS_ODDS: f64 = 10.0;

/// An arrival process at work.
#[derive(Clone, Debug)]
pub(crate) enum Process {
    Poisson(TimeChanged<ExponentialGaps>),
    Even(TimeChanged<EvenGaps>),
    Gamma(TimeChanged<GammaGaps>),
    Weibull(TimeChanged<WeibullGaps>),
    OnOff(OnOff),
    Hawkes(TimeChanged<SelfExcitingGaps>),
    Listed(Listed),
    Replay(Box<Replay>),
    Closed(ClosedLoop),
}

/// An arrival that is to come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct NextArrival {
    pub(crate) at: Timestamp,
    /// Which client asks, where clients are told apart.
    pub(crate) client: u32,
}

impl Process {
    /// The process of a source, whose draws are keyed by `source`: all arrivals of an open one, whoever sends them, and of a
    /// closed loop the clients of a shard.
    pub(crate) fn new(
        arrivals: Arrivals,
        until: Timestamp,
        (seed, shard): (Seed, Shard),
        source: u32,
    ) -> Self {
        let draws = (seed, source);
        match arrivals {
            Arrivals::Poisson { rate } => {
                Self::Poisson(TimeChanged::new(ExponentialGaps, rate, until, draws))
            }
            Arrivals::Even { rate } => {
                Self::Even(TimeChanged::new(EvenGaps::default(), rate, until, draws))
            }
            Arrivals::Gamma { rate, shape } => {
                Self::Gamma(TimeChanged::new(GammaGaps::new(shape), rate, until, draws))
            }
            Arrivals::Weibull { rate, shape } => {
                Self::Weibull(TimeChanged::new(WeibullGaps::new(shape), rate, until, draws))
            }
            Arrivals::OnOff { rate, on, off } => {
                Self::OnOff(OnOff::new((on, off), rate, until, draws))
            }
            Arrivals::Hawkes { rate, branching, decay } => {
                let gaps = SelfExcitingGaps::new(branching, decay, &rate, until);
                Self::Hawkes(TimeChanged::new(gaps, rate, until, draws))
            }
            Arrivals::At { times } => Self::Listed(Listed::new(times, until)),
            Arrivals::Trace { replay } => {
                Self::Replay(Box::new(Replay::new(*replay, until, seed, source)))
            }
            Arrivals::Closed { clients, think } => {
                Self::Closed(ClosedLoop::new((clients, shard), think, until, seed, source))
            }
        }
    }

    /// The next arrival, if one is known. A closed loop knows none while all its clients wait.
    #[inline]
    pub(crate) fn peek(&self) -> Option<NextArrival> {
        match self {
            Self::Poisson(process) => process.next,
            Self::Even(process) => process.next,
            Self::Gamma(process) => process.next,
            Self::Weibull(process) => process.next,
            Self::OnOff(process) => process.next,
            Self::Hawkes(process) => process.next,
            Self::Listed(process) => process.peek(),
            Self::Replay(process) => process.peek(),
            Self::Closed(process) => process.peek(),
        }
    }

    /// Takes the next arrival.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<NextArrival> {
        match self {
            Self::Poisson(process) => process.pop(),
            Self::Even(process) => process.pop(),
            Self::Gamma(process) => process.pop(),
            Self::Weibull(process) => process.pop(),
            Self::OnOff(process) => process.pop(),
            Self::Hawkes(process) => process.pop(),
            Self::Listed(process) => process.pop(),
            Self::Replay(process) => process.pop(),
            Self::Closed(process) => process.pop(),
        }
    }

    /// What a trace says of the arrival that was taken last; nothing where there is none.
    pub(crate) fn given(&self) -> TracedRequest {
        let Self::Replay(process) = self else { return TracedRequest::default() };
        process.given()
    }

    /// Which trace could not be read on, and why, if so.
    pub(crate) fn fault(&self) -> Option<(TraceIdentity, &str)> {
        let Self::Replay(process) = self else { return None };
        process.fault()
    }

    /// Whether arrivals come whatever becomes of those before.
    pub(crate) const fn is_open(&self) -> bool {
        !matches!(self, Self::Closed(_))
    }

    /// Nobody asks any more.
    pub(crate) fn end(&mut self) {
        *self = Self::Listed(Listed::new(Vec::new(), Timestamp::ZERO));
    }

    /// A client has its answer, or has given up. True if another arrival may be the next for that.
    #[inline]
    pub(crate) fn released(&mut self, client: u32, now: Timestamp) -> bool {
        let Self::Closed(process) = self else { return false };
        process.released(client, now);
        true
    }
}
