//! Everything takes a multiple of its time. Attempts in flight go on at their old speed. Its onset and its
//! tail change the multiple.

use super::{Effect, PlanModifier};
use crate::Plan;
use crate::latency::times_milli;
use core::time::Duration;
use squall_determinism::{Share, Timestamp};

pub(super) const fn effect(ttft_milli: u32, itl_milli: u32) -> Effect {
    Effect::Bend(PlanModifier::Slower { ttft_milli, itl_milli })
}

/// The multiple when so much of the fault is there: between none, 1000, and all of it.
pub(crate) fn grown(factor_milli: u32, progress: Share) -> u32 {
    let factor = i64::from(factor_milli);
    let more = (factor - 1_000) * i64::from(progress.ppm()) / 1_000_000;
    u32::try_from(1_000 + more).unwrap_or(factor_milli)
}

pub(super) fn modifier(now: Timestamp, plan: Plan, ttft_milli: u32, itl_milli: u32) -> Plan {
    let times = |time: Duration, milli: u32| {
        Duration::from_nanos(times_milli(time.as_nanos() as u64, milli.into()))
    };
    let first_at = now + times(plan.first_at.since(now), ttft_milli);
    Plan { first_at, gap: times(plan.gap, itl_milli), ..plan }
}
