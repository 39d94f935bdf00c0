//! Connections to upstreams: plain, or by TLS where this was built with it.

use crate::setup::{StartError, UpstreamConfig};
use hyper_util::client::legacy::connect::HttpConnector;
use std::time::Duration;

#[cfg(feature = "tls")]
pub(super) type Connector = hyper_rustls::HttpsConnector<HttpConnector>;
#[cfg(not(feature = "tls"))]
pub(super) type Connector = HttpConnector;

/// What makes the connections of an upstream.
///
/// # Errors
/// When it is called by TLS and nothing is trusted, or this was built without TLS.
pub(super) fn connector(
    upstream: &UpstreamConfig,
    secure: bool,
    connect_timeout: Duration,
) -> Result<Connector, StartError> {
    let mut plain = HttpConnector::new();
    plain.set_nodelay(true);
    plain.set_connect_timeout(Some(connect_timeout));
    plain.enforce_http(false);
    with_tls(plain, upstream, secure)
}

#[cfg(not(feature = "tls"))]
fn with_tls(
    plain: HttpConnector,
    upstream: &UpstreamConfig,
    secure: bool,
) -> Result<Connector, StartError> {
    if secure {
        let why = "this `squall` was built without TLS: build it with `--features tls`";
        return Err(StartError::Tls { name: upstream.name.clone(), why: why.to_owned() });
    }
    Ok(plain)
}

#[cfg(feature = "tls")]
fn with_tls(
    plain: HttpConnector,
    upstream: &UpstreamConfig,
    secure: bool,
) -> Result<Connector, StartError> {
    use std::sync::Arc;
    // Nothing is read for those who need none of it.
    let roots =
        if secure { tls::roots(upstream)? } else { Arc::new(rustls::RootCertStore::empty()) };
    let broken = |error: rustls::Error| StartError::Tls {
        name: upstream.name.clone(),
        why: error.to_string(),
    };
    let config = squall_net::tls_client(roots).map_err(broken)?;
    let builder = hyper_rustls::HttpsConnectorBuilder::new().with_tls_config(config);
    Ok(builder.https_or_http().enable_http1().wrap_connector(plain))
}

#[cfg(feature = "tls")]
mod tls {
    use crate::setup::{StartError, UpstreamConfig};
    use rustls::RootCertStore;
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;
    use std::path::Path;
    use std::sync::Arc;

    /// Whom an upstream's certificate must be signed by.
    pub(super) fn roots(upstream: &UpstreamConfig) -> Result<Arc<RootCertStore>, StartError> {
        let told = |why| StartError::Tls { name: upstream.name.clone(), why };
        match &upstream.trusted {
            Some(file) => of_file(file).map(Arc::new).map_err(told),
            None => squall_net::machine_roots().map_err(|why| {
                told(format!("{why}, or name a file of certificates with `trusted`"))
            }),
        }
    }

    fn of_file(path: &Path) -> Result<RootCertStore, String> {
        let mut roots = RootCertStore::empty();
        let unread =
            |error| format!("failed to read certificates from {}: {error}", path.display());
        for certificate in CertificateDer::pem_file_iter(path).map_err(unread)? {
            let certificate = certificate.map_err(unread)?;
            let refused =
                |error| format!("a certificate of {} cannot be used: {error}", path.display());
            roots.add(certificate).map_err(refused)?;
        }
        if roots.is_empty() {
            return Err(format!("there is no certificate in {}", path.display()));
        }
        Ok(roots)
    }
}
