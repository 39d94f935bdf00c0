//! Plain scalars by YAML 1.1, as PyYAML resolves them: the words and numbers that 1.2 takes for texts.

use crate::node::NodeKind;

/// What a plain scalar stands for: a word of 1.1 as `true` or `false`, an integer in decimal, a fraction
/// without underscores, and any other text as it is.
pub(super) fn resolved(text: &str) -> NodeKind {
    let written = match text {
        "Null" | "NULL" => return NodeKind::Nothing,
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => "true".to_owned(),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            "false".to_owned()
        }
        text => number(text).unwrap_or_else(|| text.to_owned()),
    };
    NodeKind::Scalar(written)
}

fn number(text: &str) -> Option<String> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let first = unsigned.bytes().next()?;
    if !(first.is_ascii_digit() || first == b'.') || !unsigned.bytes().any(|b| b.is_ascii_digit()) {
        return None;
    }
    let digits = unsigned.replace('_', "");
    let sign = if text.starts_with('-') { "-" } else { "" };
    let whole = |radix: u32, digits: &str| {
        let value = u128::from_str_radix(digits, radix).ok()?;
        Some(format!("{sign}{value}"))
    };
    if let Some(digits) = digits.strip_prefix("0x") {
        return whole(16, digits);
    }
    if let Some(digits) = digits.strip_prefix("0b") {
        return whole(2, digits);
    }
    if digits.contains(':') {
        return sixties(unsigned).map(|value| format!("{sign}{value}"));
    }
    let is_whole = digits.bytes().all(|digit| digit.is_ascii_digit());
    if is_whole && digits.len() > 1 && digits.starts_with('0') {
        // Of `08` PyYAML makes a text, as no octal digit is an 8.
        return whole(8, &digits);
    }
    if is_whole {
        return whole(10, &digits);
    }
    is_fraction(unsigned).then(|| format!("{sign}{digits}"))
}

/// `1:30`: digits to the base of 60, of which a fraction may follow the last.
fn sixties(text: &str) -> Option<String> {
    let mut parts = text.split(':');
    let first = parts.next()?.replace('_', "");
    if first.is_empty() || !first.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let mut value: u128 = first.parse().ok()?;
    let mut fraction = String::new();
    let rest: Vec<&str> = parts.collect();
    for (place, part) in rest.iter().enumerate() {
        let (whole, after) = match part.split_once('.') {
            Some((whole, after)) if place + 1 == rest.len() => (whole, Some(after)),
            Some(_) => return None,
            None => (*part, None),
        };
        let digit: u128 = whole.parse().ok().filter(|digit| *digit < 60 && whole.len() <= 2)?;
        value = value.checked_mul(60)?.checked_add(digit)?;
        if let Some(after) = after {
            fraction = format!(".{}", after.replace('_', ""));
        }
    }
    let begins_with_zero = first.starts_with('0') && fraction.is_empty();
    (!begins_with_zero).then(|| format!("{value}{fraction}"))
}

/// A number with a point: the exponent, if there is one, has a sign. `1e3` is a text.
fn is_fraction(text: &str) -> bool {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let Some((whole, after)) = mantissa.split_once('.') else { return false };
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let exponent_fits = exponent.is_none_or(|exponent| {
        exponent.strip_prefix(['-', '+']).is_some_and(|digits| {
            !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit())
        })
    });
    digits(whole) && digits(after) && !whole.starts_with('_') && exponent_fits
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `yaml.safe_load` of PyYAML 6.0 gives for each, written as Python writes it.
    #[test]
    fn words_and_numbers_are_those_of_pyyaml() {
        let same = [
            ("yes", "true"),
            ("Off", "false"),
            ("y", "y"),
            ("0x1F", "31"),
            ("0x_1f", "31"),
            ("010", "8"),
            ("08", "08"),
            ("0b101", "5"),
            ("1_000", "1000"),
            ("-0x10", "-16"),
            ("1:30", "90"),
            ("1:30.5", "90.5"),
            ("1:75", "1:75"),
            ("1e3", "1e3"),
            ("1.5e+3", "1.5e+3"),
            ("1.5e3", "1.5e3"),
            ("1_0.5", "10.5"),
            (".5", ".5"),
            ("2024-06-01", "2024-06-01"),
            ("1.2.3", "1.2.3"),
            ("12ab", "12ab"),
            ("+5", "5"),
            ("-", "-"),
        ];
        for (text, expected) in same {
            match resolved(text) {
                NodeKind::Scalar(read) => assert_eq!(read, expected, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
        assert!(matches!(resolved("NULL"), NodeKind::Nothing));
    }
}
