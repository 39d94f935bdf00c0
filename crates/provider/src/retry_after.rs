//! Retry-After of a provider.

use core::time::Duration;

/// The form of Retry-After in a 429.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum RetryAfter {
    /// The true wait, in whole seconds rounded up and, beside it, in milliseconds.
    #[default]
    Exact,
    /// The true wait in whole seconds, rounded up, and nothing more precise.
    Seconds,
    /// The true wait in milliseconds alone.
    Millis,
    /// The moment, as an HTTP date: whole seconds, rounded up.
    Date,
    /// Nothing.
    Absent,
    /// This multiple of the true wait, in thousandths: a wrong header.
    Wrong {
        /// Thousandths: 100 says a tenth of the truth.
        factor_milli: u32,
    },
}

impl RetryAfter {
    /// What a reader of the header learns of a true wait. `unix_nanos` is the wall time.
    #[must_use]
    pub fn stated(self, wait: Duration, unix_nanos: u64) -> Option<Duration> {
        let nanos = wait.as_nanos();
        let up = |nanos: u128, unit: u128| nanos.div_ceil(unit) * unit;
        let stated = match self {
            Self::Exact | Self::Millis => nanos,
            Self::Seconds => up(nanos, SECOND),
            Self::Date => {
                let now = u128::from(unix_nanos);
                up(now + nanos, SECOND) - now
            }
            Self::Absent => return None,
            Self::Wrong { factor_milli } => nanos * u128::from(factor_milli) / 1_000,
        };
        Some(Duration::from_nanos(u64::try_from(stated).unwrap_or(u64::MAX)))
    }
}

const SECOND: u128 = 1_000_000_000;
