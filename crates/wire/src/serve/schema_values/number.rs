//! AssignedIds within their bounds.

use super::SplitMix64;
use serde_json::{Map, Number, Value};

/// How far a number goes from a bound that stands alone.
const SPAN: i128 = 100;

/// An integer that lies in its bounds, and is a multiple if that is asked for.
pub(super) fn integer(schema: &Map<String, Value>, draws: &mut SplitMix64) -> Value {
    let (least, most) = integer_bounds(schema);
    let step = schema.get("multipleOf").and_then(Value::as_f64).filter(|step| *step > 0.0);
    let step = step.map_or(1, |step| {
        // The integers among the multiples of 2.5 are those of 5.
        (1..=1_000_000_i128).find(|&times| (times as f64 * step).fract() == 0.0).map_or(
            1,
            |times| {
                let step = times as f64 * step;
                if step < 1e18 { (step as i128).max(1) } else { 1 }
            },
        )
    });
    let first = least.div_euclid(step) + i128::from(least.rem_euclid(step) != 0);
    let last = most.div_euclid(step);
    let places = u64::try_from((last - first).clamp(0, SPAN)).unwrap_or(0) + 1;
    let made = (first + i128::from(draws.below(places))) * step;
    from_i128(made)
}

/// The least and the greatest integer that the bounds allow.
fn integer_bounds(schema: &Map<String, Value>) -> (i128, i128) {
    let bound = |name: &str| {
        schema.get(name).and_then(|value| match value {
            Value::Number(number) => Some(number.clone()),
            _ => None,
        })
    };
    let up = |number: &Number| exact(number).unwrap_or_else(|| float(number).ceil() as i128);
    let down = |number: &Number| exact(number).unwrap_or_else(|| float(number).floor() as i128);
    let mut least = bound("minimum").map(|number| up(&number));
    let mut most = bound("maximum").map(|number| down(&number));
    // As a number it excludes itself; in draft 4 it is a flag beside the other.
    if let Some(number) = bound("exclusiveMinimum") {
        let above = down(&number) + 1;
        least = Some(least.map_or(above, |least| least.max(above)));
    } else if schema.get("exclusiveMinimum") == Some(&Value::Bool(true)) {
        least = bound("minimum").map(|number| down(&number) + 1);
    }
    if let Some(number) = bound("exclusiveMaximum") {
        let below = up(&number) - 1;
        most = Some(most.map_or(below, |most| most.min(below)));
    } else if schema.get("exclusiveMaximum") == Some(&Value::Bool(true)) {
        most = bound("maximum").map(|number| up(&number) - 1);
    }
    match (least, most) {
        (Some(least), Some(most)) => (least, most.max(least)),
        (Some(least), None) => (least, least + SPAN),
        (None, Some(most)) => (most - SPAN, most),
        (None, None) => (1, SPAN),
    }
}

fn exact(number: &Number) -> Option<i128> {
    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
}

fn float(number: &Number) -> f64 {
    number.as_f64().unwrap_or_default().clamp(-1e18, 1e18)
}

fn from_i128(number: i128) -> Value {
    if let Ok(number) = i64::try_from(number) {
        return Value::from(number);
    }
    u64::try_from(number).map_or_else(|_| Value::from(number as f64), Value::from)
}

/// A number strictly between its bounds where they leave room, and a multiple if that is asked for.
pub(super) fn number(schema: &Map<String, Value>, draws: &mut SplitMix64) -> Value {
    let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
    let tighter =
        |one: Option<f64>, other: Option<f64>, pick: fn(f64, f64) -> f64| match (one, other) {
            (Some(one), Some(other)) => Some(pick(one, other)),
            (one, other) => one.or(other),
        };
    let least = tighter(bound("minimum"), bound("exclusiveMinimum"), f64::max);
    let most = tighter(bound("maximum"), bound("exclusiveMaximum"), f64::min);
    if schema.contains_key("multipleOf") {
        return multiple(schema, draws);
    }
    let quarter = (1 + draws.below(3)) as f64 / 4.0;
    let made = match (least, most) {
        (Some(least), Some(most)) if most > least => least + (most - least) * quarter,
        (Some(least), Some(_)) => least,
        (Some(least), None) => least + draws.below(SPAN as u64) as f64 + quarter,
        (None, Some(most)) => most - draws.below(SPAN as u64) as f64 - quarter,
        (None, None) => draws.below(SPAN as u64) as f64 + quarter,
    };
    Number::from_f64(made).map_or_else(|| Value::from(1), Value::Number)
}

/// A multiple: an integer among them if the bounds have one, since a product of fractions is rarely exact.
fn multiple(schema: &Map<String, Value>, draws: &mut SplitMix64) -> Value {
    let bound =
        |name: &str, unbound: f64| schema.get(name).and_then(Value::as_f64).unwrap_or(unbound);
    let step = bound("multipleOf", 1.0).abs();
    let fits = |made: &Value| {
        let whole = made.as_f64().unwrap_or(f64::NAN);
        whole >= bound("minimum", f64::NEG_INFINITY)
            && whole > bound("exclusiveMinimum", f64::NEG_INFINITY)
            && whole <= bound("maximum", f64::INFINITY)
            && whole < bound("exclusiveMaximum", f64::INFINITY)
            && (whole / step).fract() == 0.0
    };
    let whole = integer(schema, draws);
    if fits(&whole) {
        return whole;
    }
    let low = schema.get("minimum").or_else(|| schema.get("exclusiveMinimum"));
    let low = low.and_then(Value::as_f64).unwrap_or(0.0);
    let mut times = (low / step).ceil();
    if schema.get("exclusiveMinimum").and_then(Value::as_f64) == Some(times * step) {
        times += 1.0;
    }
    Number::from_f64(times * step).map_or_else(|| Value::from(0), Value::Number)
}
