//! The server below the meaning of what is asked: connections with their limits and time-outs, and an end
//! that cuts nothing which could have come to its own.
//!
//! ```text
//!  accept ─► connection (one task each) ─► request ─► routes
//!              timed: the socket, with patience     │ body: read within its limits, once the key is known
//! ```

mod admission;
mod allowed_hosts;
mod body_memory;
mod client_socket;
mod connection;
mod cors;
mod empty_errors;
mod listener;
mod poll_once;
mod request;
mod request_body;
mod request_context;
mod resettable_timer;
mod server_state;
mod timed_socket;

pub(crate) use connection::PeerAddress;
pub(crate) use request_body::read;
pub(crate) use request_context::RequestContext;
pub(crate) use server_state::{ServerState, ShutdownStage};

use crate::tls::TlsServer;
use axum::Router as Routes;
use connection::ConnectionPermit;
use poll_once::poll_once;
use squall_clock::Clock;
use squall_net::Shortage;
use squall_wire::ServerSettings;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Connections above the limit that are told so; those above these too are closed without a word.
const REFUSED_MAX: usize = 64;

/// After the time to drain is over: how long what is cut has to read that it is.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Between two tries to accept while the machine lacks something for it: the first, and the longest.
const SHORTAGE_FIRST: Duration = Duration::from_millis(5);
const SHORTAGE_MAX: Duration = Duration::from_secs(1);

/// A server that listens. Dropping it closes its socket and its connections.
#[derive(Debug)]
pub(crate) struct Serving {
    addr: SocketAddr,
    shared: Arc<ServerState>,
    listener: TcpListener,
}

/// A server that serves.
#[derive(Debug)]
pub(crate) struct RunningServer {
    shared: Arc<ServerState>,
    /// Ends when the last connection has.
    tasks: JoinSet<()>,
}

impl Serving {
    /// Takes the address. What connects waits until [`serve`](Self::serve), and speaks TLS if `tls` is there.
    pub(crate) fn bind(
        addr: SocketAddr,
        settings: ServerSettings,
        clock: Clock,
        tls: Option<Arc<TlsServer>>,
    ) -> io::Result<Self> {
        let listener = listener::bind(addr, &settings)?;
        let addr = listener.local_addr()?;
        let shared = Arc::new(ServerState::new(settings, clock, addr.ip().is_loopback(), tls));
        Ok(Self { addr, shared, listener })
    }

    pub(crate) const fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(crate) fn shared(&self) -> Arc<ServerState> {
        Arc::clone(&self.shared)
    }

    pub(crate) fn serve(self, routes: Routes) -> RunningServer {
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(Arc::clone(&self.shared), self.listener, routes));
        RunningServer { shared: self.shared, tasks }
    }
}

impl RunningServer {
    /// Ends: not ready for `delay` first, then without new requests until those under way have ended, at
    /// most for `patience` or until `at_once` ends. Says how many requests were cut.
    pub(crate) async fn drain(
        mut self,
        delay: Duration,
        patience: Duration,
        at_once: impl Future<Output = ()>,
    ) -> usize {
        let ended = async {
            self.shared.go_on(ShutdownStage::Leaving);
            tokio::time::sleep(delay).await;
            self.shared.go_on(ShutdownStage::Draining);
            while self.tasks.join_next().await.is_some() {}
        };
        let hurried = tokio::select! {
            () = ended => false,
            () = tokio::time::sleep(delay.saturating_add(patience)) => true,
            () = at_once => true,
        };
        if !hurried {
            return 0;
        }
        let cut = self.shared.in_flight();
        self.shared.go_on(ShutdownStage::Cut);
        let last = async { while self.tasks.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(LAST_WORDS, last).await;
        self.tasks.shutdown().await;
        cut
    }
}

/// Takes connections until the server drains, then serves those there are to their ends.
async fn accept(shared: Arc<ServerState>, listener: TcpListener, routes: Routes) {
    let mut connections = JoinSet::new();
    let mut pause = SHORTAGE_FIRST;
    {
        let mut draining = std::pin::pin!(shared.reached(ShutdownStage::Draining));
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                // Those that have ended are forgotten as they end.
                Some(_) = connections.join_next() => continue,
                () = &mut draining => break,
            };
            match accepted {
                Ok((socket, _)) => {
                    pause = SHORTAGE_FIRST;
                    begin(&shared, &routes, &mut connections, socket);
                }
                Err(error) if concerns_one_connection(&error) => {}
                Err(error) => {
                    Shortage::count(&error);
                    // Most likely it lacks files: an idle connection gives one back.
                    shared.room_wanted.notify_one();
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        () = &mut draining => break,
                    }
                    pause = (pause * 2).min(SHORTAGE_MAX);
                }
            }
        }
    }
    // Who is connected to us by the kernel's doing is told that we stop, and not reset.
    while let Some(Ok((socket, _))) = poll_once(listener.accept()).await {
        begin(&shared, &routes, &mut connections, socket);
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

fn begin(
    shared: &Arc<ServerState>,
    routes: &Routes,
    connections: &mut JoinSet<()>,
    socket: TcpStream,
) {
    let (place, count) = ConnectionPermit::take(shared);
    let max = shared.settings.max_connections;
    if count > max {
        shared.room_wanted.notify_one();
    }
    if count > max.saturating_add(REFUSED_MAX) {
        return;
    }
    connections.spawn(connection::serve(
        Arc::clone(shared),
        routes.clone(),
        socket,
        place,
        count > max,
    ));
}

/// Whether one client is the reason that nothing was accepted.
fn concerns_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
    )
}
