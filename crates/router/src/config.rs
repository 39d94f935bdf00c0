//! How a router is set up. Plain data, checked once by [`RouterConfig::validate`].

mod limits;
mod policy;

pub use limits::{Limits, RateLimit, Window};
pub use policy::{
    Backoff, Cooldown, FailureCooldown, RetryBudget, Strategy, ThrottledCooldown, Timeouts,
};

use crate::GroupId;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

/// A whole router.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RouterConfig {
    /// The model groups; a [`GroupId`] is a place in this list.
    pub groups: Vec<GroupConfig>,
    /// How many retries there may be in all, over every group.
    pub retry_budget: RetryBudget,
}

/// A model group: the public name that clients ask for, and the deployments behind it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GroupConfig {
    /// The public name.
    pub name: String,
    /// What serves it. A [`DeploymentId`](crate::DeploymentId) counts these through all groups.
    pub deployments: Vec<DeploymentConfig>,
    /// The groups to move to, in this order, when this one cannot serve a request.
    pub fallback: Vec<GroupId>,
    /// How a deployment is picked among the usable ones.
    pub strategy: Strategy,
    /// Retries in this group after the first attempt. Default 2 (LiteLLM, the vendors' SDKs).
    pub max_retries: u16,
    /// How long a retry waits when no untried deployment is usable.
    pub backoff: Backoff,
    /// When a deployment is skipped, and for how long.
    pub cooldown: Cooldown,
    /// How long an attempt may take.
    pub timeouts: Timeouts,
    /// How long a request may take in all, queueing, retries and fallbacks included. Default 60 s.
    pub deadline: Duration,
    /// How long a request may wait for a deployment to become usable before it falls back or fails.
    /// Default 0 with a fallback and 10 s without one: with somewhere else to go, nobody waits.
    pub max_queue_wait: Duration,
}

/// One endpoint of one provider that serves one model under one key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DeploymentConfig {
    /// Its name, unique in the router.
    pub name: String,
    /// Its share of the group's requests, relative to the others'. 0 takes none.
    pub weight: u32,
    /// How much it is given at most.
    pub limits: Limits,
    /// Its own time-outs, if they differ from the group's.
    pub timeouts: Option<Timeouts>,
}

impl GroupConfig {
    /// A group with this name, the defaults, and no deployment yet.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            deployments: Vec::new(),
            fallback: Vec::new(),
            strategy: Strategy::default(),
            max_retries: 2,
            backoff: Backoff::default(),
            cooldown: Cooldown::default(),
            timeouts: Timeouts::default(),
            deadline: Duration::from_secs(60),
            max_queue_wait: Duration::from_secs(10),
        }
    }
}

impl DeploymentConfig {
    /// A deployment with this name, weight 1 and no limits.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), weight: 1, limits: Limits::default(), timeouts: None }
    }
}

impl RouterConfig {
    /// Checks what the types cannot say.
    ///
    /// # Errors
    /// The first thing found that no router can run with.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if self.groups.is_empty() {
            return Err(ConfigError::NoGroup);
        }
        for (index, group) in self.groups.iter().enumerate() {
            if group.deployments.is_empty() {
                return Err(ConfigError::EmptyGroup { group: index });
            }
            if group.deployments.iter().all(|deployment| deployment.weight == 0) {
                return Err(ConfigError::NoWeight { group: index });
            }
            for to in &group.fallback {
                if to.index() >= self.groups.len() {
                    return Err(ConfigError::UnknownFallback { group: index });
                }
                if to.index() == index {
                    return Err(ConfigError::FallbackToItself { group: index });
                }
            }
        }
        let deployments = self.groups.iter().map(|group| group.deployments.len()).sum::<usize>();
        if deployments > usize::from(u16::MAX) || self.groups.len() > usize::from(u16::MAX) {
            return Err(ConfigError::TooMany);
        }
        Ok(())
    }
}

/// Why a router cannot run with a configuration. `group` is a place in [`RouterConfig::groups`].
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// There is no group.
    #[error("a router needs at least one group")]
    NoGroup,
    /// A group without a deployment.
    #[error("group {group} has no deployment")]
    EmptyGroup {
        /// Which.
        group: usize,
    },
    /// A group whose weights are all 0.
    #[error("every deployment of group {group} has weight 0")]
    NoWeight {
        /// Which.
        group: usize,
    },
    /// A fallback to a group that is not there.
    #[error("group {group} falls back to a group that does not exist")]
    UnknownFallback {
        /// Which.
        group: usize,
    },
    /// A group that falls back to itself.
    #[error("group {group} falls back to itself")]
    FallbackToItself {
        /// Which.
        group: usize,
    },
    /// More than 65,535 groups or deployments.
    #[error("more than 65535 groups or deployments")]
    TooMany,
}
