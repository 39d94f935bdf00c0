//! How this program asks other servers over HTTP, with TLS where the address says `https`.

use hyper_util::client::legacy::connect::HttpConnector;
use std::error::Error;

/// Connects to servers.
#[cfg(feature = "tls")]
pub(crate) type Connector = hyper_rustls::HttpsConnector<HttpConnector>;
/// Connects to servers.
#[cfg(not(feature = "tls"))]
pub(crate) type Connector = HttpConnector;

/// # Errors
/// When TLS is needed, and this program was built without it.
#[cfg(not(feature = "tls"))]
pub(crate) fn connector(secure: bool) -> Result<Connector, String> {
    if secure {
        return Err(
            "this `squall` was built without TLS: build it with `--features tls`".to_owned()
        );
    }
    Ok(HttpConnector::new())
}

/// TLS by the certificates that this machine trusts, or those of `SSL_CERT_FILE`.
///
/// # Errors
/// When TLS is needed, and there are none.
#[cfg(feature = "tls")]
pub(crate) fn connector(secure: bool) -> Result<Connector, String> {
    let config = squall_net::machine_tls_client(secure)?;
    let mut plain = HttpConnector::new();
    plain.enforce_http(false);
    let builder = hyper_rustls::HttpsConnectorBuilder::new().with_tls_config(config);
    Ok(builder.https_or_http().enable_http1().wrap_connector(plain))
}

/// An error with what caused it, in one line.
pub(crate) fn causes(error: &(dyn Error + 'static)) -> String {
    let all = std::iter::successors(Some(error), |&error| error.source());
    all.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
