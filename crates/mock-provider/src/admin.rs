//! Live control for rehearsals: an API on a port of its own, and a page that shows load and limits of each
//! provider and lets a person pull a plug.
//!
//! | request | body | does |
//! | --- | --- | --- |
//! | `GET /` | | the page |
//! | `GET /api/v1/providers` | | load, limits and faults of each provider |
//! | `GET /api/v1/events?from=N` | | what was done, from number N on |
//! | `GET /api/v1/findings?client_done=true` | | what their callers do wrong, so far |
//! | `POST /api/v1/inject` | `{"providers": ["eu"], "fault": "error: 503, for: 30s"}` | begins a fault |
//! | `POST /api/v1/end` | `{"providers": ["eu"], "fault": 3}` | ends one, or all without `fault` |
//! | `POST /api/v1/pause`, `resume`, `reset` | `{"providers": ["eu"]}` | the script stands still, goes on, is over |
//!
//! Without `providers` all are meant. Errors are `{"error": "…"}`.

mod api;
mod guard;
mod view;

use crate::call_log::{CallLog, CallsSeen};
use crate::events::EventLog;
use crate::provider_server::ProviderServer;
use crate::server::MockProvider;
use axum::Router as HttpRouter;
use axum::middleware;
use axum::response::Html;
use axum::routing::{get, post};
use http::header::{CONTENT_SECURITY_POLICY, HeaderName, HeaderValue};
use squall_determinism::Timestamp;
use squall_provider::FaultConfig;
use std::fmt::Debug;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::task::JoinHandle;

/// Judges callers by their attempts so far, for a JSON answer. `client_done` says that no call is tried again any more.
pub trait JudgeCalls: Debug + Send + Sync {
    /// The judgement.
    fn judge(&self, seen: &CallsSeen, client_done: bool) -> serde_json::Value;
}

/// What callers are judged by.
#[derive(Clone, Debug)]
pub struct FindingsApi {
    /// Their attempts.
    pub calls: Arc<CallLog>,
    /// How they are judged.
    pub judge: Arc<dyn JudgeCalls>,
}

/// Reads a fault from a person's words, for a moment that is now.
pub type ReadFault = fn(&str, Timestamp) -> Result<FaultConfig, String>;

/// What an admin API is told at its start.
#[derive(Clone, Debug)]
pub struct AdminSetup {
    /// Where to listen.
    pub listen: SocketAddr,
    /// What requests must bear; it is needed where others than this machine can reach it.
    pub token: Option<String>,
    /// How faults are read.
    pub read_fault: ReadFault,
    /// What was done so far, and what will be.
    pub events: Arc<EventLog>,
    /// How callers are judged, if they are.
    pub findings: Option<FindingsApi>,
}

/// The admin API of some providers. Dropping it stops it; the providers go on.
#[derive(Debug)]
pub struct Admin {
    addr: SocketAddr,
    task: JoinHandle<()>,
}

/// What every request needs.
#[derive(Debug)]
struct AdminState {
    mocks: Vec<(Arc<ProviderServer>, String)>,
    setup: AdminSetup,
}

impl Admin {
    /// Starts to serve, on the tokio runtime that it is called from.
    ///
    /// # Errors
    /// When the address cannot be listened on, or is open to other machines and there is no token.
    pub async fn start(setup: AdminSetup, providers: &[MockProvider]) -> io::Result<Self> {
        let listen = setup.listen;
        if !listen.ip().is_loopback() && setup.token.is_none() {
            let text =
                format!("the admin API at {listen} is open to other machines and needs a token");
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
        }
        let listener = squall_net::listen(listen).map_err(|error| {
            let text = format!("failed to listen on {listen} for the admin API: {error}");
            io::Error::new(error.kind(), text)
        })?;
        let addr = listener.local_addr()?;
        let mocks = providers.iter().map(|provider| (provider.mock(), provider.base_url()));
        let admin = Arc::new(AdminState { mocks: mocks.collect(), setup });
        let routes = routes(admin);
        let task = tokio::spawn(async move {
            // It ends when it is dropped, and not before.
            let _ = axum::serve(listener, routes).await;
        });
        Ok(Self { addr, task })
    }

    /// Where it listens.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for Admin {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The largest request that is read.
const BODY_MAX: usize = 64 << 10;

fn routes(admin: Arc<AdminState>) -> HttpRouter {
    let api = HttpRouter::new()
        .route("/api/v1/providers", get(api::providers))
        .route("/api/v1/events", get(api::events))
        .route("/api/v1/findings", get(api::findings))
        .route("/api/v1/inject", post(api::inject))
        .route("/api/v1/end", post(api::end))
        .route("/api/v1/pause", post(api::pause))
        .route("/api/v1/resume", post(api::resume))
        .route("/api/v1/reset", post(api::reset))
        .fallback(api::unknown)
        .layer(axum::extract::DefaultBodyLimit::max(BODY_MAX))
        .layer(middleware::from_fn_with_state(Arc::clone(&admin), guard::check))
        .with_state(admin);
    HttpRouter::new().route("/", get(page)).merge(api)
}

/// The page holds nothing of its own: whoever has no token sees it empty.
async fn page() -> ([(HeaderName, HeaderValue); 1], Html<&'static str>) {
    let policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
                  connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    let policy = HeaderValue::from_static(policy);
    ([(CONTENT_SECURITY_POLICY, policy)], Html(include_str!("admin/page.html")))
}
