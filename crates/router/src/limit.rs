//! Rates that a deployment is held to: reserve at the start of an attempt, settle at its end.
//!
//! One file per algorithm. All of them answer the same three questions: when could this much pass at
//! the earliest, take it, and what was taken was really so much.

mod adaptive_concurrency;
mod adaptive_rate;
mod first_request_window;
mod fixed_window;
mod gcra;
mod header_limit;
mod sliding_window;
mod window_counter;

use crate::{RateLimit, RateWindow};
pub(crate) use adaptive_concurrency::AdaptiveConcurrency;
pub(crate) use adaptive_rate::AdaptiveRate;
use core::time::Duration;
use first_request_window::FirstRequestWindow;
use fixed_window::FixedWindow;
use gcra::Gcra;
pub(crate) use header_limit::HeaderLimit;
use sliding_window::SlidingWindow;
use squall_determinism::{Share, Timestamp};

const MINUTE: Duration = Duration::from_secs(60);

/// `some` as a part of `all`.
pub(crate) fn part(some: u64, all: u64) -> Share {
    let ppm = u128::from(some) * 1_000_000 / u128::from(all.max(1));
    u32::try_from(ppm).ok().and_then(Share::from_ppm).unwrap_or(Share::ALL)
}

/// A rate limit at work.
#[derive(Clone, Debug)]
pub(crate) struct RateLimiter {
    config: RateLimit,
    algorithm: Algorithm,
}

#[derive(Clone, Debug)]
enum Algorithm {
    Gcra(Gcra),
    FixedWindow(FixedWindow),
    SlidingWindow(SlidingWindow),
    FirstRequestWindow(FirstRequestWindow),
}

/// What was reserved, to be settled once.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Reservation {
    amount: u64,
    at: Timestamp,
    mark: u64,
}

impl RateLimiter {
    pub(crate) fn new(limit: RateLimit, epoch_nanos: u64) -> Self {
        let n = limit.per_minute;
        let algorithm = match limit.window {
            RateWindow::Gcra { burst } => Algorithm::Gcra(Gcra::new(n, burst.unwrap_or(n))),
            RateWindow::Fixed => Algorithm::FixedWindow(FixedWindow::new(n, MINUTE, epoch_nanos)),
            RateWindow::Slice(length) => {
                Algorithm::FixedWindow(FixedWindow::new(n, length, epoch_nanos))
            }
            RateWindow::Sliding => Algorithm::SlidingWindow(SlidingWindow::new(n, MINUTE)),
            RateWindow::FromFirst => {
                Algorithm::FirstRequestWindow(FirstRequestWindow::new(n, MINUTE))
            }
        };
        Self { config: limit, algorithm }
    }

    /// The limit of another configuration in place of this one. What this one has let through of late
    /// counts there too: a new limit is no new burst.
    pub(crate) fn inherit(&mut self, now: Timestamp, limit: RateLimit, epoch_nanos: u64) {
        if self.config != limit {
            let used = self.used(now).min(limit.per_minute);
            *self = Self::new(limit, epoch_nanos);
            if used > 0 {
                self.reserve(now, used);
            }
        }
    }

    /// What it has let through and counts still, and what it lets through at most. For a graph.
    pub(crate) fn gauge(&mut self, now: Timestamp) -> (u64, u64) {
        (self.used(now), self.config.per_minute)
    }

    /// Which part of all that passes at once, at the most, could pass now.
    pub(crate) fn headroom(&mut self, now: Timestamp) -> Share {
        part(self.room(now), self.most())
    }

    /// How much could pass at once now, if nothing else comes.
    pub(crate) fn room(&mut self, now: Timestamp) -> u64 {
        self.most().saturating_sub(self.used(now))
    }

    fn most(&self) -> u64 {
        match (self.config.window, &self.algorithm) {
            (RateWindow::Gcra { burst: Some(burst) }, _) => burst,
            (_, Algorithm::FixedWindow(limit)) => limit.allowed(),
            _ => self.config.per_minute,
        }
    }

    fn used(&mut self, now: Timestamp) -> u64 {
        match &mut self.algorithm {
            Algorithm::Gcra(limit) => limit.used(now),
            Algorithm::FixedWindow(limit) => limit.used(now),
            Algorithm::SlidingWindow(limit) => limit.used(now),
            Algorithm::FirstRequestWindow(limit) => limit.used(now),
        }
    }

    /// When `amount` could pass at the earliest, if nothing else comes: `now` if at once, `None` if
    /// never, since it is more than the limit ever lets through together.
    pub(crate) fn earliest(&mut self, now: Timestamp, amount: u64) -> Option<Timestamp> {
        match &mut self.algorithm {
            Algorithm::Gcra(limit) => limit.earliest(now, amount),
            Algorithm::FixedWindow(limit) => limit.earliest(now, amount),
            Algorithm::SlidingWindow(limit) => limit.earliest(now, amount),
            Algorithm::FirstRequestWindow(limit) => limit.earliest(now, amount),
        }
    }

    /// Takes `amount`, whether it fits or not: the caller has asked [`earliest`](Self::earliest).
    pub(crate) fn reserve(&mut self, now: Timestamp, amount: u64) -> Reservation {
        let mark = match &mut self.algorithm {
            Algorithm::Gcra(limit) => limit.reserve(now, amount),
            Algorithm::FixedWindow(limit) => limit.reserve(now, amount),
            Algorithm::SlidingWindow(limit) => limit.reserve(now, amount),
            Algorithm::FirstRequestWindow(limit) => limit.reserve(now, amount),
        };
        Reservation { amount, at: now, mark }
    }

    /// What was reserved as `receipt` has turned out to be `actual`: 0 gives all of it back.
    pub(crate) fn settle(&mut self, now: Timestamp, reservation: Reservation, actual: u64) {
        if actual > reservation.amount {
            self.reserve(now, actual - reservation.amount);
        } else if actual < reservation.amount {
            let back = reservation.amount - actual;
            match &mut self.algorithm {
                Algorithm::Gcra(limit) => limit.refund(now, reservation.at, back),
                Algorithm::FixedWindow(limit) => limit.refund(now, reservation.mark, back),
                Algorithm::SlidingWindow(limit) => limit.refund(reservation.mark, back),
                Algorithm::FirstRequestWindow(limit) => limit.refund(now, reservation.mark, back),
            }
        }
    }
}

#[cfg(test)]
mod tests;
