//! The routing core: which deployment a request goes to, when it is tried again, and when it is given
//! up. Sans-IO: no sockets, no clock, no threads; see [`Router`] for the contract.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod backoff;
mod budget;
mod config;
mod cooldown;
mod deployment;
mod id;
mod input;
pub mod journal;
mod limit;
mod output;
mod request;
mod router;
mod strategy;
mod timers;
mod window;

pub use config::{
    Backoff, ConfigError, Cooldown, DeploymentConfig, FailureCooldown, GroupConfig, Limits,
    RateLimit, RetryBudget, RouterConfig, Strategy, ThrottledCooldown, Timeouts, Window,
};
pub use id::{AttemptId, DeploymentId, GroupId, RequestKey, Tag};
pub use input::{Arrival, Input, LimitHeaders, Usage};
pub use output::{
    CancelReason, CooldownCause, LimitKind, Note, Outcome, Output, RetryWait, StartAttempt,
};
pub use router::Router;
