//! Our own rule: at once at a deployment that the request was not tried at, and only where another
//! attempt could succeed. When none is usable, after a wait: exponential backoff with full jitter, never
//! shorter than a Retry-After, and no wait behind the last attempt.

use super::{Facts, RetryDecision};
use squall_failure::Retryable;

pub(super) const fn next(facts: &Facts) -> RetryDecision {
    match facts.failure.retryable {
        Retryable::Nowhere => RetryDecision::Fail,
        Retryable::OtherGroup => RetryDecision::MoveOn,
        Retryable::OtherDeployment | Retryable::Anywhere => {
            if facts.retries >= facts.max_retries {
                RetryDecision::MoveOn
            } else {
                RetryDecision::Untried
            }
        }
    }
}
