//! Means with intervals by Student's distribution: paired differences, and Welch's for runs that are not paired.

use statrs::distribution::{ContinuousCDF as _, StudentsT};

/// A mean difference, how sure it is, and of how many degrees of freedom.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct MeanDifference {
    pub(super) mean: f64,
    /// Its standard error.
    pub(super) error: f64,
    /// Degrees of freedom.
    pub(super) freedom: f64,
}

/// The mean of differences that are independent of one another; `None` for fewer than two.
pub(super) fn of_pairs(differences: &[f64]) -> Option<MeanDifference> {
    let (mean, variance) = moments(differences)?;
    let n = differences.len() as f64;
    Some(MeanDifference { mean, error: (variance / n).sqrt(), freedom: n - 1.0 })
}

/// The difference of two means of independent runs, whose variances need not be alike (Welch 1947); `None` where either
/// has fewer than two.
pub(super) fn of_groups(reference: &[f64], candidate: &[f64]) -> Option<MeanDifference> {
    let ((a, a_variance), (b, b_variance)) = (moments(reference)?, moments(candidate)?);
    let (a_n, b_n) = (reference.len() as f64, candidate.len() as f64);
    let (a_part, b_part) = (a_variance / a_n, b_variance / b_n);
    let all = a_part + b_part;
    // By Welch and Satterthwaite; without any variance there is nothing to weigh.
    let freedom = match all > 0.0 {
        true => all * all / (a_part * a_part / (a_n - 1.0) + b_part * b_part / (b_n - 1.0)),
        false => a_n + b_n - 2.0,
    };
    Some(MeanDifference { mean: b - a, error: all.sqrt(), freedom })
}

/// Mean and variance of a sample.
fn moments(sample: &[f64]) -> Option<(f64, f64)> {
    let n = sample.len();
    if n < 2 {
        return None;
    }
    let mean = sample.iter().sum::<f64>() / n as f64;
    let squares: f64 = sample.iter().map(|value| (value - mean).powi(2)).sum();
    // Of equal values, what is left is rounding.
    let is_rounding = squares.sqrt() <= 1e-12 * mean.abs() * n as f64;
    Some((mean, if is_rounding { 0.0 } else { squares / (n - 1) as f64 }))
}

impl MeanDifference {
    /// The interval that holds the difference with this confidence, such as 0.95.
    pub(super) fn interval(&self, confidence: f64) -> (f64, f64) {
        let far = self.student().map_or(f64::INFINITY, |student| {
            student.inverse_cdf(f64::midpoint(1.0, confidence)) * self.error
        });
        let far = if self.error == 0.0 { 0.0 } else { far };
        (self.mean - far, self.mean + far)
    }

    /// How likely so large a mean, or a larger one, is if the difference is `least` or less.
    pub(super) fn p_above(&self, least: f64) -> f64 {
        let beyond = self.mean - least;
        if self.error == 0.0 {
            return if beyond > 0.0 { 0.0 } else { 1.0 };
        }
        self.student().map_or(1.0, |student| student.sf(beyond / self.error))
    }

    fn student(&self) -> Option<StudentsT> {
        StudentsT::new(0.0, 1.0, self.freedom).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(value: f64, expected: f64) {
        assert!(
            (value - expected).abs() <= 1e-9 * expected.abs().max(1e-6),
            "{value}, not {expected}"
        );
    }

    #[test]
    fn equal_differences_have_no_spread_and_one_run_has_no_mean_to_trust() {
        let equal = of_pairs(&[0.3; 9]).expect("there are nine");
        assert_eq!((equal.error, equal.p_above(0.2), equal.p_above(0.4)), (0.0, 0.0, 1.0));
        assert_eq!(equal.interval(0.95), (equal.mean, equal.mean));
        assert_eq!(of_pairs(&[1.0]), None);
        assert_eq!(of_groups(&[1.0, 2.0], &[1.0]), None);
    }

    /// Student's own example (1908): hours of sleep gained by ten patients from two drugs.
    #[test]
    fn students_own_example_comes_out_as_he_had_it() {
        let first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0];
        let second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];
        let paired: Vec<_> = first.iter().zip(second).map(|(a, b)| b - a).collect();
        let paired = of_pairs(&paired).expect("there are ten");
        near(paired.mean, 1.58);
        near(paired.mean / paired.error, 4.062_127_683_382_037);
        near(2.0 * paired.p_above(0.0), 0.002_832_890_197_384_271);
        let welch = of_groups(&first, &second).expect("there are ten of each");
        near(welch.mean / welch.error, 1.860_813_467_486_855);
        near(welch.freedom, 17.776_473_516_178_49);
    }

    /// What SciPy gives for the same samples: normal ones, skewed ones, rare events, shares, few runs and many.
    #[test]
    fn intervals_and_p_values_are_those_of_scipy() {
        let text = include_str!("student/scipy_cases.json");
        let judged: serde_json::Value = serde_json::from_str(text).expect("it is JSON");
        let number = |value: &serde_json::Value| value.as_f64().expect("a number");
        let cases = judged["cases"].as_array().expect("a list");
        assert_eq!(cases.len(), 7);
        for case in cases {
            let sample = |name: &str| -> Vec<f64> {
                case[name].as_array().expect("a list").iter().map(number).collect()
            };
            let (reference, candidate) = (sample("reference"), sample("candidate"));
            let pairs: Vec<_> = reference.iter().zip(&candidate).map(|(a, b)| b - a).collect();
            let ours = [("welch", of_groups(&reference, &candidate)), ("paired", of_pairs(&pairs))];
            for (name, ours) in ours.into_iter().filter(|(name, _)| case[name].is_object()) {
                let (ours, scipy) = (ours.expect("there are enough"), &case[name]);
                let (low, high) = ours.interval(0.95);
                near(ours.freedom, number(&scipy["freedom"]));
                near(low, number(&scipy["low"]));
                near(high, number(&scipy["high"]));
                near(ours.p_above(number(&case["margin"])), number(&scipy["p_above"]));
            }
        }
    }
}
