//! A stream ends after so many tokens with an error event: the answer had begun, with status 200, and what
//! went wrong is told inside. Attempts in flight go on.

use super::{Behaviour, ErrorAnswer};
use crate::AttemptEnding;
use squall_failure::FailureClass;

pub(super) fn behaviour(after_tokens: u32, class: FailureClass) -> Behaviour {
    let fails = ErrorAnswer::of(class).breaks();
    Behaviour { fails, ..Behaviour::ending(AttemptEnding::ErrorEvent { after_tokens, class }) }
}
