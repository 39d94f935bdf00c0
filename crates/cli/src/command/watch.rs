//! A file under watch: told of when it has changed, or when a hang-up signal asks for it to be read.

use crate::signals::Signals;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Between two looks at the file.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A file as it was when it was last taken on. Made before the file is read, so that no change is missed.
pub(crate) struct FileWatch<'p> {
    path: &'p Path,
    taken: FileStamp,
}

/// What tells that a file is another; `None` when it is not there.
type FileStamp = Option<(SystemTime, u64)>;

impl<'p> FileWatch<'p> {
    pub(crate) fn of(path: &'p Path) -> Self {
        Self { path, taken: state(path) }
    }

    /// Calls `changed` whenever the file's time or length is another than before, and on SIGHUP; never
    /// ends. A file that is being written is left until it has rested for one look.
    pub(crate) async fn changes(mut self, mut signals: Signals, changed: impl Fn()) {
        let mut before = self.taken;
        loop {
            let asked = tokio::select! {
                () = signals.reload() => true,
                () = tokio::time::sleep(LOOK_EVERY) => false,
            };
            let now = state(self.path);
            let rests = now == before;
            before = now;
            if asked || (rests && now != self.taken && now.is_some()) {
                self.taken = now;
                changed();
            }
        }
    }
}

fn state(path: &Path) -> FileStamp {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}
