//! Whether a gateway could start: all that a start does but listening and serving.

use crate::gateway::connect_timeouts;
use crate::setup::{Reload, StartError};
use crate::tls::TlsServer;
use crate::upstream_registry::{NameIndex, UpstreamRegistry};
use squall_determinism::Seed;
use squall_router::{DeploymentId, IdRegistry, Router};
use squall_wire::TlsSettings;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// A configuration that a gateway could start with.
#[derive(Debug)]
pub struct CheckedStart {
    registry: Arc<UpstreamRegistry>,
    deployments: usize,
}

/// What one request to the models endpoint of a deployment came to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ProbedDeployment {
    /// The deployment's name.
    pub name: String,
    /// Whether it answered, and did not refuse the key.
    pub passed: bool,
}

impl CheckedStart {
    /// Does what a start does, and listens on nothing. `tls` is what clients are served with.
    ///
    /// # Errors
    /// Those of [`Gateway::start`](crate::Gateway::start).
    pub fn new(reload: Reload, tls: Option<TlsSettings>) -> Result<Self, StartError> {
        tls.map(TlsServer::load).transpose().map_err(StartError::ClientTls)?;
        reload.name_tables.check()?;
        Router::new(reload.router.clone(), Seed::new(0), 0)?;
        let numbers = IdRegistry::default().add(&reload.router);
        let directory = NameIndex::new(&reload.router, &numbers, &reload.name_tables);
        let registry = Arc::new(UpstreamRegistry::new(Arc::new(directory)));
        let timeouts: Vec<_> = connect_timeouts(&reload.router).collect();
        let deployments = reload.upstreams.len();
        let upstreams = (0..).map(DeploymentId).zip(reload.upstreams).zip(timeouts);
        registry.connect(upstreams.map(|((id, upstream), timeout)| (id, upstream, timeout)))?;
        Ok(Self { registry, deployments })
    }

    /// Asks every deployment for its models, once and all at the same time; in their order.
    pub async fn probe(&self, timeout: Duration) -> Vec<ProbedDeployment> {
        let mut asked = JoinSet::new();
        for id in (0..).map(DeploymentId).take(self.deployments) {
            let endpoint = self.registry.endpoint(id);
            asked.spawn(async move {
                let passed = endpoint.check(timeout).await;
                (id, ProbedDeployment { name: endpoint.name().to_string(), passed })
            });
        }
        let mut probed = asked.join_all().await;
        probed.sort_by_key(|(id, _)| *id);
        probed.into_iter().map(|(_, probed)| probed).collect()
    }
}
