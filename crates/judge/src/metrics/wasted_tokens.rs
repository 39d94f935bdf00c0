//! `wasted_tokens`: 1 − tokens of the answers that clients got ÷ output tokens that providers sent: what was paid for
//! attempts that failed, lost a race or were left. Attempts by start, answers by the intended time of their request.
//!
//! Minimum sample: 1,000 tokens sent.

use super::{Measured, Measurement, MetricQuery, MetricValue};
use crate::text;

pub(super) fn measure(ask: &MetricQuery<'_>) -> Measurement {
    let cells = &ask.recording.cells;
    let window = || ask.window.clone();
    let sent: u64 = cells.deployments.iter().map(|cells| cells.sum(window()).output_tokens).sum();
    let groups = cells.groups.iter().map(|cells| cells.sum(window()));
    let (succeeded, received) = groups.fold((0, 0), |(succeeded, received), sum| {
        (succeeded + u64::from(sum.succeeded), received + sum.received_tokens)
    });
    if succeeded > 0 && received == 0 {
        return Measurement::inconclusive("this recording did not count the tokens of answers");
    }
    if sent < MINIMUM {
        return Measurement::too_few(sent, "output tokens", MINIMUM);
    }
    // At the edges of a phase, an answer may be in it whose attempt is not.
    let wasted = sent.saturating_sub(received);
    let detail = vec![format!(
        "{} of {} output tokens are in no answer that a client got",
        text::count(wasted),
        text::count(sent)
    )];
    let value = MetricValue::Fraction(wasted as f64 / sent as f64);
    Measurement::Measured(Measured { value, n: sent, of: "output tokens", detail })
}

const MINIMUM: u64 = 1_000;
