//! The folder that a run writes into: made, proven and emptied before anything is run.

use super::earlier::{EARLIER, EarlierRuns};
use super::{RUN, TARGET_FOLDER, TARGET_MARK, file_names, remove};
use super::{checked, header::HeaderFile};
use crate::RecordError;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A folder that is ready for a recording. While this is there, no other run of squall's takes it.
#[derive(Debug)]
pub struct OutFolder {
    path: PathBuf,
    /// Where the run is now that it held before.
    kept: Option<PathBuf>,
    /// The folder itself, locked; `None` where a folder cannot be.
    _lock: Option<File>,
}

/// Written to see that there is space, and taken away again: the first seconds of a run.
const PROBE: &str = "squall.probe.tmp";
const PROBE_BYTES: usize = 256 << 10;

impl OutFolder {
    /// Makes the folder, proves that it can be written into, and takes an older recording out of it, with the
    /// files of `reports` that were made from that: what is to be kept of `earlier` runs is [kept](Self::kept).
    ///
    /// # Errors
    /// When it cannot be made or written into, is a link or another run's, or holds something that is no
    /// recording of squall's.
    pub fn prepare(
        path: &Path,
        reports: &[String],
        earlier: &EarlierRuns,
    ) -> Result<Self, RecordError> {
        let mut this = Self::make(path)?;
        let old: Vec<_> = file_names().chain(reports.iter().cloned()).collect();
        this.check_contents(&old)?;
        if earlier.most > 0 && HeaderFile::is_at(&path.join(RUN)) {
            this.kept = Some(earlier.keep(path, &old)?);
        }
        for name in old {
            for path in [path.join(&name), checked::temporary(&path.join(&name))] {
                remove(&path)?;
            }
        }
        Ok(this)
    }

    /// Makes a folder for a report that is of no single run, and proves that it can be written into.
    ///
    /// # Errors
    /// When it cannot, or when it holds the recording of a run, with which the report would be mixed.
    pub fn for_report(path: &Path) -> Result<Self, RecordError> {
        let this = Self::make(path)?;
        if fs::symlink_metadata(path.join(RUN)).is_ok() {
            return Err(refused(path, "it holds the recording of a run: name another folder"));
        }
        Ok(this)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the run is now that the folder held before, if it was kept.
    #[must_use]
    pub fn kept(&self) -> Option<&Path> {
        self.kept.as_deref()
    }

    fn make(path: &Path) -> Result<Self, RecordError> {
        // `out/` is the folder and not what a link of this name leads to.
        let path: PathBuf = path.components().collect();
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_symlink() => {
                let problem = "it is a symbolic link: name the folder that it leads to";
                return Err(refused(&path, problem));
            }
            Ok(found) if !found.is_dir() => {
                return Err(refused(&path, "a file is in the way: name a folder"));
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(unusable(&path, &error)),
        }
        fs::create_dir_all(&path).map_err(|error| unusable(&path, &error))?;
        let lock = lock(&path)?;
        prove(&path).map_err(|error| unusable(&path, &error))?;
        Ok(Self { path, kept: None, _lock: lock })
    }

    /// An older recording may be replaced; anything else is somebody's.
    fn check_contents(&self, ours: &[String]) -> Result<(), RecordError> {
        let path = &self.path;
        let entries = fs::read_dir(path).map_err(|error| unusable(path, &error))?;
        let mut first = None;
        for entry in entries {
            let name = entry.map_err(|error| unusable(path, &error))?.file_name();
            if name == TARGET_FOLDER && path.join(TARGET_FOLDER).join(TARGET_MARK).is_file() {
                continue;
            }
            if name == EARLIER && path.join(EARLIER).is_dir() {
                continue;
            }
            first.get_or_insert_with(|| name.to_string_lossy().into_owned());
        }
        let Some(first) = first else { return Ok(()) };
        if !HeaderFile::is_at(&path.join(RUN)) {
            let problem = format!(
                "it holds `{first}` and no recording of squall's: name an empty folder, or one that does \
                 not exist yet"
            );
            return Err(refused(path, problem));
        }
        for name in ours {
            if fs::symlink_metadata(path.join(name)).is_ok_and(|found| found.is_dir()) {
                return Err(refused(path, format!("`{name}` in it is a folder")));
            }
        }
        Ok(())
    }
}

fn lock(path: &Path) -> Result<Option<File>, RecordError> {
    let Ok(folder) = File::open(path) else { return Ok(None) };
    match folder.try_lock() {
        Ok(()) => Ok(Some(folder)),
        Err(TryLockError::WouldBlock) => {
            Err(refused(path, "another run of squall's writes there at this moment"))
        }
        // A file system without locks.
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

fn prove(path: &Path) -> io::Result<()> {
    let probe = path.join(PROBE);
    let written = File::create(&probe).and_then(|mut file| file.write_all(&vec![0; PROBE_BYTES]));
    let removed = fs::remove_file(&probe);
    written.and(removed)
}

fn refused(path: &Path, problem: impl Into<String>) -> RecordError {
    RecordError::Folder { path: path.to_owned(), problem: problem.into() }
}

fn unusable(path: &Path, error: &io::Error) -> RecordError {
    refused(path, error.to_string())
}
