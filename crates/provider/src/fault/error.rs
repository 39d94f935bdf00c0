//! An error at once. Attempts in flight go on.

use super::Effect;
use core::time::Duration;
use squall_failure::FailureClass;

pub(super) const fn effect(
    status: u16,
    class: FailureClass,
    retry_after: Option<Duration>,
) -> Effect {
    Effect::Answer { status, class, retry_after }
}
