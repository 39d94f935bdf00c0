//! Files that are read and written with a checksum, in bounded memory and all or nothing.

use super::{RecordError, cannot_read, cannot_write};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

/// The longest line of a row file. A row is some 200 bytes and the names of a group and a kind; a line beyond
/// this is no row.
pub(super) const MAX_LINE_BYTES: u64 = 64 << 10;

/// The largest `run.json`: it holds the text of the scenario.
pub(super) const MAX_RUN_BYTES: u64 = 64 << 20;

/// The largest `timeseries.bin`, compressed or not: a thousand times what a busy day with three deployments takes.
pub(super) const MAX_CELLS_BYTES: u64 = 2 << 30;

/// The largest journal: a thousand requests a second for a day.
pub(super) const MAX_JOURNAL_BYTES: u64 = 16 << 30;

/// What a file of a recording held when it was written.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileInfo {
    /// Rows, in a file of rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) rows: Option<u64>,
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

impl FileInfo {
    /// What is different from a file as it is now; `None` if nothing is.
    pub(super) fn difference(&self, now: &Self) -> Option<String> {
        let counted = self.rows.zip(now.rows).filter(|(then, now)| then != now);
        if let Some((then, now)) = counted {
            return Some(format!("it holds {now} rows, and {then} were written"));
        }
        if self.bytes != now.bytes {
            let (then, now) = (self.bytes, now.bytes);
            return Some(format!("it holds {now} bytes, and {then} were written"));
        }
        (self.sha256 != now.sha256)
            .then(|| "its SHA-256 is not the one that `run.json` tells".to_owned())
    }
}

pub(super) fn sha256(bytes: &[u8]) -> String {
    hex(Sha256::new_with_prefix(bytes))
}

fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Takes what is written in on its way to a file.
pub(super) struct HashingWriter<W> {
    inner: W,
    hash: Sha256,
    bytes: u64,
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Writes a file that is there as a whole or not at all: under another name first, then renamed.
pub(super) fn put(
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<Option<u64>>,
) -> Result<FileInfo, RecordError> {
    let temporary = temporary(path);
    let written = (|| {
        let file = File::create(&temporary)?;
        let mut writer =
            HashingWriter { inner: BufWriter::new(file), hash: Sha256::new(), bytes: 0 };
        let rows = fill(&mut writer)?;
        writer.flush()?;
        fs::rename(&temporary, path)?;
        Ok(FileInfo { rows, bytes: writer.bytes, sha256: hex(writer.hash) })
    })();
    written.map_err(|source| {
        // Half a file is of no use, and the disk may be full.
        let _ = fs::remove_file(&temporary);
        cannot_write(path, source)
    })
}

/// How hard files are compressed: the default of Zstandard, which keeps up with a simulated run.
const LEVEL: i32 = 3;

/// Writes one frame of Zstandard with a checksum, which `zstd -d` makes plain.
pub(super) fn compress<T>(
    file: &mut dyn Write,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<T>,
) -> io::Result<T> {
    let mut encoder = zstd::Encoder::new(file, LEVEL)?;
    encoder.include_checksum(true)?;
    let filled = fill(&mut encoder)?;
    encoder.finish()?;
    Ok(filled)
}

/// What one frame of Zstandard holds, which is `most` bytes at most.
pub(super) fn decompressed(frame: &[u8], most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let decoder = zstd::Decoder::with_buffer(frame)?.single_frame();
    if decoder.take(most + 1).read_to_end(&mut bytes)? as u64 > most {
        let text = format!("it holds more than {most} bytes, and squall reads no more");
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    Ok(bytes)
}

/// The name of a file while it is being written.
pub(super) fn temporary(path: &Path) -> std::path::PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".tmp");
    path.with_file_name(name)
}

