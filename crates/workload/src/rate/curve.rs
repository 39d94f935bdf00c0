//! Shapes of rates beside a constant, a ramp and a spike: a file for each, and what is asked of one. Shapes without an
//! algorithm of their own are made of straight lines.

mod diurnal;
mod double_hump;
mod hours;
mod needles;
mod plateau;
mod polyline;
pub(super) mod product;
mod shifted;
mod stairs;
pub(super) mod sum;
mod surge;

pub use diurnal::Diurnal;
pub use double_hump::DoubleHump;
pub use plateau::Plateau;
pub use polyline::Polyline;
pub use surge::Surge;

use core::time::Duration;

/// What is asked of a shape. Times are nanoseconds since its start, rates are requests per second.
pub(super) trait Curve {
    /// The rate at a time; where it jumps, that from then on.
    fn rps(&self, since: u64) -> f64;

    /// The rate just before a time, which is another one where it jumps; before its start, that which it comes from.
    fn rps_before(&self, since: u64) -> f64 {
        self.rps(since)
    }

    /// Until when the rate is a straight line, as exactly as it matters, from `since` on; `u64::MAX` for good.
    fn straight_until(&self, since: u64) -> u64;

    /// How many arrivals are to be expected between two times.
    fn expected(&self, from: u64, to: u64) -> f64;

    /// The highest rate of any moment, or more.
    fn peak(&self) -> f64;
}

/// Over this part of its own scale of time a curve is straight: its area is right to a millionth.
const STRAIGHT_PART: f64 = 1.0 / 512.0;

/// The end of a stretch of this length, which is at least a millisecond.
fn step(since: u64, length: f64) -> u64 {
    since.saturating_add((length as u64).max(1_000_000))
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
