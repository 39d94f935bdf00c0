//! Up to a level, which holds for a while, and back.

use super::polyline::Polyline;
use crate::RateCurve;
use core::time::Duration;

/// A step that holds. Rates are requests per second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plateau {
    /// The rate before and after.
    pub base: f64,
    /// The rate that holds.
    pub peak: f64,
    /// How long it takes to get there, in a straight line; 0 for a jump.
    pub rise: Duration,
    /// How long it holds.
    pub hold: Duration,
    /// How long it takes to get back.
    pub drop: Duration,
}

impl RateCurve {
    /// A plateau.
    #[must_use]
    pub fn plateau(plateau: Plateau) -> Self {
        let Plateau { base, peak, rise, hold, drop } = plateau;
        let lines = Polyline::new(base, base).line(base, peak, rise);
        Self::Polyline(lines.line(peak, peak, hold).line(peak, base, drop))
    }
}
