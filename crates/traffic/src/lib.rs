//! The live shell of the workload: an open-loop HTTP driver.
//!
//! The workload says what to send at which intended time; this crate sends it then, whatever became of
//! the requests before, and writes down what each client saw. How late it was itself is part of the
//! result.

mod connection;
mod driver;
mod pool;
mod progress;
mod request;

pub use driver::{DriverLog, TrafficSetup, drive};
pub use progress::{Progress, Snapshot};
