//! Rate limits of a provider. One file per algorithm, separate from the router's, because the provider
//! verifies the router.

mod cell_rate;
mod fixed_windows;
mod key_limits;
mod ramp_limiter;
mod sliding_log;

use crate::{LimitStatus, ProviderRateLimit, ProviderWindow};
use cell_rate::CellRate;
use core::time::Duration;
use fixed_windows::FixedWindows;
pub(crate) use key_limits::{LimitsByKey, TokenCharge};
use sliding_log::SlidingLog;
use squall_determinism::{Share, Timestamp};

/// A rate limiter.
#[derive(Clone, Debug)]
enum ProviderLimiter {
    CellRate(CellRate),
    FixedWindows(FixedWindows),
    SlidingLog(SlidingLog),
}

impl ProviderLimiter {
    pub(crate) fn new(limit: ProviderRateLimit, epoch_nanos: u64) -> Self {
        let n = limit.per_minute;
        match limit.window {
            ProviderWindow::Gcra { burst } => Self::CellRate(CellRate::new(n, burst.unwrap_or(n))),
            ProviderWindow::Fixed => {
                Self::FixedWindows(FixedWindows::new(n, Duration::from_secs(60), epoch_nanos))
            }
            ProviderWindow::Slice(length) => {
                Self::FixedWindows(FixedWindows::new(n, length, epoch_nanos))
            }
            ProviderWindow::Sliding => Self::SlidingLog(SlidingLog::new(n)),
        }
    }

    /// So much of its rate is left from `now` on; what passed counts on.
    pub(crate) fn set_left(&mut self, limit: ProviderRateLimit, now: Timestamp, left: Share) {
        let part = |whole: u64| left.of(whole).max(1);
        let n = part(limit.per_minute);
        match (self, limit.window) {
            (Self::CellRate(rate), ProviderWindow::Gcra { burst }) => {
                rate.set_rate(now, n, part(burst.unwrap_or(limit.per_minute)));
            }
            (Self::FixedWindows(slots), _) => slots.set_rate(n),
            (Self::SlidingLog(log), _) => log.set_rate(n),
            (Self::CellRate(_), _) => {}
        }
    }

    /// Whether `amount` may pass now.
    pub(crate) fn check(&mut self, now: Timestamp, amount: u64) -> LimitDecision {
        match self {
            Self::CellRate(limit) => limit.check(now, amount),
            Self::FixedWindows(limit) => limit.check(now, amount),
            Self::SlidingLog(limit) => limit.check(now, amount),
        }
    }

    /// Counts what passes.
    pub(crate) fn charge(&mut self, now: Timestamp, amount: u64) {
        match self {
            Self::CellRate(limit) => limit.charge(now, amount),
            Self::FixedWindows(limit) => limit.charge(now, amount),
            Self::SlidingLog(limit) => limit.charge(now, amount),
        }
    }

    /// The limit as headers tell it.
    pub(crate) fn gauge(&mut self, now: Timestamp) -> LimitStatus {
        match self {
            Self::CellRate(limit) => limit.gauge(now),
            Self::FixedWindows(limit) => limit.gauge(now),
            Self::SlidingLog(limit) => limit.gauge(now),
        }
    }
}

/// What a limit says of an arrival.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum LimitDecision {
    /// It may pass.
    Pass,
    /// Not before this long from now.
    Wait(Duration),
    /// Never: it is more than the limit holds.
    Never,
}

#[cfg(test)]
mod tests;
