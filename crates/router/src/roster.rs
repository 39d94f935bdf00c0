//! Who is who over successive configurations: numbers by name, never given twice.

use crate::{DeploymentId, GroupId, RouterConfig, TenantId};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

/// The numbers of groups, deployments and tenants over all configurations that a router is given, in the order in
/// which it is given them. Groups and tenants are the same by their names, deployments by theirs and their group's.
#[derive(Clone, Debug, Default)]
pub struct Roster {
    groups: BTreeMap<String, GroupId>,
    deployments: BTreeMap<(GroupId, String), DeploymentId>,
    tenants: BTreeMap<String, TenantId>,
}

/// The numbers of one configuration's groups, deployments and tenants, in its order.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Numbers {
    /// The groups.
    pub groups: Vec<GroupId>,
    /// The deployments, through all groups.
    pub deployments: Vec<DeploymentId>,
    /// The tenants.
    pub tenants: Vec<TenantId>,
}

impl Roster {
    /// Numbers the groups and deployments of one more configuration: old ones as before, new ones behind
    /// all there have been.
    pub fn add(&mut self, config: &RouterConfig) -> Numbers {
        let mut numbers = Numbers::default();
        for group in &config.groups {
            let next = GroupId(self.groups.len() as u16);
            let id = *self.groups.entry(group.name.clone()).or_insert(next);
            numbers.groups.push(id);
            for deployment in &group.deployments {
                let next = DeploymentId(self.deployments.len() as u16);
                let key = (id, deployment.name.clone());
                numbers.deployments.push(*self.deployments.entry(key).or_insert(next));
            }
        }
        for tenant in &config.tenants {
            let next = TenantId(self.tenants.len() as u16);
            numbers.tenants.push(*self.tenants.entry(tenant.name.clone()).or_insert(next));
        }
        numbers
    }

    /// How many groups there have been.
    #[must_use]
    pub fn groups(&self) -> usize {
        self.groups.len()
    }

    /// How many deployments there have been.
    #[must_use]
    pub fn deployments(&self) -> usize {
        self.deployments.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DeploymentConfig, GroupConfig};
    use alloc::vec;

    fn config(groups: &[(&str, &[&str])]) -> RouterConfig {
        let groups = groups.iter().map(|&(name, deployments)| GroupConfig {
            deployments: deployments.iter().map(|&name| DeploymentConfig::new(name)).collect(),
            ..GroupConfig::new(name)
        });
        RouterConfig { groups: groups.collect(), ..RouterConfig::default() }
    }

    #[test]
    fn a_number_stays_with_its_name_and_is_not_given_again() {
        let mut roster = Roster::default();
        let first = roster.add(&config(&[("chat", &["eu", "us"]), ("small", &["s"])]));
        assert_eq!(first.deployments, [0, 1, 2].map(DeploymentId));
        let second = roster.add(&config(&[("chat", &["ap", "us"])]));
        assert_eq!(second.groups, [GroupId(0)]);
        assert_eq!(second.deployments, vec![DeploymentId(3), DeploymentId(1)]);
        let third = roster.add(&config(&[("chat", &["eu"])]));
        assert_eq!(third.deployments, [DeploymentId(0)]);
        assert_eq!((roster.groups(), roster.deployments()), (2, 4));
    }
}
