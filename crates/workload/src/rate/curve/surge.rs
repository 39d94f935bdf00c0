//! An exponential rise, as word spreads, then a power law back towards the base (Crane and Sornette 2008).

use super::{STRAIGHT_PART, nanos, step};
use crate::Decay;
use core::time::Duration;

/// A surge: base + (peak − base)·(e^(t/τ) − 1) ÷ (e^(rise/τ) − 1), and then falls as a spike does. Rates are requests per
/// second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Surge {
    /// The rate it starts from and falls back to.
    pub base: f64,
    /// The rate at its top.
    pub peak: f64,
    /// From the start to the top.
    pub rise: Duration,
    /// τ: the time in which the excess grows by a factor of e.
    pub tau: Duration,
    /// How it falls.
    pub decay: Decay,
}

impl Surge {
    fn excess(&self) -> f64 {
        self.peak - self.base
    }

    /// 1 ÷ (1 − e^(−rise/τ)), and e^(−rise/τ): written so that nothing is beyond what a float holds.
    fn growth(&self) -> (f64, f64) {
        let turns = self.rise.as_secs_f64() / self.tau.as_secs_f64().max(1e-9);
        (-1.0 / libm::expm1(-turns), libm::exp(-turns))
    }

    /// e^((t − rise)/τ), with t up to the top.
    fn grown(&self, since: u64) -> f64 {
        let left = nanos(self.rise).saturating_sub(since) as f64 / 1e9;
        libm::exp(-left / self.tau.as_secs_f64().max(1e-9))
    }

    /// What is expected of the excess before a time.
    fn area(&self, until: u64) -> f64 {
        let rise = nanos(self.rise);
        let (norm, least) = self.growth();
        let rising = until.min(rise);
        let grown = self.tau.as_secs_f64() * (self.grown(rising) - least);
        let risen = if rise == 0 { 0.0 } else { norm * (grown - least * rising as f64 / 1e9) };
        let scale = self.decay.scale.as_secs_f64().max(1e-9);
        let falling = 1.0 + (until - rising) as f64 / 1e9 / scale;
        let power = 1.0 - self.decay.exponent;
        let fallen = match power.abs() < 1e-9 {
            true => libm::log(falling),
            false => (libm::pow(falling, power) - 1.0) / power,
        };
        risen + scale * fallen
    }
}

impl super::Curve for Surge {
    fn rps(&self, since: u64) -> f64 {
        let rise = nanos(self.rise);
        let height = if since < rise {
            let (norm, least) = self.growth();
            norm * (self.grown(since) - least)
        } else {
            let scale = nanos(self.decay.scale).max(1) as f64;
            libm::pow(1.0 + (since - rise) as f64 / scale, -self.decay.exponent)
        };
        self.base + self.excess() * height
    }

    fn straight_until(&self, since: u64) -> u64 {
        let rise = nanos(self.rise);
        if since < rise {
            return step(since, nanos(self.tau) as f64 * STRAIGHT_PART).min(rise);
        }
        let since_top = (since - rise) as f64;
        step(since, (nanos(self.decay.scale) as f64 + since_top) * STRAIGHT_PART)
    }

    fn expected(&self, from: u64, to: u64) -> f64 {
        self.base * (to - from) as f64 / 1e9 + self.excess() * (self.area(to) - self.area(from))
    }

    fn peak(&self) -> f64 {
        self.base.max(self.peak)
    }
}
