//! A recording on disk: a folder of `run.json`, `cells.json`, `journal.bin`, and the rows as CSV, which
//! anything reads. Times are in nanoseconds since the start of the run; classes and names are words.
//! `run.json` has a checksum of every file, itself included.

mod checked;
mod folder;
mod header;
mod notes;
mod rows;
mod running;

pub use folder::OutFolder;
pub use running::{LiveWriter, RowSender};

use crate::{
    AttemptRow, JournalReader, Logs, NoteRow, RecordError, Recording, RequestRow, RowRetention,
    RunEnd, RunHeader,
};
use checked::{FileInfo, LineReader, MAX_CELLS_BYTES, MAX_JOURNAL_BYTES};
use header::HeaderFile;
use notes::{NOTE_COLUMNS, NoteLine};
use rows::{ATTEMPT_COLUMNS, AttemptLine, REQUEST_COLUMNS, RequestLine};
use serde::Serialize;
use serde::de::DeserializeOwned;
use squall_determinism::Timestamp;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

const RUN: &str = "run.json";
const CELLS: &str = "cells.json";
const REQUESTS: &str = "requests.csv";
const ATTEMPTS: &str = "attempts.csv";
const NOTES: &str = "notes.csv";
const JOURNAL: &str = "journal.bin";

impl Recording {
    /// Writes the recording into a folder, which is made if it is not there. Each file is there as a whole or
    /// not at all, and `run.json` comes last: without it, or with one that says that the run is under way, a
    /// folder holds a part of a recording.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&self, dir: &Path) -> Result<(), RecordError> {
        fs::create_dir_all(dir).map_err(|source| cannot_write(dir, source))?;
        let header = &self.header;
        let requests = self.requests.iter().map(|row| RequestLine::of(row, header));
        let attempts = self.attempts.iter().map(|row| AttemptLine::of(row, header));
        let notes = self.notes.iter().map(|row| NoteLine::of(row, header));
        let mut files = BTreeMap::new();
        let mut wrote = |name: &str, info| files.insert(name.to_owned(), info);
        wrote(REQUESTS, put_csv(&dir.join(REQUESTS), requests)?);
        wrote(ATTEMPTS, put_csv(&dir.join(ATTEMPTS), attempts)?);
        wrote(NOTES, put_csv(&dir.join(NOTES), notes)?);
        let cells = checked::put(&dir.join(CELLS), |file| {
            serde_json::to_writer(file, &self.cells)?;
            Ok(None)
        })?;
        wrote(CELLS, cells);
        let journal = dir.join(JOURNAL);
        if let Some(bytes) = &self.journal {
            wrote(JOURNAL, checked::put(&journal, |file| file.write_all(bytes).map(|()| None))?);
        } else {
            match fs::remove_file(&journal) {
                Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                    return Err(cannot_write(&journal, source));
                }
                _ => {}
            }
        }
        let bytes = HeaderFile::of(header, files).sealed()?;
        checked::put(&dir.join(RUN), |file| file.write_all(&bytes).map(|()| None))?;
        Ok(())
    }

    /// Reads a recording back, and sees that no file of it was changed. What a run has left that was killed, or
    /// that is under way, ends where its rows do.
    ///
    /// # Errors
    /// When a file is missing, is not as [`write`](Self::write) writes it, or was changed since.
    pub fn read(dir: &Path) -> Result<Self, RecordError> {
        let path = dir.join(RUN);
        let mut file = HeaderFile::read(&path)?;
        let (running, mut files) = (file.is_running(), std::mem::take(&mut file.files));
        let header =
            file.into_header().map_err(|problem| RecordError::Malformed { path, problem })?;
        let reader = RowReader { dir, header: &header, running };
        let requests = reader.read(REQUESTS, &REQUEST_COLUMNS, RequestLine::into_row)?;
        let attempts = reader.read(ATTEMPTS, &ATTEMPT_COLUMNS, AttemptLine::into_row)?;
        let notes = reader.read(NOTES, &NOTE_COLUMNS, NoteLine::into_row)?;
        once_each(&dir.join(REQUESTS), &requests)?;
        if running {
            return Self::of_rest(dir, header.clone(), requests, attempts, notes);
        }
        let cells_path = dir.join(CELLS);
        let (bytes, cells_info) = checked::bytes(&cells_path, MAX_CELLS_BYTES)?;
        let cells = serde_json::from_slice(&bytes).map_err(|error| RecordError::Malformed {
            path: cells_path,
            problem: error.to_string(),
        })?;
        let journal = files.contains_key(JOURNAL).then(|| dir.join(JOURNAL));
        let journal = journal.map(|path| checked::bytes(&path, MAX_JOURNAL_BYTES)).transpose()?;
        let (journal, journal_info) = journal.unzip();
        let now = [
            (REQUESTS, Some(&requests.info)),
            (ATTEMPTS, Some(&attempts.info)),
            (NOTES, Some(&notes.info)),
            (CELLS, Some(&cells_info)),
            (JOURNAL, journal_info.as_ref()),
        ];
        for (name, now) in now {
            let Some(now) = now else { continue };
            let what = match files.remove(name) {
                Some(then) => then.difference(now),
                None => Some("`run.json` does not tell its checksum".to_owned()),
            };
            if let Some(what) = what {
                return Err(RecordError::Changed { path: dir.join(name), what });
            }
        }
        let (requests, attempts, notes) = (requests.rows, attempts.rows, notes.rows);
        Ok(Self { header, requests, attempts, notes, cells, journal })
    }

    /// What a run has left that did not come to its end.
    fn of_rest(
        dir: &Path,
        mut header: RunHeader,
        requests: RowFile<RequestRow>,
        attempts: RowFile<AttemptRow>,
        notes: RowFile<NoteRow>,
    ) -> Result<Self, RecordError> {
        let path = dir.join(JOURNAL);
        let mut torn = u32::from(requests.torn) + u32::from(attempts.torn) + u32::from(notes.torn);
        let journal = if path.exists() {
            let (mut bytes, _) = checked::bytes(&path, MAX_JOURNAL_BYTES)?;
            let whole = JournalReader::whole(&bytes);
            torn += u32::from(whole < bytes.len());
            bytes.truncate(whole);
            (whole > 0).then_some(bytes)
        } else {
            None
        };
        let ends = requests.rows.iter().map(|row| row.ended);
        let ends = ends.chain(attempts.rows.iter().map(|row| row.ended));
        let at = ends.chain(header.ended.cut_at()).max().unwrap_or(Timestamp::ZERO);
        header.ended = RunEnd::Killed { at, torn };
        let logs =
            Logs { requests: requests.rows, attempts: attempts.rows, notes: notes.rows, journal };
        Ok(Self::of_logs(header, RowRetention::Rows, logs))
    }
}

