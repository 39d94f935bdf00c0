//! The live driver of the router: a gateway whose clients speak the APIs of several vendors.
//!
//! The core decides; this crate executes. The core is behind one lock: a task with an event takes the lock, reads the
//! clock inside it, passes the event to the core, and puts the core's commands into the mailboxes of their requests
//! before it releases the lock.
//!
//! ```text
//!  client ─► routes ─► request driver (one per request) ─► upstream ─► provider
//!                            ▲      │ events                  │
//!                     mailbox└── router handle: the core under its lock ◄┘
//! ```

mod admin;
mod api_keys;
mod app_state;
mod body_buffer;
mod chosen_name;
mod continuation;
mod decisions;
mod fronts;
mod gateway;
mod header_passthrough;
mod health_checks;
mod keys;
mod local_reply;
mod metrics;
mod operator;
mod readiness;
mod request_driver;
mod request_ending;
mod request_id;
mod request_log;
mod request_options;
mod response;
mod router_handle;
mod routes;
mod serving;
mod setup;
mod shared_state;
mod start_check;
mod telemetry;
#[cfg_attr(
    not(feature = "tls"),
    expect(dead_code, reason = "where this is built without TLS there is never a server of it")
)]
mod tls;
mod upstream;
mod upstream_registry;

pub use admin::{OperatorApi, OperatorApiError, OperatorApiSetup, OperatorToken};
pub use decisions::{DecisionLogCounts, DecisionSampling, DecisionSetup, DecisionSink, KeptTrail};
pub use gateway::{Changed, DrainPolicy, DrainReport, Gateway, GatewayView};
pub use keys::{
    BudgetDocument, KeyChangeError, KeyDocument, KeyHash, KeyStore, VirtualKey, check_keys, new_key,
};
pub use setup::{
    GatewayLog, GatewaySetup, GatewayStatus, NameTables, Reload, Retention, SavedSpend,
    SharedStateSetup, StartError, UpstreamConfig,
};
pub use squall_wire::{ServerSettings, StreamUsage, TlsSettings};
pub use start_check::{CheckedStart, ProbedDeployment};
pub use telemetry::Telemetry;
