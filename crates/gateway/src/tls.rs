//! TLS towards clients: a certificate that can be replaced while connections are open, and handshakes within limits.

mod certificate;
mod expiry;
mod handshake;
#[cfg(feature = "tls")]
mod server_config;

pub(crate) use certificate::CertificateInfo;
pub(crate) use expiry::watch_expiry;
pub(crate) use handshake::{AcceptedConnection, HandshakeOutcome};

use squall_wire::TlsSettings;
#[cfg(feature = "tls")]
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock};

/// What every TLS connection of a server begins with.
#[derive(Debug)]
pub(crate) struct TlsServer {
    settings: TlsSettings,
    current: RwLock<LoadedCertificate>,
    handshakes_in_progress: AtomicUsize,
    handshakes: [AtomicU64; HandshakeOutcome::ALL.len()],
    reloads_succeeded: AtomicU64,
    reloads_failed: AtomicU64,
}

/// What connections that come now are told.
#[derive(Clone, Debug)]
struct LoadedCertificate {
    #[cfg(feature = "tls")]
    config: Arc<rustls::ServerConfig>,
    info: CertificateInfo,
}

/// Counts for metrics.
#[derive(Clone, Debug)]
pub(crate) struct TlsSnapshot {
    /// In seconds since 1970.
    pub(crate) not_after: i64,
    pub(crate) handshakes: [(&'static str, u64); HandshakeOutcome::ALL.len()],
    pub(crate) handshakes_in_progress: usize,
    pub(crate) reloads: [(&'static str, u64); 2],
}

impl TlsServer {
    /// Reads the files.
    ///
    /// # Errors
    /// When one of them cannot be used, or they do not belong together: which, and why.
    pub(crate) fn load(settings: TlsSettings) -> Result<Self, String> {
        let current = read(&settings)?;
        current.info.log("certificate loaded");
        Ok(Self {
            settings,
            current: RwLock::new(current),
            handshakes_in_progress: AtomicUsize::new(0),
            handshakes: std::array::from_fn(|_| AtomicU64::new(0)),
            reloads_succeeded: AtomicU64::new(0),
            reloads_failed: AtomicU64::new(0),
        })
    }

    /// Reads the files again. Connections that are open stay as they are, and so does everything if this fails.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub(crate) fn reload(&self) -> Result<(), String> {
        match read(&self.settings) {
            Ok(loaded) => {
                loaded.info.log("certificate reloaded");
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = loaded;
                self.reloads_succeeded.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
            Err(why) => {
                self.reloads_failed.fetch_add(1, Ordering::Relaxed);
                Err(why)
            }
        }
    }

    fn current(&self) -> LoadedCertificate {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn snapshot(&self) -> TlsSnapshot {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let outcome = |of: HandshakeOutcome| (of.as_str(), count(&self.handshakes[of as usize]));
        TlsSnapshot {
            not_after: self.current().info.not_after,
            handshakes: HandshakeOutcome::ALL.map(outcome),
            handshakes_in_progress: self.handshakes_in_progress.load(Ordering::Relaxed),
            reloads: [
                ("succeeded", count(&self.reloads_succeeded)),
                ("failed", count(&self.reloads_failed)),
            ],
        }
    }
}

#[cfg(feature = "tls")]
fn read(settings: &TlsSettings) -> Result<LoadedCertificate, String> {
    let (config, leaf) = server_config::read(settings)?;
    let info = CertificateInfo::of(&leaf)
        .map_err(|why| format!("the certificate in {} {why}", settings.certificate.display()))?;
    Ok(LoadedCertificate { config: Arc::new(config), info })
}

#[cfg(not(feature = "tls"))]
fn read(_: &TlsSettings) -> Result<LoadedCertificate, String> {
    Err("this `squall` was built without TLS: build it with `--features tls`".to_owned())
}
