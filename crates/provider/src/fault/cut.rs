//! A stream ends after so many tokens, without its end mark. Attempts in flight go on.

use super::{Bend, Effect};
use crate::Ending;

pub(super) const fn effect(after_tokens: u32) -> Effect {
    Effect::Bend(Bend::Ends(Ending::Cut { after_tokens }))
}
