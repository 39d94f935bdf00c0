//! The files of production with shorter times, so that minutes are seconds: the rehearsal has no rules of its own.

use std::time::Duration;

/// By how much times are divided.
const DIVISOR: u32 = 60;

/// No time becomes shorter: that is how often the rehearsal scrapes and evaluates.
const LEAST: Duration = Duration::from_secs(1);

/// The keys whose values are times. Whatever else is in seconds, such as an objective, stays.
const KEYS: [&str; 7] = [
    "for",
    "scrape_interval",
    "scrape_timeout",
    "evaluation_interval",
    "group_wait",
    "group_interval",
    "repeat_interval",
];

/// A file with the values of [`KEYS`] and the ranges in square brackets divided by 60, and at least a second.
pub(super) fn shortened(text: &str) -> String {
    let lines = text.lines().map(|line| key(line).unwrap_or_else(|| ranges(line)));
    lines.map(|line| line + "\n").collect()
}

/// A line with one of the keys.
fn key(line: &str) -> Option<String> {
    let (before, value) = line.split_once(": ")?;
    let is_key = KEYS.contains(&before.trim());
    is_key.then(|| divided(value.trim())).flatten().map(|value| format!("{before}: {value}"))
}

/// A line whose ranges, `[5m]` or `[5m:15s]`, are shorter. Other brackets stay.
fn ranges(line: &str) -> String {
    let mut parts = line.split('[');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push('[');
        let range = part.split_once(']').and_then(|(range, rest)| {
            let times: Option<Vec<_>> = range.split(':').map(divided).collect();
            Some((times?.join(":"), rest))
        });
        match range {
            Some((range, rest)) => out.push_str(&format!("{range}]{rest}")),
            None => out.push_str(part),
        }
    }
    out
}

/// A time such as `5m`, divided, in whole seconds.
fn divided(time: &str) -> Option<String> {
    let unit_at = time.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = time.split_at(unit_at);
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    let time = Duration::from_secs(number.parse::<u64>().ok()?.checked_mul(seconds)?) / DIVISOR;
    Some(format!("{}s", time.max(LEAST).as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_become_seconds_and_nothing_else_changes() {
        let rule = "      - alert: A\n        expr: rate(x[5m]) > vector(20) and y[6h:30s]\n        for: 15m\n";
        let short = "      - alert: A\n        expr: rate(x[5s]) > vector(20) and y[360s:1s]\n        for: 15s\n";
        assert_eq!(shortened(rule), short);
        let other =
            "  group_by: [alertname, group]\n  targets: [\"127.0.0.1:9091\"]\n  name: rate5m\n";
        assert_eq!(shortened(other), other);
    }

    #[test]
    fn no_time_is_shorter_than_a_second() {
        assert_eq!(shortened("  scrape_interval: 15s\n"), "  scrape_interval: 1s\n");
    }
}
