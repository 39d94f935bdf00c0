//! Calls by TLS, where this was built with it.

use std::io;
use tokio::net::TcpStream;

/// Makes a connection to `host` secure.
///
/// # Errors
/// When nothing is trusted, the other side's certificate is not, or this was built without TLS.
#[cfg(feature = "tls")]
pub(crate) async fn secure(
    host: &str,
    stream: TcpStream,
) -> io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    use rustls::pki_types::ServerName;
    let name = ServerName::try_from(host.to_owned());
    let name = name.map_err(|error| io::Error::other(format!("`{host}`: {error}")))?;
    connector()?.connect(name, stream).await
}

#[cfg(not(feature = "tls"))]
#[expect(clippy::unused_async, reason = "as it is with TLS")]
pub(crate) async fn secure(_: &str, _: TcpStream) -> io::Result<TcpStream> {
    let why = "this `squall` was built without TLS: build it with `--features tls`";
    Err(io::Error::new(io::ErrorKind::Unsupported, why))
}

/// Read once, since certificates are hundreds.
#[cfg(feature = "tls")]
fn connector() -> io::Result<tokio_rustls::TlsConnector> {
    use std::sync::{Arc, OnceLock};
    static CONNECTOR: OnceLock<Result<tokio_rustls::TlsConnector, String>> = OnceLock::new();
    let connector = CONNECTOR.get_or_init(|| {
        let config = squall_net::tls_client(squall_net::machine_roots()?);
        let config = config.map_err(|error| error.to_string())?;
        Ok(tokio_rustls::TlsConnector::from(Arc::new(config)))
    });
    connector.clone().map_err(io::Error::other)
}
