//! Short bursts at even distances.

use super::polyline::Polyline;
use crate::RateCurve;
use core::time::Duration;

impl RateCurve {
    /// A train of needles, from `base` to `peak` requests per second: each is `width` wide, and one begins every so often,
    /// the first at once; `count` of them, or without end.
    #[must_use]
    pub fn needles(
        (base, peak): (f64, f64),
        width: Duration,
        every: Duration,
        count: Option<u32>,
    ) -> Self {
        let width = width.min(every);
        let needle =
            Polyline::new(base, base).line(peak, peak, width).line(base, base, every - width);
        Self::Polyline(needle.repeated(count.map_or(u64::MAX, u64::from)))
    }
}
