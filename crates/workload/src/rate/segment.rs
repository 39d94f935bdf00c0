//! How a rate over time is described: segments, each from its start to the next one's.

use super::curve::{Diurnal, Polyline, Surge};
use super::decay::Decay;
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
#[derive(Clone, Debug, PartialEq)]
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
    /// A shape that has a start of its own.
    Curve {
        /// From when.
        at: Timestamp,
        /// The shape.
        curve: RateCurve,
    },
}

impl Rate {
    /// Always the same rate.
    #[must_use]
    pub fn constant(rps: f64) -> Self {
        Self { segments: alloc::vec![RateSegment::Constant { at: Timestamp::ZERO, rps }] }
    }

    /// A shape from the start on.
    #[must_use]
    pub fn curve(curve: RateCurve) -> Self {
        Self { segments: alloc::vec![RateSegment::Curve { at: Timestamp::ZERO, curve }] }
    }

    /// The highest rate of any moment. Of sums and products it may be more: that of peaks at one moment.
    #[must_use]
    pub fn peak(&self) -> f64 {
        let peaks = self.segments.iter().map(|segment| match segment {
            RateSegment::Constant { rps, .. } => *rps,
            RateSegment::Ramp { from, to, .. } => from.max(*to),
            RateSegment::Spike { base, peak, .. } => base.max(*peak),
            RateSegment::Curve { curve, .. } => curve.with(|curve| curve.peak()),
        });
        peaks.fold(0.0, f64::max)
    }
}

impl RateSegment {
    /// From when it holds.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        match self {
            Self::Constant { at, .. }
            | Self::Ramp { at, .. }
            | Self::Spike { at, .. }
            | Self::Curve { at, .. } => *at,
        }
    }
}

/// A shape of a rate, from its own start on.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RateCurve {
    /// Straight lines: stairs, a plateau, two humps, needles, measured hours.
    Polyline(Polyline),
    /// A sinusoid.
    Diurnal(Diurnal),
    /// An exponential rise and a power-law fall.
    Surge(Surge),
    /// Several rates, added. Their own starts are that of the sum.
    Sum(Vec<Rate>),
    /// Several rates, multiplied: one in requests per second, the others factors.
    Product(Vec<Rate>),
    /// A rate, earlier or later.
    Shifted(Shifted),
}

/// A rate whose start is moved. Before it begins, it has the rate that it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Shifted {
    /// The rate.
    pub rate: Rate,
    /// By how much it begins later.
    pub later: Duration,
    /// How much of it has passed when it begins.
    pub earlier: Duration,
}
