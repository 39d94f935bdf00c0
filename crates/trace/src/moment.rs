//! Times as files write them, in nanoseconds since 1970 or since whatever the file counts from.

use crate::TimeUnit;
use chrono::NaiveDate;

const SECOND: i64 = 1_000_000_000;
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The time that a text is: a number of this unit, `2023-11-16 18:17:03.9799600`, `2016-04-15T20:17:00.310Z` or
/// `10/Oct/2000:13:55:36 -0700`.
pub(crate) fn moment(text: &str, unit: TimeUnit) -> Option<i64> {
    let bytes = text.as_bytes();
    match bytes {
        [_, _, b'/', ..] => of_log(text),
        [_, _, _, _, b'-', ..] if bytes[0].is_ascii_digit() => of_calendar(text),
        _ => number(text, unit),
    }
}

/// A number of a unit: exactly where it is written in digits, and to the precision of a double where it has an exponent.
fn number(text: &str, unit: TimeUnit) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_plain(whole) || !is_plain(fraction) {
        let value = text.parse::<f64>().ok().filter(|value| value.is_finite())?;
        let nanos = value * unit.nanos() as f64;
        return (nanos.abs() < i64::MAX as f64).then_some(nanos as i64);
    }
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let whole = if whole.is_empty() { 0 } else { whole.parse::<i64>().ok()? };
    let whole = whole.checked_mul(unit.nanos())?;
    let nanos = whole.checked_add(part_of(fraction, unit.nanos()))?;
    Some(if negative { -nanos } else { nanos })
}

/// The nanoseconds of digits behind the point; digits below a nanosecond are cut off.
fn part_of(digits: &str, unit: i64) -> i64 {
    let (mut nanos, mut place) = (0, unit);
    for digit in digits.bytes() {
        place /= 10;
        nanos += place * i64::from(digit - b'0');
    }
    nanos
}

/// `2023-11-16 18:17:03.9799600`, with `T` in its middle and `Z`, `UTC` or `+02:00` at its end as it pleases.
fn of_calendar(text: &str) -> Option<i64> {
    let date = text.get(..10)?;
    let clock = text.get(10..)?;
    let mut parts = date.split('-').map(digits);
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let clock = clock.strip_prefix(['T', ' ', 't'])?;
    seconds_of(i32::try_from(year).ok()?, month, day, clock)
}

/// `10/Oct/2000:13:55:36 -0700`.
fn of_log(text: &str) -> Option<i64> {
    let (date, clock) = text.split_once(':')?;
    let mut parts = date.split('/');
    let day = digits(parts.next()?)?;
    let month = parts.next()?;
    let month = MONTHS.iter().position(|name| *name == month)? as u32 + 1;
    let year = digits(parts.next()?)?;
    seconds_of(i32::try_from(year).ok()?, month, day, clock)
}

fn seconds_of(year: i32, month: u32, day: u32, clock: &str) -> Option<i64> {
    let date = NaiveDate::from_ymd_opt(year, month, day)?;
    let (hour, minute) = (digits(clock.get(..2)?)?, digits(clock.get(3..5)?)?);
    let second = digits(clock.get(6..8)?)?;
    let colons = clock.get(2..3)? == ":" && clock.get(5..6)? == ":";
    // A leap second is the first of the next minute.
    if !colons || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let rest = clock.get(8..)?;
    let (fraction, zone) = match rest.strip_prefix(['.', ',']) {
        Some(rest) => {
            let end = rest.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
            (&rest[..end], &rest[end..])
        }
        None => ("", rest),
    };
    let days = date.signed_duration_since(NaiveDate::from_ymd_opt(1970, 1, 1)?).num_days();
    let of_day = i64::from(hour) * 3_600 + i64::from(minute) * 60 + i64::from(second);
    let seconds = days * 86_400 + of_day - offset(zone.trim())?;
    seconds.checked_mul(SECOND)?.checked_add(part_of(fraction, SECOND))
}

/// How far a zone is ahead of UTC, in seconds.
fn offset(zone: &str) -> Option<i64> {
    let (sign, rest) = match zone.as_bytes() {
        [] | b"Z" | b"z" | b"UTC" | b"GMT" => return Some(0),
        [b'+', ..] => (1, &zone[1..]),
        [b'-', ..] => (-1, &zone[1..]),
        _ => return None,
    };
    let hours = i64::from(digits(rest.get(..2)?)?);
    let minutes = match rest.get(2..)?.trim_start_matches(':') {
        "" => 0,
        minutes => i64::from(digits(minutes)?),
    };
    Some(sign * (hours * 3_600 + minutes * 60))
}

fn digits(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> i64 {
        moment(text, TimeUnit::Seconds).unwrap_or_else(|| panic!("`{text}` is a time"))
    }

    #[test]
    fn dates_of_every_format_are_the_same_moment() {
        // date -u -d '2023-11-16 18:17:03' +%s
        let nanos = 1_700_158_623 * SECOND + 979_960_000;
        for text in [
            "2023-11-16 18:17:03.9799600",
            "2023-11-16T18:17:03.97996Z",
            "2023-11-16 18:17:03.979960+00:00",
            "2023-11-16T20:17:03.97996+02:00",
            "2023-11-16T13:17:03.97996-0500",
            "2023-11-16 18:17:03.97996 UTC",
            "1700158623.97996",
        ] {
            assert_eq!(seconds(text), nanos, "{text}");
        }
        assert_eq!(seconds("10/Oct/2000:13:55:36 -0700"), 971_211_336 * SECOND);
        assert_eq!(seconds("2016-04-15T20:17:00.310Z"), 1_460_751_420 * SECOND + 310_000_000);
    }

    #[test]
    fn numbers_are_exact_in_their_unit() {
        assert_eq!(moment("27482", TimeUnit::Milliseconds), Some(27_482_000_000));
        assert_eq!(moment("0.000000001", TimeUnit::Seconds), Some(1));
        assert_eq!(moment("19440110.0", TimeUnit::Seconds), Some(19_440_110 * SECOND));
        assert_eq!(moment("-1.5", TimeUnit::Seconds), Some(-1_500_000_000));
        assert_eq!(moment("1.5e1", TimeUnit::Seconds), Some(15 * SECOND));
        assert_eq!(moment("7", TimeUnit::Nanoseconds), Some(7));
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in
            ["", ".", "-", "NaN", "inf", "1e300", "soon", "2023-11-16", "2023-13-01 00:00:00"]
        {
            assert_eq!(moment(text, TimeUnit::Seconds), None, "{text}");
        }
        for text in ["2023-02-29 00:00:00", "2023-11-16 24:00:00", "10/Okt/2000:13:55:36 +0000"] {
            assert_eq!(moment(text, TimeUnit::Seconds), None, "{text}");
        }
        for text in ["99999999999999999999", "10/Oct/2000:13:55:36 MEZ", "2023-11-16 18:17"] {
            assert_eq!(moment(text, TimeUnit::Seconds), None, "{text}");
        }
    }
}
