//! Several rates, multiplied.

use super::{STRAIGHT_PART, step};
use crate::Rate;

pub(crate) struct Product<'r>(pub(crate) &'r [Rate]);

impl super::Curve for Product<'_> {
    fn rps(&self, since: u64) -> f64 {
        self.0.iter().map(|rate| rate.rps(since)).product()
    }

    fn rps_before(&self, since: u64) -> f64 {
        self.0.iter().map(|rate| rate.rps_before(since)).product()
    }

    /// Where one factor changes alone the product is as straight as it is; where several do, over a part of the time in
    /// which the fastest of them changes by all of itself.
    fn straight_until(&self, since: u64) -> u64 {
        let end = self.0.iter().map(|rate| rate.straight_until(since)).min().unwrap_or(u64::MAX);
        let length = end.saturating_sub(since) as f64;
        let changes = self.0.iter().map(|rate| {
            let (from, to) = (rate.rps(since), rate.rps_before(end));
            libm::fabs(to - from) / from.max(to).max(f64::MIN_POSITIVE)
        });
        let (count, most) = changes
            .filter(|change| *change > 0.0)
            .fold((0_u32, 0.0_f64), |(count, most), change| (count + 1, most.max(change)));
        if count < 2 {
            return end;
        }
        step(since, length / most * STRAIGHT_PART).min(end)
    }

    /// Piece by piece: a product has no closed form.
    fn expected(&self, from: u64, to: u64) -> f64 {
        let (mut at, mut sum) = (from, 0.0);
        while at < to {
            let end = self.straight_until(at).min(to);
            let rates = (self.rps(at), self.rps_before(end));
            sum += f64::midpoint(rates.0, rates.1) * (end - at) as f64 / 1e9;
            at = end;
        }
        sum
    }

    fn peak(&self) -> f64 {
        self.0.iter().map(Rate::peak).product()
    }
}
