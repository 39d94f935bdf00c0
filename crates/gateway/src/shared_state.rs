//! Carries the exchange between the core and the store that it shares limits, cooldowns and probes through.

use crate::router_handle::RouterHandle;
use crate::setup::{SharedStateSetup, StartError};
use squall_determinism::Timestamp;
use squall_redis_store::{RedisStore, StoreFailure};
use squall_router::RouterInput;
use squall_router::shared_state::{SharedInput, SyncRequest};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;

/// Between two lines about a store that fails in the same way.
const COMPLAIN_EVERY: Duration = Duration::from_secs(10);

/// How long the store may take to hear that this gateway has stopped.
const GOODBYE: Duration = Duration::from_millis(500);

/// A replica's line to the store.
#[derive(Debug)]
pub(crate) struct SharedStateClient {
    store: RedisStore,
    /// Names this process to the store: another after every start.
    replica: u64,
    /// What was complained of last, and when it may be again.
    complaint: Option<(String, Timestamp)>,
}

impl SharedStateClient {
    /// # Errors
    /// When the address is none.
    pub(crate) fn new(setup: &SharedStateSetup, now: Timestamp) -> Result<Self, StartError> {
        let SharedStateSetup { url, fleet, store, timeout } = setup;
        let store = RedisStore::new(url, fleet, *store, *timeout)
            .map_err(|source| StartError::SharedState { why: source.to_string() })?;
        Ok(Self { store, replica: random(now), complaint: None })
    }

    /// Sends what the core wants to be sent, one request after the other, until the core wants no more; then says goodbye,
    /// so that the others have its share, and what it has not used, at once.
    pub(crate) async fn run(
        mut self,
        handle: Arc<RouterHandle>,
        mut wanted: UnboundedReceiver<()>,
    ) {
        while wanted.recv().await.is_some() {
            // Those that were wanted meanwhile are this one.
            while wanted.try_recv().is_ok() {}
            if let Some(request) = handle.sync_request() {
                self.exchange(&handle, request).await;
            }
        }
        if let Some(request) = handle.leave_shared() {
            let leaving = SyncRequest { replica: self.replica, ..request };
            // The store forgets a replica that it does not hear from, too.
            let _ = tokio::time::timeout(
                GOODBYE,
                self.store.sync(&leaving, random(handle.clock().now())),
            )
            .await;
        }
    }

    async fn exchange(&mut self, handle: &RouterHandle, request: SyncRequest) {
        let request = SyncRequest { replica: self.replica, ..request };
        match self.store.sync(&request, random(handle.clock().now())).await {
            Ok(reply) => {
                self.complaint = None;
                handle.tell_together(reply.inputs().map(RouterInput::Shared));
            }
            Err(failure) => {
                self.complain(&failure, handle.clock().now());
                let number = request.number;
                handle.tell(RouterInput::Shared(SharedInput::Failed { number }));
            }
        }
    }

    /// Says why the store failed, once for each reason in a while.
    fn complain(&mut self, failure: &StoreFailure, now: Timestamp) {
        let why = failure.to_string();
        if self.complaint.as_ref().is_some_and(|(said, next)| *said == why && now < *next) {
            return;
        }
        tracing::warn!(target: "squall_gateway::shared_state", why, "an exchange with the store failed");
        self.complaint = Some((why, now + COMPLAIN_EVERY));
    }
}

/// A number that no other replica has, nor this one twice. Where the machine gives none, the time serves, which the store
/// tells apart from other replicas' as well as it can.
fn random(now: Timestamp) -> u64 {
    let mut bytes = [0; 8];
    match getrandom::fill(&mut bytes) {
        Ok(()) => u64::from_le_bytes(bytes).max(1),
        Err(_) => now.as_nanos() ^ u64::from(std::process::id()) << 32 | 1,
    }
}
