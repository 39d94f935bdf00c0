//! A stream falls silent after so many tokens, and its connection stays open. Attempts in flight go on.

use super::Behaviour;
use crate::AttemptEnding;

pub(super) const fn behaviour(after_tokens: u32) -> Behaviour {
    Behaviour::ending(AttemptEnding::Stall { after_tokens })
}
