//! Executes the health checks that the core asks for.

use crate::router_handle::{HealthCheckRequest, RouterHandle};
use crate::upstream_registry::UpstreamRegistry;
use squall_router::RouterInput;
use std::sync::Arc;
use tokio::sync::mpsc::UnboundedReceiver;

/// Carries them out, each in a task of its own; never ends while the gateway serves.
pub(crate) async fn run(
    handle: Arc<RouterHandle>,
    registry: Arc<UpstreamRegistry>,
    mut wanted: UnboundedReceiver<HealthCheckRequest>,
) {
    while let Some(check) = wanted.recv().await {
        let endpoint = registry.endpoint(check.deployment);
        let handle = Arc::clone(&handle);
        tokio::spawn(async move {
            let passed = endpoint.check(check.timeout).await;
            handle.tell(RouterInput::Checked { deployment: check.deployment, passed });
        });
    }
}
