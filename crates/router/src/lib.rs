//! The routing core: which deployment a request goes to, when it is tried again, and when it is given
//! up. Sans-IO: no sockets, no clock, no threads; see [`Router`] for the contract.
#![no_std]
// A wildcard arm over an enum of ours hides what is forgotten when one more variant is added.
#![cfg_attr(not(test), warn(clippy::wildcard_enum_match_arm))]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod admission;
mod balancer;
mod calendar;
mod candidate_index;
mod config;
mod cooldown;
mod deployment;
mod event_pace;
mod explained_decision;
mod fallback;
mod group_names;
mod health_state;
mod id;
mod id_registry;
mod input;
pub mod journal;
mod key_gate;
mod limit;
mod output;
mod queue;
mod request_table;
mod retry;
mod retry_budget;
mod rolling_counts;
mod router;
mod session_affinity;
mod share_credit;
mod shared_budget;
mod shared_limits;
mod silence_detection;
mod slow_start;
mod spend_budget;
mod strategy;
mod timers;
mod worst_case;

pub use admission::LimitUse;
pub use balancer::{
    AttemptKind, Balancer, Candidates, CloneBalancer, FailureSample, PickContext, PickRng,
    SuccessSample,
};
pub use config::{
    AfterTimeout, AttemptTimeouts, Backoff, ConcurrencyRelease, ConfigError, Cooldown,
    CooldownRule, DeadlineSharing, Declared, DeploymentConfig, FailureCooldown, FallbackRule,
    Fallbacks, GroupConfig, HealthChecks, Hedge, HedgeAfter, LatencyWindow, LeastBusyCounters,
    LitellmAllowedFails, LitellmCooldown, LitellmCounts, LitellmRetry, LitellmRules,
    LitellmVersion, MidStream, MisconfiguredCooldown, Money, OperatorOverrides, OrderUse,
    OverrideError, PlacesOfTpm, PolicyClasses, Price, Profile, RateLimit, RateLimits, RateWindow,
    RetriedFailures, Retries, RetryBudget, RetryRule, RouterConfig, ShuffleBasis, SilenceCooldown,
    SlowStart, SpendBudget, SpendPeriod, TagMatch, TenantConfig, ThrottledCooldown,
    UnavailablePolicy, UtcOffset, WhenFull,
};
pub use explained_decision::{
    AfterFailure, BreakerFigures, CandidateView, Eligibility, ExplainedDecision, FailureWeight,
    FigureValue, NextStep, NoneInTime, PickFigure, PickNeeds, PickReasons, PickScope,
    RetryBudgetUse, RouterDecision,
};
pub use group_names::{GroupNames, ResolvedGroup};
pub use id::{
    AttemptId, ConfigId, DeploymentId, Features, GroupId, RegionId, RequestKey, RequestTag,
    SpendBudgetId, Tags, TenantId,
};
pub use id_registry::{AssignedIds, IdRegistry};
pub use input::{
    FallbackChoice, GroupList, Overrides, RequestArrival, RouterInput, TokenUsage, UpstreamLimits,
};
pub use key_gate::{KeyDenied, KeyGate, KeyGateLimits, KeyPermit, KeySpend};
pub use output::{
    CancelReason, ContinueBy, CooldownCause, LimitScope, Outcome, PickProblem, RetryWait,
    RouterEvent, RouterOutput, SharedEvent, SharedOutput, StartAttempt,
};
pub use router::{
    DeploymentSnapshot, DeploymentState, GroupSnapshot, Router, SharedStoreSnapshot, Skipped,
    SpendBudgetSnapshot,
};
pub use strategy::{
    CostTuning, CustomStrategy, LatencyTuning, LitellmStrategy, ShareBasis, Strategy, StrategyInfo,
};
pub use worst_case::{WorstCase, WorstCaseRequest};

/// The protocol of state that replicas share.
pub use squall_shared_state as shared_state;

/// The example of the README compiles and holds.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
