//! The live driver of the workload: an open-loop HTTP driver.
//!
//! The workload says what is sent and when a client hangs up; this crate does it over sockets, and
//! writes down what each client saw. A slow answer never delays a later request: each is a task of its
//! own, with a connection of its own.
//!
//! ```text
//!  workload ─► driver ─► exchange (one task per request) ─► gateway
//!                 ▲          │ one row
//!                 └──────────┘
//! ```

mod call_error;
mod connections;
mod driver;
mod exchange;
mod precise_timer;
mod program;
mod progress;
mod reachable;
mod reading;
mod request_mixer;
mod setup;
mod tls;

pub use driver::drive;
pub use progress::{DriveCounts, DriveProgress};
pub use reachable::reachable;
pub use request_mixer::TrafficKind;
pub use setup::{ApiTarget, BaseUrlError, DriverLog, ProgramPipes, TrafficSetup};
