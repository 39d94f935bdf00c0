//! Several rates, added.

use crate::Rate;

pub(crate) struct Sum<'r>(pub(crate) &'r [Rate]);

impl super::Curve for Sum<'_> {
    fn rps(&self, since: u64) -> f64 {
        self.0.iter().map(|rate| rate.rps(since)).sum()
    }

    fn rps_before(&self, since: u64) -> f64 {
        self.0.iter().map(|rate| rate.rps_before(since)).sum()
    }

    fn straight_until(&self, since: u64) -> u64 {
        self.0.iter().map(|rate| rate.straight_until(since)).min().unwrap_or(u64::MAX)
    }

    fn expected(&self, from: u64, to: u64) -> f64 {
        self.0.iter().map(|rate| rate.expected_nanos(from, to)).sum()
    }

    fn peak(&self) -> f64 {
        self.0.iter().map(Rate::peak).sum()
    }
}
