//! A distribution as it was measured: a few of its quantiles.

/// Up to [`MOST`](Self::MOST) quantiles, straight lines between them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantiles {
    points: [(f64, u64); Self::MOST],
    len: usize,
}

impl Quantiles {
    /// The most points.
    pub const MOST: usize = 12;

    /// Points as (share of draws below, number), both rising, the first at 0 and the last at 1. `None` if
    /// they are not so, or too many.
    #[must_use]
    pub fn new(given: &[(f64, u64)]) -> Option<Self> {
        let rises = given.is_sorted_by(|one, next| one.0 < next.0 && one.1 <= next.1);
        let ends = given.first().is_some_and(|first| first.0 == 0.0)
            && given.last().is_some_and(|last| last.0 == 1.0);
        if given.len() > Self::MOST || !rises || !ends {
            return None;
        }
        let mut points = [(1.0, 0); Self::MOST];
        points[..given.len()].copy_from_slice(given);
        Some(Self { points, len: given.len() })
    }

    /// The number below which a draw falls with probability `p`.
    pub(crate) fn at(&self, p: f64) -> f64 {
        let points = &self.points[..self.len];
        let above = points.partition_point(|point| point.0 < p).clamp(1, self.len - 1);
        let ((p0, low), (p1, high)) = (points[above - 1], points[above]);
        low as f64 + (high - low) as f64 * ((p - p0) / (p1 - p0))
    }

    pub(crate) fn mean(&self) -> f64 {
        let pairs = self.points[..self.len].windows(2);
        pairs
            .map(|pair| (pair[1].0 - pair[0].0) * (pair[0].1 as f64 + pair[1].1 as f64) / 2.0)
            .sum()
    }

    pub(crate) fn times(mut self, factor: f64) -> Self {
        for point in &mut self.points[..self.len] {
            point.1 = libm::floor(point.1 as f64 * factor + 0.5) as u64;
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn between_two_points_it_is_a_straight_line() {
        let distribution =
            Quantiles::new(&[(0.0, 100), (0.5, 200), (0.9, 600), (1.0, 5_000)]).expect("rises");
        for (p, expected) in [(0.25, 150.0), (0.5, 200.0), (0.7, 400.0), (0.95, 2_800.0)] {
            assert!((distribution.at(p) - expected).abs() < 1e-9, "{p}: {}", distribution.at(p));
        }
        assert!((distribution.mean() - (0.5 * 150.0 + 0.4 * 400.0 + 0.1 * 2_800.0)).abs() < 1e-9);
    }

    #[test]
    fn points_must_rise_from_nothing_to_all() {
        assert_eq!(Quantiles::new(&[]), None);
        assert_eq!(Quantiles::new(&[(0.0, 1)]), None);
        assert_eq!(Quantiles::new(&[(0.1, 1), (1.0, 2)]), None);
        assert_eq!(Quantiles::new(&[(0.0, 2), (1.0, 1)]), None);
    }
}
