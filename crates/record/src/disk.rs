//! A recording on disk: a folder of `run.json`, `timeseries.bin`, `journal.bin`, and the rows as CSV, which
//! anything reads. Times are in nanoseconds since the start of the run; classes and names are words.
//! `run.json` has a checksum of every file, itself included.
//!
//! Where there are more than [`PLAIN_REQUESTS`], rows and journal are compressed, and their files are called `.zst`. A
//! run that kept no rows has neither `requests.csv` nor `attempts.csv`.

mod cells;
mod checked;
mod earlier;
mod folder;
mod header;
mod notes;
mod row_files;
mod rows;
mod running;

pub use earlier::EarlierRuns;
pub use folder::OutFolder;
pub use running::{LiveWriter, RowSender};

use crate::{
    AttemptRow, JournalReader, Logs, NoteRow, RecordError, Recording, RequestRow, RowRetention,
    RunEnd, RunHeader,
};
use checked::{FileInfo, MAX_JOURNAL_BYTES};
use header::HeaderFile;
use notes::{NOTE_COLUMNS, NoteLine};
use row_files::{RowFile, RowReader, csv_of};
use rows::{ATTEMPT_COLUMNS, AttemptLine, REQUEST_COLUMNS, RequestLine};
use squall_determinism::Timestamp;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

const RUN: &str = "run.json";
const CELLS: &str = "timeseries.bin";
const REQUESTS: &str = "requests.csv";
const ATTEMPTS: &str = "attempts.csv";
const NOTES: &str = "notes.csv";
const JOURNAL: &str = "journal.bin";

/// The folder that the target of a run leaves beside the recording, which may be all that is left of a run whose
/// target never became ready; and the file that marks it.
const TARGET_FOLDER: &str = "target";
const TARGET_MARK: &str = ".squall-target";

/// The cells of forms before 6.
const OLD_CELLS: &str = "cells.json";

/// What the name of a compressed file ends with.
const COMPRESSED: &str = ".zst";

/// The rows and the journal of so many requests are plain, some 30 MB of them.
const PLAIN_REQUESTS: usize = 100_000;

/// Removes a file, if there is one.
fn remove(path: &Path) -> Result<(), RecordError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(cannot_write(path, source)),
        _ => Ok(()),
    }
}

/// Every name that a file of a recording may have.
fn file_names() -> impl Iterator<Item = String> {
    let plain = [RUN, CELLS, OLD_CELLS, REQUESTS, ATTEMPTS, NOTES, JOURNAL];
    let compressed = [REQUESTS, ATTEMPTS, NOTES, JOURNAL].map(|name| format!("{name}{COMPRESSED}"));
    plain.map(str::to_owned).into_iter().chain(compressed)
}

impl Recording {
    /// Writes the recording into a folder, which is made if it is not there. Each file is there as a whole or
    /// not at all, and `run.json` comes last: without it, or with one that says that the run is under way, a
    /// folder holds a part of a recording.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&self, dir: &Path) -> Result<(), RecordError> {
        self.write_as(dir, self.is_compressed())
    }

    fn write_as(&self, dir: &Path, compress: bool) -> Result<(), RecordError> {
        fs::create_dir_all(dir).map_err(|source| cannot_write(dir, source))?;
        let header = &self.header;
        let mut writer = FileWriter { dir, compress, files: BTreeMap::new() };
        if self.has_rows() {
            let requests = self.requests.iter().map(|row| RequestLine::of(row, header));
            let attempts = self.attempts.iter().map(|row| AttemptLine::of(row, header));
            writer.put(REQUESTS, csv_of(requests))?;
            writer.put(ATTEMPTS, csv_of(attempts))?;
        }
        writer.put(NOTES, csv_of(self.notes.iter().map(|row| NoteLine::of(row, header))))?;
        if let Some(bytes) = &self.journal {
            writer.put(JOURNAL, |file| file.write_all(bytes).map(|()| None))?;
        }
        let mut files = writer.files;
        files.insert(CELLS.to_owned(), cells::put(&dir.join(CELLS), &self.cells)?);
        let names: Vec<_> = files.keys().cloned().chain([RUN.to_owned()]).collect();
        let bytes = HeaderFile::of(header, files).sealed()?;
        checked::put(&dir.join(RUN), |file| file.write_all(&bytes).map(|()| None))?;
        // What it was while it grew, and what an older recording was.
        for name in file_names().filter(|name| !names.contains(name)) {
            remove(&dir.join(name))?;
        }
        Ok(())
    }

    /// Whether [`write`](Self::write) compresses its rows and its journal.
    fn is_compressed(&self) -> bool {
        self.requests.len() > PLAIN_REQUESTS
    }

    /// The names of the files of rows that [`write`](Self::write) leaves: none of a run that kept no rows.
    #[must_use]
    pub fn row_files(&self) -> Vec<String> {
        let ending = if self.is_compressed() { COMPRESSED } else { "" };
        let names = if self.has_rows() { &[REQUESTS, ATTEMPTS, NOTES][..] } else { &[NOTES] };
        names.iter().map(|name| format!("{name}{ending}")).collect()
    }

    /// Reads a recording back, and sees that no file of it was changed. What a run has left that was killed, or
    /// that is under way, ends where its rows do.
    ///
    /// # Errors
    /// When a file is missing, is not as [`write`](Self::write) writes it, or was changed since.
    pub fn read(dir: &Path) -> Result<Self, RecordError> {
        let path = dir.join(RUN);
        let mut file = HeaderFile::read(&path)?;
        let (running, form, is_old) = (file.is_running(), file.form(), file.is_old());
        let files = StoredFiles { dir, files: std::mem::take(&mut file.files) };
        let header =
            file.into_header().map_err(|problem| RecordError::Malformed { path, problem })?;
        let reader = RowReader { header: &header, running, form };
        // A run that kept no rows has no files of them.
        let kept = running || files.has(REQUESTS) || files.has(ATTEMPTS);
        let requests = kept.then(|| files.path(REQUESTS));
        let requests = requests
            .map(|path| reader.read(path, &REQUEST_COLUMNS, RequestLine::into_row))
            .transpose()?;
        let attempts = kept.then(|| files.path(ATTEMPTS));
        let attempts = attempts
            .map(|path| reader.read(path, &ATTEMPT_COLUMNS, AttemptLine::into_row))
            .transpose()?;
        let notes = reader.read(files.path(NOTES), &NOTE_COLUMNS, NoteLine::into_row)?;
        if let Some(requests) = &requests {
            once_each(requests)?;
        }
        let (requests, attempts) = (requests.unwrap_or_default(), attempts.unwrap_or_default());
        if running {
            return Self::of_rest(dir, header.clone(), requests, attempts, notes);
        }
        files.are_unchanged(&requests, &attempts, &notes)?;
        let journal = files.has(JOURNAL).then(|| files.bytes(JOURNAL)).transpose()?;
        let (requests, attempts, notes) = (requests.rows, attempts.rows, notes.rows);
        let cells = if is_old {
            // There is one, which is not read: it says the same as the rows.
            files.bytes(OLD_CELLS)?;
            let logs =
                Logs { requests: requests.clone(), attempts: attempts.clone(), ..Logs::default() };
            Self::of_logs(header.clone(), RowRetention::Cells, logs).cells
        } else {
            cells::read(&dir.join(CELLS), &files.bytes(CELLS)?, &header)?
        };
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

/// Writes the files of a recording.
struct FileWriter<'a> {
    dir: &'a Path,
    compress: bool,
    files: BTreeMap<String, FileInfo>,
}

