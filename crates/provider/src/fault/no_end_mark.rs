//! A stream is whole, with its reason to end and its usage, but lacks the mark of its end. That is no failure:
//! whoever knows the reason to end needs no mark. Attempts in flight go on.

use super::{Behaviour, Effect, PlanModifier};
use crate::AttemptEnding;

pub(super) const BEHAVIOUR: Behaviour = Behaviour {
    effect: Effect::Modify(PlanModifier::Ends(AttemptEnding::Unmarked)),
    ..Behaviour::NONE
};
