//! A port that can refuse connections and stay ours.

use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::io;
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// A port held by a guard socket, which is bound and never listens: while no listener is open, the
/// system refuses connections to the port and gives it to nobody else.
#[derive(Debug)]
pub(crate) struct Port {
    addr: SocketAddr,
    _guard: Socket,
}

impl Port {
    /// Takes the port, and listens on it.
    pub(crate) fn take(addr: SocketAddr) -> io::Result<(Self, TcpListener)> {
        let guard = bound(addr)?;
        let addr = guard.local_addr()?.as_socket().ok_or(io::ErrorKind::Unsupported)?;
        let port = Self { addr, _guard: guard };
        let listener = port.listen()?;
        Ok((port, listener))
    }

    pub(crate) const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Listens; refuses again when the listener is dropped.
    pub(crate) fn listen(&self) -> io::Result<TcpListener> {
        let socket = bound(self.addr)?;
        socket.listen(BACKLOG)?;
        TcpListener::from_std(socket.into())
    }
}

/// How many connections may wait to be accepted; the system may cap it. Large, so that a spike meets
/// the faults of the script and not those of a full queue.
const BACKLOG: i32 = 4096;

/// With SO_REUSEADDR, which lets a listener share the port with a guard that does not listen, but not
/// with another listener.
fn bound(addr: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SockAddr::from(addr))?;
    Ok(socket)
}
