//! The live driver of the provider: a server in the formats of LLM vendors, with scheduled faults.
//!
//! A [`MockProvider`] is one address on which one provider core is served. The core decides what
//! happens to an attempt and when; this crate does it to real sockets, down to refused connections,
//! resets and streams that end in the middle. Nothing here draws, limits or schedules a fault.
//!
//! ```text
//!  socket ─► connection ─► service ─► driver (core under a lock, log) ─► attempt state
//!    ▲           ▲                                                        │
//!    └───────────┴──── reset ◄──── answer, paced at absolute deadlines ◄──┘
//! ```

mod admin;
mod answer;
mod attempt;
mod attempt_state;
mod call_log;
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

pub use admin::{Admin, AdminSetup, FindingsApi, JudgeCalls, ReadFault};
pub use call_log::{CallLog, CallsSeen};
pub use events::EventLog;
pub use serve::serve;
pub use server::MockProvider;
pub use setup::{AttemptLog, MockSetup, ProviderLog, ServerTimeouts, UNKNOWN_DEPLOYMENT};
/// What a provider refuses beside what none takes.
pub use squall_wire::serve::Rules;
