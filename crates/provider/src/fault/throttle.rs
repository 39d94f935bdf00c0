//! 429 whatever the limits say. Attempts in flight go on.

use super::{Effect, ErrorAnswer};
use core::time::Duration;
use squall_failure::FailureClass;

pub(super) const fn effect(retry_after: Option<Duration>) -> Effect {
    Effect::Answer(ErrorAnswer { retry_after, ..ErrorAnswer::of(FailureClass::Throttled) })
}
