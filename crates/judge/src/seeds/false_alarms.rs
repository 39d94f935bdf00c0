//! How many of a check's misses are called that: false alarms, controlled over all expectations of a check together.
//!
//! Each row that some seeds missed has the probability that so many or more would have missed it if it held for as many
//! runs as it claims: an exact binomial tail. Of all rows of a check, those are missed that Holm's method rejects at
//! half of [`FALSE_ALARMS`] (Holm 1979), since a check looks twice at most: the probability that it calls any row missed
//! that holds is at most [`FALSE_ALARMS`], whatever depends on what. The others are open, and more seeds decide them.
//! Soft expectations are controlled among themselves, so that one more of them makes no other harder to miss.

use super::{SeedsRow, SeedsVerdict};
use crate::verdict::Judgement;

/// How often a check may call something missed that holds: once in 20.
pub const FALSE_ALARMS: f64 = 0.05;

/// How often a check may look: a second time with more seeds, where the first leave something open. Each look has its part
/// of the false alarms.
const LOOKS: f64 = 2.0;

/// What seeds that missed a row say of it.
#[derive(Clone, Debug, PartialEq)]
pub struct SeedDoubt {
    /// How likely so many misses are, if it holds.
    pub p_value: f64,
    /// Why it is missed, if that is no false alarm.
    pub(super) missed: String,
    /// What it is otherwise, and why.
    pub(super) otherwise: (Judgement, String),
}

/// Decides the rows in doubt of a whole check, all together.
pub fn control_false_alarms(verdicts: &mut [SeedsVerdict]) {
    decide(verdicts.iter_mut().flat_map(|verdict| &mut verdict.rows).collect());
    decide(verdicts.iter_mut().flat_map(|verdict| &mut verdict.soft).collect());
    for verdict in verdicts {
        verdict.overall = super::overall(&verdict.rows);
    }
}

/// Decides the rows in doubt of a family of hypotheses.
fn decide(rows: Vec<&mut SeedsRow>) {
    let p_values = rows.iter().filter_map(|row| row.doubt.as_ref().map(|doubt| doubt.p_value));
    let limit = holm_limit(p_values.collect(), rows.len(), FALSE_ALARMS / LOOKS);
    for row in rows {
        let Some(doubt) = &row.doubt else { continue };
        let is_missed = limit.is_some_and(|limit| doubt.p_value <= limit);
        (row.judgement, row.reason) = match is_missed {
            true => (Judgement::Missed, doubt.missed.clone()),
            false => doubt.otherwise.clone(),
        };
    }
}

/// The largest of the p-values that is rejected among so many hypotheses; `None` if none is.
pub(crate) fn holm_limit(mut p_values: Vec<f64>, hypotheses: usize, alpha: f64) -> Option<f64> {
    p_values.sort_by(f64::total_cmp);
    let rejected = p_values.iter().enumerate().take_while(|&(place, p_value)| {
        // A sum of many terms may be a trifle too large.
        *p_value <= alpha / (hypotheses - place) as f64 + 1e-15
    });
    rejected.last().map(|(_, &p_value)| p_value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_is_held_against_all_and_each_next_one_against_those_that_are_left() {
        // Of four: against 1.25 %, 1.67 %, 2.5 % and 5 %.
        let limit = |p_values: &[f64]| holm_limit(p_values.to_vec(), 4, 0.05);
        assert_eq!(limit(&[0.3, 0.013]), None);
        assert_eq!(limit(&[0.3, 0.0125]), Some(0.0125));
        assert_eq!(limit(&[0.016, 0.001, 0.024, 0.3]), Some(0.024));
        assert_eq!(limit(&[0.017, 0.001, 0.018, 0.3]), Some(0.001), "it stops at the first");
        assert_eq!(limit(&[]), None);
    }
}
