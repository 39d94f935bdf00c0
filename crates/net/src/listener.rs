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

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, SocketAddr, TcpStream};

    const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

    /// The standard library and tokio ask for 1,024 at most.
    #[tokio::test]
    async fn more_than_1024_connections_wait_to_be_accepted_and_none_is_lost() {
        // A client takes a descriptor; what waits for it takes none until it is accepted.
        let files = crate::raise_file_limit().unwrap_or(4_096).saturating_sub(100);
        let wanted = 1_500.min(u64::from(backlog())).min(files) as usize;
        let listener = listen(LOOPBACK).unwrap();
        let addr = listener.local_addr().unwrap();
        // A full queue drops the last packet of the handshake: such a client is never accepted.
        let clients: Vec<_> = (0..wanted).map(|_| TcpStream::connect(addr).unwrap()).collect();
        assert_eq!(clients.len(), wanted);
        let mut accepted = 0;
        let any = std::time::Duration::from_millis(200);
        while accepted < wanted {
            let (stream, _) = tokio::time::timeout(any * 50, listener.accept())
                .await
                .unwrap_or_else(|_| panic!("{accepted} of {wanted} were accepted"))
                .unwrap();
            drop(stream);
            accepted += 1;
        }
    }

    #[tokio::test]
    async fn an_address_that_is_taken_is_refused_and_free_again_once_it_is_let_go() {
        let first = listen(LOOPBACK).unwrap();
        let addr = first.local_addr().unwrap();
        assert_eq!(listen(addr).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        drop(first);
        listen(addr).unwrap();
    }
}
