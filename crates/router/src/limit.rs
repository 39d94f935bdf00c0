//! Rates that a deployment is held to: reserve at the start of an attempt, settle at its end.
//!
//! One file per algorithm. All of them answer the same three questions: when could this much pass at
//! the earliest, take it, and what was taken was really so much.

mod aligned;
mod counter;
mod from_first;
mod gcra;
mod learned;
mod sliding;

use crate::{RateLimit, RateWindow};
use aligned::Aligned;
use core::time::Duration;
use from_first::FromFirst;
use gcra::Gcra;
pub(crate) use learned::LearnedLimit;
use sliding::Sliding;
use squall_determinism::Timestamp;

const MINUTE: Duration = Duration::from_secs(60);

/// A rate limit at work.
#[derive(Clone, Debug)]
pub(crate) struct RateLimiter {
    config: RateLimit,
    algorithm: Algorithm,
}

#[derive(Clone, Debug)]
enum Algorithm {
    Gcra(Gcra),
    Aligned(Aligned),
    Sliding(Sliding),
    FromFirst(FromFirst),
}

/// What was reserved, to be settled once.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Receipt {
    amount: u64,
    at: Timestamp,
    mark: u64,
}

impl RateLimiter {
    pub(crate) fn new(limit: RateLimit, epoch_nanos: u64) -> Self {
        let n = limit.per_minute;
        let algorithm = match limit.window {
            RateWindow::Gcra { burst } => Algorithm::Gcra(Gcra::new(n, burst.unwrap_or(n))),
            RateWindow::Fixed => Algorithm::Aligned(Aligned::new(n, MINUTE, epoch_nanos)),
            RateWindow::Slice(length) => Algorithm::Aligned(Aligned::new(n, length, epoch_nanos)),
            RateWindow::Sliding => Algorithm::Sliding(Sliding::new(n, MINUTE)),
            RateWindow::FromFirst => Algorithm::FromFirst(FromFirst::new(n, MINUTE)),
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

    /// How much could pass at once now, if nothing else comes.
    pub(crate) fn room(&mut self, now: Timestamp) -> u64 {
        let most = match (self.config.window, &self.algorithm) {
            (RateWindow::Gcra { burst: Some(burst) }, _) => burst,
            (_, Algorithm::Aligned(limit)) => limit.allowed(),
            _ => self.config.per_minute,
        };
        most.saturating_sub(self.used(now))
    }

    fn used(&mut self, now: Timestamp) -> u64 {
        match &mut self.algorithm {
            Algorithm::Gcra(limit) => limit.used(now),
            Algorithm::Aligned(limit) => limit.used(now),
            Algorithm::Sliding(limit) => limit.used(now),
            Algorithm::FromFirst(limit) => limit.used(now),
        }
    }

    /// When `amount` could pass at the earliest, if nothing else comes: `now` if at once, `None` if
    /// never, since it is more than the limit ever lets through together.
    pub(crate) fn earliest(&mut self, now: Timestamp, amount: u64) -> Option<Timestamp> {
        match &mut self.algorithm {
            Algorithm::Gcra(limit) => limit.earliest(now, amount),
            Algorithm::Aligned(limit) => limit.earliest(now, amount),
            Algorithm::Sliding(limit) => limit.earliest(now, amount),
            Algorithm::FromFirst(limit) => limit.earliest(now, amount),
        }
    }

    /// Takes `amount`, whether it fits or not: the caller has asked [`earliest`](Self::earliest).
    pub(crate) fn reserve(&mut self, now: Timestamp, amount: u64) -> Receipt {
        let mark = match &mut self.algorithm {
            Algorithm::Gcra(limit) => limit.reserve(now, amount),
            Algorithm::Aligned(limit) => limit.reserve(now, amount),
            Algorithm::Sliding(limit) => limit.reserve(now, amount),
            Algorithm::FromFirst(limit) => limit.reserve(now, amount),
        };
        Receipt { amount, at: now, mark }
    }

    /// What was reserved as `receipt` has turned out to be `actual`: 0 gives all of it back.
    pub(crate) fn settle(&mut self, now: Timestamp, receipt: Receipt, actual: u64) {
        if actual > receipt.amount {
            self.reserve(now, actual - receipt.amount);
        } else if actual < receipt.amount {
            let back = receipt.amount - actual;
            match &mut self.algorithm {
                Algorithm::Gcra(limit) => limit.refund(now, receipt.at, back),
                Algorithm::Aligned(limit) => limit.refund(now, receipt.mark, back),
                Algorithm::Sliding(limit) => limit.refund(receipt.mark, back),
                Algorithm::FromFirst(limit) => limit.refund(now, receipt.mark, back),
            }
        }
    }
}

#[cfg(test)]
mod tests;
