//! A sinusoid: the plainest day.

use super::{STRAIGHT_PART, nanos, step};
use core::f64::consts::TAU;
use core::time::Duration;

/// A sinusoid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Diurnal {
    /// Its mean, in requests per second.
    pub mean: f64,
    /// How often the lowest rate the highest one is, at least 1.
    pub peak_to_trough: f64,
    /// How long a day lasts.
    pub period: Duration,
    /// When it is highest.
    pub peak_at: Duration,
}

impl Diurnal {
    /// By how much of the mean it goes up and down.
    fn amplitude(&self) -> f64 {
        (self.peak_to_trough - 1.0) / (self.peak_to_trough + 1.0)
    }

    /// The part of a turn since it was highest. Whole turns are taken off before anything is rounded.
    fn phase(&self, since: u64) -> f64 {
        let period = nanos(self.period).max(1);
        let peak = nanos(self.peak_at) % period;
        let since = (since % period + period - peak) % period;
        since as f64 / period as f64 * TAU
    }
}

impl super::Curve for Diurnal {
    fn rps(&self, since: u64) -> f64 {
        self.mean * (1.0 + self.amplitude() * libm::cos(self.phase(since)))
    }

    fn straight_until(&self, since: u64) -> u64 {
        step(since, nanos(self.period) as f64 * STRAIGHT_PART / 4.0)
    }

    /// ∫ cos = sin; the rest is a straight line.
    fn expected(&self, from: u64, to: u64) -> f64 {
        let swing = libm::sin(self.phase(to)) - libm::sin(self.phase(from));
        let swing = self.amplitude() * self.period.as_secs_f64() / TAU * swing;
        self.mean * ((to - from) as f64 / 1e9 + swing)
    }

    fn peak(&self) -> f64 {
        self.mean * (1.0 + self.amplitude())
    }
}
