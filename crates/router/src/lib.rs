//! The routing core: which deployment a request goes to, when it is tried again, and when it is given
//! up. Sans-IO: no sockets, no clock, no threads; see [`Router`] for the contract.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod affinity;
mod balancer;
mod board;
mod budget;
mod config;
mod cooldown;
mod deployment;
mod fallback;
mod gate;
mod health;
mod id;
mod input;
pub mod journal;
mod limit;
mod names;
mod output;
mod queue;
mod request;
mod retry;
mod roster;
mod router;
mod silence;
mod spend;
mod strategy;
mod timers;
mod window;

pub use balancer::{
    AttemptKind, Balancer, Candidates, CloneBalancer, FailureSample, PickContext, PickRng,
    SuccessSample,
};
pub use config::{
    AllOut, Backoff, ConfigError, Cooldown, CooldownRule, Declared, DeploymentConfig,
    FailureCooldown, FallbackRule, Fallbacks, GroupConfig, HealthChecks, Limits,
    LitellmAllowedFails, LitellmCooldown, LitellmCounts, LitellmRetry, MisconfiguredCooldown,
    Money, Price, Profile, RateLimit, Release, Retries, RetryBudget, RetryRule, RouterConfig,
    SilenceCooldown, SpendLimit, TagMatch, TenantConfig, ThrottledCooldown, Timeouts, Window,
};
pub use gate::LimitUse;
pub use id::{
    AttemptId, ConfigId, DeploymentId, Features, GroupId, RegionId, RequestKey, SpendId, Tag, Tags,
    TenantId,
};
pub use input::{Arrival, FallbackChoice, GroupList, Input, LimitHeaders, Overrides, Usage};
pub use names::{Found, Names};
pub use output::{
    CancelReason, CooldownCause, LimitKind, Note, Outcome, Output, PickProblem, RetryWait,
    StartAttempt,
};
pub use roster::{Numbers, Roster};
pub use router::{BudgetNow, DeploymentNow, DeploymentState, GroupNow, Router, Skipped};
pub use strategy::{CustomStrategy, Latency, LitellmStrategy, ShareBasis, Strategy, StrategyInfo};
