//! `success_rate`: succeeded ÷ (arrived − unfinished), of the requests whose user asked in the window.
//! What the end of the run cut off is neither success nor failure.
//!
//! Minimum sample: 20, and for a limit of L at least 1 ÷ (1 − L), so that one failure more or less does
//! not decide alone.

use super::{Measured, Measurement, MetricQuery, MetricValue};
use crate::text;
use squall_failure::FailureClass;
use squall_scenario::Limit;
use std::cmp::Reverse;
use std::collections::BTreeMap;

pub(super) fn measure(ask: &MetricQuery<'_>) -> Measurement {
    let (mut succeeded, mut ended, mut unfinished) = (0, 0, 0);
    let mut lost: BTreeMap<&str, u64> = BTreeMap::new();
    for cells in ask.requests() {
        let sum = cells.sum(ask.window.clone());
        let failed = FailureClass::ALL.iter().map(|class| class.as_str()).zip(sum.failed);
        for (word, count) in failed.chain([("abandoned", sum.gave_up)]) {
            *lost.entry(word).or_default() += u64::from(count);
        }
        succeeded += u64::from(sum.succeeded);
        ended += u64::from(sum.arrived) - u64::from(sum.unfinished);
        unfinished += u64::from(sum.unfinished);
    }
    let minimum = minimum(ask.limit);
    if ended < minimum {
        return Measurement::too_few(ended, "requests", minimum);
    }
    let value = MetricValue::Fraction(succeeded as f64 / ended as f64);
    let mut lost: Vec<_> = lost.into_iter().filter(|&(_, count)| count > 0).collect();
    lost.sort_by_key(|&(_, count)| Reverse(count));
    let lost: Vec<_> =
        lost.iter().map(|(word, count)| format!("{} {word}", text::count(*count))).collect();
    let mut detail = Vec::new();
    if !lost.is_empty() {
        detail.push(format!("failed: {}", lost.join(", ")));
    }
    if unfinished > 0 {
        let cut = text::count(unfinished);
        detail.push(format!("{cut} requests were still in flight at the end of the run"));
    }
    Measurement::Measured(Measured { value, n: ended, of: "requests", detail })
}

/// How many of the requests that are asked about succeeded, and how many ended.
pub(super) fn ended(ask: &MetricQuery<'_>) -> (u64, u64) {
    let sums = ask.requests().iter().map(|cells| cells.sum(ask.window.clone()));
    sums.fold((0, 0), |(succeeded, ended), sum| {
        let of = u64::from(sum.arrived - sum.unfinished);
        (succeeded + u64::from(sum.succeeded), ended + of)
    })
}

/// How many requests a limit on their share requires.
pub(super) fn minimum(limit: Option<Limit>) -> u64 {
    match limit {
        Some(Limit::Fraction(limit)) if limit < 1.0 => {
            ((1.0 / (1.0 - limit) - 1e-6).ceil() as u64).max(MINIMUM)
        }
        _ => MINIMUM,
    }
}

const MINIMUM: u64 = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stricter_limit_takes_more_requests() {
        assert_eq!(minimum(Some(Limit::Fraction(0.5))), 20);
        assert_eq!(minimum(Some(Limit::Fraction(0.99))), 100);
        assert_eq!(minimum(Some(Limit::Fraction(0.999))), 1_000);
        assert_eq!(minimum(Some(Limit::Fraction(1.0))), 20, "a single failure would be a miss");
    }
}
