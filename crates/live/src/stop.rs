//! Ending a run before its end.

use std::sync::Arc;
use tokio::sync::watch;

/// Ends a run early, from any thread: what was measured until then is kept.
#[derive(Clone, Debug)]
pub struct StopHandle(Arc<watch::Sender<bool>>);

impl StopHandle {
    /// A run that goes on.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// Ends the run. More than once is the same as once.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }

    /// Whether the run was ended.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits for [`stop`](Self::stop).
    pub(crate) async fn stopped(&self) {
        // The sender lives in `self`, so that it cannot be gone.
        let _ = self.0.subscribe().wait_for(|stopped| *stopped).await;
    }
}

impl Default for StopHandle {
    fn default() -> Self {
        Self::new()
    }
}
