//! Arrival processes: who asks next, and when. One file per process, and here the table of them: to add one, write
//! its file under `arrivals/`, its variants and its lines in the matches below, and its word in the reader of scenarios,
//! `crates/scenario/src/read/traffic.rs`.

mod closed;
mod even;
mod listed;
mod poisson;

use crate::Rate;
use alloc::vec::Vec;
use closed::ClosedLoop;
use even::Even;
use listed::Listed;
use poisson::Poisson;
use squall_determinism::{Distribution, Seed, Timestamp};

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

impl Arrivals {
    /// Requests per second over time, where the process follows a rate; `None` where times or clients decide.
    #[must_use]
    pub const fn rate(&self) -> Option<&Rate> {
        match self {
            Self::Poisson { rate } | Self::Even { rate } => Some(rate),
            Self::At { .. } | Self::Closed { .. } => None,
        }
    }

    /// Requests per second at a time, likewise.
    #[must_use]
    pub fn rate_at(&self, at: Timestamp) -> Option<f64> {
        self.rate().map(|rate| rate.at(at))
    }

    /// The most requests that can be in flight, however long each takes; as many as a `usize` holds where the
    /// process follows a rate.
    pub(crate) fn most_at_once(&self) -> usize {
        match self {
            Self::Poisson { .. } | Self::Even { .. } => usize::MAX,
            Self::At { times } => times.len(),
            Self::Closed { clients, .. } => *clients as usize,
        }
    }
}

/// An arrival process at work.
#[derive(Clone, Debug)]
pub(crate) enum Process {
    Poisson(Poisson),
    Even(Even),
    Listed(Listed),
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
    pub(crate) fn new(arrivals: Arrivals, until: Timestamp, seed: Seed) -> Self {
        match arrivals {
            Arrivals::Poisson { rate } => Self::Poisson(Poisson::new(rate, until, seed)),
            Arrivals::Even { rate } => Self::Even(Even::new(rate, until)),
            Arrivals::At { times } => Self::Listed(Listed::new(times, until)),
            Arrivals::Closed { clients, think } => {
                Self::Closed(ClosedLoop::new(clients, think, until, seed))
            }
        }
    }

    /// The next arrival, if one is known. A closed loop knows none while all its clients wait.
    #[inline]
    pub(crate) fn peek(&self) -> Option<NextArrival> {
        match self {
            Self::Poisson(process) => process.next,
            Self::Even(process) => process.next,
            Self::Listed(process) => process.peek(),
            Self::Closed(process) => process.peek(),
        }
    }

    /// Takes the next arrival.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<NextArrival> {
        match self {
            Self::Poisson(process) => process.pop(),
            Self::Even(process) => process.pop(),
            Self::Listed(process) => process.pop(),
            Self::Closed(process) => process.pop(),
        }
    }

    /// Nobody asks any more.
    pub(crate) fn end(&mut self) {
        *self = Self::Listed(Listed::new(Vec::new(), Timestamp::ZERO));
    }

    /// A client has its answer, or has given up.
    pub(crate) fn released(&mut self, client: u32, now: Timestamp) {
        if let Self::Closed(process) = self {
            process.released(client, now);
        }
    }
}
