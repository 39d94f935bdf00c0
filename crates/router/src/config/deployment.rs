//! The configuration of a deployment.

use super::{AttemptTimeouts, CooldownRule, Price, RateLimits};
use crate::{Features, RegionId, SpendBudgetId, Tags};
use alloc::string::String;
use alloc::vec::Vec;

/// One model at one provider under one key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DeploymentConfig {
    /// Its name, unique in the router: what tells that it is the same after a change of configuration.
    pub name: String,
    /// Its share of the group's requests, relative to the other weights. 0 takes none.
    pub weight: u32,
    /// Its priority tier: a higher order is used only when no deployment of a lower order is available.
    /// Default 0.
    pub order: u8,
    /// Its limits.
    pub limits: RateLimits,
    /// Its own time-outs, if they differ from the group's.
    pub timeouts: Option<AttemptTimeouts>,
    /// Its own cooldown, if it differs from the group's.
    pub cooldown: Option<CooldownRule>,
    /// The price of its tokens.
    pub price: Price,
    /// Its spend budgets.
    pub spends_from: Vec<SpendBudgetId>,
    /// Its tags.
    pub tags: Tags,
    /// Whether it serves requests without tags, and requests whose tags match no deployment.
    pub default_pool: bool,
    /// Maximum prompt size in tokens. `None` for any.
    pub max_input_tokens: Option<u32>,
    /// Supported features. Default all.
    pub features: Features,
    /// Whether its model goes on from a last message of the assistant's own, the beginning of an answer. Default
    /// false: most refuse such a prompt, or begin another answer.
    pub assistant_prefill: bool,
    /// Its region; requests for a region go only there.
    pub region: Option<RegionId>,
    /// What LiteLLM's formulas read, as its file states it.
    pub declared: Declared,
}

/// A deployment's numbers as a LiteLLM file states them: LiteLLM's strategies use them as weights and counts,
/// not as limits.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Declared {
    /// `weight`, if stated.
    pub weight: Option<u32>,
    /// `rpm`, if stated.
    pub rpm: Option<u64>,
    /// `tpm`, if stated.
    pub tpm: Option<u64>,
}

impl Default for DeploymentConfig {
    /// A deployment without a name, as [`new`](Self::new) has it otherwise.
    fn default() -> Self {
        Self::new("")
    }
}

impl DeploymentConfig {
    /// A deployment with this name, weight 1 and no limits.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            weight: 1,
            order: 0,
            limits: RateLimits::default(),
            timeouts: None,
            cooldown: None,
            price: Price::default(),
            spends_from: Vec::new(),
            tags: Tags::NONE,
            default_pool: false,
            max_input_tokens: None,
            features: Features::ALL,
            assistant_prefill: false,
            region: None,
            declared: Declared::default(),
        }
    }
}

pub(crate) fn rpm(deployment: &DeploymentConfig) -> u64 {
    deployment.limits.rpm.map(|limit| limit.per_minute).or(deployment.declared.rpm).unwrap_or(0)
}

pub(crate) fn tpm(deployment: &DeploymentConfig) -> u64 {
    deployment.limits.tpm.map(|limit| limit.per_minute).or(deployment.declared.tpm).unwrap_or(0)
}

/// The numbers that `by` gives, or the weights if it gives none to anyone.
pub(crate) fn or_weights(
    deployments: &[DeploymentConfig],
    by: fn(&DeploymentConfig) -> u64,
) -> Vec<u64> {
    let numbers: Vec<u64> = deployments.iter().map(by).collect();
    if numbers.iter().any(|&number| number > 0) {
        return numbers;
    }
    deployments.iter().map(|deployment| deployment.weight.into()).collect()
}
