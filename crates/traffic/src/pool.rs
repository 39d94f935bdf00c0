//! Connections to the target that are free: the one used last is used next, so that few stay open.

use crate::connection::Connection;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

#[derive(Debug)]
pub(crate) struct Pool {
    addr: SocketAddr,
    free: Mutex<Vec<Connection>>,
}

impl Pool {
    pub(crate) const fn new(addr: SocketAddr) -> Self {
        Self { addr, free: Mutex::new(Vec::new()) }
    }

    /// A connection that is open: a free one, or a new one.
    pub(crate) async fn take(&self) -> std::io::Result<Connection> {
        while let Some(mut connection) = self.pop() {
            if connection.is_ready().await {
                return Ok(connection);
            }
        }
        Connection::open(self.addr).await
    }

    /// Gives back a connection whose answer was read to its end.
    pub(crate) fn give_back(&self, connection: Connection) {
        self.lock().push(connection);
    }

    fn pop(&self) -> Option<Connection> {
        self.lock().pop()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