/// Reads a whole file of at most `most` bytes.
pub(super) fn bytes(path: &Path, most: u64) -> Result<(Vec<u8>, FileInfo), RecordError> {
    let read = || {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        if length > most {
            let text = format!("it holds {length} bytes, and squall reads {most} at most");
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        let mut bytes = Vec::new();
        file.take(most).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().map_err(|source| cannot_read(path, source))?;
    let info = FileInfo { rows: None, bytes: bytes.len() as u64, sha256: sha256(&bytes) };
    Ok((bytes, info))
}

/// The bytes of a file of rows, made plain if it is compressed.
pub(super) enum RowBytes {
    Plain(HashingReader<io::Take<File>>),
    Compressed(Box<zstd::Decoder<'static, BufReader<HashingReader<File>>>>),
}

impl RowBytes {
    /// The first `most` bytes of a file.
    pub(super) fn plain(file: File, most: u64) -> Self {
        Self::Plain(HashingReader::new(file.take(most)))
    }

    /// What a compressed file holds.
    pub(super) fn compressed(file: File) -> io::Result<Self> {
        let decoder = zstd::Decoder::new(HashingReader::new(file))?.single_frame();
        Ok(Self::Compressed(Box::new(decoder)))
    }

    /// What the file holds, of which so many rows were read.
    pub(super) fn info(self, rows: u64) -> io::Result<FileInfo> {
        match self {
            Self::Plain(reader) => reader.info(rows),
            Self::Compressed(decoder) => decoder.finish().into_inner().info(rows),
        }
    }
}

impl Read for RowBytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(reader) => reader.read(buffer),
            Self::Compressed(decoder) => decoder.read(buffer),
        }
    }
}

/// Takes what is read into a checksum.
pub(super) struct HashingReader<R> {
    inner: R,
    hash: Sha256,
    bytes: u64,
}

impl<R: Read> HashingReader<R> {
    fn new(inner: R) -> Self {
        Self { inner, hash: Sha256::new(), bytes: 0 }
    }

    /// What the whole of it is: what was not read of it counts as well.
    fn info(mut self, rows: u64) -> io::Result<FileInfo> {
        io::copy(&mut self, &mut io::sink())?;
        Ok(FileInfo { rows: Some(rows), bytes: self.bytes, sha256: hex(self.hash) })
    }
}

impl<R: Read> Read for HashingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hash.update(&buffer[..read]);
        self.bytes += read as u64;
        Ok(read)
    }
}

/// Reads lines, and refuses one that is longer than any row.
pub(super) struct LineReader<R> {
    inner: R,
    line: u64,
    in_line: u64,
}

impl<R: Read> LineReader<R> {
    pub(super) const fn new(inner: R) -> Self {
        Self { inner, line: 1, in_line: 0 }
    }

    /// What it reads from.
    pub(super) fn into_inner(self) -> R {
        self.inner
    }
}

impl<R: Read> Read for LineReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        for piece in buffer[..read].split_inclusive(|&byte| byte == b'\n') {
            self.in_line += piece.len() as u64;
            if self.in_line > MAX_LINE_BYTES {
                let text = format!("line {} is longer than {MAX_LINE_BYTES} bytes", self.line);
                return Err(io::Error::new(io::ErrorKind::InvalidData, text));
            }
            if piece.ends_with(b"\n") {
                self.line += 1;
                self.in_line = 0;
            }
        }
        Ok(read)
    }
}

/// How many bytes of a file are whole lines. What follows the last end of a line was cut off in the middle.
pub(super) fn whole_lines(file: &mut File) -> io::Result<(u64, bool)> {
    use io::{Seek, SeekFrom};
    let length = file.metadata()?.len();
    let from = length.saturating_sub(MAX_LINE_BYTES);
    file.seek(SeekFrom::Start(from))?;
    let mut tail = Vec::new();
    Read::by_ref(file).take(MAX_LINE_BYTES).read_to_end(&mut tail)?;
    file.seek(SeekFrom::Start(0))?;
    match tail.iter().rposition(|&byte| byte == b'\n') {
        Some(last) => {
            let whole = from + last as u64 + 1;
            Ok((whole, whole < length))
        }
        // One line alone, or one that is no row: the reader says so.
        None if from > 0 => Ok((length, false)),
        None => Ok((0, length > 0)),
    }
}
