//! What operators change by hand on top of a configuration: another configuration comes of it.

use super::{DeploymentConfig, GroupConfig, RouterConfig};
use crate::ShareBasis;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

/// What operators have changed: deployments that take nothing new, groups that use one deployment alone, and other
/// weights. Deployments and groups are known by their names.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct OperatorOverrides {
    /// Deployments that get no new attempts; those under way there go on.
    pub drained: BTreeSet<String>,
    /// The one deployment that serves a group, by the group.
    pub pins: BTreeMap<String, String>,
    /// Weights in place of the configured ones, by deployment.
    pub weights: BTreeMap<String, u32>,
}

impl OperatorOverrides {
    /// Whether nothing is changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.drained.is_empty() && self.pins.is_empty() && self.weights.is_empty()
    }

    /// Forgets what is about deployments and groups that the configuration does not have.
    pub fn retain_known(&mut self, config: &RouterConfig) {
        self.drained.retain(|name| config.has_deployment(name));
        self.weights.retain(|name, _| config.has_deployment(name));
        self.pins.retain(|group, name| {
            config.group_named(group).is_some_and(|group| group.deployment_named(name).is_some())
        });
    }
}

impl RouterConfig {
    /// The configuration with what operators have changed. Deployments without a share have the weight 0, which takes
    /// no request under any strategy.
    ///
    /// # Errors
    /// When a name is not there, a weight would have no effect, or a group would be left without a deployment.
    pub fn with_overrides(&self, overrides: &OperatorOverrides) -> Result<Self, OverrideError> {
        self.check_overrides(overrides)?;
        let mut config = self.clone();
        for group in &mut config.groups {
            group.set_weights(&overrides.weights)?;
            let pin = overrides.pins.get(&group.name);
            for deployment in &mut group.deployments {
                let elsewhere = pin.is_some_and(|pin| *pin != deployment.name);
                if elsewhere || overrides.drained.contains(&deployment.name) {
                    deployment.weight = 0;
                } else if pin.is_some() {
                    deployment.weight = deployment.weight.max(1);
                }
            }
            if group.deployments.iter().all(|deployment| deployment.weight == 0) {
                return Err(OverrideError::NothingLeft { group: group.name.clone() });
            }
        }
        Ok(config)
    }

    /// Whether every name is there.
    ///
    /// # Errors
    /// The first that is not.
    pub fn check_overrides(&self, overrides: &OperatorOverrides) -> Result<(), OverrideError> {
        let named = overrides.drained.iter().chain(overrides.weights.keys());
        for deployment in named {
            if !self.has_deployment(deployment) {
                let known = self.groups.iter().flat_map(|group| &group.deployments);
                let known = known.map(|each| each.name.clone()).collect();
                return Err(OverrideError::UnknownDeployment { name: deployment.clone(), known });
            }
        }
        for (group, deployment) in &overrides.pins {
            let Some(found) = self.group_named(group) else {
                let known = self.groups.iter().map(|group| group.name.clone()).collect();
                return Err(OverrideError::UnknownGroup { name: group.clone(), known });
            };
            if found.deployment_named(deployment).is_none() {
                let known = found.deployments.iter().map(|each| each.name.clone()).collect();
                return Err(OverrideError::UnknownDeployment { name: deployment.clone(), known });
            }
        }
        Ok(())
    }

    fn has_deployment(&self, name: &str) -> bool {
        self.groups.iter().any(|group| group.deployment_named(name).is_some())
    }

    fn group_named(&self, name: &str) -> Option<&GroupConfig> {
        self.groups.iter().find(|group| group.name == name)
    }
}

impl GroupConfig {
    fn deployment_named(&self, name: &str) -> Option<&DeploymentConfig> {
        self.deployments.iter().find(|deployment| deployment.name == name)
    }

    fn set_weights(&mut self, weights: &BTreeMap<String, u32>) -> Result<(), OverrideError> {
        let by_rates = matches!(self.strategy.shares(), ShareBasis::Rpm | ShareBasis::Tpm);
        for deployment in &mut self.deployments {
            let Some(&weight) = weights.get(&deployment.name) else { continue };
            // A weight of 0 takes nothing under any strategy.
            if by_rates && weight > 0 {
                return Err(OverrideError::WeightsChooseNothing { group: self.name.clone() });
            }
            deployment.weight = weight;
            deployment.declared.weight = deployment.declared.weight.map(|_| weight);
        }
        Ok(())
    }
}

