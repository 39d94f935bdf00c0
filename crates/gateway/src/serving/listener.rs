//! The listening socket.

use socket2::TcpKeepalive;
use squall_wire::ServerSettings;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;

/// Between two questions of the kernel whether a silent client is still there: Go's.
const KEEPALIVE_EVERY: Duration = Duration::from_secs(15);

/// Listens. Sockets that are accepted inherit the keepalive.
pub(super) fn bind(addr: SocketAddr, settings: &ServerSettings) -> io::Result<TcpListener> {
    let socket = squall_net::bind(addr)?;
    let keepalive = TcpKeepalive::new().with_time(settings.tcp_keepalive);
    socket.set_tcp_keepalive(&keepalive.with_interval(KEEPALIVE_EVERY))?;
    socket.listen(i32::try_from(squall_net::BACKLOG).unwrap_or(i32::MAX))?;
    TcpListener::from_std(socket.into())
}
