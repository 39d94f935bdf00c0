//! A mock provider: its start, its accept loop and its end.

use crate::connections::OpenConnection;
use crate::port::Port;
use crate::provider_server::ProviderServer;
use crate::service;
use crate::setup::{MockSetup, ProviderLog};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use squall_net::Shortage;
use squall_provider::Listener;
use squall_record::RowSender;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// One provider on one address. Dropping it stops it; [`shutdown`](Self::shutdown) also gives its log.
#[derive(Debug)]
pub struct MockProvider {
    addr: SocketAddr,
    mock: Arc<ProviderServer>,
    tasks: JoinSet<()>,
}

impl MockProvider {
    /// Takes the port and starts to serve, on the tokio runtime that it is called from.
    ///
    /// # Errors
    /// When the address cannot be listened on; the error names it.
    ///
    /// # Panics
    /// Outside a tokio runtime with I/O and time enabled.
    pub fn start(setup: MockSetup) -> io::Result<Self> {
        let (port, listener) = Port::take(setup.listen).map_err(|error| {
            let MockSetup { name, listen, .. } = &setup;
            let text = format!("failed to listen on {listen} for provider `{name}`: {error}");
            io::Error::new(error.kind(), text)
        })?;
        let addr = port.addr();
        let mock = Arc::new(ProviderServer::new(setup));
        // A fault that holds from the start must hold for the first connection.
        mock.tick();
        let mut tasks = JoinSet::new();
        let timer = Arc::clone(&mock);
        tasks.spawn(async move { timer.run_timer().await });
        tasks.spawn(listen(Arc::clone(&mock), port, listener));
        Ok(Self { addr, mock, tasks })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.mock.name()
    }

    /// What is behind it.
    pub(crate) fn mock(&self) -> Arc<ProviderServer> {
        Arc::clone(&self.mock)
    }

    /// Sends what it logs on as it comes, where [rows are kept](crate::AttemptLog::Kept).
    pub fn stream_rows(&self, rows: RowSender) {
        self.mock.stream(rows);
    }

    /// Where it listens.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its API: `http://127.0.0.1:41234/v1`, in the way of its format.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}{}", self.addr, self.mock.format().base_path())
    }

    /// Stops: connections are closed, the port is free. Attempts that are still open are unfinished.
    pub async fn shutdown(mut self) -> ProviderLog {
        let log = self.mock.close();
        self.tasks.shutdown().await;
        log
    }
}

/// Listens while the core wants connections, and holds the port while it does not.
async fn listen(mock: Arc<ProviderServer>, port: Port, listener: TcpListener) {
    let mut wanted = mock.listener();
    let mut connections = JoinSet::new();
    let mut listener = Some(listener);
    loop {
        while *wanted.borrow_and_update() == Listener::Refusing {
            listener = None;
            if wanted.changed().await.is_err() {
                return;
            }
        }
        let Some(open) = &listener else {
            // The guard holds the port, so only a want of files can be in the way: try again.
            match port.listen() {
                Ok(open) => listener = Some(open),
                Err(error) => {
                    Shortage::count(&error);
                    tokio::time::sleep(PAUSE).await;
                }
            }
            continue;
        };
        tokio::select! {
            changed = wanted.changed() => {
                if changed.is_err() {
                    return;
                }
            }
            accepted = open.accept() => match accepted {
                Ok((stream, _)) => {
                    let connection = OpenConnection::open(Arc::clone(mock.connections()));
                    connections.spawn(serve_connection(Arc::clone(&mock), stream, connection));
                }
                // A caller that hung up in the queue, or no more files: neither is a reason to stop.
                Err(error) => {
                    Shortage::count(&error);
                    tokio::time::sleep(PAUSE).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Between two tries at a system call that failed for want of a resource.
const PAUSE: Duration = Duration::from_millis(5);

/// Serves one connection until it ends, or is reset.
async fn serve_connection(
    mock: Arc<ProviderServer>,
    stream: TcpStream,
    connection: OpenConnection,
) {
    // Without it a token would wait for the acknowledgement of the one before. It fails only on a
    // socket that is dead already.
    let _ = stream.set_nodelay(true);
    let service = service::for_connection(Arc::clone(&mock), connection.reset().clone());
    let mut served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(mock.patience().head)
        .serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        biased;
        () = connection.reset().fired() => {
            let parts = served.into_parts();
            // Zero linger makes the close that follows a reset.
            let _ = parts.io.inner().set_zero_linger();
        }
        // An error here is a caller that hung up, or a cut of our own.
        _ = &mut served => {}
    }
}
