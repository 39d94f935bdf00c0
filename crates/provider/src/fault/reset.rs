//! The connection of an answer is reset in the place of a token: as by a proxy on the way that dies. A reset
//! may overtake what was sent at the same moment, so it comes when the next token would have. Attempts in
//! flight go on.

use super::{Behaviour, Effect, PlanModifier};

pub(super) const fn behaviour(after_tokens: u32) -> Behaviour {
    let effect = Effect::Modify(PlanModifier::Resets { after_tokens });
    Behaviour { effect, fails: true, ..Behaviour::NONE }
}
