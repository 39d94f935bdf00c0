//! LiteLLM's retry loop: a retry picks among all deployments, immediately while any is healthy; and there is a
//! wait after the last one. In 1.80 whether to retry is decided once, by the first error; from 1.110 on after
//! each, by the newest.

use super::{RetryContext, RetryDecision};
use crate::cooldown::litellm_status;
use crate::{LitellmRetry, LitellmRules, RetriedFailures};
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
    rules: &LitellmRules,
    facts: &RetryContext,
    draws: impl FnOnce() -> RandomStream,
) -> RetryDecision {
    let first = facts.retries == 0;
    let goes_on = match rules.retries {
        RetriedFailures::AllByTheFirst => !first || is_retried_by_1_80(facts),
        RetriedFailures::ByStatusOfEach => is_retried(facts),
    };
    if (first && facts.max_retries == 0) || !goes_on {
        return RetryDecision::MoveOn;
    }
    let wait = wait(config, rules, facts, draws);
    if facts.retries < facts.max_retries {
        RetryDecision::Again(wait)
    } else {
        RetryDecision::MoveOnAfter(wait)
    }
}

/// Whether it goes to a list of its own instead.
fn leaves(facts: &RetryContext) -> bool {
    let class = facts.failure.class;
    (class == FailureClass::ContextWindow && facts.for_context_window)
        || (class == FailureClass::ContentPolicy && facts.for_content_policy)
}

fn is_retried_by_1_80(facts: &RetryContext) -> bool {
    let class = facts.failure.class;
    // A wrong key where there is no other deployment.
    let alone = class == FailureClass::Auth
        && litellm_status(facts.failure) == 401
        && facts.deployments <= 1;
    !leaves(facts) && class != FailureClass::NotFound && !alone && facts.healthy > 0
}

fn is_retried(facts: &RetryContext) -> bool {
    if leaves(facts) || facts.healthy == 0 {
        return false;
    }
    match litellm_status(facts.failure) {
        _ if facts.named => true,
        401 => facts.deployments > 1,
        403 => true,
        status => may_be_asked_again(status),
    }
}

/// Whether a deployment that answered with this status may be asked again by the same request.
pub(crate) const fn may_be_asked_again(status: u16) -> bool {
    matches!(status, 408 | 409 | 429) || status >= 500
}

fn wait(
    config: &LitellmRetry,
    rules: &LitellmRules,
    facts: &RetryContext,
    draws: impl FnOnce() -> RandomStream,
) -> Duration {
    if facts.deployments > 1 && facts.healthy > 0 {
        return Duration::ZERO;
    }
    let jitter = Duration::from_nanos(draws().below(JITTER.as_nanos() as u64 + 1));
    let told = match rules.retries {
        RetriedFailures::AllByTheFirst => facts.first_failure,
        RetriedFailures::ByStatusOfEach => facts.failure,
    };
    // Whole seconds only: a fraction cannot be read.
    let asked = told.retry_after.filter(|asked| {
        asked.subsec_nanos() == 0 && !asked.is_zero() && *asked <= RETRY_AFTER_MOST
    });
    let exponential = || {
        let doubled = INITIAL.saturating_mul(1 << u32::from(facts.retries.min(16)));
        doubled.max(config.least).min(MOST)
    };
    asked.unwrap_or_else(exponential) + jitter
}
