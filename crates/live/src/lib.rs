//! A run over real sockets: mock providers, the gateway and the driver, all on loopback and on one
//! clock, each on a runtime of its own so that none waits for another's work.
//!
//! ```text
//!  driver ──HTTP──► gateway ──HTTP──► mock providers
//!    │ requests        │ notes, refusals, journal   │ attempts, faults
//!    └─────────────────┴───────────► recording ◄────┘
//! ```

mod changes;
mod error;
mod lag_probe;
mod recording;
mod run;
mod status;
mod stop;
mod testbed;
mod topology;

pub use error::LiveError;
pub use run::{RunOptions, run};
pub use status::LiveStatus;
pub use stop::StopHandle;
