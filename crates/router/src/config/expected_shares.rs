//! The expected share of a group's requests for each deployment.

use super::{Declared, DeploymentConfig, GroupConfig, ShuffleBasis, or_weights, rpm, tpm};
use crate::ShareBasis;
use alloc::vec::Vec;

impl GroupConfig {
    /// The expected share of each deployment, relative to the others, while all are available: its weight, or
    /// what the strategy uses instead (requests or tokens per minute; with LiteLLM's `simple-shuffle`, what
    /// the first deployment states). 0 for weight 0 and for a higher order. Strategies based on measurements
    /// are compared with the weights.
    #[must_use]
    pub fn expected_shares(&self) -> Vec<u64> {
        let deployments = &self.deployments;
        let mut due = match self.strategy.shares() {
            ShareBasis::Rpm => or_weights(deployments, rpm),
            ShareBasis::Tpm => or_weights(deployments, tpm),
            ShareBasis::Declared => as_declared(self.litellm.rules().shuffle, deployments),
            ShareBasis::Weight | ShareBasis::Measured => {
                deployments.iter().map(|deployment| deployment.weight.into()).collect()
            }
        };
        let usable = deployments.iter().filter(|deployment| deployment.weight > 0);
        let first = usable.map(|deployment| deployment.order).min();
        for (due, deployment) in due.iter_mut().zip(deployments) {
            if deployment.weight == 0 || Some(deployment.order) != first {
                *due = 0;
            }
        }
        due
    }
}

fn as_declared(basis: ShuffleBasis, deployments: &[DeploymentConfig]) -> Vec<u64> {
    let fields: [fn(&Declared) -> Option<u64>; 3] = [
        |declared| declared.weight.map(Into::into),
        |declared| declared.rpm,
        |declared| declared.tpm,
    ];
    let weighs = |deployment: &&DeploymentConfig| deployment.weight > 0;
    let first = deployments.iter().filter(weighs).map(|deployment| deployment.order).min();
    // Of a later order none is drawn.
    let of_first = |deployment: &&DeploymentConfig| Some(deployment.order) == first;
    let mut usable = deployments.iter().filter(weighs).filter(of_first);
    let field = match basis {
        ShuffleBasis::FirstUsable => usable
            .next()
            .and_then(|first| fields.into_iter().find(|of| of(&first.declared).is_some())),
        ShuffleBasis::Any => {
            let usable: Vec<_> = usable.collect();
            let above_0 = |of: &fn(&Declared) -> Option<u64>| {
                usable.iter().any(|deployment| of(&deployment.declared).is_some_and(|n| n > 0))
            };
            fields.into_iter().find(above_0)
        }
    };
    let number = |deployment: &DeploymentConfig| match field {
        Some(of) => of(&deployment.declared).unwrap_or(0),
        None => 1,
    };
    deployments.iter().map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LitellmStrategy, LitellmVersion, RateLimit, RateLimits, RateWindow, Strategy};
    use alloc::vec;

    fn group(strategy: Strategy, deployments: Vec<DeploymentConfig>) -> GroupConfig {
        GroupConfig { strategy, deployments, ..GroupConfig::new("chat") }
    }

    #[test]
    fn it_is_what_the_strategy_goes_by() {
        let limited = |rpm| DeploymentConfig {
            limits: RateLimits {
                rpm: Some(RateLimit { per_minute: rpm, window: RateWindow::Fixed }),
                ..RateLimits::default()
            },
            ..DeploymentConfig::new("d")
        };
        let two = vec![limited(3_000), limited(1_000)];
        assert_eq!(group(Strategy::RpmProportional, two.clone()).expected_shares(), [3_000, 1_000]);
        assert_eq!(group(Strategy::TpmProportional, two.clone()).expected_shares(), [1, 1]);
        assert_eq!(group(Strategy::SmoothWeighted, two).expected_shares(), [1, 1]);
        let shuffle = Strategy::Litellm(LitellmStrategy::SimpleShuffle);
        let declared = |weight, rpm| DeploymentConfig {
            declared: Declared { weight, rpm, tpm: None },
            ..DeploymentConfig::new("d")
        };
        let mixed = vec![declared(None, Some(6)), declared(Some(9), Some(1_440))];
        let by = |litellm| GroupConfig { litellm, ..group(shuffle.clone(), mixed.clone()) };
        assert_eq!(by(LitellmVersion::V1_80).expected_shares(), [6, 1_440]);
        assert_eq!(by(LitellmVersion::V1_110).expected_shares(), [0, 9]);
    }

    #[test]
    fn none_is_due_to_a_higher_order_or_a_weight_of_0() {
        let mut three: Vec<_> = ["a", "b", "c"].into_iter().map(DeploymentConfig::new).collect();
        three[1].order = 1;
        three[2].weight = 0;
        assert_eq!(group(Strategy::SmoothWeighted, three).expected_shares(), [1, 0, 0]);
    }
}
