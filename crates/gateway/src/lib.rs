//! The live shell of the router: an OpenAI-compatible gateway.
//!
//! The core decides; this crate carries. A request is a task with a mailbox. The core sits under one lock:
//! whoever has news takes the lock, reads the clock inside it, tells the core, and puts what the core
//! wants done into the mailboxes before letting go.
//!
//! ```text
//!  client ─► front ─► exchange (one task per request) ─► upstream ─► provider
//!                        ▲      │ news                      │
//!                 mailbox└── desk: the core under its lock ◄┘
//! ```

mod answer;
mod asks;
mod checks;
mod desk;
mod directory;
mod exchange;
mod front;
mod gateway;
mod keys;
mod log;
mod metrics;
mod passing;
mod ready;
mod refusal;
mod request_id;
mod serving;
mod setup;
mod upstream;

pub use gateway::{Changed, Drain, Drained, Gateway, GatewayView};
pub use setup::{
    GatewayLog, GatewaySetup, GatewayStatus, Keep, Reload, StartError, Upstream, Wording,
};
pub use squall_wire::{ServerSettings, StreamUsage};
