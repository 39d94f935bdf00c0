//! What stands behind the routes.

use crate::log::Unauthenticated;
use crate::router_handle::RouterHandle;
use crate::serving::ServerState;
use crate::upstream_registry::UpstreamRegistry;
use std::sync::Arc;

/// All that a request needs.
#[derive(Debug)]
pub(crate) struct Front {
    pub(crate) handle: Arc<RouterHandle>,
    pub(crate) registry: Arc<UpstreamRegistry>,
    pub(crate) server: Arc<ServerState>,
    pub(crate) unauthenticated: Unauthenticated,
}
