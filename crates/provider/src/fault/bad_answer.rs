//! A 200 that is no answer. Attempts in flight go on.

use super::{Effect, PlanModifier};
use crate::{AttemptEnding, BadAnswer};

pub(super) const fn effect(answer: BadAnswer) -> Effect {
    Effect::Bend(PlanModifier::Ends(AttemptEnding::Bad(answer)))
}
