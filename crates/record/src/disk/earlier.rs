//! The runs that a folder held before: each in a folder of its own below, up to a number of them.

use super::{RUN, TARGET_FOLDER, TARGET_MARK, checked, header::HeaderFile, remove};
use crate::RecordError;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The folder of them, in that of the newest run.
pub(super) const EARLIER: &str = "earlier";

/// What becomes of the run that a folder holds when another one is to be written there.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct EarlierRuns {
    /// What the folder that it moves to is called: names in the order of letters are in that of times.
    pub name: String,
    /// How many are kept; of more, the first by name are removed. With 0 none is kept.
    pub most: usize,
}

impl EarlierRuns {
    /// Moves the files of a run, and what its target left, to a folder of their own, and removes those that are too
    /// many. `run.json` moves last: without it a folder holds no run. Tells where they are now.
    pub(super) fn keep(&self, folder: &Path, files: &[String]) -> Result<PathBuf, RecordError> {
        let all = folder.join(EARLIER);
        let kept = free_name(&all, &self.name);
        fs::create_dir_all(&kept).map_err(|source| super::cannot_write(&kept, source))?;
        let but_run = files.iter().map(String::as_str).filter(|name| *name != RUN);
        let target = folder.join(TARGET_FOLDER).join(TARGET_MARK).is_file();
        for name in but_run.chain(target.then_some(TARGET_FOLDER)).chain([RUN]) {
            match fs::rename(folder.join(name), kept.join(name)) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(super::cannot_write(&kept.join(name), source));
                }
                _ => {}
            }
        }
        let mut runs = runs(&all);
        runs.truncate(runs.len().saturating_sub(self.most));
        runs.iter().try_for_each(|run| discard(run, files))?;
        Ok(kept)
    }
}

/// A name that is not taken: two runs may have begun in one second.
fn free_name(all: &Path, name: &str) -> PathBuf {
    let numbered = (2..).map(|number: u32| all.join(format!("{name}-{number}")));
    let mut names = std::iter::once(all.join(name)).chain(numbered);
    names.find(|path| fs::symlink_metadata(path).is_err()).unwrap_or_else(|| all.join(name))
}

/// The folders that hold a run of squall's, by name.
fn runs(all: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(all).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_run = |path: &PathBuf| !path.is_symlink() && HeaderFile::is_at(&path.join(RUN));
    let mut runs: Vec<_> = entries.filter(is_run).collect();
    runs.sort();
    runs
}

/// Removes a run; what else somebody put beside it stays.
fn discard(run: &Path, files: &[String]) -> Result<(), RecordError> {
    for name in files {
        remove(&run.join(name))?;
        remove(&checked::temporary(&run.join(name)))?;
    }
    let target = run.join(TARGET_FOLDER);
    if target.join(TARGET_MARK).is_file() {
        fs::remove_dir_all(&target).map_err(|source| super::cannot_write(&target, source))?;
    }
    match fs::remove_dir(run) {
        Err(source) if source.kind() != io::ErrorKind::DirectoryNotEmpty => {
            Err(super::cannot_write(run, source))
        }
        _ => Ok(()),
    }
}
