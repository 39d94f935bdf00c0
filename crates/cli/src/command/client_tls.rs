//! TLS towards the clients of a gateway: which files it is made of, and that they are read again.

use super::watch::FileWatch;
use crate::args::ServeArgs;
use crate::error::CliError;
use crate::signals::Signals;
use crate::terminal;
use squall_gateway::{GatewayView, TlsSettings};
use squall_scenario::GatewayFile;
use std::path::{Path, PathBuf};

/// What the flags say, or the file of the configuration, beside which its files are; `None` without TLS.
pub(super) fn settings(args: &ServeArgs, file: &GatewayFile) -> Option<TlsSettings> {
    if let (Some(certificate), Some(key)) = (&args.tls_certificate, &args.tls_key) {
        return Some(TlsSettings {
            certificate: certificate.clone(),
            key: key.clone(),
            client_ca: args.tls_client_ca.clone(),
            ..file.tls.clone().unwrap_or_default()
        });
    }
    of_file(args.config(), file)
}

/// What the file of a configuration says, or its folder.
pub(super) fn of_file(path: &Path, file: &GatewayFile) -> Option<TlsSettings> {
    let beside = path.parent().unwrap_or_else(|| Path::new(""));
    let folder = if path.is_dir() { path } else { beside };
    let beside = |path: &PathBuf| folder.join(path);
    file.tls.as_ref().map(|tls| TlsSettings {
        certificate: beside(&tls.certificate),
        key: beside(&tls.key),
        client_ca: tls.client_ca.as_ref().map(beside),
        ..tls.clone()
    })
}

/// The files as they are before they are read for the first time.
pub(super) fn watch(tls: Option<&TlsSettings>) -> Option<FileWatch> {
    tls.map(|tls| FileWatch::of_all(tls.files()))
}

/// Reads the files again whenever one has changed and all have rested, and on SIGHUP. Never ends.
pub(super) async fn keep(watch: Option<FileWatch>, signals: Signals, gateway: &GatewayView) {
    match watch {
        Some(watch) => watch.changes(signals, || reload(gateway)).await,
        None => std::future::pending().await,
    }
}

fn reload(gateway: &GatewayView) {
    match gateway.reload_certificates() {
        Ok(()) => terminal::status("reloaded the certificate for clients"),
        Err(error) => {
            terminal::error(&CliError::from(error));
            terminal::status("the gateway keeps its current certificate");
        }
    }
}
