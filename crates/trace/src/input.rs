//! The bytes of a trace, which may be compressed, as often as they are read.

use crate::TraceError;
use flate2::read::MultiGzDecoder;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The first bytes of gzip (RFC 1952).
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// Read at a time.
const CHUNK: usize = 1 << 16;

/// A trace that can be read from its beginning as often as it is asked for.
#[derive(Clone, Debug)]
pub struct TraceInput {
    name: String,
    bytes: TraceBytes,
}

#[derive(Clone, Debug)]
enum TraceBytes {
    File(PathBuf),
    Memory(&'static [u8]),
    Owned(Arc<[u8]>),
    Endless(fn() -> Box<dyn Read + Send>),
}

impl TraceInput {
    /// A file; errors call it as it is named here.
    #[must_use]
    pub fn file(path: &Path) -> Self {
        Self { name: path.display().to_string(), bytes: TraceBytes::File(path.to_owned()) }
    }

    /// The same under another name.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }

    /// What is in memory.
    #[must_use]
    pub fn memory(name: &str, bytes: &'static [u8]) -> Self {
        Self { name: name.to_owned(), bytes: TraceBytes::Memory(bytes) }
    }

    /// The same of bytes that are not there forever.
    #[must_use]
    pub fn bytes(name: &str, bytes: Vec<u8>) -> Self {
        Self { name: name.to_owned(), bytes: TraceBytes::Owned(bytes.into()) }
    }

    /// What something else reads, from its beginning each time.
    #[must_use]
    pub fn reader(name: &str, open: fn() -> Box<dyn Read + Send>) -> Self {
        Self { name: name.to_owned(), bytes: TraceBytes::Endless(open) }
    }

    /// What errors call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its bytes as they are stored, where they are counted.
    #[must_use]
    pub fn stored_bytes(&self) -> Option<u64> {
        match &self.bytes {
            TraceBytes::File(path) => path.metadata().ok().map(|data| data.len()),
            TraceBytes::Memory(bytes) => Some(bytes.len() as u64),
            TraceBytes::Owned(bytes) => Some(bytes.len() as u64),
            TraceBytes::Endless(_) => None,
        }
    }

    /// The SHA-256 of its bytes as they are stored, in hexadecimal.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn sha256(&self) -> Result<String, TraceError> {
        use sha2::Digest as _;
        let unreadable = |error: io::Error| TraceError::new(&self.name, None, error.to_string());
        let mut stored = self.stored().map_err(unreadable)?;
        let mut hasher = sha2::Sha256::new();
        let mut chunk = vec![0; CHUNK];
        loop {
            match stored.read(&mut chunk).map_err(unreadable)? {
                0 => break,
                read => hasher.update(&chunk[..read]),
            }
        }
        Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    fn stored(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(match &self.bytes {
            TraceBytes::File(path) => {
                // Opening a pipe would already wait for its other side, and a device would never end.
                if !path.metadata()?.is_file() {
                    return Err(io::Error::other(
                        "it is a folder, a device or a pipe; expected a file",
                    ));
                }
                Box::new(File::open(path)?)
            }
            TraceBytes::Memory(bytes) => Box::new(*bytes),
            TraceBytes::Owned(bytes) => Box::new(io::Cursor::new(Arc::clone(bytes))),
            TraceBytes::Endless(open) => open(),
        })
    }

    /// Its plain bytes, from the beginning.
    pub(crate) fn open(&self) -> Result<PlainBytes, TraceError> {
        let unreadable = |error: io::Error| {
            TraceError::new(&self.name, None, format!("cannot be read: {error}"))
        };
        let stored = self.stored().map_err(unreadable)?;
        let mut stored = BufReader::with_capacity(CHUNK, stored);
        let is_gzip = stored.fill_buf().map_err(unreadable)?.starts_with(&GZIP);
        let plain = match is_gzip {
            true => PlainReader(Box::new(MultiGzDecoder::new(stored))),
            false => PlainReader(Box::new(stored)),
        };
        Ok(BufReader::with_capacity(CHUNK, plain))
    }
}

/// The plain bytes of a trace.
pub(crate) type PlainBytes = BufReader<PlainReader>;

/// Reads plain bytes, from wherever they are.
pub(crate) struct PlainReader(Box<dyn Read + Send>);

impl Read for PlainReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl fmt::Debug for PlainReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlainReader")
    }
}

/// Why the bytes of a trace ended, for a person.
pub(crate) fn told(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            "the compressed file ends early: it was cut off, or is still being written".to_owned()
        }
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            format!("the compressed file is damaged: {error}")
        }
        _ => error.to_string(),
    }
}
