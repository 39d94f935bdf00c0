//! Our own rule: at once at a deployment that the request was not tried at, and only where another
//! attempt could succeed. When none is usable, after a wait: exponential backoff with full jitter, never
//! shorter than a Retry-After, and no wait behind the last attempt. A deployment that was silent for too long
//! is waited for only where there is no other group to go to.

use super::{Facts, RetryDecision};
use squall_failure::Retryable;

pub(super) const fn next(facts: &Facts) -> RetryDecision {
    match facts.failure.retryable {
        Retryable::Nowhere => RetryDecision::Fail,
        Retryable::OtherGroup => RetryDecision::MoveOn,
        Retryable::OtherDeployment | Retryable::Anywhere => {
            if facts.retries >= facts.max_retries {
                RetryDecision::MoveOn
            } else if facts.elsewhere {
                RetryDecision::UntriedOrMoveOn
            } else {
                RetryDecision::Untried
            }
        }
    }
}
