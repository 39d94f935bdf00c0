//! Listening sockets.

use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::io;
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// How many connections may wait to be accepted. At 4,000 new connections a second a listener may pause for
/// four seconds before one is dropped. The system caps it: see [`backlog`].
pub const BACKLOG: u32 = 16_384;

/// How many connections may really wait: [`BACKLOG`], or less where the system allows less
/// (`net.core.somaxconn` on Linux).
#[must_use]
pub fn backlog() -> u32 {
    somaxconn().map_or(BACKLOG, |most| most.min(BACKLOG))
}

/// Listens on an address, on the tokio runtime that it is called from.
///
/// # Errors
/// When the address cannot be listened on.
///
/// # Panics
/// Outside a tokio runtime with I/O enabled.
pub fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = bind(addr)?;
    socket.listen(i32::try_from(BACKLOG).unwrap_or(i32::MAX))?;
    TcpListener::from_std(socket.into())
}

/// A socket that is bound and does not listen yet. `SO_REUSEADDR` lets a server start again while connections
/// of the last one are in `TIME_WAIT`; it does not let two of them listen.
///
/// # Errors
/// When the address is taken, or is not of this machine.
pub fn bind(addr: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SockAddr::from(addr))?;
    Ok(socket)
}

fn somaxconn() -> Option<u32> {
    std::fs::read_to_string("/proc/sys/net/core/somaxconn").ok()?.trim().parse().ok()
}
