//! Validation of a configuration, beyond what its types enforce.

use super::{FallbackRule, GroupConfig, RouterConfig};
use alloc::string::String;
use alloc::vec::Vec;

/// Maximum nesting of fallback lists.
pub(crate) const MAX_DEPTH: u8 = 8;

impl RouterConfig {
    /// Validates the configuration.
    ///
    /// # Errors
    /// The first error found.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if self.groups.is_empty() {
            return Err(ConfigError::NoGroup);
        }
        for (index, group) in self.groups.iter().enumerate() {
            self.check_group(index, group)?;
        }
        let deployments = self.groups.iter().map(|group| group.deployments.len()).sum::<usize>();
        if deployments > usize::from(u16::MAX) || self.groups.len() > usize::from(u16::MAX) {
            return Err(ConfigError::TooMany);
        }
        match self.fallback_rule {
            FallbackRule::LitellmNested { max_depth, .. } if max_depth > MAX_DEPTH => {
                Err(ConfigError::TooDeep)
            }
            // No group is tried twice: lists that lead back to each other do no harm.
            FallbackRule::LitellmNested { .. } | FallbackRule::DepthFirst { .. } => Ok(()),
        }
    }

    fn check_group(&self, index: usize, group: &GroupConfig) -> Result<(), ConfigError> {
        if group.deployments.is_empty() {
            return Err(ConfigError::EmptyGroup { group: index });
        }
        if group.deployments.iter().all(|deployment| deployment.weight == 0) {
            return Err(ConfigError::NoWeight { group: index });
        }
        let name = |place: usize| &group.deployments[place].name;
        let mut places: Vec<usize> = (0..group.deployments.len()).collect();
        places.sort_unstable_by_key(|&place| name(place));
        if places.windows(2).any(|pair| name(pair[0]) == name(pair[1])) {
            return Err(ConfigError::SameName { group: index });
        }
        if self.groups[..index].iter().any(|other| other.name == group.name) {
            return Err(ConfigError::SameName { group: index });
        }
        for to in group.fallbacks.all() {
            if to.index() >= self.groups.len() {
                return Err(ConfigError::UnknownFallback { group: index });
            }
            if to.index() == index {
                return Err(ConfigError::FallbackToItself { group: index });
            }
        }
        let spends = group.deployments.iter().flat_map(|deployment| &deployment.spends_from);
        if spends.into_iter().any(|spend| spend.index() >= self.spend_budgets.len()) {
            return Err(ConfigError::UnknownSpendBudget { group: index });
        }
        Ok(())
    }
}

/// Why a configuration is invalid. `group` is an index in [`RouterConfig::groups`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
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
    /// A group whose name another has, or of which two deployments have one name.
    #[error("the name of group {group}, or of one of its deployments, is there twice")]
    SameName {
        /// Which.
        group: usize,
    },
    /// A fallback to an unknown group.
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
    /// A maximum depth above the supported one.
    #[error("fallbacks may be nested 8 deep at most")]
    TooDeep,
    /// A deployment with an unknown spend budget.
    #[error("a deployment of group {group} spends from a budget that does not exist")]
    UnknownSpendBudget {
        /// Which.
        group: usize,
    },
    /// More than 65,535 groups or deployments.
    #[error("more than 65535 groups or deployments")]
    TooMany,
    /// Too many names over all configurations.
    #[error(
        "there is no number left for the {what} `{name}`: 65535 names have been given since the start; \
         a restart begins anew"
    )]
    NoNumberLeft {
        /// A group, a deployment or a tenant.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// Too many configurations at the same time.
    #[error("more than 65536 configurations are prepared and not forgotten")]
    TooManyConfigs,
}
