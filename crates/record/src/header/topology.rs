//! Who takes part in a run, over all its configurations.

use super::{ChangeInfo, DeploymentInfo};
use squall_determinism::Timestamp;
use squall_router::{AssignedIds, GroupId, IdRegistry, RouterConfig};

/// Every group and deployment that a run has, under the numbers that its router gives them.
#[derive(Clone, Debug, Default)]
pub struct Topology {
    /// The names of the groups.
    pub groups: Vec<String>,
    /// The deployments: name and group.
    pub deployments: Vec<(String, GroupId)>,
    /// What is due to each deployment under each configuration; 0 for one that is not there.
    weights: Vec<Vec<u32>>,
    roster: IdRegistry,
}

impl Topology {
    /// The cast of a router that begins with `first` and has `later` prepared, in this order.
    #[must_use]
    pub fn new<'a>(
        first: &'a RouterConfig,
        later: impl IntoIterator<Item = &'a RouterConfig>,
    ) -> Self {
        let mut topology = Self::default();
        topology.add(first);
        later.into_iter().for_each(|config| topology.add(config));
        for weights in &mut topology.weights {
            weights.resize(topology.deployments.len(), 0);
        }
        topology
    }

    /// The deployments as a header has them; `providers` are theirs.
    #[must_use]
    pub fn infos(&self, providers: impl IntoIterator<Item = u16>) -> Vec<DeploymentInfo> {
        let all = self.deployments.iter().zip(providers).zip(&self.weights[0]);
        all.map(|(((name, group), provider), &weight)| DeploymentInfo {
            name: name.clone(),
            group: group.0,
            provider,
            weight,
        })
        .collect()
    }

    /// The changes as a header has them, from their times and words.
    pub fn changes<'a>(
        &self,
        told: impl IntoIterator<Item = (Timestamp, &'a str)>,
    ) -> Vec<ChangeInfo> {
        let all = told.into_iter().zip(&self.weights[1..]);
        all.map(|((at, what), weights)| ChangeInfo {
            at,
            what: what.to_owned(),
            weights: weights.clone(),
        })
        .collect()
    }

    fn add(&mut self, config: &RouterConfig) {
        let AssignedIds { groups, deployments, .. } = self.roster.add(config);
        let mut numbers = deployments.iter();
        let mut weights = vec![0; self.roster.deployments()];
        for (group, &id) in config.groups.iter().zip(&groups) {
            // New ones have the next number: they come in the order of their numbers.
            if id.index() == self.groups.len() {
                self.groups.push(group.name.clone());
            }
            let due = group.expected_shares();
            for ((deployment, due), &number) in group.deployments.iter().zip(due).zip(&mut numbers)
            {
                if number.index() == self.deployments.len() {
                    self.deployments.push((deployment.name.clone(), id));
                }
                weights[number.index()] = u32::try_from(due).unwrap_or(u32::MAX);
            }
        }
        self.weights.push(weights);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use squall_router::{DeploymentConfig, GroupConfig};

    fn config(deployments: &[(&str, u32)]) -> RouterConfig {
        let deployments = deployments
            .iter()
            .map(|&(name, weight)| DeploymentConfig { weight, ..DeploymentConfig::new(name) });
        let group = GroupConfig { deployments: deployments.collect(), ..GroupConfig::new("chat") };
        RouterConfig { groups: vec![group], ..RouterConfig::default() }
    }

    #[test]
    fn a_deployment_that_is_not_there_has_no_weight() {
        let later = [config(&[("ap", 1), ("us", 9)]), config(&[("eu", 2)])];
        let topology = Topology::new(&config(&[("eu", 6), ("us", 3)]), &later);
        let names: Vec<_> = topology.deployments.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["eu", "us", "ap"]);
        let first: Vec<_> = topology.infos([0, 1, 0]).iter().map(|info| info.weight).collect();
        assert_eq!(first, [6, 3, 0]);
        let at = Timestamp::from_secs;
        let changes = topology.changes([(at(1), "ap in"), (at(2), "eu alone")]);
        assert_eq!(changes[0].weights, [0, 9, 1]);
        assert_eq!((changes[1].at, &changes[1].weights[..]), (at(2), &[2, 0, 0][..]));
    }
}
