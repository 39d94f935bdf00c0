//! How a rate over time is described: segments, each from its start to the next one's.

use alloc::vec::Vec;
use core::time::Duration;
use squall_determinism::Timestamp;

/// A rate over time: segments, each from its start to the next one's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rate {
    /// In the order of their starts, the first at 0.
    pub segments: Vec<RateSegment>,
}

/// A piece of a rate. Rates are requests per second.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum RateSegment {
    /// Always the same.
    Constant {
        /// From when.
        at: Timestamp,
        /// How many a second.
        rps: f64,
    },
    /// From the rate at its start in a straight line to `to`, then constant.
    Ramp {
        /// From when.
        at: Timestamp,
        /// Where it starts.
        from: f64,
        /// Where it arrives.
        to: f64,
        /// How long it takes.
        over: Duration,
    },
    /// A spike over a base: a straight rise to `peak`, then a fall back towards the base.
    Spike {
        /// From when.
        at: Timestamp,
        /// The rate it starts from and falls back to.
        base: f64,
        /// The rate at its top.
        peak: f64,
        /// From the start to the top.
        rise: Duration,
        /// How it falls.
        decay: Decay,
    },
}

impl Rate {
    /// The highest rate of any moment.
    #[must_use]
    pub fn peak(&self) -> f64 {
        let peaks = self.segments.iter().map(|segment| match *segment {
            RateSegment::Constant { rps, .. } => rps,
            RateSegment::Ramp { from, to, .. } => from.max(to),
            RateSegment::Spike { base, peak, .. } => base.max(peak),
        });
        peaks.fold(0.0, f64::max)
    }
}

impl RateSegment {
    /// From when it holds.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        match *self {
            Self::Constant { at, .. } | Self::Ramp { at, .. } | Self::Spike { at, .. } => at,
        }
    }
}

/// How a spike falls: base + (peak − base) · (1 + t / scale)^−exponent, t from the top (Crane and
/// Sornette 2008: 1.4 for an exogenous burst that does not spread further, 0.6 for a viral one).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decay {
    /// How steeply.
    pub exponent: f64,
    /// How long until it has fallen by 2^−exponent.
    pub scale: Duration,
}
