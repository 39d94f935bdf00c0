//! The open connections of a provider, and the way to reset them.

use crate::lock::lock;
use squall_provider::Listener;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

/// Every open connection.
#[derive(Debug, Default)]
pub(crate) struct ConnectionRegistry(Mutex<Open>);

#[derive(Debug, Default)]
struct Open {
    refusing: bool,
    next: u64,
    resets: BTreeMap<u64, Reset>,
}

/// Resets one connection, from anywhere.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reset(Arc<Notify>);

impl Reset {
    /// Asks for the reset.
    pub(crate) fn fire(&self) {
        self.0.notify_one();
    }

    /// Waits until it is asked for.
    pub(crate) async fn fired(&self) {
        self.0.notified().await;
    }
}

/// One open connection: known until it is dropped.
#[derive(Debug)]
pub(crate) struct OpenConnection {
    connections: Arc<ConnectionRegistry>,
    id: u64,
    reset: Reset,
}

impl OpenConnection {
    /// Makes an accepted connection known. One that slipped in while connections are refused is to be
    /// reset at once.
    pub(crate) fn open(connections: Arc<ConnectionRegistry>) -> Self {
        let reset = Reset::default();
        let mut open = lock(&connections.0);
        let id = open.next;
        open.next += 1;
        if open.refusing {
            reset.fire();
        }
        open.resets.insert(id, reset.clone());
        drop(open);
        Self { connections, id, reset }
    }

    pub(crate) const fn reset(&self) -> &Reset {
        &self.reset
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        lock(&self.connections.0).resets.remove(&self.id);
    }
}

impl ConnectionRegistry {
    /// What happens to connections from now on; refusing resets those that are open.
    pub(crate) fn set(&self, listener: Listener) {
        let mut open = lock(&self.0);
        open.refusing = listener == Listener::Refusing;
        if open.refusing {
            open.resets.values().for_each(Reset::fire);
        }
    }
}
