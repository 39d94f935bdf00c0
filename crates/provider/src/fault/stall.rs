//! A stream falls silent after so many tokens, and its connection stays open. Attempts in flight go on.

use super::{Effect, PlanModifier};
use crate::AttemptEnding;

pub(super) const fn effect(after_tokens: u32) -> Effect {
    Effect::Bend(PlanModifier::Ends(AttemptEnding::Stall { after_tokens }))
}
