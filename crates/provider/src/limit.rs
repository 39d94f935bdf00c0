//! Rate limits of a provider. One file per algorithm, separate from the router's, because the provider
//! verifies the router.

mod cell_rate;
mod growth;
mod key_limits;
mod sliding_log;
mod slots;

use crate::{LimitStatus, ProviderRateLimit, ProviderWindow};
use cell_rate::CellRate;
use core::time::Duration;
pub(crate) use key_limits::{Gates, TokenCharge};
use sliding_log::Log;
use slots::Slots;
use squall_determinism::{Share, Timestamp};

/// A rate limiter.
#[derive(Clone, Debug)]
enum ProviderLimiter {
    CellRate(CellRate),
    Slots(Slots),
    Log(Log),
}

impl ProviderLimiter {
    pub(crate) fn new(limit: ProviderRateLimit, epoch_nanos: u64) -> Self {
        let n = limit.per_minute;
        match limit.window {
            ProviderWindow::Gcra { burst } => Self::CellRate(CellRate::new(n, burst.unwrap_or(n))),
            ProviderWindow::Fixed => {
                Self::Slots(Slots::new(n, Duration::from_secs(60), epoch_nanos))
            }
            ProviderWindow::Slice(length) => Self::Slots(Slots::new(n, length, epoch_nanos)),
            ProviderWindow::Sliding => Self::Log(Log::new(n)),
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
            (Self::Slots(slots), _) => slots.set_rate(n),
            (Self::Log(log), _) => log.set_rate(n),
            (Self::CellRate(_), _) => {}
        }
    }

    /// Whether `amount` may pass now.
    pub(crate) fn check(&mut self, now: Timestamp, amount: u64) -> LimitDecision {
        match self {
            Self::CellRate(limit) => limit.check(now, amount),
            Self::Slots(limit) => limit.check(now, amount),
            Self::Log(limit) => limit.check(now, amount),
        }
    }

    /// Counts what passes.
    pub(crate) fn charge(&mut self, now: Timestamp, amount: u64) {
        match self {
            Self::CellRate(limit) => limit.charge(now, amount),
            Self::Slots(limit) => limit.charge(now, amount),
            Self::Log(limit) => limit.charge(now, amount),
        }
    }

    /// The limit as headers tell it.
    pub(crate) fn gauge(&mut self, now: Timestamp) -> LimitStatus {
        match self {
            Self::CellRate(limit) => limit.gauge(now),
            Self::Slots(limit) => limit.gauge(now),
            Self::Log(limit) => limit.gauge(now),
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
