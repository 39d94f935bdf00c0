//! Two plateaus with a valley between them, as the largest step of all ServeGen's models together has.

use super::polyline::Polyline;
use crate::RateCurve;
use core::time::Duration;

/// Two humps. Rates are requests per second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DoubleHump {
    /// The rate before and after.
    pub base: f64,
    /// The rate of the first hump.
    pub first: f64,
    /// The rate between the two.
    pub valley: f64,
    /// The rate of the second hump.
    pub second: f64,
    /// How long each change takes, in a straight line.
    pub rise: Duration,
    /// How long each hump holds.
    pub hold: Duration,
    /// How long the valley holds.
    pub gap: Duration,
}

impl RateCurve {
    /// Two humps.
    #[must_use]
    pub fn double_hump(humps: DoubleHump) -> Self {
        let DoubleHump { base, first, valley, second, rise, hold, gap } = humps;
        let lines = Polyline::new(base, base).line(base, first, rise).line(first, first, hold);
        let lines = lines.line(first, valley, rise).line(valley, valley, gap);
        let lines = lines.line(valley, second, rise).line(second, second, hold);
        Self::Polyline(lines.line(second, base, rise))
    }
}
