//! `flaps(d)`: how often traffic returned to d while a fault made it fail, plus how often it left d although nothing was
//! wrong with it. Leaving once when a fault begins and returning once when it is over are no flaps.
//!
//! By first attempts on the grid of 100 ms: traffic has left at a moment after which they stay under 5 % of d's weight
//! share for a while, and is back at one after which they are at least half of it. The while is 2 s, or as long as it
//! takes for 20 first attempts to be due to d. Leaving during a fault of any kind, or a pending Retry-After of d, is no
//! flap. Minimum sample: 20 first attempts due in 10 s.

use super::faults::{all_windows, fault_windows};
use super::first_attempts::{FirstAttemptTally, grid, on_grid};
use super::{Measured, Measurement, MetricQuery, MetricValue};
use crate::text;
use squall_determinism::Timestamp;
use squall_record::TICK;
use std::ops::Range;
use std::time::Duration;

pub(super) fn measure(ask: &MetricQuery<'_>) -> Measurement {
    let Some(deployment) = ask.deployment() else {
        return Measurement::inconclusive("a deployment is required");
    };
    let window = on_grid(ask.window.start)..ask.window.end.min(ask.traffic_end());
    let first = FirstAttemptTally::of(ask, deployment);
    let Some(hold) = hold(ask, deployment, &first, &window) else {
        return Measurement::inconclusive(
            "fewer than 20 first attempts are due to it in 10 s: too few to see it leave",
        );
    };
    let failing: Vec<_> = fault_windows(ask.scenario, deployment);
    let excused: Vec<_> = all_windows(ask.scenario, deployment)
        .into_iter()
        .map(|fault| fault.start..fault.end)
        .chain(ask.recording.cells.deployments[deployment].embargoed())
        .collect();
    let mut detail = Vec::new();
    for turn in turns(ask, deployment, &first, &window, hold) {
        let (at, end) = (turn.at, turn.at + hold);
        let is_flap = match turn.left {
            true => !excused.iter().any(|range| range.start < end && at < range.end),
            false => failing.iter().any(|fault| fault.start <= at && end <= fault.end),
        };
        if is_flap {
            let what =
                if turn.left { "left it without a fault" } else { "returned during a fault" };
            detail.push(format!("traffic {what} at {}", text::moment(at)));
        }
    }
    let n = first.over(window.start, window.end.since(window.start)).group;
    let value = MetricValue::Count(detail.len() as u64);
    Measurement::Measured(Measured { value, n, of: "first attempts", detail })
}

/// Traffic that left or returned.
struct TrafficTurn {
    at: Timestamp,
    left: bool,
}

/// Every turn of the traffic in a window, in order.
fn turns(
    ask: &MetricQuery<'_>,
    deployment: usize,
    first: &FirstAttemptTally,
    window: &Range<Timestamp>,
    hold: Duration,
) -> Vec<TrafficTurn> {
    let mut turns = Vec::new();
    // Whether it is there; `None` until that is clear, and while nothing is due to it.
    let mut there = None;
    for at in grid(window.start, window.end - hold + TICK) {
        let counts = first.over(at, hold);
        let due = ask.weight_share(deployment, at) * counts.group as f64;
        if due <= 0.0 {
            there = None;
            continue;
        }
        let part = counts.there as f64 / due;
        let now = match part {
            part if part < LEFT => Some(false),
            part if part >= BACK => Some(true),
            _ => there,
        };
        if let (Some(was), Some(is)) = (there, now)
            && was != is
        {
            turns.push(TrafficTurn { at, left: was });
        }
        there = now;
    }
    turns
}

/// How long is looked at a time; `None` where that would be too long.
fn hold(
    ask: &MetricQuery<'_>,
    deployment: usize,
    first: &FirstAttemptTally,
    window: &Range<Timestamp>,
) -> Option<Duration> {
    let span = window.end.since(window.start);
    let group = first.over(window.start, span).group as f64;
    let due = group * ask.weight_share(deployment, window.start);
    let takes = span.as_secs_f64() * MINIMUM / due;
    let ticks = (takes / TICK.as_secs_f64()).ceil();
    // Without any due, that is infinite.
    (takes <= MOST.as_secs_f64()).then(|| (TICK * ticks as u32).max(LEAST))
}

/// Below which part of its share traffic has left, and from which on it is back.
const LEFT: f64 = 0.05;
const BACK: f64 = 0.5;
const MINIMUM: f64 = 20.0;
const LEAST: Duration = Duration::from_secs(2);
const MOST: Duration = Duration::from_secs(10);
