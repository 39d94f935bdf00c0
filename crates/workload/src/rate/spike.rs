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

/// The area below the rise, and below the power law: ∫(1 + t/s)^−e dt = s · ((1 + T/s)^(1−e) − 1) ÷ (1 − e), and
/// s · ln(1 + T/s) where e is 1.
pub(super) fn expected(base: f64, peak: f64, rise: Duration, decay: Decay, span: Duration) -> f64 {
    let rising = ramp::expected(base, peak, rise, span.min(rise));
    let falling = span.saturating_sub(rise).as_secs_f64();
    let scale = decay.scale.as_secs_f64().max(1e-9);
    let (grown, power) = (1.0 + falling / scale, 1.0 - decay.exponent);
    let area = match power.abs() < 1e-9 {
        true => libm::log(grown),
        false => (libm::pow(grown, power) - 1.0) / power,
    };
    rising + base * falling + (peak - base) * scale * area
}
