//! Connections to the target: made when none is idle, kept only when the last answer left them clean.

use crate::setup::ApiTarget;
use crate::tls;
use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// A connection that is ready for a request. Dropping it hangs up.
pub(crate) type ClientConnection = SendRequest<Full<Bytes>>;

#[derive(Debug)]
pub(crate) struct ConnectionPool {
    target: ApiTarget,
    /// The one used last is used next, so that the others may grow old and be closed.
    idle: Mutex<Vec<ClientConnection>>,
}

impl ConnectionPool {
    pub(crate) const fn new(target: ApiTarget) -> Self {
        Self { target, idle: Mutex::new(Vec::new()) }
    }

    pub(crate) const fn target(&self) -> &ApiTarget {
        &self.target
    }

    /// An idle connection, or a new one.
    pub(crate) async fn take(&self) -> io::Result<ClientConnection> {
        loop {
            let idle = self.idle().pop();
            match idle {
                Some(mut connection) => {
                    if connection.ready().await.is_ok() {
                        return Ok(connection);
                    }
                }
                None => return self.open().await,
            }
        }
    }

    /// Keeps a connection whose answer was read to its end.
    pub(crate) fn give_back(&self, connection: ClientConnection) {
        if !connection.is_closed() {
            self.idle().push(connection);
        }
    }

    /// A new connection.
    pub(crate) async fn open(&self) -> io::Result<ClientConnection> {
        let (host, port) = self.target.address();
        let stream = TcpStream::connect((host, port)).await?;
        stream.set_nodelay(true)?;
        if self.target.is_secure() {
            return over(tls::secure(host, stream).await?).await;
        }
        over(stream).await
    }

    fn idle(&self) -> MutexGuard<'_, Vec<ClientConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// HTTP over a stream of bytes.
async fn over<S>(stream: S) -> io::Result<ClientConnection>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    // It ends with the connection; what went wrong is told to whoever waits for an answer.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}
