//! What the names of requests mean, and whom deployments call, in the configuration that holds.

use crate::keys::KeyHash;
use crate::setup::{NameTables, StartError, UpstreamConfig};
use crate::upstream::UpstreamEndpoint;
use squall_router::{AssignedIds, DeploymentId, GroupNames, RouterConfig, TenantId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// What names mean in one configuration.
#[derive(Debug)]
pub(crate) struct NameIndex {
    pub(crate) groups: GroupNames,
    pub(crate) tenants: BTreeMap<String, TenantId>,
    /// Tenants by the hashes of their keys; `None` when tenants have none, and requests say themselves whose they are.
    pub(crate) keys: Option<BTreeMap<KeyHash, TenantId>>,
    pub(crate) tags: Vec<String>,
    pub(crate) regions: Vec<String>,
}

impl NameIndex {
    pub(crate) fn new(
        config: &RouterConfig,
        numbers: &AssignedIds,
        name_tables: &NameTables,
    ) -> Self {
        let tenants: BTreeMap<_, _> = config
            .tenants
            .iter()
            .map(|tenant| tenant.name.clone())
            .zip(numbers.tenants.iter().copied())
            .collect();
        let keys: BTreeMap<_, _> = name_tables
            .keys
            .iter()
            .filter_map(|(tenant, key)| Some((KeyHash::of(key), *tenants.get(tenant)?)))
            .collect();
        Self {
            groups: GroupNames::new(config, &numbers.groups),
            tenants,
            keys: (!keys.is_empty()).then_some(keys),
            tags: name_tables.tags.clone(),
            regions: name_tables.regions.clone(),
        }
    }
}

impl NameIndex {
    /// The name of a tenant.
    pub(crate) fn tenant(&self, id: TenantId) -> Option<&str> {
        self.tenants.iter().find(|(_, each)| **each == id).map(|(name, _)| name.as_str())
    }
}

/// Whom each deployment calls, by number, and what names mean now. Read for every request and every
/// attempt, changed a few times a day.
#[derive(Debug)]
pub(crate) struct UpstreamRegistry {
    directory: RwLock<Arc<NameIndex>>,
    endpoints: RwLock<Vec<Arc<UpstreamEndpoint>>>,
}

impl UpstreamRegistry {
    pub(crate) fn new(directory: Arc<NameIndex>) -> Self {
        Self { directory: RwLock::new(directory), endpoints: RwLock::new(Vec::new()) }
    }

    pub(crate) fn directory(&self) -> Arc<NameIndex> {
        Arc::clone(&self.directory.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set_directory(&self, directory: Arc<NameIndex>) {
        *self.directory.write().unwrap_or_else(PoisonError::into_inner) = directory;
    }

    pub(crate) fn endpoint(&self, deployment: DeploymentId) -> Arc<UpstreamEndpoint> {
        let endpoints = self.endpoints.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&endpoints[deployment.index()])
    }

    /// The names of all deployments that there have been, by number.
    pub(crate) fn names(&self) -> Vec<String> {
        let endpoints = self.endpoints.read().unwrap_or_else(PoisonError::into_inner);
        endpoints.iter().map(|endpoint| endpoint.name().to_string()).collect()
    }

    /// Closes the connections of deployments that are not among these. Attempts under way keep theirs; one
    /// that begins all the same finds its upstream.
    pub(crate) fn leave_what_is_gone(&self, members: &BTreeSet<DeploymentId>) {
        let mut endpoints = self.endpoints.write().unwrap_or_else(PoisonError::into_inner);
        for (endpoint, id) in endpoints.iter_mut().zip((0..).map(DeploymentId)) {
            if !members.contains(&id) && !endpoint.has_left() {
                *endpoint = Arc::new(endpoint.left());
            }
        }
    }

    /// Connects deployments to their upstreams. Those that call as before keep their connections.
    ///
    /// # Errors
    /// When a base URL is none; then nothing has changed.
    pub(crate) fn connect(
        &self,
        upstreams: impl Iterator<Item = (DeploymentId, UpstreamConfig, Duration)>,
    ) -> Result<(), StartError> {
        let mut endpoints = self.endpoints.read().unwrap_or_else(PoisonError::into_inner).clone();
        for (id, upstream, timeout) in upstreams {
            match endpoints.get(id.index()) {
                Some(old) if old.calls(&upstream, timeout) && !old.has_left() => {}
                Some(_) => {
                    endpoints[id.index()] = Arc::new(UpstreamEndpoint::new(upstream, timeout)?)
                }
                None => endpoints.push(Arc::new(UpstreamEndpoint::new(upstream, timeout)?)),
            }
        }
        *self.endpoints.write().unwrap_or_else(PoisonError::into_inner) = endpoints;
        Ok(())
    }
}
