//! Several files, all or none.

use crate::error::CliError;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Writes the files. Each is written beside its place first, and all are put in place when all are written; one that
/// exists stops everything unless `force`.
pub(super) fn write(files: &[(PathBuf, &str)], force: bool) -> Result<(), CliError> {
    if !force
        && let Some((path, _)) = files.iter().find(|(path, _)| path.symlink_metadata().is_ok())
    {
        return Err(CliError::Exists(path.clone()));
    }
    let mut staged = Staged::default();
    for (path, text) in files {
        staged.add(path, text).map_err(|source| cannot_write(path, source))?;
    }
    staged.put_in_place()
}

fn cannot_write(path: &Path, source: io::Error) -> CliError {
    CliError::Io { what: format!("cannot write `{}`", path.display()), source }
}

/// What was written beside its place, and the folders that were made for it. It is removed again unless it is put in
/// place.
#[derive(Debug, Default)]
struct Staged {
    files: Vec<(PathBuf, PathBuf)>,
    folders: Vec<PathBuf>,
}

impl Staged {
    fn add(&mut self, path: &Path, text: &str) -> io::Result<()> {
        let folder = path.parent().unwrap_or_else(|| Path::new(""));
        self.make(folder)?;
        if path.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder"));
        }
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into());
        let beside = folder.join(format!(".{name}.{}.new", std::process::id()));
        let mut file = OpenOptions::new().write(true).create_new(true).open(&beside)?;
        self.files.push((beside, path.to_owned()));
        file.write_all(text.as_bytes())
    }

    /// Makes a folder, and remembers which were not there.
    fn make(&mut self, folder: &Path) -> io::Result<()> {
        let above = folder.ancestors().take_while(|above| !above.as_os_str().is_empty());
        let new: Vec<_> = above.take_while(|above| !above.exists()).map(Path::to_owned).collect();
        self.folders.extend(new);
        match folder.as_os_str().is_empty() {
            true => Ok(()),
            false => fs::create_dir_all(folder),
        }
    }

    fn put_in_place(mut self) -> Result<(), CliError> {
        self.folders.clear();
        for (beside, path) in std::mem::take(&mut self.files) {
            fs::rename(&beside, &path).map_err(|source| cannot_write(&path, source))?;
        }
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // What cannot be removed is left: there is an error to tell already.
        for (beside, _) in &self.files {
            let _ = fs::remove_file(beside);
        }
        // The innermost first.
        self.folders.sort_by_key(|folder| std::cmp::Reverse(folder.components().count()));
        for folder in &self.folders {
            let _ = fs::remove_dir(folder);
        }
    }
}
