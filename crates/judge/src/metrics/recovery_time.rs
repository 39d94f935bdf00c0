//! `recovery_time(d)`: from the end of a fault that hit d to the first moment from which first
//! attempts at d are at least 80 % of its weight share over 3 s, three times in a row. The moment is the
//! start of the first of the three, and begins with a first attempt at d. On the grid of 100 ms.
//!
//! Minimum sample: 20 first attempts due to d, by its share, in the 9 s that decide or that were seen.

use super::failover_time::{TimedFault, worst};
use super::faults::no_fault;
use super::first_attempts::{FirstAttemptTally, on_grid};
use super::{FaultWindow, Measurement, MetricQuery, fault_windows};
use crate::text;
use squall_determinism::Timestamp;
use squall_scenario::Limit;
use std::ops::Range;
use std::time::Duration;

pub(super) fn measure(ask: &MetricQuery<'_>) -> Measurement {
    let Some(deployment) = ask.deployment() else {
        return Measurement::inconclusive("a deployment is required");
    };
    let faults = fault_windows(ask.scenario, deployment);
    let first = FirstAttemptTally::of(ask, deployment);
    let times: Vec<_> = faults
        .iter()
        .enumerate()
        .filter(|(_, fault)| ask.window.contains(&fault.end))
        .map(|(place, &fault)| {
            let next = faults.get(place + 1).map_or(Timestamp::MAX, |next| next.start);
            one(ask, deployment, &first, fault, next.min(ask.traffic_end()))
        })
        .collect();
    if times.is_empty() {
        return no_fault(ask, deployment, "that ends in this window");
    }
    worst(times.into_iter())
}

/// The time of one fault, looked for until `end`.
fn one(
    ask: &MetricQuery<'_>,
    deployment: usize,
    first: &FirstAttemptTally,
    fault: FaultWindow,
    end: Timestamp,
) -> Result<TimedFault, String> {
    let fault_end = text::moment(fault.end);
    let seen = end.since(fault.end);
    if seen < HOLD * TIMES {
        let seen = text::duration(seen);
        return Err(format!(
            "fault until {fault_end}: observed for {seen} after it, but 9 s are required"
        ));
    }
    let is_back = |start: Timestamp| {
        let counts = first.over(start, HOLD);
        let share = ask.weight_share(deployment, start);
        counts.group > 0 && counts.there as f64 >= BACK * share * counts.group as f64
    };
    let last = end - HOLD * TIMES + squall_record::TICK;
    // Without an attempt at its start, a moment would lie before the very probe that brings the traffic back.
    let moment = first.first_moment(fault.end, last, HOLD, |moment, _| {
        first.over(moment, squall_record::TICK).there > 0
            && (0..TIMES).all(|nth| is_back(moment + HOLD * nth))
    });
    if moment.is_none()
        && let Some(moment) = undecided(ask, fault, last..end, is_back)
    {
        return Err(format!(
            "fault until {fault_end}: traffic may be back from {} on, but was observed for {} after that, and 9 s \
             are required",
            text::moment(moment),
            text::duration(end.since(moment))
        ));
    }
    let decided = moment.map_or(seen, |_| HOLD * TIMES);
    let group = first.over(moment.unwrap_or(fault.end), decided).group;
    let share = ask.weight_share(deployment, moment.unwrap_or(fault.end));
    let due = (share * group as f64) as u64;
    if due < MINIMUM {
        return Err(format!(
            "fault until {fault_end}: {due} first attempts expected by weight after it, but at \
             least {MINIMUM} are required"
        ));
    }
    let time = moment.map_or(Duration::MAX, |moment| moment.since(fault.end));
    let line = format!("fault until {fault_end}: {}", text::duration(time));
    Ok(TimedFault { time, n: group, line })
}

/// The first moment of the last 9 s from which traffic is back for as long as was observed, so that nobody can tell
/// whether it would have stayed: a run that ends there is no evidence of `never`. Beyond the limit that is asked it
/// does not matter; without a limit, 3 s must have been seen.
fn undecided(
    ask: &MetricQuery<'_>,
    fault: FaultWindow,
    last: Range<Timestamp>,
    is_back: impl Fn(Timestamp) -> bool,
) -> Option<Timestamp> {
    let seen = |moment: Timestamp| (last.end.since(moment).as_nanos() / HOLD.as_nanos()) as u32;
    let latest = match ask.limit {
        Some(Limit::Duration(limit)) => last.end.min(fault.end + limit + squall_record::TICK),
        _ => last.end - HOLD + squall_record::TICK,
    };
    let mut moment = on_grid(last.start);
    while moment < latest {
        if (0..seen(moment)).all(|nth| is_back(moment + HOLD * nth)) {
            return Some(moment);
        }
        moment += squall_record::TICK;
    }
    None
}

/// How much of its share it must have back.
const BACK: f64 = 0.8;
/// Over how long.
const HOLD: Duration = Duration::from_secs(3);
/// How often in a row.
const TIMES: u32 = 3;
const MINIMUM: u64 = 20;
