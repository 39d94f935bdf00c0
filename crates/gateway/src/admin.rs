//! What operators ask and do, at an address of its own: the state of the gateway, deployments that are drained, groups
//! that are pinned, weights for a while, an intake that is paused.
//!
//! | request | body | does |
//! | --- | --- | --- |
//! | `GET /admin/v1/state` | | readiness, groups, deployments, limits, budgets |
//! | `POST /admin/v1/drain`, `undrain` | `{"deployment": "eu"}` | no new attempts there; as configured again |
//! | `POST /admin/v1/pin`, `unpin` | `{"group": "chat", "deployment": "eu"}` | one deployment serves the group; all do |
//! | `POST /admin/v1/weights` | `{"weights": {"eu": 3, "us": null}, "for": "10m"}` | other weights; `null` for the file's |
//! | `POST /admin/v1/pause`, `resume` | | requests are refused with 503, and readiness says so; they are taken again |
//! | `GET /admin/v1/requests` | | the last requests that have ended, with `?limit=20&outcome=failed` fewer |
//! | `GET /admin/v1/requests/ID` | | what was decided about one request, and why |
//! | `GET /admin/v1/keys` | | virtual keys, with what they have used |
//! | `POST /admin/v1/keys` | `{"id": "ci", "rpm": 60}` | a new key, which the answer tells once |
//! | `POST /admin/v1/keys/disable`, `enable`, `delete` | `{"id": "ci"}` | that key |
//!
//! Every other `POST` answers with the state. Errors are those of the gateway's other endpoints.

mod api;
mod guard;
mod keys;
mod requests;
mod state;

use crate::gateway::GatewayView;
use crate::keys::KeyStore;
use crate::serving::{RunningServer, ServerState, Serving};
use axum::routing::{get, post};
use axum::{Router as HttpRouter, middleware};
pub use guard::OperatorToken;
use guard::WrongTokens;
use squall_wire::ServerSettings;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use tokio::task::JoinSet;

/// The largest request that is read.
const BODY_MAX: usize = 64 << 10;

/// Connections at once: operators and their programs are few.
const CONNECTIONS_MAX: usize = 64;

/// What the admin API is told at its start.
#[derive(Debug)]
pub struct OperatorApiSetup {
    /// Where to listen; port 0 takes any that is free.
    pub listen: SocketAddr,
    /// What requests must bear. It is needed where other machines can reach the address.
    pub token: Option<OperatorToken>,
    /// Where virtual keys are kept, if they are.
    pub keys: Option<Arc<dyn KeyStore>>,
}

/// The admin API of a gateway. Dropping it stops it; the gateway goes on.
#[derive(Debug)]
pub struct OperatorApi {
    addr: SocketAddr,
    state: Arc<OperatorApiState>,
    _serving: RunningServer,
    _tasks: JoinSet<()>,
}

/// Why the admin API cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OperatorApiError {
    /// Anybody could ask.
    #[error(
        "the admin API at {0} can be reached from other machines and has no token: set SQUALL_ADMIN_TOKEN or \
         `--admin-token-file`, or listen on a loopback address"
    )]
    Open(SocketAddr),
    /// The address cannot be listened on.
    #[error("failed to listen on {listen} for the admin API: {source}")]
    Listen {
        /// The address.
        listen: SocketAddr,
        /// Why not.
        source: io::Error,
    },
}

/// What every request needs.
#[derive(Debug)]
struct OperatorApiState {
    gateway: GatewayView,
    token: RwLock<Option<OperatorToken>>,
    keys: Option<Arc<dyn KeyStore>>,
    wrong: WrongTokens,
    server: Arc<ServerState>,
}

impl OperatorApi {
    /// Starts to serve, on the tokio runtime that it is called from.
    ///
    /// # Errors
    /// When the address cannot be listened on, or is open to other machines and there is no token.
    pub fn start(setup: OperatorApiSetup, gateway: GatewayView) -> Result<Self, OperatorApiError> {
        let OperatorApiSetup { listen, token, keys } = setup;
        if !listen.ip().is_loopback() && token.is_none() {
            return Err(OperatorApiError::Open(listen));
        }
        let settings = ServerSettings {
            max_request_size: BODY_MAX,
            max_body_memory: BODY_MAX * CONNECTIONS_MAX,
            max_connections: CONNECTIONS_MAX,
            ..ServerSettings::default()
        };
        let clock = gateway.app().handle.clock();
        let serving = Serving::bind(listen, settings, clock, None)
            .map_err(|source| OperatorApiError::Listen { listen, source })?;
        let addr = serving.addr();
        let mut tasks = JoinSet::new();
        let ends = gateway.clone();
        tasks.spawn(async move { ends.end_weights().await });
        let state = Arc::new(OperatorApiState {
            gateway,
            token: RwLock::new(token),
            keys,
            wrong: WrongTokens::default(),
            server: serving.shared(),
        });
        let serving = serving.serve(routes(Arc::clone(&state)));
        Ok(Self { addr, state, _serving: serving, _tasks: tasks })
    }

    /// From now on requests must bear this token. Those that are being answered were let in by the one before.
    ///
    /// # Errors
    /// When there is none and other machines can reach the address; then the one before holds on.
    pub fn set_token(&self, token: Option<OperatorToken>) -> Result<(), OperatorApiError> {
        if !self.addr.ip().is_loopback() && token.is_none() {
            return Err(OperatorApiError::Open(self.addr));
        }
        *self.state.token.write().unwrap_or_else(PoisonError::into_inner) = token;
        Ok(())
    }

    /// Where it listens.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }
}

fn routes(admin: Arc<OperatorApiState>) -> HttpRouter {
    HttpRouter::new()
        .route("/admin/v1/state", get(api::state))
        .route("/admin/v1/drain", post(api::drain))
        .route("/admin/v1/undrain", post(api::undrain))
        .route("/admin/v1/pin", post(api::pin))
        .route("/admin/v1/unpin", post(api::unpin))
        .route("/admin/v1/weights", post(api::weights))
        .route("/admin/v1/requests", get(requests::list))
        .route("/admin/v1/requests/{*id}", get(requests::explain))
        .route("/admin/v1/keys", get(keys::list).post(keys::create))
        .route("/admin/v1/keys/disable", post(keys::disable))
        .route("/admin/v1/keys/enable", post(keys::enable))
        .route("/admin/v1/keys/delete", post(keys::delete))
        .route("/admin/v1/pause", post(api::pause))
        .route("/admin/v1/resume", post(api::resume))
        .fallback(api::unknown)
        .layer(middleware::from_fn_with_state(Arc::clone(&admin), guard::check))
        .with_state(admin)
}
