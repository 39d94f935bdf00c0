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

/// Writes a file, and makes its folder if it is not there.
///
/// # Errors
/// When the folder or the file cannot be written.
pub fn put(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir).map_err(|source| FileError::write(dir, source))?;
    }
    fs::write(path, bytes).map_err(|source| FileError::write(path, source))
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
