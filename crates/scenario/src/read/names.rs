//! What the readers of a router's parts fill in: its configuration, and the names that become numbers.

use super::KnownNames;
use crate::diagnostic::Problem;
use crate::fields::Fields;
use crate::model::{ApiKey, DeploymentLink};
use crate::node::NodeKind;
use squall_router::{GroupConfig, Profile, RouterConfig, SpendBudget};

/// A provider that deployments may name: it stands for so many from its first number on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Copies {
    /// The number of the first.
    pub(crate) first: u16,
    /// How many; 1 for a provider that is not repeated.
    pub(crate) count: u16,
}

/// The providers that deployments may name.
#[derive(Debug)]
pub(crate) struct Providers {
    /// Their names as the file has them.
    pub(crate) names: KnownNames,
    /// What each stands for.
    pub(crate) copies: Vec<Copies>,
}

/// What deployments share: names that become numbers.
#[derive(Debug)]
pub(crate) struct Labels {
    /// Tags, by bit.
    pub(crate) tags: Vec<String>,
    /// Regions, by number.
    pub(crate) regions: Vec<String>,
    /// Budgets that have a name, by number.
    pub(crate) budgets: KnownNames,
    /// All budgets, those of single deployments included.
    pub(crate) spend_budgets: Vec<SpendBudget>,
}

/// A router that was read, and the names it defines.
#[derive(Debug)]
pub(crate) struct RouterSection {
    /// The router, by the formulas that are written out.
    pub(crate) config: RouterConfig,
    /// Whose formulas all groups use instead.
    pub(crate) profile: Option<Profile>,
    /// What serves each deployment.
    pub(crate) links: Vec<DeploymentLink>,
    /// The group of each deployment, for good.
    pub(crate) homes: Vec<usize>,
    /// The groups by number.
    pub(crate) groups: KnownNames,
    /// The deployments by number.
    pub(crate) deployments: KnownNames,
    /// The tenants by number, and their keys.
    pub(crate) tenants: KnownNames,
    pub(crate) keys: Vec<Option<ApiKey>>,
    pub(crate) labels: Labels,
}

impl RouterSection {
    /// A router without groups: what stands in for one that cannot be read.
    pub(crate) fn empty() -> Self {
        Self {
            config: RouterConfig::default(),
            profile: None,
            links: Vec::new(),
            homes: Vec::new(),
            groups: KnownNames::new("group"),
            deployments: KnownNames::new("deployment"),
            tenants: KnownNames::new("tenant"),
            keys: Vec::new(),
            labels: Labels {
                tags: Vec::new(),
                regions: Vec::new(),
                budgets: KnownNames::new("budget"),
                spend_budgets: Vec::new(),
            },
        }
    }

    /// The configuration as it is written, if a profile changes it.
    pub(crate) fn before_profile(&self) -> Option<RouterConfig> {
        self.profile.map(|_| RouterConfig {
            spend_budgets: self.labels.spend_budgets.clone(),
            ..self.config.clone()
        })
    }

    /// The configuration by the formulas that hold.
    pub(crate) fn in_force(&self) -> RouterConfig {
        in_force(&self.config, self.profile)
    }
}

/// A configuration by the formulas of a profile, if one is named.
pub(crate) fn in_force(config: &RouterConfig, profile: Option<Profile>) -> RouterConfig {
    match profile {
        Some(profile) => config.clone().with_profile(profile),
        None => config.clone(),
    }
}

/// A group can serve nothing without a deployment, or when all weigh nothing.
pub(crate) fn check_weights(fields: &Fields<'_>, key: &str, group: &GroupConfig) {
    let span = fields.key_span(key);
    let listed = matches!(
        fields.get(key).map(|node| &node.kind),
        Some(NodeKind::List(items)) if items.is_empty()
    );
    if listed {
        let message = format!("group `{}` has no deployment", group.name);
        fields.problems.push(Problem::new(span, message, "the list is empty"));
    }
    let none = group.deployments.iter().all(|deployment| deployment.weight == 0);
    if none && !group.deployments.is_empty() {
        let message = format!("every deployment of group `{}` has weight 0", group.name);
        let problem = Problem::new(span, message, "nothing would be sent to any of them");
        fields.problems.push(problem.help("give one of them a weight of at least 1"));
    }
}

/// The name of a copy: `eu-1`, `eu-2` where there are several, else as it stands.
pub(crate) fn copy_name(name: &str, count: u16, copy: u16) -> String {
    if count == 1 { name.to_owned() } else { format!("{name}-{}", u32::from(copy) + 1) }
}
