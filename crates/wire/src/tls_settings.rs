//! How a gateway answers by TLS. Here, since the gateway works by it and files say it: the defaults stand once.

use core::time::Duration;
use std::path::PathBuf;

/// TLS towards clients.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TlsSettings {
    /// A file with the gateway's certificate in PEM, followed by those between it and its authority.
    pub certificate: PathBuf,
    /// A file with the key of that certificate in PEM: PKCS#8, PKCS#1 or SEC1, not encrypted.
    pub key: PathBuf,
    /// A file with the certificates in PEM of the authorities that clients' certificates must come from. With it,
    /// a client without such a certificate cannot connect.
    pub client_ca: Option<PathBuf>,
    /// From the start of a connection to the end of its handshake. Default 10 s.
    pub handshake_timeout: Duration,
    /// Handshakes at once; a connection beyond them is closed. Default 1,000: with a key on P-256 that is less than a
    /// second's work of one core.
    pub max_handshakes: usize,
}

impl Default for TlsSettings {
    fn default() -> Self {
        Self {
            certificate: PathBuf::new(),
            key: PathBuf::new(),
            client_ca: None,
            handshake_timeout: Duration::from_secs(10),
            max_handshakes: 1_000,
        }
    }
}

impl TlsSettings {
    /// The files, in the order of the fields.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        [&self.certificate, &self.key].into_iter().chain(&self.client_ca)
    }
}
