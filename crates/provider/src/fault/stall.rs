//! A stream falls silent after so many tokens, and its connection stays open, for ever or for a while. Attempts in
//! flight go on.

use super::Behaviour;
use crate::AttemptEnding;
use core::time::Duration;

pub(super) const fn behaviour(after_tokens: u32, closes: Option<Duration>) -> Behaviour {
    Behaviour::ending(AttemptEnding::Stall { after_tokens, closes })
}
