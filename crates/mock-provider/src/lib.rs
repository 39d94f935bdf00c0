//! The live shell of the provider: a server that talks like OpenAI and misbehaves on a script.
//!
//! A [`MockProvider`] is one address on which one provider core is served. The core decides what
//! happens to an attempt and when; this crate does it to real sockets, down to refused connections,
//! resets and streams that end in the middle. Nothing here draws, limits or schedules a fault.
//!
//! ```text
//!  socket ─► connection ─► service ─► shell (core under a lock, log) ─► cell: the verdict on an attempt
//!    ▲           ▲                                                        │
//!    └───────────┴──── reset ◄──── answer, paced at absolute deadlines ◄──┘
//! ```

mod admin;
mod answer;
mod attempt;
mod attempt_state;
mod connections;
mod error_body;
mod events;
mod lock;
mod log;
mod metrics;
mod port;
mod provider_server;
mod recent_stats;
mod retry_after;
mod serve;
mod server;
mod service;
mod setup;
mod snapshot;

pub use admin::{Admin, AdminSetup, ReadFault};
pub use events::EventLog;
pub use serve::serve;
pub use server::MockProvider;
pub use setup::{AttemptLog, MockSetup, ProviderLog, ServerTimeouts, UNKNOWN_DEPLOYMENT};
/// What a provider refuses beside what none takes.
pub use squall_wire::serve::Rules;
