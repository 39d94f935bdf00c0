//! What a request does after a failed attempt, before it leaves its group. One file per rule: a pure
//! function.

mod backoff;
mod litellm;
mod untried;

use crate::{Retries, RetryRule};
use core::time::Duration;
use squall_determinism::RandomStream;
use squall_failure::Failure;

/// Inputs of a rule.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RetryContext {
    /// The failure of the attempt that has just ended.
    pub(crate) failure: Failure,
    /// The failure of the request's first failed attempt in this group.
    pub(crate) first_failure: Failure,
    /// Retries begun in this group so far.
    pub(crate) retries: u16,
    /// How many there may be.
    pub(crate) max_retries: u16,
    /// How many deployments the group has, and how many are not cooling down.
    pub(crate) deployments: usize,
    pub(crate) healthy: usize,
    /// Whether the group has somewhere to go for these two failures in particular.
    pub(crate) for_context_window: bool,
    pub(crate) for_content_policy: bool,
    /// The deployment was silent for too long, and there is somewhere else to go before it is asked again.
    pub(crate) elsewhere: bool,
}

/// What the request does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum RetryDecision {
    /// It fails.
    Fail,
    /// It leaves the group.
    MoveOn,
    /// It leaves the group after this long.
    MoveOnAfter(Duration),
    /// It is retried immediately at an untried deployment; if there is none, it waits.
    Untried,
    /// It is retried immediately at an untried deployment; if there is none, it leaves the group.
    UntriedOrMoveOn,
    /// It is retried after this long, at any deployment.
    Again(Duration),
}

/// How many retries there may be in this group: what the request asks for, or what is configured for the
/// failure.
pub(crate) fn max_retries(retries: &Retries, asked: Option<u16>, failure: &Failure) -> u16 {
    asked.unwrap_or_else(|| retries.after(failure.class))
}

impl RetryRule {
    pub(crate) fn next(
        &self,
        facts: &RetryContext,
        draws: impl FnOnce() -> RandomStream,
    ) -> RetryDecision {
        match self {
            Self::Untried(_) => untried::next(facts),
            Self::Litellm(config) => litellm::next(config, facts, draws),
        }
    }

    /// Whether a retry may go where the request has failed before, though others are usable.
    pub(crate) const fn forgets(&self) -> bool {
        matches!(self, Self::Litellm(_))
    }

    /// Whether the failure that a request ends with is the first it met, rather than the last.
    pub(crate) const fn reports_first_failure(&self) -> bool {
        matches!(self, Self::Litellm(_))
    }
}
