//! A run over real sockets: mock providers, the gateway and the driver, all on loopback and on one
//! clock, each on a runtime of its own so that none waits for another's work.
//!
//! ```text
//!  driver ──HTTP──► gateway ──HTTP──► mock providers
//!    │ requests        │ notes, refusals, journal   │ attempts, faults
//!    └─────────────────┴───────────► recording ◄────┘
//! ```
//!
//! In place of the built-in gateway another one may stand, in processes of its own: then clients and providers are
//! all that is heard.

mod changes;
mod error;
mod front;
mod lag_probe;
mod mocks;
mod options;
mod part_runtime;
mod recording;
mod run;
mod status;
mod stop;
mod store_process;
mod testbed;
mod topology;
mod under_test;

pub use error::LiveError;
pub use options::{Backends, RunOptions, TargetOptions};
pub use run::run;
pub use status::LiveStatus;
pub use stop::StopHandle;
