//! The wall time at which a run begins.

use crate::diagnostic::Problem;
use crate::fields::Fields;
use crate::model::StartTime;
use crate::schema::Schema;
use crate::unit::Misfit;
use chrono::DateTime;
use core::time::Duration;

/// The last year that a run may begin in: nanoseconds of 64 bits since 1970 reach well beyond it.
const LAST_YEAR: i64 = 2200;
/// 2201-01-01T00:00:00Z, in seconds since 1970.
const LAST: i64 = 7_289_654_400;

/// Reads when a run begins, if its file says so.
pub(crate) fn start(fields: &Fields<'_>, run: Option<Duration>) -> Option<StartTime> {
    let start = fields.parsed("start", |shape| matches!(shape, Schema::Moment), read)?;
    let end = run.map(|run| Duration::from_nanos(start.nanos).saturating_add(run));
    if end.is_some_and(|end| end.as_secs() >= LAST as u64) {
        let message = format!("the run ends after {LAST_YEAR}");
        fields.problems.push(Problem::new(fields.span_of("start"), message, "too late"));
    }
    Some(start)
}

/// `2026-11-29T08:00Z`, `2026-11-29T08:00:00.5+02:00`: RFC 3339, of which the seconds may be left out.
fn read(text: &str) -> Result<StartTime, Misfit> {
    const EXPECTED: &str = "expected a time such as `2026-11-29T08:00Z`";
    let whole = with_seconds(text);
    let Ok(time) = DateTime::parse_from_rfc3339(&whole) else {
        let misfit = Misfit::new(format!("`{text}` is not a time with its date"), EXPECTED);
        // What is missing is told, where the rest is one.
        let missing = ["Z", "T00:00Z"].into_iter().find(|more| {
            DateTime::parse_from_rfc3339(&with_seconds(&format!("{text}{more}"))).is_ok()
        });
        return Err(match missing {
            Some("Z") => misfit.help(format!(
                "add how far the clocks there are ahead of UTC: `{text}Z` for UTC, or `{text}+02:00`"
            )),
            Some(more) => misfit.help(format!("add the time of day: `{text}{more}`")),
            None => misfit,
        });
    };
    let (seconds, nanos) = (time.timestamp(), time.timestamp_subsec_nanos());
    if !(0..LAST).contains(&seconds) || nanos >= 1_000_000_000 {
        let label = format!("expected a time from 1970 to {LAST_YEAR}, without a leap second");
        return Err(Misfit::new(format!("`{text}` is out of range"), label));
    }
    let nanos = seconds as u64 * 1_000_000_000 + u64::from(nanos);
    Ok(StartTime { nanos, utc_offset: time.offset().local_minus_utc() })
}

/// With `:00` where the time ends with its minutes.
fn with_seconds(text: &str) -> String {
    const MINUTES: usize = "2026-11-29T08:00".len();
    match (text.get(..MINUTES), text.get(MINUTES..)) {
        (Some(minutes), Some(rest)) if rest.starts_with(['Z', 'z', '+', '-']) => {
            format!("{minutes}:00{rest}")
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nanos(text: &str) -> Option<(u64, i32)> {
        read(text).ok().map(|start| (start.nanos, start.utc_offset))
    }

    #[test]
    fn a_time_is_rfc_3339_and_may_leave_its_seconds_out() {
        // 20,786 days and 8 hours after 1970.
        let eight = (20_786 * 86_400 + 8 * 3_600) * 1_000_000_000;
        assert_eq!(nanos("2026-11-29T08:00Z"), Some((eight, 0)));
        assert_eq!(nanos("2026-11-29T08:00:00Z"), Some((eight, 0)));
        assert_eq!(nanos("2026-11-29T08:00:00.25Z"), Some((eight + 250_000_000, 0)));
        assert_eq!(nanos("2026-11-29T10:00+02:00"), Some((eight, 7_200)));
        assert_eq!(nanos("2026-11-29T02:30-05:30"), Some((eight, -19_800)));
        assert_eq!(nanos("1970-01-01T00:00Z"), Some((0, 0)));
        assert_eq!(nanos("2026-01-01T00:00Z"), Some((crate::EPOCH_NANOS, 0)));
    }

    #[test]
    fn what_is_no_time_or_has_no_offset_is_refused() {
        for text in [
            "",
            "08:00",
            "2026-11-29",
            "2026-11-29T08:00",
            "2026-11-29T08:00:00",
            "2026-02-29T08:00Z",
            "2026-13-01T08:00Z",
            "2026-11-29T24:00Z",
            "2026-11-29T08:60Z",
            "2026-11-29T08:00+25:00",
            "2026-11-29T08:00 UTC",
            "2026-11-29T8:00Z",
            "1969-12-31T23:59Z",
            "2201-01-01T00:00Z",
            "2016-12-31T23:59:60Z",
            "tomorrow",
            "2026-11-29Tαβ:00Z",
        ] {
            assert_eq!(nanos(text), None, "{text}");
        }
        let help = |text| read(text).expect_err("it is none").help.unwrap_or_default();
        assert!(help("2026-11-29T08:00").contains("`2026-11-29T08:00Z` for UTC"));
        assert!(help("2026-11-29").contains("`2026-11-29T00:00Z`"));
    }
}
