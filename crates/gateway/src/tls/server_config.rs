//! The files of TLS, read and held against each other.

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{InconsistentKeys, RootCertStore, ServerConfig};
use squall_wire::TlsSettings;
use std::path::Path;
use std::sync::Arc;

/// The only protocol that the server speaks: a client that wants another is told so in the handshake.
const ALPN: &[u8] = b"http/1.1";

/// How handshakes go with these files, and the gateway's own certificate.
///
/// # Errors
/// Which file cannot be used, and why.
pub(super) fn read(
    settings: &TlsSettings,
) -> Result<(ServerConfig, CertificateDer<'static>), String> {
    let chain = certificates(&settings.certificate)?;
    let key = key(&settings.key)?;
    let leaf = chain[0].clone();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let builder = match &settings.client_ca {
        Some(path) => {
            let roots = Arc::new(authorities(path)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build();
            let verifier = verifier.map_err(|error| unusable(path, error))?;
            builder.with_client_cert_verifier(verifier as Arc<dyn ClientCertVerifier>)
        }
        None => builder.with_no_client_auth(),
    };
    let mut config =
        builder.with_single_cert(chain, key).map_err(|error| refused(settings, &error))?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok((config, leaf))
}

fn refused(settings: &TlsSettings, error: &rustls::Error) -> String {
    let (certificate, key) = (settings.certificate.display(), settings.key.display());
    if matches!(error, rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) {
        return format!(
            "the key in {key} does not belong to the first certificate in {certificate}: give the key that the \
             certificate was issued for, and the gateway's own certificate before those of its issuers"
        );
    }
    format!("the certificate in {certificate} with the key in {key} cannot be used: {error}")
}

fn unusable(path: &Path, error: impl std::fmt::Display) -> String {
    format!("the authorities in {} cannot be used: {error}", path.display())
}

/// All of a file; at least one.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let unread = |error| format!("failed to read certificates from {}: {error}", path.display());
    let certificates = CertificateDer::pem_file_iter(path).map_err(unread)?;
    let certificates: Vec<_> = certificates.collect::<Result<_, _>>().map_err(unread)?;
    if certificates.is_empty() {
        return Err(format!("there is no certificate in {}: expected PEM", path.display()));
    }
    Ok(certificates)
}

fn authorities(path: &Path) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| unusable(path, error))?;
    }
    Ok(roots)
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    let key = PrivateKeyDer::from_pem_file(path).map_err(|error| match error {
        pem::Error::NoItemsFound => format!(
            "there is no private key in {}: expected PEM with PKCS#8, PKCS#1 or SEC1, not encrypted",
            path.display()
        ),
        error => format!("failed to read the private key from {}: {error}", path.display()),
    })?;
    if is_readable_by_all(path) {
        tracing::warn!(
            target: "squall_gateway::tls",
            path = %path.display(),
            "every user of this machine can read the private key: take their rights away (chmod o-rwx)"
        );
    }
    Ok(key)
}

#[cfg(unix)]
fn is_readable_by_all(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o007 != 0)
}

#[cfg(not(unix))]
fn is_readable_by_all(_: &Path) -> bool {
    false
}
