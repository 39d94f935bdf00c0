//! The runtimes of a run, one for each of its parts.

use crate::LiveError;
use tokio::runtime::{Builder, Runtime};

/// A runtime with one thread: three of them share a machine of two cores better than six would.
pub(crate) fn runtime(part: &'static str) -> Result<Runtime, LiveError> {
    Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name(part)
        .enable_all()
        .build()
        .map_err(|source| LiveError::Runtime { part, source })
}
