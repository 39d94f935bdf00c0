//! A rate, earlier or later.

use super::nanos;
use crate::Shifted;

/// The time of the rate itself.
fn inner(shifted: &Shifted, since: u64) -> u64 {
    since.saturating_sub(nanos(shifted.later)).saturating_add(nanos(shifted.earlier))
}

/// The rate before it begins: what it comes from.
fn first(shifted: &Shifted) -> f64 {
    shifted.rate.rps_before(nanos(shifted.earlier))
}

impl super::Curve for Shifted {
    fn rps(&self, since: u64) -> f64 {
        if since < nanos(self.later) { first(self) } else { self.rate.rps(inner(self, since)) }
    }

    fn rps_before(&self, since: u64) -> f64 {
        if since <= nanos(self.later) {
            return first(self);
        }
        self.rate.rps_before(inner(self, since))
    }

    fn straight_until(&self, since: u64) -> u64 {
        let later = nanos(self.later);
        if since < later {
            return later;
        }
        let inner = self.rate.straight_until(inner(self, since));
        let end = inner.saturating_sub(nanos(self.earlier)).saturating_add(later);
        if inner == u64::MAX { u64::MAX } else { end }
    }

    fn expected(&self, from: u64, to: u64) -> f64 {
        let later = nanos(self.later);
        let waiting = later.min(to).saturating_sub(from) as f64 / 1e9;
        first(self) * waiting + self.rate.expected_nanos(inner(self, from), inner(self, to))
    }

    fn peak(&self) -> f64 {
        self.rate.peak()
    }
}
