//! The state that all routes share.

use crate::keys::KeyRing;
use crate::operator::OperatorState;
use crate::request_log::Unauthenticated;
use crate::router_handle::RouterHandle;
use crate::serving::ServerState;
use crate::telemetry::Telemetry;
use crate::upstream_registry::UpstreamRegistry;
use std::sync::Arc;

/// The state that a request needs.
#[derive(Debug)]
pub(crate) struct AppState {
    pub(crate) handle: Arc<RouterHandle>,
    pub(crate) registry: Arc<UpstreamRegistry>,
    pub(crate) server: Arc<ServerState>,
    pub(crate) unauthenticated: Unauthenticated,
    /// Who wants to hear of requests by OpenTelemetry.
    pub(crate) telemetry: Option<Arc<Telemetry>>,
    pub(crate) operator: OperatorState,
    pub(crate) keys: KeyRing,
}
