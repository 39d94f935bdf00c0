//! AssignedIds as people read them: thousands set apart, units behind, never more digits than mean something.

use squall_determinism::Timestamp;
use squall_record::RunHeader;
use std::ops::Range;
use std::time::Duration;

/// `7,120`.
#[must_use]
pub fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `99.62%`; without decimals where there are none. Cut, not rounded up to a whole it did not reach.
#[must_use]
pub fn percent(fraction: f64) -> String {
    let hundredths = (fraction * 10_000.0 + 1e-6).floor() / 100.0;
    let text = format!("{hundredths:.2}");
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

/// `1.084`; at most three decimals.
#[must_use]
pub fn ratio(ratio: f64) -> String {
    let text = format!("{ratio:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `$12.50`, `$0.0123`: cents from a dollar on, three digits below.
#[must_use]
pub fn dollars(dollars: f64) -> String {
    if dollars >= 1.0 || dollars <= 0.0 {
        return format!("${dollars:.2}");
    }
    let places = (2 - dollars.log10().floor() as i32).clamp(2, 12) as usize;
    let text = format!("{dollars:.places$}");
    format!("${}", text.trim_end_matches('0').trim_end_matches('.'))
}

/// `1,840 ms` up to ten seconds, `12.3 s` above, `2 s` where it is whole, `12 h 15 min` from ten minutes on; `never` for
/// a time that did not come.
#[must_use]
pub fn duration(duration: Duration) -> String {
    if duration == Duration::MAX {
        return "never".to_owned();
    }
    if duration >= LONG {
        return long(duration);
    }
    if duration.as_secs() > 0 && duration.subsec_nanos() == 0 {
        return format!("{} s", count(duration.as_secs()));
    }
    if duration < Duration::from_secs(10) {
        let micros = duration.as_micros() as u64;
        let millis = micros.div_ceil(1_000);
        return match micros {
            1..1_000 => format!("{micros} µs"),
            _ => format!("{} ms", count(millis)),
        };
    }
    format!("{:.1} s", duration.as_secs_f64())
}

/// From here on a time is told in minutes, hours and days.
const LONG: Duration = Duration::from_secs(600);

/// `12 h 15 min`, `10 min 5.5 s`: to a tenth of a second below an hour, to a second below a day, and to a minute above.
fn long(duration: Duration) -> String {
    let step_ms = match duration.as_secs() {
        0..3_600 => 100,
        3_600..86_400 => 1_000,
        _ => 60_000,
    };
    let rounded = (duration.as_millis() as u64 + step_ms / 2) / step_ms * step_ms;
    let mut rest = rounded / 1_000;
    let mut parts = Vec::new();
    for (unit, name) in [(86_400, "d"), (3_600, "h"), (60, "min")] {
        if rest / unit > 0 {
            parts.push(format!("{} {name}", count(rest / unit)));
        }
        rest %= unit;
    }
    let seconds = rest as f64 + (rounded % 1_000) as f64 / 1_000.0;
    if seconds > 0.0 {
        parts.push(format!("{} s", ratio(seconds)));
    }
    parts.join(" ")
}

/// `38 s`, `38.4 s`, `12 h 15 min`: a moment of the run.
#[must_use]
pub fn moment(time: Timestamp) -> String {
    let since_start = time.since(Timestamp::ZERO);
    if since_start >= LONG {
        return long(since_start);
    }
    format!("{} s", ratio((time.as_secs_f64() * 10.0).round() / 10.0))
}

/// `between 60 s and 105 s`, or the whole run.
#[must_use]
pub fn window(window: &Range<Timestamp>) -> String {
    if window.end == Timestamp::MAX {
        return match window.start {
            Timestamp::ZERO => "over the whole run".to_owned(),
            start => format!("from {} on", moment(start)),
        };
    }
    format!("between {} and {}", moment(window.start), moment(window.end))
}

/// `first 30 s not counted`; `None` without a warm-up.
#[must_use]
pub fn warm_up(until: Timestamp) -> Option<String> {
    let lasts = until.since(Timestamp::ZERO);
    (!lasts.is_zero()).then(|| format!("first {} not counted", duration(lasts)))
}

/// `weight 6`; `weight 6, then 1` where it changed.
#[must_use]
pub fn weights(header: &RunHeader, deployment: usize) -> String {
    let times = header.changes.iter().map(|change| change.at);
    let times = std::iter::once(Timestamp::ZERO).chain(times);
    let mut weights: Vec<_> = times.map(|time| header.weight_at(deployment, time)).collect();
    weights.dedup();
    let weights: Vec<_> = weights.iter().map(u32::to_string).collect();
    format!("weight {}", weights.join(", then "))
}

/// What changed in a run, a line each: `at 30 s: weights eu 1, us 9`.
#[must_use]
pub fn changes(header: &RunHeader) -> Vec<String> {
    let lines = header.changes.iter();
    lines.map(|change| format!("at {}: {}", moment(change.at), change.what)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        let texts: Vec<_> = [0, 999, 1_000, 1_234_567].map(count).into();
        assert_eq!(texts, ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn a_share_short_of_a_whole_never_reads_as_one() {
        let texts: Vec<_> = [1.0, 0.999_99, 0.9962, 0.5, 0.0].map(percent).into();
        assert_eq!(texts, ["100%", "99.99%", "99.62%", "50%", "0%"]);
    }

    #[test]
    fn durations_carry_the_unit_that_fits() {
        let texts: Vec<_> = [0, 350_000, 1_840_000, 2_000_000, 12_345_000, 700]
            .map(|micros| duration(Duration::from_micros(micros)))
            .into();
        assert_eq!(texts, ["0 ms", "350 ms", "1,840 ms", "2 s", "12.3 s", "700 µs"]);
        assert_eq!(duration(Duration::MAX), "never");
        let long = [599_900, 600_000, 605_500, 3_600_000, 44_100_000, 97_205_000, 2_592_000_000];
        let texts = long.map(|millis| duration(Duration::from_millis(millis)));
        assert_eq!(
            texts,
            ["599.9 s", "10 min", "10 min 5.5 s", "1 h", "12 h 15 min", "1 d 3 h", "30 d"]
        );
        assert_eq!(moment(Timestamp::from_secs(44_100)), "12 h 15 min");
    }

    #[test]
    fn a_window_reads_as_two_moments() {
        let from_to = Timestamp::from_secs(60)..Timestamp::from_millis(105_500);
        assert_eq!(window(&from_to), "between 60 s and 105.5 s");
        assert_eq!(window(&(Timestamp::ZERO..Timestamp::MAX)), "over the whole run");
        assert_eq!(window(&(Timestamp::from_secs(30)..Timestamp::MAX)), "from 30 s on");
    }

    #[test]
    fn a_warm_up_is_told_where_there_is_one() {
        assert_eq!(warm_up(Timestamp::ZERO), None);
        assert_eq!(warm_up(Timestamp::from_secs(30)).as_deref(), Some("first 30 s not counted"));
        let told = warm_up(Timestamp::from_millis(1_500));
        assert_eq!(told.as_deref(), Some("first 1,500 ms not counted"));
    }
}
