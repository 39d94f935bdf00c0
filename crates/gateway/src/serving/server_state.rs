//! The state that all connections of a server share: its settings, the stage of its shutdown, and counts.

use super::body_memory::BodyMemory;
use crate::request_id::RequestIds;
use crate::tls::TlsServer;
use squall_clock::Clock;
use squall_wire::ServerSettings;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{Notify, watch};

/// How far a server has come to its end. Each stage holds what those before it hold.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum ShutdownStage {
    /// It serves.
    Open,
    /// It is no longer ready, so that nobody sends it more; who comes all the same is served, and told to
    /// connect anew.
    Leaving,
    /// It takes no new request. Those under way go on.
    Draining,
    /// Those under way end now.
    Cut,
}

#[derive(Debug)]
pub(crate) struct ServerState {
    pub(crate) settings: ServerSettings,
    pub(crate) clock: Clock,
    pub(crate) bodies: BodyMemory,
    pub(super) ids: RequestIds,
    /// Whether requests must name this machine.
    pub(super) loopback: bool,
    /// What connections begin with, unless they are plain.
    pub(crate) tls: Option<Arc<TlsServer>>,
    stage: watch::Sender<ShutdownStage>,
    in_flight: AtomicUsize,
    pub(super) connections: AtomicUsize,
    /// Idle connections wait here, to close when others need their place: the one that waits longest first.
    pub(super) room_wanted: Notify,
}

impl ServerState {
    pub(crate) fn new(
        settings: ServerSettings,
        clock: Clock,
        loopback: bool,
        tls: Option<Arc<TlsServer>>,
    ) -> Self {
        Self {
            bodies: BodyMemory::new(settings.max_body_memory),
            ids: RequestIds::new(),
            settings,
            clock,
            loopback,
            tls,
            stage: watch::Sender::new(ShutdownStage::Open),
            in_flight: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
            room_wanted: Notify::new(),
        }
    }

    pub(crate) fn stage(&self) -> ShutdownStage {
        *self.stage.borrow()
    }

    /// Goes on to a stage; never back.
    pub(super) fn go_on(&self, to: ShutdownStage) {
        self.stage.send_modify(|stage| *stage = to.max(*stage));
    }

    /// Ends when the server has come to a stage.
    pub(super) fn reached(&self, stage: ShutdownStage) -> impl Future<Output = ()> + Send + use<> {
        let mut now = self.stage.subscribe();
        async move {
            if now.wait_for(|now| *now >= stage).await.is_err() {
                // The server is gone, and its connections are going.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Requests that have begun and not ended.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    pub(super) fn begin(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn end(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
