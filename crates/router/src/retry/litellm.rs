//! LiteLLM 1.80's retry loop: whether to retry is decided once, by the first error; a retry picks among all
//! deployments, immediately while any is healthy; and there is a wait after the last one.

use super::{RetryContext, RetryDecision};
use crate::LitellmRetry;
use crate::cooldown::litellm_status;
use core::time::Duration;
use squall_determinism::RandomStream;
use squall_failure::FailureClass;

/// `INITIAL_RETRY_DELAY`, `MAX_RETRY_DELAY`, `JITTER`.
const INITIAL: Duration = Duration::from_millis(500);
const MOST: Duration = Duration::from_secs(8);
const JITTER: Duration = Duration::from_millis(750);
/// A longer Retry-After is ignored.
const RETRY_AFTER_MOST: Duration = Duration::from_secs(60);

pub(super) fn next(
    config: &LitellmRetry,
    facts: &RetryContext,
    draws: impl FnOnce() -> RandomStream,
) -> RetryDecision {
    let first = facts.retries == 0;
    if first && (facts.max_retries == 0 || !is_retried(facts)) {
        return RetryDecision::MoveOn;
    }
    let wait = wait(config, facts, draws);
    if facts.retries < facts.max_retries {
        RetryDecision::Again(wait)
    } else {
        RetryDecision::MoveOnAfter(wait)
    }
}

fn is_retried(facts: &RetryContext) -> bool {
    let class = facts.failure.class;
    let leaves = (class == FailureClass::ContextWindow && facts.for_context_window)
        || (class == FailureClass::ContentPolicy && facts.for_content_policy)
        || class == FailureClass::NotFound;
    // A wrong key where there is no other deployment.
    let alone = class == FailureClass::Auth
        && litellm_status(facts.failure) == 401
        && facts.deployments <= 1;
    !leaves && !alone && facts.healthy > 0
}

fn wait(
    config: &LitellmRetry,
    facts: &RetryContext,
    draws: impl FnOnce() -> RandomStream,
) -> Duration {
    if facts.deployments > 1 && facts.healthy > 0 {
        return Duration::ZERO;
    }
    let jitter = Duration::from_nanos(draws().below(JITTER.as_nanos() as u64 + 1));
    // Whole seconds only: a fraction cannot be read.
    let asked = facts.first_failure.retry_after.filter(|asked| {
        asked.subsec_nanos() == 0 && !asked.is_zero() && *asked <= RETRY_AFTER_MOST
    });
    let exponential = || {
        let doubled = INITIAL.saturating_mul(1 << u32::from(facts.retries.min(16)));
        doubled.max(config.least).min(MOST)
    };
    asked.unwrap_or_else(exponential) + jitter
}
