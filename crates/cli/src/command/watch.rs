//! Files under watch: told of when one has changed, or when a hang-up signal asks for them to be read.

use crate::config_folder;
use crate::signals::Signals;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Between two looks at the files.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Files as they were when they were last taken on. Made before they are read, so that no change is missed.
pub(crate) struct FileWatch {
    paths: Vec<PathBuf>,
    taken: Vec<FileStamp>,
}

/// What tells that a file is another; `None` when it is not there.
type FileStamp = Option<(SystemTime, u64)>;

impl FileWatch {
    pub(crate) fn of(path: &Path) -> Self {
        Self::of_all(std::iter::once(path))
    }

    /// The same for files that belong together.
    pub(crate) fn of_all<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Self {
        let paths: Vec<_> = paths.into_iter().map(|path| path.as_ref().to_owned()).collect();
        Self { taken: states(&paths), paths }
    }

    /// Calls `changed` whenever a file's time or length is another than before, and on SIGHUP; never
    /// ends. Files that are being written are left until all have rested for one look.
    pub(crate) async fn changes(mut self, mut signals: Signals, changed: impl Fn()) {
        let mut before = self.taken.clone();
        loop {
            let asked = tokio::select! {
                () = signals.reload() => true,
                () = tokio::time::sleep(LOOK_EVERY) => false,
            };
            let now = states(&self.paths);
            let rests = now == before;
            before.clone_from(&now);
            if asked || (rests && now != self.taken && now.iter().all(Option::is_some)) {
                self.taken = now;
                changed();
            }
        }
    }
}

fn states(paths: &[PathBuf]) -> Vec<FileStamp> {
    paths.iter().map(|path| state(path)).collect()
}

fn state(path: &Path) -> FileStamp {
    let metadata = std::fs::metadata(path).ok()?;
    if metadata.is_dir() {
        return config_folder::stamp(path);
    }
    Some((metadata.modified().ok()?, metadata.len()))
}
