//! Whether a recording can be trusted to decide anything.

use crate::text;
use squall_determinism::Timestamp;
use squall_record::{Ended, Lag, Recording};
use std::ops::Range;
use std::time::Duration;

/// A driver whose 99th percentile of lag is over this and over [`LAG_SHARE`] of the median TTFT measured
/// itself and not the router: 5 ms is what a quiet machine keeps to.
const LAG_MAX: Duration = Duration::from_millis(5);
/// Five hundredths: less than the difference between two providers that anyone would act on.
const LAG_SHARE: f64 = 0.05;

/// Why no verdict can rest on the recording, if there is a reason.
pub(super) fn doubts(recording: &Recording) -> Vec<String> {
    let mut doubts = Vec::new();
    if let Ended::Interrupted { at } = recording.header.ended {
        let of = text::duration(recording.header.duration);
        doubts.push(format!("the run was interrupted at {} of {of}", text::moment(at)));
    }
    if let Some(lag) = recording.header.lag
        && lags(lag, median_ttft(recording))
    {
        doubts.push(format!(
            "the driver lagged: 99% of requests were sent within {} of their time, {} at most; \
             the machine had too much to do",
            text::duration(lag.p99),
            text::duration(lag.max)
        ));
    }
    doubts
}

/// What decides nothing and should be known.
pub(super) fn warnings(recording: &Recording) -> Vec<String> {
    let all = || Timestamp::ZERO..Timestamp::MAX;
    let groups = recording.cells.groups.iter();
    let unfinished: u64 = groups.map(|group| u64::from(group.sum(all()).unfinished)).sum();
    let mut warnings = Vec::new();
    if unfinished > 0 {
        let unfinished = text::count(unfinished);
        warnings.push(format!("{unfinished} requests were still under way at the end of the run"));
    }
    let tokenless = recording.attempts.iter().filter(|row| row.request.is_none()).count();
    if tokenless > 0 {
        let tokenless = text::count(tokenless as u64);
        warnings.push(format!(
            "{tokenless} attempts carried no token of squall's: they belong to no request, and each \
             counts as a first attempt"
        ));
    }
    warnings
}

/// When the run was interrupted, if that was within the window.
pub(super) fn cut_short(recording: &Recording, window: &Range<Timestamp>) -> Option<Timestamp> {
    match recording.header.ended {
        Ended::Interrupted { at } if at < window.end => Some(at),
        _ => None,
    }
}

fn lags(lag: Lag, median_ttft: Option<Duration>) -> bool {
    let share = median_ttft.map_or(Duration::ZERO, |ttft| ttft.mul_f64(LAG_SHARE));
    lag.p99 > LAG_MAX.max(share)
}

/// The median over all groups' streams that succeeded; `None` if there were none.
fn median_ttft(recording: &Recording) -> Option<Duration> {
    let groups = recording.cells.groups.iter();
    let ttfts = groups.map(|group| group.ttft.window(Timestamp::ZERO..Timestamp::MAX));
    let all = ttfts.max_by_key(|ttft| ttft.len()).filter(|ttft| !ttft.is_empty())?;
    Some(Duration::from_micros(all.value_at_quantile(0.5)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lag(p99_ms: u64) -> Lag {
        let p99 = Duration::from_millis(p99_ms);
        Lag { p50: Duration::ZERO, p99, max: p99 }
    }

    #[test]
    fn a_driver_lags_beyond_five_ms_and_five_hundredths_of_a_first_token() {
        let ttft = Some(Duration::from_millis(350));
        assert!(!lags(lag(5), None));
        assert!(lags(lag(6), None));
        assert!(!lags(lag(17), ttft), "5 % of 350 ms are 17.5 ms");
        assert!(lags(lag(18), ttft));
    }
}
