//! Everything takes a multiple of its time. Attempts in flight go on at their old speed.

use super::{Bend, Effect};
use crate::Plan;
use core::time::Duration;
use squall_determinism::Timestamp;

pub(super) const fn effect(factor_milli: u32) -> Effect {
    Effect::Bend(Bend::Slower { factor_milli })
}

pub(super) fn bend(now: Timestamp, plan: Plan, factor_milli: u32) -> Plan {
    let slower = |time: Duration| {
        let nanos = time.as_nanos() * u128::from(factor_milli) / 1_000;
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    };
    Plan { first_at: now + slower(plan.first_at.since(now)), gap: slower(plan.gap), ..plan }
}
