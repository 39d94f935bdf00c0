//! Rates that a deployment is held to: reserve at the start of an attempt, settle at its end.
//!
//! One file per algorithm. All of them answer the same three questions: when could this much pass at
//! the earliest, take it, and what was taken was really so much.

mod aligned;
mod gcra;
mod sliding;

use crate::{RateLimit, Window};
use aligned::Aligned;
use core::time::Duration;
use gcra::Gcra;
use sliding::Sliding;
use squall_determinism::Timestamp;

const MINUTE: Duration = Duration::from_secs(60);

/// A rate limit at work.
#[derive(Clone, Debug)]
pub(crate) enum Limiter {
    Gcra(Gcra),
    Aligned(Aligned),
    Sliding(Sliding),
}

/// What was reserved, to be settled once.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Receipt {
    amount: u64,
    at: Timestamp,
    mark: u64,
}

impl Limiter {
    pub(crate) fn new(limit: RateLimit, epoch_nanos: u64) -> Self {
        let n = limit.per_minute;
        match limit.window {
            Window::Gcra { burst } => Self::Gcra(Gcra::new(n, burst.unwrap_or(n))),
            Window::Fixed => Self::Aligned(Aligned::new(n, MINUTE, epoch_nanos)),
            Window::Slice(length) => Self::Aligned(Aligned::new(n, length, epoch_nanos)),
            Window::Sliding => Self::Sliding(Sliding::new(n, MINUTE)),
        }
    }

    /// When `amount` could pass at the earliest, if nothing else comes: `now` if at once, `None` if
    /// never, since it is more than the limit ever lets through together.
    pub(crate) fn earliest(&mut self, now: Timestamp, amount: u64) -> Option<Timestamp> {
        match self {
            Self::Gcra(limit) => limit.earliest(now, amount),
            Self::Aligned(limit) => limit.earliest(now, amount),
            Self::Sliding(limit) => limit.earliest(now, amount),
        }
    }

    /// Takes `amount`, whether it fits or not: the caller has asked [`earliest`](Self::earliest).
    pub(crate) fn reserve(&mut self, now: Timestamp, amount: u64) -> Receipt {
        let mark = match self {
            Self::Gcra(limit) => limit.reserve(now, amount),
            Self::Aligned(limit) => limit.reserve(now, amount),
            Self::Sliding(limit) => limit.reserve(now, amount),
        };
        Receipt { amount, at: now, mark }
    }

    /// What was reserved as `receipt` has turned out to be `actual`: 0 gives all of it back.
    pub(crate) fn settle(&mut self, now: Timestamp, receipt: Receipt, actual: u64) {
        if actual > receipt.amount {
            self.reserve(now, actual - receipt.amount);
        } else if actual < receipt.amount {
            let back = receipt.amount - actual;
            match self {
                Self::Gcra(limit) => limit.refund(now, receipt.at, back),
                Self::Aligned(limit) => limit.refund(now, receipt.mark, back),
                Self::Sliding(limit) => limit.refund(receipt.mark, back),
            }
        }
    }
}

#[cfg(test)]
mod tests;