/// The rows of a file.
struct RowFile<T> {
    rows: Vec<T>,
    info: FileInfo,
    /// Whether the last line was cut off in the middle, and is left out.
    torn: bool,
}

/// Reads the row files of a recording.
struct RowReader<'a> {
    dir: &'a Path,
    header: &'a RunHeader,
    /// Whether the last line may be cut off, and a file not yet there.
    running: bool,
}

impl RowReader<'_> {
    fn read<L: DeserializeOwned, T>(
        &self,
        name: &str,
        columns: &[&str],
        into_row: impl Fn(L, &RunHeader) -> Result<T, String>,
    ) -> Result<RowFile<T>, RecordError> {
        let path = &self.dir.join(name);
        let mut file = match File::open(path) {
            Err(error) if self.running && error.kind() == std::io::ErrorKind::NotFound => {
                let info = FileInfo { rows: Some(0), bytes: 0, sha256: String::new() };
                return Ok(RowFile { rows: Vec::new(), info, torn: false });
            }
            file => file.map_err(|source| cannot_read(path, source))?,
        };
        let (whole, torn) = match self.running {
            true => checked::whole_lines(&mut file).map_err(|source| cannot_read(path, source))?,
            false => (u64::MAX, false),
        };
        let reader = LineReader::new(file.take(whole));
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .buffer_capacity(1 << 16)
            .from_reader(reader);
        let malformed = |line: u64, problem: &dyn std::fmt::Display| RecordError::Malformed {
            path: path.clone(),
            problem: format!("line {line}: {problem}"),
        };
        let line_of = |record: &csv::StringRecord| record.position().map_or(0, csv::Position::line);
        let mut rows = Vec::new();
        let mut record = csv::StringRecord::new();
        let mut names: Option<csv::StringRecord> = None;
        loop {
            let line = reader.position().line();
            match reader.read_record(&mut record) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => return Err(malformed(line, &error)),
            }
            let Some(names) = &names else {
                if !record.iter().eq(columns.iter().copied()) {
                    let told: Vec<_> = record.iter().take(columns.len()).collect();
                    let problem = format!(
                        "the columns are `{}`, and `{}` were expected",
                        shortened(&told.join(",")),
                        columns.join(",")
                    );
                    return Err(malformed(line, &problem));
                }
                names = Some(record.clone());
                continue;
            };
            let row = record
                .deserialize(Some(names))
                .map_err(|error| error.to_string())
                .and_then(|line| into_row(line, self.header))
                .map_err(|problem| malformed(line_of(&record), &problem))?;
            rows.push(row);
        }
        let info = reader.into_inner().info(rows.len() as u64);
        Ok(RowFile { rows, info, torn })
    }
}

/// Each request has one row.
fn once_each(path: &Path, requests: &RowFile<RequestRow>) -> Result<(), RecordError> {
    let mut seen = BTreeMap::new();
    // The names of the columns are line 1.
    for (row, line) in requests.rows.iter().zip(2_u64..) {
        if let Some(first) = seen.insert(row.request, line) {
            let problem = format!("line {line}: request {} is on line {first} too", row.request);
            return Err(RecordError::Malformed { path: path.to_owned(), problem });
        }
    }
    Ok(())
}

fn shortened(text: &str) -> String {
    const MOST: usize = 200;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn put_csv<T: Serialize>(
    path: &Path,
    lines: impl Iterator<Item = T>,
) -> Result<FileInfo, RecordError> {
    checked::put(path, |file| {
        let mut writer = csv::Writer::from_writer(file);
        let mut rows = 0;
        for line in lines {
            writer.serialize(line).map_err(io_error)?;
            rows += 1;
        }
        writer.flush()?;
        Ok(Some(rows))
    })
}

fn io_error(error: csv::Error) -> std::io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => std::io::Error::other(format!("{other:?}")),
    }
}

fn cannot_write(path: &Path, source: std::io::Error) -> RecordError {
    RecordError::Write { path: path.to_owned(), source }
}

fn cannot_read(path: &Path, source: std::io::Error) -> RecordError {
    RecordError::Read { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests;
