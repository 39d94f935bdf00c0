//! Order statistics: what the sorted values of many runs say of a quantile of all runs, whatever the distribution of
//! the values is (Wilks 1941). No distribution is assumed and nothing is estimated.

/// How sure a bound is.
pub const CONFIDENCE: f64 = 0.95;

/// The lowest rank, from 1, of `n` sorted values that is at or above their `quantile` with confidence;
/// `None` if there are too few.
#[must_use]
pub fn upper_rank(n: usize, quantile: f64) -> Option<usize> {
    // The value at rank k is above the quantile unless k or more of the n lie below it.
    let mut below = 0.0;
    // The logarithm of the probability that exactly `rank - 1` of the n are below the quantile; each follows from
    // the one before it, so that a million seeds take no longer than their own number.
    let (odds, mut exactly) =
        ((quantile / (1.0 - quantile)).ln(), n as f64 * (1.0 - quantile).ln());
    (1..=n).find(|&rank| {
        below += exactly.exp();
        exactly += ((n + 1 - rank) as f64 / rank as f64).ln() + odds;
        below >= CONFIDENCE
    })
}

/// The highest rank that is at or below the `quantile` with confidence; `None` if there are too few.
#[must_use]
pub fn lower_rank(n: usize, quantile: f64) -> Option<usize> {
    upper_rank(n, 1.0 - quantile).map(|rank| n + 1 - rank)
}

/// How many values it takes to bound a quantile from above: 59 for p95, 299 for p99.
#[must_use]
pub fn least_seeds(quantile: f64) -> usize {
    ((1.0 - CONFIDENCE).ln() / quantile.ln()).ceil() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_of_59_bounds_95_of_100_runs() {
        assert_eq!(upper_rank(58, 0.95), None);
        assert_eq!(upper_rank(59, 0.95), Some(59));
        assert_eq!(upper_rank(93, 0.95), Some(92), "the second worst of 93, as tables have it");
        assert_eq!([0.5, 0.95, 0.99].map(least_seeds), [5, 59, 299]);
    }

    #[test]
    fn bounds_from_below_mirror_those_from_above() {
        assert_eq!(lower_rank(59, 0.05), Some(1));
        assert_eq!(lower_rank(58, 0.05), None);
        // The quantile is below the 53rd only if 7 or more of 59 are above it: 2.6 %, with 6 it is 6.7 %.
        assert_eq!(lower_rank(59, 0.95), Some(53));
    }

    #[test]
    fn the_median_of_many_lies_where_the_binomial_says() {
        assert_eq!((lower_rank(100, 0.5), upper_rank(100, 0.5)), (Some(42), Some(59)));
    }

    #[test]
    fn a_million_values_bound_a_quantile_tightly() {
        // The normal approximation: 950,000 and 1.645 deviations of 218.
        let rank = upper_rank(1_000_000, 0.95).expect("there are enough");
        assert!((950_355..=950_365).contains(&rank), "{rank}");
    }
}
