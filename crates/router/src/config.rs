//! How a router is set up. Plain data, checked once by [`RouterConfig::validate`].

mod cooldown;
mod deployment;
mod expected_shares;
mod limits;
mod litellm_version;
mod operator_overrides;
mod policies;
mod profile;
mod retry;
mod validation;

pub use cooldown::{
    Cooldown, CooldownRule, FailureCooldown, LitellmAllowedFails, LitellmCooldown, LitellmCounts,
    MisconfiguredCooldown, SilenceCooldown, ThrottledCooldown,
};
pub use deployment::{Declared, DeploymentConfig};
pub(crate) use deployment::{or_weights, rpm, tpm};
pub use limits::{
    ConcurrencyRelease, Money, Price, RateLimit, RateLimits, RateWindow, SpendBudget, SpendPeriod,
    UtcOffset,
};
pub use litellm_version::{
    LatencyWindow, LeastBusyCounters, LitellmRules, LitellmVersion, OrderUse, PlacesOfTpm,
    PolicyClasses, RetriedFailures, ShuffleBasis, WhenFull,
};
pub use operator_overrides::{OperatorOverrides, OverrideError};
pub use policies::{
    AfterTimeout, AttemptTimeouts, DeadlineSharing, FallbackRule, HealthChecks, Hedge, HedgeAfter,
    MidStream, RetryBudget, SlowStart, TagMatch, UnavailablePolicy,
};
pub use profile::Profile;
pub use retry::{Backoff, LitellmRetry, Retries, RetryRule};
pub use validation::ConfigError;
pub(crate) use validation::MAX_DEPTH;

use crate::{GroupId, Strategy};
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;
use squall_determinism::Share;
use squall_shared_state::ReplicaConfig;

/// A whole router.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RouterConfig {
    /// The model groups; a [`GroupId`] is a place in this list.
    pub groups: Vec<GroupConfig>,
    /// How many retries there may be in all, over every group.
    pub retry_budget: RetryBudget,
    /// How requests move from group to group.
    pub fallback_rule: FallbackRule,
    /// Who asks, as far as they have limits of their own; a [`TenantId`](crate::TenantId) is a place in
    /// this list.
    pub tenants: Vec<TenantConfig>,
    /// Budgets in money; a [`SpendBudgetId`](crate::SpendBudgetId) is a place in this list.
    pub spend_budgets: Vec<SpendBudget>,
    /// Checks of deployments apart from traffic; `None` for none. Default none.
    pub health_checks: Option<HealthChecks>,
    /// Limits, cooldowns and probes are shared with other replicas through a store; `None`: this is the only one.
    /// Default none.
    pub shared: Option<ReplicaConfig>,
}

/// A model group: the public name that clients ask for, and the deployments behind it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GroupConfig {
    /// The public name. With a `*` it stands for every name that fits; see `GroupNames`.
    pub name: String,
    /// Other names for the same group.
    pub aliases: Vec<String>,
    /// What serves it. Their numbers, [`DeploymentId`](crate::DeploymentId), count through all groups.
    pub deployments: Vec<DeploymentConfig>,
    /// Where requests go that this group cannot serve.
    pub fallbacks: Fallbacks,
    /// How a deployment is picked among the usable ones.
    pub strategy: Strategy,
    /// The version whose formulas LiteLLM's policies of the group follow. Default the newest.
    pub litellm: LitellmVersion,
    /// Retries in this group after the first attempt.
    pub retries: Retries,
    /// What a request does after a failed attempt.
    pub retry_rule: RetryRule,
    /// Where a request goes first after a time-out.
    pub after_timeout: AfterTimeout,
    /// When a second attempt begins beside one that keeps its request waiting; `None` for never.
    pub hedge: Option<Hedge>,
    /// What becomes of a stream that breaks off once its first token has come.
    pub mid_stream: MidStream,
    /// When a deployment is skipped, and for how long.
    pub cooldown: CooldownRule,
    /// What happens when all deployments cool down.
    pub when_unavailable: UnavailablePolicy,
    /// It happens as soon as the deployments that are well have less than this part of the group's weight; those
    /// that cool down after failures and those whose health checks fail are not well. Default 0 %: only when none is
    /// (Envoy's 50 % is for hosts that are many and alike; that one of two providers is down is no emergency).
    pub panic_threshold: Share,
    /// How the share of a deployment grows that returns; `None`: it has its whole share at once. Default none (as
    /// Envoy, nginx and HAProxy).
    pub slow_start: Option<SlowStart>,
    /// How much the group is given at most, in requests rather than attempts.
    pub limits: RateLimits,
    /// How long an attempt may take.
    pub timeouts: AttemptTimeouts,
    /// How long a request may take in all, queueing, retries and fallbacks included. Default 2 h: the longest
    /// answer that vendors sell, 128,000 tokens, at 18 a second.
    pub deadline: Duration,
    /// How the deadline is shared out over the deployments and groups that are still to be tried; `None`: the
    /// first may have all of it.
    pub deadline_sharing: Option<DeadlineSharing>,
    /// A Retry-After so short is waited for once by the request that met it, where the group has no other
    /// usable deployment and its fallback would be another model. Default 2 s.
    pub short_retry_after: Duration,
    /// How long a request may wait for a deployment to become usable before it falls back or fails.
    /// Default 0 with a fallback and 10 s without one: with somewhere else to go, nobody waits.
    pub max_queue_wait: Duration,
    /// How many requests may wait. One more pushes out the last of lower priority, or is refused.
    /// Default 10,000 (linkerd's queue).
    pub max_queued: u32,
    /// Whether a request that would not be served in time, at the pace at which the queue is served, is refused at
    /// once instead of waiting; those of lower priority first. Default false: a pace of the past is a guess.
    pub queue_shedding: bool,
    /// A deployment of which less than this part of a limit remains, of requests or tokens per minute, configured or
    /// learned, takes less of the group's requests: as much of its share as remains of this part. `None` for no such
    /// factor: it takes its whole share until the limit is reached. Default none.
    pub quota_headroom: Option<Share>,
    /// How tags choose among the deployments.
    pub tags: TagMatch,
    /// For how long a session keeps to the deployment that served it last, if it still is usable.
    /// Default none: sessions choose nothing.
    pub session_affinity: Option<Duration>,
    /// Whether attempts that do not fit a deployment's context window, region or features are kept away
    /// from it. Default true.
    pub pre_call_checks: bool,
}