impl FileWriter<'_> {
    fn put(
        &mut self,
        name: &str,
        fill: impl FnOnce(&mut dyn Write) -> io::Result<Option<u64>>,
    ) -> Result<(), RecordError> {
        let (name, info) = if self.compress {
            let name = format!("{name}{COMPRESSED}");
            let path = self.dir.join(&name);
            (name, checked::put(&path, |file| checked::compress(file, fill))?)
        } else {
            (name.to_owned(), checked::put(&self.dir.join(name), fill)?)
        };
        self.files.insert(name, info);
        Ok(())
    }
}

/// The files of a recording, as `run.json` tells of them.
struct StoredFiles<'a> {
    dir: &'a Path,
    files: BTreeMap<String, FileInfo>,
}

impl StoredFiles<'_> {
    fn has(&self, name: &str) -> bool {
        self.files.contains_key(name) || self.files.contains_key(&format!("{name}{COMPRESSED}"))
    }

    /// Where a file is: under its own name, unless it is compressed.
    fn path(&self, name: &str) -> PathBuf {
        let compressed = format!("{name}{COMPRESSED}");
        let name = if self.files.contains_key(&compressed) { &compressed } else { name };
        self.dir.join(name)
    }

    /// The bytes of a file that is as it was, made plain.
    fn bytes(&self, name: &str) -> Result<Vec<u8>, RecordError> {
        let path = self.path(name);
        let (bytes, info) = checked::bytes(&path, MAX_JOURNAL_BYTES)?;
        self.is_unchanged(&path, &info)?;
        if !is_compressed(&path) {
            return Ok(bytes);
        }
        let plain = checked::decompressed(&bytes, MAX_JOURNAL_BYTES);
        plain.map_err(|error| RecordError::Malformed { path, problem: error.to_string() })
    }

    /// Whether the rows are those that were written.
    fn are_unchanged(
        &self,
        requests: &RowFile<RequestRow>,
        attempts: &RowFile<AttemptRow>,
        notes: &RowFile<NoteRow>,
    ) -> Result<(), RecordError> {
        let infos = [&requests.info, &attempts.info, &notes.info];
        for (path, info) in [&requests.path, &attempts.path, &notes.path].into_iter().zip(infos) {
            if let Some(info) = info {
                self.is_unchanged(path, info)?;
            }
        }
        Ok(())
    }

    fn is_unchanged(&self, path: &Path, now: &FileInfo) -> Result<(), RecordError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let what = match self.files.get(&*name) {
            Some(then) => then.difference(now),
            None => Some("`run.json` does not tell its checksum".to_owned()),
        };
        what.map_or(Ok(()), |what| Err(RecordError::Changed { path: path.to_owned(), what }))
    }
}

/// Whether the file at a path is compressed, by its name.
fn is_compressed(path: &Path) -> bool {
    path.as_os_str().to_string_lossy().ends_with(COMPRESSED)
}

/// Each request has one row.
fn once_each(requests: &RowFile<RequestRow>) -> Result<(), RecordError> {
    let mut seen: Vec<_> = requests.rows.iter().map(|row| row.request).zip(2_u64..).collect();
    seen.sort_unstable();
    // The names of the columns are line 1.
    let twice = seen.windows(2).filter(|pair| pair[0].0 == pair[1].0).min_by_key(|pair| pair[1].1);
    let Some(&[(request, first), (_, line)]) = twice else { return Ok(()) };
    let problem = format!("line {line}: request {request} is on line {first} too");
    Err(RecordError::Malformed { path: requests.path.clone(), problem })
}

fn cannot_write(path: &Path, source: io::Error) -> RecordError {
    RecordError::Write { path: path.to_owned(), source }
}

fn cannot_read(path: &Path, source: io::Error) -> RecordError {
    RecordError::Read { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests;
