//! What a request does after a failed attempt, before it leaves its group. One file per rule: a pure
//! function.

mod backoff;
mod litellm;
mod untried;

use crate::cooldown::litellm_status;
use crate::{LitellmRules, RetriedFailures, Retries, RetryRule};
use core::time::Duration;
use litellm::may_be_asked_again;
use squall_determinism::RandomStream;
use squall_failure::{Failure, Retryable};

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
    /// The number is one for this class of failure by name.
    pub(crate) named: bool,
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
        rules: &LitellmRules,
        draws: impl FnOnce() -> RandomStream,
    ) -> RetryDecision {
        match self {
            Self::Untried(_) => untried::next(facts),
            Self::Litellm(config) => litellm::next(config, rules, facts, draws),
        }
    }

    /// Whether a retry may go where the request has failed before, though others are usable.
    pub(crate) const fn forgets(&self) -> bool {
        matches!(self, Self::Litellm(_))
    }

    /// Whether a deployment is not asked again by a request that it has failed so.
    pub(crate) fn remembers_refusal(&self, rules: &LitellmRules, failure: &Failure) -> bool {
        match self {
            Self::Untried(_) => failure.retryable == Retryable::OtherDeployment,
            Self::Litellm(_) => {
                rules.retries == RetriedFailures::ByStatusOfEach
                    && !may_be_asked_again(litellm_status(*failure))
            }
        }
    }

    /// Whether what becomes of a request hangs on the first failure that it met in its group, rather than the last.
    pub(crate) fn goes_by_the_first(&self, rules: &LitellmRules) -> bool {
        matches!(self, Self::Litellm(_)) && rules.retries == RetriedFailures::AllByTheFirst
    }

    /// Whether a request ends with a failure of the group that it asked for, whatever its fallbacks met: the first
    /// or the last, as [`goes_by_the_first`](Self::goes_by_the_first) has it.
    pub(crate) const fn reports_origin(&self) -> bool {
        matches!(self, Self::Litellm(_))
    }
}