/// Where requests go that a group cannot serve, in the order of the lists.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Fallbacks {
    /// In general.
    pub general: Vec<GroupId>,
    /// Those whose prompt does not fit the context window. `None` for the general list.
    pub context_window: Option<Vec<GroupId>>,
    /// Those that the content policy refused. `None` for none: a refusal is an answer, and who answers instead
    /// is to be said by name. By LiteLLM's rule the general list holds.
    pub content_policy: Option<Vec<GroupId>>,
}

impl Fallbacks {
    /// A general list.
    #[must_use]
    pub const fn to(general: Vec<GroupId>) -> Self {
        Self { general, context_window: None, content_policy: None }
    }

    /// The same lists, where a group's place is its number in `ids`.
    pub(crate) fn renumbered(&self, ids: &[GroupId]) -> Self {
        let list = |groups: &Vec<GroupId>| groups.iter().map(|group| ids[group.index()]).collect();
        Self {
            general: list(&self.general),
            context_window: self.context_window.as_ref().map(list),
            content_policy: self.content_policy.as_ref().map(list),
        }
    }

    /// Every group that is named.
    pub fn all(&self) -> impl Iterator<Item = GroupId> {
        let special = [&self.context_window, &self.content_policy].into_iter().flatten().flatten();
        self.general.iter().chain(special).copied()
    }
}

/// A tenant: whoever has limits of their own, as one team among several.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TenantConfig {
    /// Its name.
    pub name: String,
    /// How much it is given at most, in requests.
    pub limits: RateLimits,
}

impl Default for GroupConfig {
    /// A group without a name, as [`new`](Self::new) has it otherwise.
    fn default() -> Self {
        Self::new("")
    }
}

impl GroupConfig {
    /// A group with this name, the defaults, and no deployment yet.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            aliases: Vec::new(),
            deployments: Vec::new(),
            fallbacks: Fallbacks::default(),
            strategy: Strategy::default(),
            litellm: LitellmVersion::NEWEST,
            retries: Retries::default(),
            retry_rule: RetryRule::default(),
            after_timeout: AfterTimeout::default(),
            hedge: Some(Hedge::default()),
            mid_stream: MidStream::default(),
            cooldown: CooldownRule::default(),
            when_unavailable: UnavailablePolicy::default(),
            panic_threshold: Share::percent(0),
            slow_start: None,
            limits: RateLimits::default(),
            timeouts: AttemptTimeouts::default(),
            deadline: Duration::from_secs(7_200),
            deadline_sharing: Some(DeadlineSharing::default()),
            short_retry_after: Duration::from_secs(2),
            max_queue_wait: Duration::from_secs(10),
            max_queued: 10_000,
            queue_shedding: false,
            quota_headroom: None,
            tags: TagMatch::default(),
            session_affinity: None,
            pre_call_checks: true,
        }
    }
}
