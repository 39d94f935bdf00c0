//! Stands still, and then answers after all. Attempts in flight go on.

use super::{Effect, PlanModifier};
use crate::Plan;
use core::time::Duration;

pub(super) const fn effect(by: Duration) -> Effect {
    Effect::Bend(PlanModifier::Later(by))
}

pub(super) fn modifier(plan: Plan, by: Duration) -> Plan {
    Plan { first_at: plan.first_at + by, ..plan }
}
