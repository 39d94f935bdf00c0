//! `success_rate`: succeeded ÷ (arrived − unfinished), of the requests whose user asked in the window.
//! What the end of the run cut off is neither success nor failure.
//!
//! Minimum sample: 20, and for a limit of L at least 1 ÷ (1 − L), so that one failure more or less does
//! not decide alone.

use super::{Ask, Measurement, Value};
use crate::text;
use squall_scenario::Limit;

pub(super) fn measure(ask: &Ask<'_>) -> Measurement {
    let (mut succeeded, mut ended, mut unfinished) = (0, 0, 0);
    for group in ask.groups() {
        let sum = ask.recording.cells.groups[group].sum(ask.window.clone());
        succeeded += u64::from(sum.succeeded);
        ended += u64::from(sum.arrived) - u64::from(sum.unfinished);
        unfinished += u64::from(sum.unfinished);
    }
    let minimum = minimum(ask.limit);
    if ended < minimum {
        return Measurement::too_few(ended, "requests", minimum);
    }
    let value = Value::Fraction(succeeded as f64 / ended as f64);
    let mut measurement = Measurement::of(value, ended, "requests");
    if let (Measurement::Measured(measured), 1..) = (&mut measurement, unfinished) {
        let cut = text::count(unfinished);
        measured.detail.push(format!("{cut} requests were cut off by the end of the run"));
    }
    measurement
}

fn minimum(limit: Option<Limit>) -> u64 {
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
        assert_eq!(minimum(Some(Limit::Fraction(1.0))), 20, "one failure is then a miss at once");
    }
}
