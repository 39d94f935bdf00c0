//! Handshakes: as many as are allowed at once, each within its time.

use super::TlsServer;
use std::sync::atomic::Ordering;
#[cfg(feature = "tls")]
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
#[cfg(feature = "tls")]
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// The first byte of a handshake: the type of its record.
const HANDSHAKE: u8 = 0x16;

/// What a connection turned out to be.
#[derive(Debug)]
pub(crate) enum AcceptedConnection {
    #[cfg(feature = "tls")]
    Tls(Box<TlsStream<TcpStream>>),
    /// The client speaks HTTP without TLS: nothing has been read of it.
    PlainHttp(TcpStream),
}

impl AcceptedConnection {
    const fn outcome(&self) -> HandshakeOutcome {
        match self {
            #[cfg(feature = "tls")]
            Self::Tls(_) => HandshakeOutcome::Completed,
            Self::PlainHttp(_) => HandshakeOutcome::PlainHttp,
        }
    }
}

/// How a handshake ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum HandshakeOutcome {
    Completed,
    /// The client and we do not agree, or it went away.
    Failed,
    TimedOut,
    /// There were too many at once.
    Refused,
    PlainHttp,
}

impl HandshakeOutcome {
    pub(crate) const ALL: [Self; 5] =
        [Self::Completed, Self::Failed, Self::TimedOut, Self::Refused, Self::PlainHttp];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Refused => "refused",
            Self::PlainHttp => "plain_http",
        }
    }
}

/// A place among the handshakes in progress.
struct HandshakePermit<'s>(&'s TlsServer);

impl<'s> HandshakePermit<'s> {
    fn take(server: &'s TlsServer) -> Option<Self> {
        let before = server.handshakes_in_progress.fetch_add(1, Ordering::Relaxed);
        let permit = Self(server);
        (before < server.settings.max_handshakes).then_some(permit)
    }
}

impl Drop for HandshakePermit<'_> {
    fn drop(&mut self) {
        self.0.handshakes_in_progress.fetch_sub(1, Ordering::Relaxed);
    }
}

impl TlsServer {
    /// Takes the handshake of a connection; `None` if there is nobody to go on with.
    pub(crate) async fn accept(&self, socket: TcpStream) -> Option<AcceptedConnection> {
        let (accepted, outcome) = match HandshakePermit::take(self) {
            None => (None, HandshakeOutcome::Refused),
            Some(_permit) => {
                let handshake = self.handshake(socket);
                match tokio::time::timeout(self.settings.handshake_timeout, handshake).await {
                    Ok(Ok(accepted)) => {
                        let outcome = accepted.outcome();
                        (Some(accepted), outcome)
                    }
                    Ok(Err(error)) => {
                        tracing::debug!(target: "squall_gateway::tls", %error, "handshake failed");
                        (None, HandshakeOutcome::Failed)
                    }
                    Err(_) => (None, HandshakeOutcome::TimedOut),
                }
            }
        };
        self.handshakes[outcome as usize].fetch_add(1, Ordering::Relaxed);
        accepted
    }

    #[cfg(not(feature = "tls"))]
    #[expect(clippy::unused_async, reason = "as where there is TLS")]
    async fn handshake(&self, _: TcpStream) -> std::io::Result<AcceptedConnection> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    #[cfg(feature = "tls")]
    async fn handshake(&self, socket: TcpStream) -> std::io::Result<AcceptedConnection> {
        let mut first = [0];
        if socket.peek(&mut first).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        // A method of HTTP begins with a letter, which no record of TLS does.
        if first[0] != HANDSHAKE && first[0].is_ascii_alphabetic() {
            return Ok(AcceptedConnection::PlainHttp(socket));
        }
        let acceptor = TlsAcceptor::from(self.current().config);
        match acceptor.accept(socket).into_fallible().await {
            Ok(stream) => Ok(AcceptedConnection::Tls(Box::new(stream))),
            Err((error, socket)) => {
                linger(socket).await;
                Err(error)
            }
        }
    }
}

/// Reads what a client that was refused still sends, until it has heard so: a socket that is closed over unread input
/// resets the connection, and the alert with the reason may be lost.
#[cfg(feature = "tls")]
async fn linger(mut socket: TcpStream) {
    let mut waste = [0; 4 << 10];
    if socket.shutdown().await.is_ok() {
        while socket.read(&mut waste).await.is_ok_and(|read| read > 0) {}
    }
}
