//! `failover_time(d)`: from the start of a fault that hits d to the first moment after which first
//! attempts at d stay under 5 % of its weight share for 2 s. On the grid of 100 ms.
//!
//! Under means: first attempts at d < 5 % × weight share × first attempts of its group, or a lone one where at least 8
//! were due: however few requests there are, a probe is one of them. Minimum sample:
//! 20 first attempts at d in the 5 s before the fault; else nothing was there to move away.

use super::faults::no_fault;
use super::first_attempts::FirstAttemptTally;
use super::{FaultWindow, Measured, Measurement, MetricQuery, MetricValue, fault_windows};
use crate::text;
use squall_determinism::Timestamp;
use std::time::Duration;

pub(super) fn measure(ask: &MetricQuery<'_>) -> Measurement {
    let Some(deployment) = ask.deployment() else {
        return Measurement::inconclusive("a deployment is required");
    };
    let mut faults = fault_windows(ask.scenario, deployment);
    faults.retain(|fault| ask.window.contains(&fault.start));
    if faults.is_empty() {
        return no_fault(ask, deployment, "in this window");
    }
    let first = FirstAttemptTally::of(ask, deployment);
    worst(faults.iter().map(|fault| one(ask, deployment, &first, *fault)))
}

/// What is waited for: first attempts that stay below a part of the weight share.
#[derive(Clone, Copy)]
pub(super) struct HoldBelow {
    /// From when the time counts.
    pub(super) from: Timestamp,
    /// Until when the fault lasts.
    pub(super) until: Timestamp,
    /// Below which part of the share.
    pub(super) share: f64,
}

fn one(
    ask: &MetricQuery<'_>,
    deployment: usize,
    first: &FirstAttemptTally,
    fault: FaultWindow,
) -> Result<TimedFault, String> {
    let hold = HoldBelow { from: fault.start, until: fault.end, share: LEFT };
    time_to_leave(ask, deployment, first, fault.start, hold)
}

/// The time that traffic takes to leave during a fault that begins at `fault`, with how many first attempts went there
/// before and what to tell of it.
pub(super) fn time_to_leave(
    ask: &MetricQuery<'_>,
    deployment: usize,
    first: &FirstAttemptTally,
    fault: Timestamp,
    hold: HoldBelow,
) -> Result<TimedFault, String> {
    let share = ask.weight_share(deployment, fault);
    let start = text::moment(fault);
    let before = first.over(fault - BEFORE, fault.since(fault - BEFORE)).there;
    if before < MINIMUM {
        return Err(format!(
            "fault at {start}: {before} first attempts in the 5 s before it, but at least \
             {MINIMUM} are required"
        ));
    }
    let end = hold.until.min(ask.traffic_end());
    if end.since(hold.from) < HOLD {
        return Err(format!("fault at {start}: observed for less than 2 s"));
    }
    let moment = first.first_moment(hold.from, end, HOLD, |_, counts| {
        let due = share * counts.group as f64;
        (counts.there as f64) < hold.share * due || (counts.there <= 1 && due >= PROBE_OF)
    });
    let time = moment.map_or(Duration::MAX, |moment| moment.since(hold.from));
    // An interrupted run may have ended before what is looked for.
    if time == Duration::MAX && end < hold.until {
        return Err(format!("fault at {start}: the run ended before the traffic had moved"));
    }
    let until = moment.map_or(end, |moment| moment);
    let hit = first.over(hold.from, until.since(hold.from)).there;
    let seen = match hold.from == fault {
        true => String::new(),
        false => format!(", seen at {}", text::moment(hold.from)),
    };
    let line = format!(
        "fault at {start}{seen}: {}, with {} first attempts sent there in that time",
        text::duration(time),
        text::count(hit)
    );
    Ok(TimedFault { time, n: before, line })
}

/// What one fault gave.
pub(super) struct TimedFault {
    pub(super) time: Duration,
    pub(super) n: u64,
    pub(super) line: String,
}

/// The longest time of all faults, with a line for each.
pub(super) fn worst(faults: impl Iterator<Item = Result<TimedFault, String>>) -> Measurement {
    let (mut time, mut n, mut detail, mut unclear) = (None, u64::MAX, Vec::new(), Vec::new());
    for fault in faults {
        match fault {
            Ok(timed) => {
                time = time.max(Some(timed.time));
                n = n.min(timed.n);
                detail.push(timed.line);
            }
            Err(reason) => unclear.push(reason),
        }
    }
    match time {
        // A fault that moved nothing at all is a finding, whatever the others leave open.
        Some(time) if unclear.is_empty() || time == Duration::MAX => {
            detail.extend(unclear);
            let value = MetricValue::Duration(time);
            Measurement::Measured(Measured { value, n, of: "first attempts", detail })
        }
        _ => Measurement::inconclusive(unclear.join("; ")),
    }
}

/// What may still go there: 5 % of the share, for probes.
const LEFT: f64 = 0.05;
/// A lone attempt is a probe where so many were due: those of 2 s at the rate that is required before the fault.
const PROBE_OF: f64 = 8.0;
/// How long it must stay so.
const HOLD: Duration = Duration::from_secs(2);
/// Where the traffic before the fault is counted.
const BEFORE: Duration = Duration::from_secs(5);
const MINIMUM: u64 = 20;
