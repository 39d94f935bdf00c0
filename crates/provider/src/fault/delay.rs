//! Stands still, and then answers after all. Attempts in flight go on.

use super::{Behaviour, Effect, PlanModifier};
use core::time::Duration;

pub(super) const fn behaviour(by: Duration, early_head: bool) -> Behaviour {
    let later = PlanModifier::Later { by, early_head };
    Behaviour { effect: Effect::Modify(later), ..Behaviour::NONE }
}
