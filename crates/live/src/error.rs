//! Why a live run could not be carried out.

use squall_gateway::StartError;
use std::io;

/// Why a live run could not be carried out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LiveError {
    /// A runtime could not be started.
    #[error("failed to start a runtime: {0}")]
    Runtime(#[source] io::Error),
    /// A mock provider could not be started. The error names it, and its address.
    #[error(transparent)]
    Provider(io::Error),
    /// The gateway could not be started.
    #[error("the gateway: {0}")]
    Gateway(#[from] StartError),
    /// A part of the run ended before its time.
    #[error("{0} stopped in the middle of the run; this is a defect of squall's, please report it")]
    Stopped(&'static str),
}
