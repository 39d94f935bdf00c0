//! What the configuration that holds says of each deployment: its expected share of first attempts, and its price.

use squall_router::{AssignedIds, DeploymentId, Price, RouterConfig, ShareBasis};
use std::collections::BTreeMap;

/// By deployment. Those that a reload removes keep their price, for attempts that still run.
#[derive(Clone, Debug, Default)]
pub(super) struct ConfiguredDeployments {
    /// Shares from 0 to 1. Groups whose strategy goes by measurements, or by tokens, have none.
    pub(super) expected: BTreeMap<DeploymentId, f64>,
    prices: BTreeMap<DeploymentId, Price>,
}

impl ConfiguredDeployments {
    /// Another configuration holds.
    pub(super) fn set(&mut self, config: &RouterConfig, numbers: &AssignedIds) {
        self.expected.clear();
        let mut ids = numbers.deployments.iter().copied();
        for group in &config.groups {
            let members: Vec<_> = ids.by_ref().take(group.deployments.len()).collect();
            for (&id, deployment) in members.iter().zip(&group.deployments) {
                self.prices.insert(id, deployment.price);
            }
            let shares = group.expected_shares();
            let sum: u64 = shares.iter().sum();
            if sum > 0 && group.strategy.shares() != ShareBasis::Measured {
                let shares = shares.iter().map(|&share| share as f64 / sum as f64);
                self.expected.extend(members.into_iter().zip(shares));
            }
        }
    }

    /// What a token of a deployment costs; `None` if the file states no price.
    pub(super) fn price(&self, id: DeploymentId) -> Option<Price> {
        self.prices.get(&id).copied().filter(|price| *price != Price::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use squall_router::{DeploymentConfig, GroupConfig, GroupId, Money, Strategy};

    fn of(strategy: Strategy) -> ConfiguredDeployments {
        let deployment = |name: &str, weight| DeploymentConfig {
            weight,
            price: Price { input: Money(u64::from(weight) - 1), output: Money(0) },
            ..DeploymentConfig::new(name)
        };
        let deployments = vec![deployment("a", 3), deployment("b", 1)];
        let group = GroupConfig { strategy, deployments, ..GroupConfig::new("chat") };
        let config = RouterConfig { groups: vec![group], ..RouterConfig::default() };
        let numbers = AssignedIds {
            groups: vec![GroupId(0)],
            deployments: vec![DeploymentId(4), DeploymentId(7)],
            ..AssignedIds::default()
        };
        let mut configured = ConfiguredDeployments::default();
        configured.set(&config, &numbers);
        configured
    }

    #[test]
    fn a_share_is_expected_of_a_strategy_that_aims_at_shares_of_requests() {
        let shares = |strategy| of(strategy).expected.into_iter().collect::<Vec<_>>();
        let weighted = [(DeploymentId(4), 0.75), (DeploymentId(7), 0.25)];
        assert_eq!(shares(Strategy::SmoothWeighted), weighted);
        assert_eq!(shares(Strategy::WeightedRandom), weighted);
        assert_eq!(shares(Strategy::LeastBusy), []);
        assert_eq!(shares(Strategy::DeficitRoundRobin), []);
    }

    #[test]
    fn a_deployment_without_a_price_has_none() {
        let configured = of(Strategy::SmoothWeighted);
        assert_eq!(configured.price(DeploymentId(4)).map(|price| price.input), Some(Money(2)));
        assert_eq!(configured.price(DeploymentId(7)), None);
    }
}
