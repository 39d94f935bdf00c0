//! The store that replicas of the built-in gateway share: a Redis of the run's own, killed and brought back on schedule.

use crate::LiveError;
use squall_clock::Clock;
use squall_scenario::{SharedStateSettings, StoreFault, StoreFaultKind};
use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// How long a Redis may take to listen.
const START: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A Redis that keeps nothing on disk, at a socket in a folder of its own.
#[derive(Debug)]
pub(crate) struct StoreProcess {
    folder: TempDir,
    child: Child,
}

impl StoreProcess {
    /// Starts the store of a scenario, and waits until it listens.
    ///
    /// # Errors
    /// When a fault is scheduled that only a store in virtual time has, or no Redis can be started.
    pub(crate) fn start(settings: &SharedStateSettings) -> Result<Self, LiveError> {
        if let Some(word) = settings.faults.iter().find_map(simulated_only) {
            return Err(LiveError::StoreFault { word });
        }
        let folder = tempfile::Builder::new().prefix("squall-store-").tempdir();
        let folder = folder.map_err(LiveError::Folder)?;
        let child = launch(folder.path()).map_err(LiveError::Store)?;
        let mut store = Self { folder, child };
        store.wait_until_it_listens()?;
        Ok(store)
    }

    /// Where replicas find it.
    pub(crate) fn url(&self) -> String {
        format!("redis+unix://{}", socket(self.folder.path()).display())
    }

    fn wait_until_it_listens(&mut self) -> Result<(), LiveError> {
        for _ in 0..START.as_millis() / LOOK_EVERY.as_millis() {
            if UnixStream::connect(socket(self.folder.path())).is_ok() {
                return Ok(());
            }
            if self.child.try_wait().is_ok_and(|ended| ended.is_some()) {
                break;
            }
            std::thread::sleep(LOOK_EVERY);
        }
        Err(LiveError::Store(io::Error::other("it does not listen")))
    }

    /// Kills it, and brings it back without its data, as scheduled; then keeps it until this is dropped.
    pub(crate) async fn follow(mut self, clock: Clock, faults: Vec<StoreFault>) {
        for fault in faults {
            clock.sleep_until(fault.at).await;
            self.kill();
            clock.sleep_until(fault.at + fault.lasts).await;
            match launch(self.folder.path()) {
                Ok(child) => self.child = child,
                // Replicas go on without it, and say so.
                Err(_) => break,
            }
        }
        std::future::pending::<()>().await;
    }

    fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for StoreProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

fn socket(folder: &Path) -> PathBuf {
    folder.join("store")
}

fn launch(folder: &Path) -> io::Result<Child> {
    Command::new("redis-server")
        .args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"])
        .arg(socket(folder))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

/// The word for a fault that only a store in virtual time has.
const fn simulated_only(fault: &StoreFault) -> Option<&'static str> {
    match fault.kind {
        StoreFaultKind::Down => None,
        StoreFaultKind::Unreachable => Some("unreachable"),
        StoreFaultKind::Slow(_) => Some("slow"),
        StoreFaultKind::Loss(_) => Some("loss"),
    }
}
