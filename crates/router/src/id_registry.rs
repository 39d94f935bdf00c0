//! Stable numbers for names across configurations, never reused.

use crate::{ConfigError, DeploymentId, GroupId, RouterConfig, TenantId};
use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

/// The numbers of groups, deployments and tenants over all configurations that a router is given, in the order in
/// which it is given them. Groups and tenants are the same by their names, deployments by theirs and their group's.
#[derive(Clone, Debug, Default)]
pub struct IdRegistry {
    groups: BTreeMap<String, GroupId>,
    deployments: BTreeMap<(GroupId, String), DeploymentId>,
    tenants: BTreeMap<String, TenantId>,
}

/// The identifiers of one configuration's groups, deployments and tenants, in its order.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AssignedIds {
    /// The groups.
    pub groups: Vec<GroupId>,
    /// The deployments, through all groups.
    pub deployments: Vec<DeploymentId>,
    /// The tenants.
    pub tenants: Vec<TenantId>,
}

impl IdRegistry {
    /// How many groups, how many deployments and how many tenants there may ever be.
    const NAMES_MAX: usize = u16::MAX as usize;

    /// Whether there are numbers for all names of one more configuration.
    ///
    /// # Errors
    /// The first name that there is no number left for.
    pub(crate) fn has_room_for(&self, config: &RouterConfig) -> Result<(), ConfigError> {
        let none_left =
            |what, name: &str| ConfigError::NoNumberLeft { what, name: name.to_owned() };
        let [mut groups, mut deployments, mut tenants] =
            [self.groups.len(), self.deployments.len(), self.tenants.len()]
                .map(|taken| Self::NAMES_MAX.saturating_sub(taken));
        for group in &config.groups {
            let known = self.groups.get(&group.name);
            take(known.is_some(), &mut groups).map_err(|()| none_left("group", &group.name))?;
            for deployment in &group.deployments {
                let known = known.is_some_and(|&id| {
                    self.deployments.contains_key(&(id, deployment.name.clone()))
                });
                take(known, &mut deployments)
                    .map_err(|()| none_left("deployment", &deployment.name))?;
            }
        }
        for tenant in &config.tenants {
            let known = self.tenants.contains_key(&tenant.name);
            take(known, &mut tenants).map_err(|()| none_left("tenant", &tenant.name))?;
        }
        Ok(())
    }

    /// Numbers the groups and deployments of one more configuration: old ones as before, new ones behind
    /// all there have been.
    pub fn add(&mut self, config: &RouterConfig) -> AssignedIds {
        let mut numbers = AssignedIds::default();
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

/// One of the numbers that are left, for a name that has none yet.
fn take(known: bool, left: &mut usize) -> Result<(), ()> {
    if !known {
        *left = left.checked_sub(1).ok_or(())?;
    }
    Ok(())
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
        let mut roster = IdRegistry::default();
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
