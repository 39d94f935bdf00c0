//! `error_budget_spent`: (1 − `success_rate`) × the length of the window: as long as a full outage would take to fail as
//! many of these requests (Beyer et al., Site Reliability Engineering, 2016, chapter 3: availability by requests, as
//! downtime).
//!
//! Minimum sample: 20 requests.

use super::success_rate::ended;
use super::{Measured, Measurement, MetricQuery, MetricValue};
use crate::text;
use std::time::Duration;

pub(super) fn measure(ask: &MetricQuery<'_>) -> Measurement {
    let (succeeded, n) = ended(ask);
    if n < MINIMUM {
        return Measurement::too_few(n, "requests", MINIMUM);
    }
    let window = ask.window.end.min(ask.traffic_end()).since(ask.window.start);
    let lost = n - succeeded;
    let spent = window.mul_f64(lost as f64 / n as f64);
    let of_month = spent.as_secs_f64() / (BUDGET * MONTH.as_secs_f64());
    let detail = vec![format!(
        "{} of {} requests failed in {}: {} of the 43.2 minutes that 99.9% leaves in 30 days",
        text::count(lost),
        text::count(n),
        text::duration(window),
        text::percent(of_month)
    )];
    Measurement::Measured(Measured {
        value: MetricValue::Duration(spent),
        n,
        of: "requests",
        detail,
    })
}

const MINIMUM: u64 = 20;
/// What an objective of 99.9 % leaves to lose.
const BUDGET: f64 = 0.001;
const MONTH: Duration = Duration::from_secs(30 * 86_400);
