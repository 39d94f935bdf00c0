//! Durations as Go prints them, which is how OpenAI's limit headers tell them: `120ms`, `1s`, `6m0s`.

use std::fmt::Write as _;
use std::time::Duration;

/// As Go's `Duration.String` writes it, from nanoseconds to hours.
pub(crate) fn format(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    let mut text = String::new();
    let (unit, name) = match nanos {
        0 => return "0s".to_owned(),
        1..1_000 => (1, "ns"),
        1_000..1_000_000 => (1_000, "µs"),
        1_000_000..1_000_000_000 => (1_000_000, "ms"),
        _ => (SECOND, "s"),
    };
    let seconds = duration.as_secs();
    if seconds >= 3600 {
        write!(text, "{}h", seconds / 3600).expect("a String takes all");
    }
    if seconds >= 60 {
        write!(text, "{}m", seconds / 60 % 60).expect("a String takes all");
    }
    let below_a_minute = nanos % (60 * SECOND);
    push_decimal(&mut text, below_a_minute, unit);
    text.push_str(name);
    text
}

/// The duration that `text` tells: numbers with units one after another. `None` for anything else,
/// and for a negative one.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut nanos = 0_u128;
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    loop {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(end);
        let unit_end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        nanos = nanos.checked_add(decimal(number, unit_nanos(unit)?)?)?;
        if after.is_empty() {
            return u64::try_from(nanos).ok().map(Duration::from_nanos);
        }
        rest = after;
    }
}

const SECOND: u128 = 1_000_000_000;

fn push_decimal(text: &mut String, nanos: u128, unit: u128) {
    write!(text, "{}", nanos / unit).expect("a String takes all");
    let part = nanos % unit;
    if part > 0 {
        let width = unit.ilog10() as usize;
        let digits = format!("{part:0width$}");
        text.push('.');
        text.push_str(digits.trim_end_matches('0'));
    }
}

fn decimal(number: &str, unit: u128) -> Option<u128> {
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && part.is_empty() {
        return None;
    }
    let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let mut nanos = whole.checked_mul(unit)?;
    let mut place = unit;
    for digit in part.chars() {
        place /= 10;
        nanos = nanos.checked_add(u128::from(digit.to_digit(10)?) * place)?;
    }
    Some(nanos)
}

fn unit_nanos(unit: &str) -> Option<u128> {
    Some(match unit {
        "ns" => 1,
        // The micro sign, the Greek letter and the plain u: Go reads all three.
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => SECOND,
        "m" => 60 * SECOND,
        "h" => 3600 * SECOND,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn it_writes_as_go_does() {
        for (nanos, text) in [
            (0, "0s"),
            (1, "1ns"),
            (1_500, "1.5µs"),
            (120_000_000, "120ms"),
            (1_000_000_000, "1s"),
            (1_250_000_000, "1.25s"),
            (360_000_000_000, "6m0s"),
            (3_661_000_000_001, "1h1m1.000000001s"),
        ] {
            assert_eq!(format(Duration::from_nanos(nanos)), text);
        }
    }

    #[test]
    fn it_reads_what_vendors_send() {
        let read = |text| parse(text).map(|duration| duration.as_nanos());
        assert_eq!(read("6m0s"), Some(360_000_000_000));
        assert_eq!(read("7.66s"), Some(7_660_000_000));
        assert_eq!(read("1h0m0.5s"), Some(3_600_500_000_000));
        assert_eq!(read("0"), Some(0));
        for text in ["", "1", "s", "-1s", "1x", "1.2.3s", "1 s", ".s", "99999999999999h"] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn every_duration_reads_back(nanos: u64) {
            let duration = Duration::from_nanos(nanos);
            prop_assert_eq!(parse(&format(duration)), Some(duration));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,20}") {
            let _ = parse(&text);
        }
    }
}
