//! Who asks next, and when. One file per process.

mod closed;
mod even;
mod listed;
mod poisson;

use crate::Arrivals;
use closed::ClosedLoop;
use even::Even;
use listed::Listed;
use poisson::Poisson;
use squall_determinism::{Seed, Timestamp};

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

    /// A client has its answer, or has given up.
    pub(crate) fn released(&mut self, client: u32, now: Timestamp) {
        if let Self::Closed(process) = self {
            process.released(client, now);
        }
    }
}
