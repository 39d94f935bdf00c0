//! How a burst falls, by a power law.

use core::time::Duration;

/// How a burst falls: base + (peak − base) · (1 + t / scale)^−exponent, t from the top (Crane and
/// Sornette 2008: 1.4 for an exogenous burst that does not spread further, 0.6 for a viral one).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decay {
    /// How steeply.
    pub exponent: f64,
    /// How long until it has fallen by 2^−exponent.
    pub scale: Duration,
}
