//! One client connection, from accept to close.

use super::admission::Admission;
use super::client_socket::ClientSocket;
use super::request::answered;
use super::server_state::{ServerState, ShutdownStage};
use super::timed_socket::{ConnectionWait, SocketProgress, TimedSocket};
use crate::tls::AcceptedConnection;
use axum::Router as Routes;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use tokio::net::TcpStream;
use tokio::sync::futures::Notified;

/// The largest head that is taken: 64 KiB, a little above Envoy's 60. hyper answers a larger one with 431.
const HEAD_MAX: usize = 64 << 10;

/// What is read or written at once: as much as a head may need, and no more for each of many connections.
const BUFFER_MAX: usize = 2 * HEAD_MAX;

/// The address that a request comes from: that of the connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PeerAddress(pub(crate) IpAddr);

/// A place among the connections of a server.
#[derive(Debug)]
pub(super) struct ConnectionPermit(Arc<ServerState>);

impl ConnectionPermit {
    /// One more; and how many there are then.
    pub(super) fn take(shared: &Arc<ServerState>) -> (Self, usize) {
        let before = shared.connections.fetch_add(1, Ordering::Relaxed);
        (Self(Arc::clone(shared)), before + 1)
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Serves a connection until either side ends it. `full` says that it is one too many: what it asks is
/// refused.
pub(super) async fn serve(
    shared: Arc<ServerState>,
    routes: Routes,
    socket: TcpStream,
    place: ConnectionPermit,
    full: bool,
) {
    // Small writes leave at once: a token must not wait for the next.
    let _ = socket.set_nodelay(true);
    let peer = socket.peer_addr().ok().map(|peer| PeerAddress(peer.ip()));
    let full = if full { Admission::Full } else { Admission::Taken };
    let Some((socket, admission)) = accepted(&shared, socket, full).await else { return };
    let progress = Arc::new(SocketProgress::default());
    let io = TimedSocket::new(socket, Arc::clone(&progress), &shared.settings, shared.clock);
    let service = service_fn(|mut request: Request<Incoming>| {
        if let Some(peer) = peer {
            request.extensions_mut().insert(peer);
        }
        answered(Arc::clone(&shared), routes.clone(), Arc::clone(&progress), request, admission)
    });
    let mut builder = Builder::new();
    // The socket keeps the time of heads: it tells a slow one from an idle connection.
    builder.header_read_timeout(None).max_header_size(HEAD_MAX).max_buf_size(BUFFER_MAX);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(io), service));
    let leaves = {
        let mut draining = pin!(shared.reached(ShutdownStage::Draining));
        let mut listens = false;
        let mut room = pin!(RoomWanted::new(&shared));
        poll_fn(|context| {
            let before = progress.answers();
            // How it ended is the client's business, and told by what was answered.
            if connection.as_mut().poll(context).is_ready() {
                return Poll::Ready(false);
            }
            // The answer may have ended after the socket was last looked at: it is to know that it waits
            // for another request now.
            if progress.answers() != before && connection.as_mut().poll(context).is_ready() {
                return Poll::Ready(false);
            }
            let idle = matches!(progress.waits(), ConnectionWait::Idle | ConnectionWait::Fresh);
            if idle && room.as_mut().poll(context).is_ready() {
                return Poll::Ready(true);
            }
            if !idle {
                room.as_mut().leave();
            }
            // As long as the server serves, it keeps this task's waker and need not be given it twice. From then on
            // it may have used it up for a stage that was seen already.
            if shared.stage() == ShutdownStage::Open && std::mem::replace(&mut listens, true) {
                return Poll::Pending;
            }
            draining.as_mut().poll(context).map(|()| true)
        })
        .await
    };
    if leaves {
        connection.as_mut().graceful_shutdown();
        let mut cut = pin!(shared.reached(ShutdownStage::Cut));
        poll_fn(|context| {
            // Its request looks at the stage whenever it is polled, and is polled with its connection.
            if shared.stage() < ShutdownStage::Cut {
                let _ = cut.as_mut().poll(context);
            }
            match connection.as_mut().poll(context) {
                // It has asked for nothing, and nothing of it is on its way.
                Poll::Pending if progress.waits() == ConnectionWait::Fresh => Poll::Ready(()),
                Poll::Pending => Poll::Pending,
                Poll::Ready(_) => Poll::Ready(()),
            }
        })
        .await;
    }
    drop(place);
}

/// Takes the handshake of a connection, if it has one. A handshake under way when the server drains is left: its client has
/// asked for nothing yet.
async fn accepted(
    shared: &ServerState,
    socket: TcpStream,
    admission: Admission,
) -> Option<(ClientSocket, Admission)> {
    let Some(tls) = &shared.tls else { return Some((ClientSocket::Plain(socket), admission)) };
    let accepted = tokio::select! {
        // On the heap, so that plain connections do not carry its room.
        accepted = Box::pin(tls.accept(socket)) => accepted?,
        () = shared.reached(ShutdownStage::Draining) => return None,
    };
    Some(match accepted {
        #[cfg(feature = "tls")]
        AcceptedConnection::Tls(socket) => (ClientSocket::Tls(socket), admission),
        AcceptedConnection::PlainHttp(socket) => {
            (ClientSocket::Plain(socket), Admission::PlainHttp)
        }
    })
}

/// Ends when this connection's place is wanted by another, while it waits for that.
struct RoomWanted<'s> {
    shared: &'s ServerState,
    notified: Option<Pin<Box<Notified<'s>>>>,
}

impl<'s> RoomWanted<'s> {
    const fn new(shared: &'s ServerState) -> Self {
        Self { shared, notified: None }
    }

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let shared = self.shared;
        let notified = self.notified.get_or_insert_with(|| Box::pin(shared.room_wanted.notified()));
        notified.as_mut().poll(context)
    }

    /// It is busy: somebody else is to be told.
    fn leave(mut self: Pin<&mut Self>) {
        self.notified = None;
    }
}
