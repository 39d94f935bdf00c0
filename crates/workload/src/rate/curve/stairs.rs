//! Level after level, each for as long, the last for good.

use super::polyline::Polyline;
use crate::RateCurve;
use core::time::Duration;

impl RateCurve {
    /// Stairs of these levels in requests per second, each of which lasts so long; the last one stays.
    #[must_use]
    pub fn stairs(levels: &[f64], every: Duration) -> Self {
        let first = levels.first().copied().unwrap_or_default();
        let rest = levels.last().copied().unwrap_or_default();
        let stairs = levels
            .iter()
            .fold(Polyline::new(first, rest), |stairs, &level| stairs.line(level, level, every));
        Self::Polyline(stairs)
    }
}
