//! A straight rise to a peak, then a power law back towards the base (Crane and Sornette 2008).

use super::{STEP, ramp};
use crate::Decay;
use core::time::Duration;

pub(super) fn rps(base: f64, peak: f64, rise: Duration, decay: Decay, since: Duration) -> f64 {
    if since < rise {
        return ramp::rps(base, peak, rise, since);
    }
    let after = (since - rise).as_nanos() as f64 / decay.scale.as_nanos().max(1) as f64;
    base + (peak - base) * libm::pow(1.0 + after, -decay.exponent)
}

pub(super) fn straight_until(at: u64, rise: Duration, start: u64) -> u64 {
    let top = at.saturating_add(rise.as_nanos() as u64);
    if start < top { top } else { start.saturating_add(STEP) }
}