/// Why a configuration cannot be changed so.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum OverrideError {
    /// No deployment has this name, or none of the group.
    #[error("no deployment is called `{name}`; known: {}", listed(known))]
    UnknownDeployment {
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// No group has this name.
    #[error("no group is called `{name}`; known: {}", listed(known))]
    UnknownGroup {
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// The strategy of the group goes by rates in place of weights.
    #[error("the strategy of group `{group}` does not choose by weight: drain or pin instead")]
    WeightsChooseNothing {
        /// The group.
        group: String,
    },
    /// Every deployment of a group is drained, has the weight 0, or is another than the pinned one.
    #[error(
        "group `{group}` would have no deployment left that takes requests: undrain or unpin another first, \
         or pause the gateway"
    )]
    NothingLeft {
        /// The group.
        group: String,
    },
}

fn listed(names: &[String]) -> String {
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Strategy;
    use alloc::borrow::ToOwned;
    use alloc::string::ToString;
    use alloc::vec;

    fn config() -> RouterConfig {
        let of = |name: &str, weight| DeploymentConfig { weight, ..DeploymentConfig::new(name) };
        let group = GroupConfig {
            deployments: vec![of("eu", 3), of("us", 1), of("spare", 0)],
            ..GroupConfig::new("chat")
        };
        RouterConfig { groups: vec![group], ..RouterConfig::default() }
    }

    fn weights(overrides: &OperatorOverrides) -> Result<Vec<u32>, OverrideError> {
        let config = config().with_overrides(overrides)?;
        assert_eq!(config.validate(), Ok(()), "what is changed can still be run with");
        Ok(config.groups[0].deployments.iter().map(|deployment| deployment.weight).collect())
    }

    fn drained(names: &[&str]) -> OperatorOverrides {
        let drained = names.iter().map(|&name| name.to_owned()).collect();
        OperatorOverrides { drained, ..OperatorOverrides::default() }
    }

    fn pinned(group: &str, deployment: &str) -> OperatorOverrides {
        let pins = [(group.to_owned(), deployment.to_owned())].into();
        OperatorOverrides { pins, ..OperatorOverrides::default() }
    }

    #[test]
    fn what_is_drained_takes_nothing_and_the_others_keep_their_weights() {
        assert_eq!(weights(&OperatorOverrides::default()), Ok(vec![3, 1, 0]));
        assert_eq!(weights(&drained(&["eu"])), Ok(vec![0, 1, 0]));
        let last = weights(&drained(&["eu", "us"]));
        assert_eq!(last, Err(OverrideError::NothingLeft { group: "chat".to_owned() }));
    }

    #[test]
    fn a_pinned_deployment_serves_alone_even_one_that_had_no_weight() {
        assert_eq!(weights(&pinned("chat", "us")), Ok(vec![0, 1, 0]));
        assert_eq!(weights(&pinned("chat", "spare")), Ok(vec![0, 0, 1]));
        let both = OperatorOverrides { drained: ["us".to_owned()].into(), ..pinned("chat", "us") };
        assert!(matches!(weights(&both), Err(OverrideError::NothingLeft { .. })));
    }

    #[test]
    fn weights_are_taken_where_they_choose_and_refused_where_they_do_not() {
        let weighed = |weight| OperatorOverrides {
            weights: [("us".to_owned(), weight)].into(),
            ..OperatorOverrides::default()
        };
        assert_eq!(weights(&weighed(9)), Ok(vec![3, 9, 0]));
        let mut config = config();
        config.groups[0].strategy = Strategy::from_word("rpm_proportional").expect("it is one");
        let refused = config.with_overrides(&weighed(9));
        let expected = OverrideError::WeightsChooseNothing { group: "chat".to_owned() };
        assert_eq!(refused, Err(expected));
        assert!(config.with_overrides(&weighed(0)).is_ok(), "0 takes nothing anywhere");
    }

    #[test]
    fn unknown_names_are_told_with_those_that_there_are() {
        let told = weights(&drained(&["asia"])).expect_err("there is none");
        assert_eq!(told.to_string(), "no deployment is called `asia`; known: eu, us, spare");
        let told = weights(&pinned("tools", "eu")).expect_err("there is none");
        assert_eq!(told.to_string(), "no group is called `tools`; known: chat");
    }

    #[test]
    fn what_is_about_nobody_any_more_is_forgotten() {
        let mut overrides = OperatorOverrides {
            drained: ["us", "gone"].map(str::to_owned).into(),
            ..pinned("chat", "gone")
        };
        overrides.retain_known(&config());
        assert_eq!(overrides, drained(&["us"]));
    }
}
