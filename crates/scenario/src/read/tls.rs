//! TLS towards the clients of a gateway.

use crate::diagnostic::Problems;
use crate::node::Node;
use crate::schema::Schema;
use crate::settings::{Count, Maybe, Required, Span, ValueKind, Written, settings};
use crate::value;
use squall_wire::TlsSettings;
use std::path::PathBuf;

settings! {
    /// TLS of a gateway.
    pub(super) static TLS: TlsSettings = (
        "tls",
        "TLS for clients",
        "TLS for client connections, on `listen` only. The files are read again when they change and on SIGHUP; any other \
         change requires a restart."
    );
    /// PEM file of the gateway's certificate, followed by the intermediate ones; relative to this file.
    certificate: Required(File);
    /// PEM file of its private key (PKCS#8, PKCS#1 or SEC1, not encrypted); relative to this file.
    key: Required(File);
    /// PEM file of the authorities that issue clients' certificates; relative to this file. With it, clients without
    /// such a certificate cannot connect (mTLS).
    client_ca: Maybe(File, "no client certificates");
    /// From the start of a connection to the end of its handshake; beyond it, the connection is closed.
    handshake_timeout: Span;
    /// Maximum number of handshakes at once; beyond it, new connections are closed.
    max_handshakes: Count::<usize>::between(1, 1_000_000);
}

/// The path of a file.
struct File;

impl ValueKind for File {
    type Value = PathBuf;

    fn shape(&self) -> Schema {
        Schema::Text
    }

    fn read(&self, node: &Node, _: &PathBuf, problems: &Problems) -> Option<PathBuf> {
        value::scalar(node, &Schema::Text, problems).map(PathBuf::from)
    }

    fn write(&self, path: &PathBuf) -> Written {
        Written::text(path.display().to_string())
    }
}
