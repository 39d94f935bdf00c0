//! A stream ends after so many tokens, without its end mark. Attempts in flight go on.

use super::{Effect, PlanModifier};
use crate::AttemptEnding;

pub(super) const fn effect(after_tokens: u32) -> Effect {
    Effect::Bend(PlanModifier::Ends(AttemptEnding::Cut { after_tokens }))
}
