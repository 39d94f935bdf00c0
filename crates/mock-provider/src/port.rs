//! A port that can refuse connections and stay ours.

use socket2::Socket;
use std::io;
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// A port held by a guard socket, which is bound and never listens: while no listener is open, the
/// system refuses connections to the port and gives it to nobody else. `SO_REUSEADDR` lets a listener share
/// the port with a guard that does not listen.
#[derive(Debug)]
pub(crate) struct Port {
    addr: SocketAddr,
    _guard: Socket,
}

impl Port {
    /// Takes the port, and listens on it.
    pub(crate) fn take(addr: SocketAddr) -> io::Result<(Self, TcpListener)> {
        let guard = squall_net::bind(addr)?;
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
        squall_net::listen(self.addr)
    }
}
