//! A stream ends after so many tokens, without its end mark. Attempts in flight go on.

use super::Behaviour;
use crate::AttemptEnding;

pub(super) const fn behaviour(after_tokens: u32) -> Behaviour {
    Behaviour::ending(AttemptEnding::Cut { after_tokens })
}
