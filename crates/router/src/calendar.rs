//! The end of a calendar day or month, at a fixed distance from UTC.

use crate::UtcOffset;
use squall_determinism::Timestamp;

const SECOND: u64 = 1_000_000_000;
const DAY: i64 = 86_400;

/// When the day ends that `now` is in. `epoch_nanos` is the wall time at the start of the run.
pub(crate) fn day_ends(epoch_nanos: u64, now: Timestamp, offset: UtcOffset) -> Timestamp {
    let day = local_day(epoch_nanos, now, offset);
    at_midnight(epoch_nanos, day + 1, offset)
}

/// When the month ends that `now` is in.
pub(crate) fn month_ends(epoch_nanos: u64, now: Timestamp, offset: UtcOffset) -> Timestamp {
    let day = local_day(epoch_nanos, now, offset);
    at_midnight(epoch_nanos, first_of_next_month(day), offset)
}

/// Days since 1970 on the wall clocks there.
fn local_day(epoch_nanos: u64, now: Timestamp, offset: UtcOffset) -> i64 {
    let seconds = epoch_nanos.saturating_add(now.as_nanos()) / SECOND;
    (seconds as i64 + i64::from(offset.seconds)).div_euclid(DAY)
}

fn at_midnight(epoch_nanos: u64, day: i64, offset: UtcOffset) -> Timestamp {
    let seconds = day * DAY - i64::from(offset.seconds);
    let nanos = u64::try_from(seconds).unwrap_or(0).saturating_mul(SECOND);
    Timestamp::from_nanos(nanos.saturating_sub(epoch_nanos))
}

/// By Howard Hinnant's `civil_from_days` (public domain): years that begin in March, in eras of 400 years. The month
/// that follows is the first day that is in another month.
fn first_of_next_month(day: i64) -> i64 {
    let (_, month, of_month) = date(day);
    // No month is longer than 31 days, and none that follows the first of one by 31 days is the same.
    let first = day - i64::from(of_month) + 1;
    let mut next = first + 28;
    while date(next).1 == month {
        next += 1;
    }
    next
}

/// Year, month (1 to 12) and day (1 to 31) of a day since 1970.
fn date(day: i64) -> (i64, u32, u32) {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month as u32, of_month as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    const UTC: UtcOffset = UtcOffset { seconds: 0 };
    /// 2028-02-28 23:30:00 UTC, in a leap year.
    const EPOCH: u64 = 1_835_393_400 * SECOND;

    #[test]
    fn a_day_ends_at_midnight_there() {
        let minutes = |minutes: u64| Timestamp::ZERO + Duration::from_secs(60 * minutes);
        assert_eq!(day_ends(EPOCH, minutes(0), UTC), minutes(30));
        assert_eq!(day_ends(EPOCH, minutes(29), UTC), minutes(30));
        assert_eq!(day_ends(EPOCH, minutes(30), UTC), minutes(30 + 24 * 60), "the next begins");
        // Half past one in the morning in Berlin in summer, and two in the afternoon in Honolulu.
        assert_eq!(
            day_ends(EPOCH, minutes(0), UtcOffset { seconds: 7_200 }),
            minutes(22 * 60 + 30)
        );
        assert_eq!(
            day_ends(EPOCH, minutes(0), UtcOffset { seconds: -36_000 }),
            minutes(10 * 60 + 30)
        );
    }

    #[test]
    fn a_month_ends_with_its_last_day() {
        let days = |days: u64| Timestamp::ZERO + Duration::from_secs(86_400 * days + 1_800);
        // The 28th is not the last of February in a leap year.
        assert_eq!(month_ends(EPOCH, Timestamp::ZERO, UTC), days(1));
        assert_eq!(month_ends(EPOCH, days(1), UTC), days(32), "March");
        assert_eq!(month_ends(EPOCH, days(32), UTC), days(62), "April");
        // Already March in Kiritimati.
        let kiritimati = UtcOffset { seconds: 14 * 3_600 };
        let day_later = Timestamp::ZERO + Duration::from_secs(86_400);
        assert_eq!(
            month_ends(EPOCH, day_later, kiritimati),
            days(32) - Duration::from_secs(14 * 3_600)
        );
    }

    #[test]
    fn every_month_of_four_centuries_begins_on_a_first() {
        let mut day = 0;
        for nth in 1..=12 * 400_u32 {
            day = first_of_next_month(day);
            let (year, month, of_month) = date(day);
            assert_eq!((month, of_month), (nth % 12 + 1, 1));
            assert_eq!(year, 1970 + i64::from(nth / 12));
        }
        assert_eq!(day, 146_097, "days in four centuries");
    }
}
