//! A file under watch: told of when it has changed, or when a hang-up signal asks for it to be read.

use std::path::Path;
use std::time::{Duration, SystemTime};

/// Between two looks at the file.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Calls `changed` whenever the file's time or length is another than before, and on SIGHUP; never ends.
/// A file that is being written is left until it has rested for one look.
pub(crate) async fn changes(path: &Path, changed: impl Fn()) {
    let mut taken = state(path);
    let mut before = taken;
    let mut hangup = Hangup::new();
    loop {
        let asked = tokio::select! {
            () = hangup.told() => true,
            () = tokio::time::sleep(LOOK_EVERY) => false,
        };
        let now = state(path);
        let rests = now == before;
        before = now;
        if asked || (rests && now != taken && now.is_some()) {
            taken = now;
            changed();
        }
    }
}

/// What tells that a file is another; `None` when it is not there.
fn state(path: &Path) -> Option<(SystemTime, u64)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// SIGHUP, where there is such a thing.
struct Hangup {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

impl Hangup {
    #[cfg(unix)]
    fn new() -> Self {
        let kind = tokio::signal::unix::SignalKind::hangup();
        Self { signal: tokio::signal::unix::signal(kind).ok() }
    }

    #[cfg(not(unix))]
    fn new() -> Self {
        Self {}
    }

    #[cfg(unix)]
    async fn told(&mut self) {
        let told = match &mut self.signal {
            Some(signal) => signal.recv().await,
            None => None,
        };
        if told.is_none() {
            std::future::pending().await
        }
    }

    #[cfg(not(unix))]
    async fn told(&mut self) {
        std::future::pending().await
    }
}
