//! The live driver of the router: an OpenAI-compatible gateway.
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

mod api_keys;
mod app_state;
mod body_buffer;
mod continuation;
mod gateway;
mod header_passthrough;
mod health_checks;
mod local_reply;
mod metrics;
mod readiness;
mod request_driver;
mod request_id;
mod request_log;
mod request_options;
mod response;
mod router_handle;
mod routes;
mod serving;
mod setup;
mod upstream;
mod upstream_registry;

pub use gateway::{Changed, DrainPolicy, DrainReport, Gateway, GatewayView};
pub use setup::{
    GatewayLog, GatewaySetup, GatewayStatus, NameTables, Reload, Retention, SavedSpend, StartError,
    UpstreamConfig,
};
pub use squall_wire::{ServerSettings, StreamUsage};
