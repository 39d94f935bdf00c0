//! Labels of metrics: the names of groups, deployments and providers.

use crate::upstream_registry::UpstreamRegistry;
use squall_router::{AssignedIds, DeploymentId, GroupId, RouterConfig};
use std::sync::Arc;

/// The names of all groups and deployments that there have been, by number. They are those of
/// configurations: no client makes one.
#[derive(Clone, Debug, Default)]
pub(super) struct MetricLabels(Arc<LabelTables>);

#[derive(Clone, Debug, Default)]
struct LabelTables {
    groups: Vec<String>,
    deployments: Vec<DeploymentLabels>,
}

/// A deployment.
#[derive(Clone, Debug)]
pub(super) struct DeploymentLabels {
    name: String,
    provider: String,
    pub(super) group: GroupId,
}

impl MetricLabels {
    /// Adds those that another configuration brings.
    pub(super) fn add(
        &mut self,
        registry: &UpstreamRegistry,
        config: &RouterConfig,
        numbers: &AssignedIds,
    ) {
        let lists = Arc::make_mut(&mut self.0);
        for (group, &id) in config.groups.iter().zip(&numbers.groups) {
            if id.index() == lists.groups.len() {
                lists.groups.push(group.name.clone());
            }
        }
        let of = config.groups.iter().zip(&numbers.groups);
        let groups = of.flat_map(|(group, &id)| group.deployments.iter().map(move |_| id));
        for (group, &id) in groups.zip(&numbers.deployments) {
            if id.index() == lists.deployments.len() {
                let endpoint = registry.endpoint(id);
                let (name, provider) =
                    (endpoint.name().to_string(), endpoint.provider().to_owned());
                lists.deployments.push(DeploymentLabels { name, provider, group });
            }
        }
    }

    /// How many groups and how many deployments have a name.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.0.groups.len(), self.0.deployments.len())
    }

    pub(super) fn of(&self, id: DeploymentId) -> Option<&DeploymentLabels> {
        self.0.deployments.get(id.index())
    }

    pub(super) fn deployment(&self, id: DeploymentId) -> &str {
        self.of(id).map_or("", |named| named.name.as_str())
    }

    pub(super) fn group(&self, id: GroupId) -> &str {
        self.0.groups.get(id.index()).map_or("", String::as_str)
    }

    /// The labels of a deployment: its group, its name, its provider.
    pub(super) fn labels(&self, id: DeploymentId) -> [(&'static str, &str); 3] {
        let named = self.of(id);
        [
            ("group", named.map_or("", |named| self.group(named.group))),
            ("deployment", named.map_or("", |named| named.name.as_str())),
            ("provider", named.map_or("", |named| named.provider.as_str())),
        ]
    }
}
