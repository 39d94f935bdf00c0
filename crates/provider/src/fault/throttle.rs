//! 429 whatever the limits say. Attempts in flight go on.

use super::{Behaviour, Effect, ErrorAnswer};
use core::time::Duration;
use squall_failure::FailureClass;

pub(super) const fn behaviour(retry_after: Option<Duration>) -> Behaviour {
    let answer = ErrorAnswer { retry_after, ..ErrorAnswer::of(FailureClass::Throttled) };
    Behaviour { effect: Effect::Answer(answer), ..Behaviour::NONE }
}
