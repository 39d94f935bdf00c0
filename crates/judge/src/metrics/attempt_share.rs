//! `attempt_share(d)`: attempts at d ÷ attempts at all deployments of its group, of those that started in
//! the window. Retries count where they ran.
//!
//! Minimum sample: 20 attempts in the group.

use super::{Measurement, MetricQuery, MetricValue};

pub(super) fn measure(ask: &MetricQuery<'_>) -> Measurement {
    let Some(deployment) = ask.deployment() else {
        return Measurement::inconclusive("a deployment is required");
    };
    let started = |each: usize| {
        u64::from(ask.recording.cells.deployments[each].sum(ask.window.clone()).started)
    };
    let group: u64 = ask.members(ask.info(deployment).group).into_iter().map(started).sum();
    if group < MINIMUM {
        return Measurement::too_few(group, "attempts in its group", MINIMUM);
    }
    let share = started(deployment) as f64 / group as f64;
    Measurement::of(MetricValue::Fraction(share), group, "attempts in its group")
}

const MINIMUM: u64 = 20;
