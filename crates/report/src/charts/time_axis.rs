//! The marks of a time axis: seconds and minutes since the start of the run, or the time of day if the scenario says when
//! it begins.

use squall_scenario::{ClockReading, StartTime};
use std::time::Duration;

const HOUR: f64 = 3_600.0;
/// What marks may be apart: the parts of a day.
const STEPS: [f64; 18] = [
    1.0,
    2.0,
    5.0,
    10.0,
    20.0,
    30.0,
    60.0,
    120.0,
    300.0,
    600.0,
    1_200.0,
    1_800.0,
    HOUR,
    2.0 * HOUR,
    4.0 * HOUR,
    6.0 * HOUR,
    12.0 * HOUR,
    DAY,
];
const DAY: f64 = 24.0 * HOUR;
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The marks of an axis of so many seconds, each with its text: about `most` of them, at round times.
pub(super) fn time_marks(seconds: f64, start: Option<StartTime>, most: f64) -> Vec<(f64, String)> {
    let step = step(seconds, most);
    match start {
        None => marks(0.0, seconds, step, |at| write_time(at, step)),
        Some(start) => {
            let clock = |at: f64| start.clock_after(Duration::from_secs_f64(at));
            // The run may begin between two round times, and within a second.
            let within = (start.nanos % 1_000_000_000) as f64 / 1e9;
            let past = f64::from(clock(0.0).second_of_day) + within;
            let first = (past / step).ceil() * step - past;
            marks(first, seconds, step, |at| write_clock(clock(at + 1e-6), at, step))
        }
    }
}

fn marks(first: f64, end: f64, step: f64, text: impl Fn(f64) -> String) -> Vec<(f64, String)> {
    let all = (0_u32..).map(|number| first + f64::from(number) * step);
    all.take_while(|at| *at <= end).map(|at| (at, text(at))).collect()
}

fn step(seconds: f64, most: f64) -> f64 {
    let days = || (seconds / most / DAY).ceil() * DAY;
    STEPS.into_iter().find(|step| seconds / step <= most).unwrap_or_else(days)
}

/// `30 s`, `5 min`, `2 h 30 min`, `1 d 12 h`: in the units of an axis with marks so far apart.
fn write_time(seconds: f64, step: f64) -> String {
    let whole = seconds.round() as u64;
    if whole <= 120 && step < 60.0 {
        return format!("{whole} s");
    }
    if step < 60.0 {
        return format!("{}:{:02}", whole / 60, whole % 60);
    }
    let units = [(86_400, "d"), (3_600, "h"), (60, "min")];
    let mut rest = whole;
    let parts = units.map(|(unit, name)| {
        let count = rest / unit;
        rest %= unit;
        (count > 0).then(|| format!("{count} {name}"))
    });
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "0".to_owned() } else { parts.join(" ") }
}

/// `08:30`, `08:30:10` where marks are closer than a minute; the date at midnight.
fn write_clock(clock: ClockReading, at: f64, step: f64) -> String {
    let second = clock.second_of_day;
    let (hour, minute, rest) = (second / 3_600, second / 60 % 60, second % 60);
    match (second, step < 60.0) {
        (0, _) if at > 0.0 || step >= DAY => {
            let month = MONTHS[clock.month as usize % 13 - 1];
            format!("{month} {}", clock.day)
        }
        (_, true) => format!("{hour:02}:{minute:02}:{rest:02}"),
        (_, false) => format!("{hour:02}:{minute:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(seconds: f64, nanos: u64, utc_offset: i32) -> Vec<(f64, String)> {
        time_marks(seconds, Some(StartTime { nanos, utc_offset }), 10.0)
    }

    /// 2026-11-29T08:00:00Z.
    const EIGHT: u64 = (20_786 * 86_400 + 8 * 3_600) * 1_000_000_000;

    #[test]
    fn without_a_start_marks_are_times_since_it() {
        let texts = |seconds: f64, most: f64| {
            let marks = time_marks(seconds, None, most);
            marks.into_iter().map(|(_, text)| text).collect::<Vec<_>>()
        };
        assert_eq!(texts(90.0, 10.0).len(), 10);
        assert_eq!(texts(90.0, 10.0)[9], "90 s");
        assert_eq!(texts(90.0, 4.0), ["0 s", "30 s", "60 s", "90 s"]);
        assert_eq!(texts(600.0, 10.0)[..4], ["0", "1 min", "2 min", "3 min"]);
        assert_eq!(texts(190.0, 10.0)[5..8], ["100 s", "120 s", "2:20"]);
        assert_eq!(texts(86_400.0, 10.0)[..4], ["0", "4 h", "8 h", "12 h"]);
        assert_eq!(texts(86_400.0, 10.0)[6], "1 d");
        assert_eq!(texts(10_800.0, 10.0)[1..4], ["20 min", "40 min", "1 h"]);
        assert_eq!(texts(30.0 * DAY, 10.0)[..3], ["0", "3 d", "6 d"]);
    }

    #[test]
    fn with_a_start_they_are_round_times_of_day() {
        let minute = texts(90.0, EIGHT, 0);
        assert_eq!((minute.len(), &minute[3].1[..]), (10, "08:00:30"));
        // 37.5 s past the hour: the first round ten seconds come 2.5 s later.
        let odd = texts(90.0, EIGHT + 37_500_000_000, 0);
        assert_eq!((odd[0].0, &odd[0].1[..]), (2.5, "08:00:40"));
        let hour = texts(3_600.0, EIGHT, 19_800);
        assert_eq!(
            hour.iter().map(|(_, text)| &text[..]).collect::<Vec<_>>(),
            ["13:30", "13:40", "13:50", "14:00", "14:10", "14:20", "14:30"]
        );
    }

    #[test]
    fn midnight_is_told_by_its_date() {
        let night = texts(12.0 * 3_600.0, EIGHT + 12 * 3_600_000_000_000, 0);
        let night: Vec<_> = night.iter().map(|(_, text)| &text[..]).collect();
        assert_eq!(night, ["20:00", "22:00", "Nov 30", "02:00", "04:00", "06:00", "08:00"]);
        let weeks = texts(30.0 * 86_400.0, EIGHT - 8 * 3_600_000_000_000, 0);
        assert_eq!((weeks[0].1.as_str(), weeks[1].1.as_str()), ("Nov 29", "Dec 2"));
        assert_eq!(weeks.len(), 11);
    }
}
