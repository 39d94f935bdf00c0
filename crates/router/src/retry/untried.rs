//! Our own rule: at once at a deployment that the request was not tried at, and only where another
//! attempt could succeed. When none is usable, after a wait: exponential backoff with full jitter, never
//! shorter than a Retry-After, and no wait behind the last attempt.

use super::{Facts, Next};
use squall_failure::Retryable;

pub(super) const fn next(facts: &Facts) -> Next {
    match facts.failure.retryable {
        Retryable::Nowhere => Next::Fail,
        Retryable::OtherGroup => Next::MoveOn,
        Retryable::OtherDeployment | Retryable::Anywhere => {
            if facts.retries >= facts.max_retries {
                Next::MoveOn
            } else {
                Next::Untried
            }
        }
    }
}
