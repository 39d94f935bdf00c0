//! `weight_chance(group)`: how likely it is that first attempts are as far from the weights as they are, if each is an
//! independent random draw by the weights: the share of 10,000 seeded draws whose total-variation distance is at least that
//! of the run. Over the same time as `weight_adherence`. A small value is no accident, whatever the sample; a smooth
//! rotation has 100 %.
//!
//! Minimum sample: 100 first attempts.

use super::weight_adherence::{MINIMUM, WeightSample, draws};
use super::{Measured, Measurement, MetricQuery, MetricValue};
use crate::text;
use squall_scenario::Argument;

pub(super) fn measure(ask: &MetricQuery<'_>) -> Measurement {
    let Some(Argument::Group(group)) = ask.argument else {
        return Measurement::inconclusive("a group is required");
    };
    let sample = WeightSample::of(ask, group.0);
    if sample.n < MINIMUM {
        return Measurement::too_few(sample.n, "first attempts while all were healthy", MINIMUM);
    }
    let draws = draws(&sample.periods, sample.n);
    // A trifle less: a draw that is equally far counts.
    let nearer = draws.partition_point(|draw| *draw < sample.distance - 1e-12);
    let chance = (draws.len() - nearer) as f64 / draws.len() as f64;
    let adherence = text::percent(1.0 - sample.distance);
    let detail = vec![format!("adherence to the weights: {adherence}")];
    let value = MetricValue::Fraction(chance);
    Measurement::Measured(Measured { value, n: sample.n, of: "first attempts", detail })
}
