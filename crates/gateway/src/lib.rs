//! The live shell of the router: an OpenAI-compatible gateway.
//!
//! The core decides; this crate carries. A request has a mailbox. The core sits under one lock:
//! whoever has news takes the lock, reads the clock inside it, tells the core, and puts what the core
//! wants done into the mailboxes before letting go.
//!
//! ```text
//!  client ─► front ─► exchange (one per request) ─► upstream ─► provider
//!                        ▲      │ news                 │
//!                 mailbox└── handle: the core under its lock ◄┘
//! ```

mod answer;
mod exchange;
mod front;
mod gateway;
mod header_passthrough;
mod health_checks;
mod keys;
mod log;
mod metrics;
mod pieces;
mod ready;
mod refusal;
mod request_id;
mod request_options;
mod router_handle;
mod routes;
mod serving;
mod setup;
mod upstream;
mod upstream_registry;

pub use gateway::{Changed, DrainPolicy, Drained, Gateway, GatewayView};
pub use setup::{
    GatewayLog, GatewaySetup, GatewayStatus, NameTables, Reload, Retention, StartError,
    UpstreamConfig,
};
pub use squall_wire::{ServerSettings, StreamUsage};
