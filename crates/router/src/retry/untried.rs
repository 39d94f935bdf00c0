//! Squall's rule: retry immediately at an untried deployment, and only if another attempt could succeed. If
//! none is available, retry after exponential backoff with full jitter, never shorter than a Retry-After,
//! without a wait after the last attempt. A silent deployment is waited for only if there is no other group.

use super::{RetryContext, RetryDecision};
use squall_failure::Retryable;

pub(super) const fn next(facts: &RetryContext) -> RetryDecision {
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
