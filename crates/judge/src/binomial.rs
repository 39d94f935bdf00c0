//! The binomial distribution, exactly: what a count of failures among so many says of the share behind it. No normal
//! approximation, which promises more power than there is where failures are rare.

/// The probability that `n` independent draws, each with probability `share`, give `count` or more.
#[must_use]
pub fn at_least(n: u64, share: f64, count: u64) -> f64 {
    (1.0 - below(n, share, count)).clamp(0.0, 1.0)
}

/// The probability that they give fewer than `count`.
#[must_use]
pub fn below(n: u64, share: f64, count: u64) -> f64 {
    if count > n {
        return 1.0;
    }
    if share <= 0.0 || share >= 1.0 {
        // All draws are alike: none, or every one of them.
        let certain = if share <= 0.0 { 0 } else { n };
        return if certain < count { 1.0 } else { 0.0 };
    }
    // The logarithm of the probability of exactly `each`; every one follows from the one before it, so that a million
    // draws neither underflow nor take longer than their own number.
    let odds = (share / (1.0 - share)).ln();
    let mut exactly = n as f64 * (-share).ln_1p();
    let mut sum = 0.0;
    for each in 0..count {
        sum += exactly.exp();
        exactly += ((n - each) as f64 / (each + 1) as f64).ln() + odds;
    }
    sum.min(1.0)
}

/// The least count among `n` that comes with a probability of at most `alpha` if the share is `share`: a test that
/// rejects from there on has that size. It is `n + 1`, which never comes, where `n` are too few.
#[must_use]
pub fn critical_count(n: u64, share: f64, alpha: f64) -> u64 {
    // A sum of many terms may be a trifle too large.
    first_number(0, n + 1, |count| at_least(n, share, count) <= alpha + 1e-12)
}

/// The first number from `low` on, but `high` at most, of which something is true that is then true of all.
#[must_use]
pub fn first_number(low: u64, high: u64, is_so: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut step) = (low, 1);
    // Doubling first: what is looked for may be far below `high`, and a large number may take long to test.
    let mut high_so_far = low;
    while high_so_far < high && !is_so(high_so_far) {
        low = high_so_far + 1;
        high_so_far = (high_so_far + step).min(high);
        step *= 2;
    }
    let mut high = high_so_far;
    while low < high {
        let middle = low + (high - low) / 2;
        if is_so(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(value: f64, expected: f64) {
        assert!((value - expected).abs() < 1e-12 + 1e-9 * expected, "{value}, not {expected}");
    }

    #[test]
    fn tails_are_those_of_a_few_coins() {
        // Of three coins, one or none is heads in 4 of 8 cases; all are in one.
        near(below(3, 0.5, 2), 0.5);
        near(at_least(3, 0.5, 3), 0.125);
        near(at_least(3, 0.5, 0), 1.0);
        near(at_least(3, 0.5, 4), 0.0);
        // One of 59 or more: 1 − 0.95⁵⁹.
        near(at_least(59, 0.05, 1), 1.0 - 0.95_f64.powi(59));
    }

    #[test]
    fn a_share_of_nothing_never_comes_and_one_of_all_always_does() {
        assert_eq!([at_least(9, 0.0, 0), at_least(9, 0.0, 1)], [1.0, 0.0]);
        assert_eq!([at_least(9, 1.0, 9), at_least(9, 1.0, 10)], [1.0, 0.0]);
    }

    #[test]
    fn the_critical_count_is_the_first_that_is_rare_enough() {
        // Of ten coins, nine or more heads come in 11 of 1,024 cases, eight or more in 56.
        assert_eq!(critical_count(10, 0.5, 0.05), 9);
        assert_eq!(critical_count(10, 0.5, 56.0 / 1_024.0), 8);
        assert_eq!(critical_count(3, 0.5, 0.001), 4, "three coins never say it");
        let of_many = critical_count(1_000_000, 0.01, 0.001);
        // 10,000 and 3.09 deviations of 99.5.
        assert!((10_300..=10_315).contains(&of_many), "{of_many}");
    }
}
