//! Values and differences in the unit of their figure, as people read them.

use super::super::{ComparedRow, SideSummary};
use crate::text;
use std::time::Duration;

impl ComparedRow {
    /// The mean of a side; a dash if there is none.
    pub(super) fn value(&self, side: SideSummary) -> String {
        let Some(mean) = side.mean else { return "-".to_owned() };
        let value = match self.figure.unit() {
            "share" => text::percent(mean),
            "ms" => millis(mean),
            "dollars" => text::dollars(mean),
            _ => number(mean),
        };
        match side.never {
            0 => value,
            never if never == side.runs => "never".to_owned(),
            never => format!("{value}, {never}× never"),
        }
    }

    /// How large a difference is.
    pub(crate) fn amount(&self, size: f64) -> String {
        match self.figure.unit() {
            "share" => format!("{} points", number(size * 100.0)),
            "ms" => millis(size),
            "dollars" => text::dollars(size),
            _ => number(size),
        }
    }

    /// The difference with its interval, in one unit: `−5.6 [−5.69, −5.51] points`; a dash if there is none.
    pub(super) fn difference_text(&self) -> String {
        let Some(difference) = self.difference else { return "-".to_owned() };
        let (low, high) = self.interval.unwrap_or((difference, difference));
        let largest = [difference, low, high].into_iter().map(f64::abs).fold(0.0, f64::max);
        let (scale, unit) = match self.figure.unit() {
            "share" => (100.0, " points"),
            "ms" if largest >= 10_000.0 => (1e-3, " s"),
            "ms" => (1.0, " ms"),
            "dollars" => (1.0, " $"),
            _ => (1.0, ""),
        };
        let text = |value: f64| signed(value * scale);
        match self.interval {
            Some(_) => format!("{} [{}, {}]{unit}", text(difference), text(low), text(high)),
            None => format!("{}{unit}", text(difference)),
        }
    }
}

/// With its sign, which nothing has.
fn signed(value: f64) -> String {
    let digits = number(value.abs());
    match digits.as_str() {
        "0" => digits,
        _ if value > 0.0 => format!("+{digits}"),
        _ => format!("−{digits}"),
    }
}

/// Milliseconds; more digits where there are few.
fn millis(millis: f64) -> String {
    match millis {
        millis if !millis.is_finite() => "∞".to_owned(),
        millis if millis >= 9.5 => text::duration(
            Duration::try_from_secs_f64(millis.round() / 1e3).unwrap_or(Duration::MAX),
        ),
        millis => format!("{} ms", number(millis)),
    }
}

/// Three digits that mean something, and all of a whole number.
fn number(number: f64) -> String {
    match number.abs() {
        size if !size.is_finite() => "∞".to_owned(),
        size if size >= 99.5 => {
            let sign = if number < 0.0 { "-" } else { "" };
            format!("{sign}{}", text::count(size.round() as u64))
        }
        size => {
            let places = if size >= 9.95 {
                1
            } else if size >= 0.995 {
                2
            } else {
                3
            };
            let text = format!("{number:.places$}");
            match text.contains('.') {
                true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
                false => text,
            }
        }
    }
}
