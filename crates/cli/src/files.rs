//! Reading the files that people write: never more of one than a file of theirs can hold.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The largest file that is read: many times what the reader takes.
const FILE_MAX: u64 = 16 << 20;

/// Reads a file that somebody has typed the name of: it may be a pipe.
pub(crate) fn typed(path: &Path) -> io::Result<String> {
    bounded(File::open(path)?)
}

/// Reads a file that another file names: whoever wrote that may not know what stands there now, so it must
/// be a plain file. A device or a pipe would never end.
pub(crate) fn named(path: &Path) -> io::Result<String> {
    // Opening a pipe would already wait for its other side.
    plain(&std::fs::metadata(path)?)?;
    let file = File::open(path)?;
    plain(&file.metadata()?)?;
    bounded(file)
}

/// Reads what a file in `folder` refers to: another file, or a variable of the environment by
/// `os.environ/NAME`, as LiteLLM's files have it.
#[expect(clippy::disallowed_methods, reason = "the file names the variable")]
pub(crate) fn referred(folder: &Path, other: &str) -> io::Result<String> {
    match other.strip_prefix("os.environ/") {
        Some(name) => std::env::var(name).map_err(|error| match error {
            std::env::VarError::NotPresent => io::ErrorKind::NotFound.into(),
            std::env::VarError::NotUnicode(_) => io::ErrorKind::InvalidData.into(),
        }),
        None => named(&folder.join(other)),
    }
}

fn plain(metadata: &std::fs::Metadata) -> io::Result<()> {
    if metadata.is_file() {
        return Ok(());
    }
    let what = if metadata.is_dir() { "a folder" } else { "a device or a pipe" };
    Err(io::Error::new(io::ErrorKind::InvalidInput, format!("it is {what}, not a regular file")))
}

fn bounded(file: File) -> io::Result<String> {
    let mut text = String::new();
    file.take(FILE_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > FILE_MAX {
        let message = format!("it is larger than {} MiB", FILE_MAX >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok(text)
}
