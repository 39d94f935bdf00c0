//! A stream ends after so many tokens with an error event: the answer had begun, with status 200, and what
//! went wrong is told inside. Attempts in flight go on.

use super::{Effect, PlanModifier};
use crate::AttemptEnding;
use squall_failure::FailureClass;

pub(super) const fn effect(after_tokens: u32, class: FailureClass) -> Effect {
    Effect::Bend(PlanModifier::Ends(AttemptEnding::Told { after_tokens, class }))
}
