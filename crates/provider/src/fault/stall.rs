//! A stream falls silent after so many tokens, and its connection stays open. Attempts in flight go on.

use super::{Bend, Effect};
use crate::Ending;

pub(super) const fn effect(after_tokens: u32) -> Effect {
    Effect::Bend(Bend::Ends(Ending::Stall { after_tokens }))
}
