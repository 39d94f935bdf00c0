//! Stands still, and then answers after all. Attempts in flight go on.

use super::{Behaviour, Effect, PlanModifier};
use core::time::Duration;

pub(super) const fn behaviour(by: Duration) -> Behaviour {
    Behaviour { effect: Effect::Bend(PlanModifier::Later(by)), ..Behaviour::NONE }
}
