//! `retry_after_honoured`: 1 − broken ÷ asked, of the 429s with Retry-After that were sent in the window.
//! One is broken if any attempt at the same deployment starts between 25 ms after it (an attempt begun
//! before the 429 arrived is exempt, and a provider's log cannot see when that was) and the end of the
//! wait.
//!
//! Minimum sample: one such 429.

use super::{Measurement, MetricQuery, MetricValue};

pub(super) fn measure(ask: &MetricQuery<'_>) -> Measurement {
    let (mut asked, mut broken) = (0, 0);
    for deployment in ask.deployments() {
        let sum = ask.recording.cells.deployments[deployment].sum(ask.window.clone());
        asked += u64::from(sum.asked_to_wait);
        broken += u64::from(sum.did_not_wait);
    }
    if asked == 0 {
        return Measurement::inconclusive("no 429 with Retry-After was sent");
    }
    Measurement::of(
        MetricValue::Fraction(1.0 - broken as f64 / asked as f64),
        asked,
        "429s with Retry-After",
    )
}
