//! A run over real sockets: a mock provider for each provider of the scenario, the gateway, and the
//! driver, all on loopback, each on a runtime of its own and all on one clock. It ends in a recording
//! that looks like a simulated one.

mod collect;
mod error;
mod progress;
mod run;
mod servers;

pub use error::LiveError;
pub use progress::LiveProgress;
pub use run::run;
