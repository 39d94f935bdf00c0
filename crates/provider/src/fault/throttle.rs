//! 429 whatever the limits say. Attempts in flight go on.

use super::Effect;
use core::time::Duration;
use squall_failure::FailureClass;

pub(super) const fn effect(retry_after: Option<Duration>) -> Effect {
    Effect::Answer { status: 429, class: FailureClass::Throttled, retry_after }
}
