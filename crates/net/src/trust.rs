//! The certificates that this machine trusts, for clients that call by TLS.

use rustls::{ClientConfig, RootCertStore};
use std::sync::{Arc, OnceLock};

/// The machine's own certificates, or those of `SSL_CERT_FILE` and `SSL_CERT_DIR` where these are set. Read once, since
/// there are hundreds.
///
/// # Errors
/// When there is none.
pub fn machine_roots() -> Result<Arc<RootCertStore>, String> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    let roots = ROOTS.get_or_init(|| {
        let mut roots = RootCertStore::empty();
        // Old ones that cannot be read are nobody's any more.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Arc::new(roots)
    });
    if roots.is_empty() {
        return Err("this machine trusts no certificate: install `ca-certificates`".to_owned());
    }
    Ok(Arc::clone(roots))
}

/// How a client calls by TLS that trusts these certificates.
///
/// # Errors
/// When the cryptographic library offers none of the usual versions of TLS.
pub fn tls_client(roots: Arc<RootCertStore>) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions()?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// How a client calls hosts by TLS that this machine trusts. Nothing is read where none is called so: then `secure` is
/// false, and a call by TLS would fail.
///
/// # Errors
/// When this machine trusts no certificate, or the cryptographic library offers none of the usual versions of TLS.
pub fn machine_tls_client(secure: bool) -> Result<ClientConfig, String> {
    let roots = if secure { machine_roots()? } else { Arc::new(RootCertStore::empty()) };
    tls_client(roots).map_err(|error| error.to_string())
}
