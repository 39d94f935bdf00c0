//! Files that are written, and why they cannot be.

use serde::Serialize;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Why a file cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// A file could not be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file could not be written.
    #[error("cannot write `{}`: {source}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl FileError {
    pub(crate) fn write(path: &Path, source: io::Error) -> Self {
        Self::Write { path: path.to_owned(), source }
    }
}

/// Writes a file, and makes its folder if it is not there. The file is there as a whole or as it was before: a process
/// that ends in the middle leaves no half of one.
///
/// # Errors
/// When the folder or the file cannot be written.
pub fn put(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir).map_err(|source| FileError::write(dir, source))?;
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".tmp");
    let temporary = path.with_file_name(name);
    let written = fs::write(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
    written.map_err(|source| {
        // Half a file is of no use, and the disk may be full.
        let _ = fs::remove_file(&temporary);
        FileError::write(path, source)
    })
}

/// Writes a value as JSON for people, with a line end behind it.
///
/// # Errors
/// When the file cannot be written.
pub fn put_json(path: &Path, value: &impl Serialize) -> Result<(), FileError> {
    let mut json =
        serde_json::to_vec_pretty(value).map_err(|source| FileError::write(path, source.into()))?;
    json.push(b'\n');
    put(path, &json)
}
