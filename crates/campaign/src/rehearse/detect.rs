//! How many requests it takes to notice a rise of errors: the sample of a one-sided test of one share against
//! a known one, by the normal approximation.

use squall_scenario::Rise;

/// How often a false alarm may come: once in 1,000 steps.
pub const ALPHA: f64 = 0.001;
/// How often a true rise has to be noticed: 99 times in 100.
pub const POWER: f64 = 0.99;

/// The quantiles of the normal distribution that belong to them.
const Z_ALPHA: f64 = 3.090_232_306_167_813;
const Z_POWER: f64 = 2.326_347_874_040_841;

/// How many requests a step takes to detect a rise.
#[must_use]
pub fn samples(rise: Rise) -> u64 {
    let sd = |share: f64| (share * (1.0 - share)).sqrt();
    let root = (Z_ALPHA * sd(rise.from) + Z_POWER * sd(rise.to)) / (rise.to - rise.from);
    // At least so many that one failure more does not decide alone.
    (root * root).ceil().max(1.0 / rise.to) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_smaller_rise_takes_more_requests() {
        let needed = |from, to| samples(Rise { from, to });
        assert_eq!(needed(0.01, 0.02), 4_009);
        assert_eq!(needed(0.005, 0.02), 1_314);
        assert_eq!(needed(0.01, 0.05), 415);
        assert_eq!(needed(0.01, 0.10), 125);
    }
}
