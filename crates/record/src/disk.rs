//! A recording on disk: a folder of `run.json`, `cells.json`, `journal.bin`, and the rows as CSV, which
//! anything reads. Times are in nanoseconds since the start of the run; classes and names are words.

mod header;
mod notes;
mod rows;

use crate::{Cells, Recording};
use header::HeaderFile;
use notes::NoteLine;
use rows::{AttemptLine, RequestLine};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

const RUN: &str = "run.json";
const CELLS: &str = "cells.json";
const REQUESTS: &str = "requests.csv";
const ATTEMPTS: &str = "attempts.csv";
const NOTES: &str = "notes.csv";
const JOURNAL: &str = "journal.bin";

/// Why a recording cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// A file could not be written.
    #[error("cannot write `{}`: {source}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file could not be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file holds something else than what was written there.
    #[error("`{}` is not as squall writes it: {problem}", path.display())]
    Malformed {
        /// Which.
        path: PathBuf,
        /// What is wrong, and where.
        problem: String,
    },
    /// Not a journal at all.
    #[error("the file is not a journal of squall's")]
    NotAJournal,
    /// A journal of another version.
    #[error("the journal is of version {version}; this squall reads version 1")]
    JournalVersion {
        /// Which.
        version: u8,
    },
    /// A journal that ends too early.
    #[error("the journal ends in the middle of frame {frame}")]
    JournalCut {
        /// Which, from 0.
        frame: usize,
    },
}

impl Recording {
    /// Writes the recording into a folder, which is made if it is not there. `run.json` is written last:
    /// a folder without it holds half a recording.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&self, dir: &Path) -> Result<(), RecordError> {
        let run = dir.join(RUN);
        fs::create_dir_all(dir).map_err(|source| cannot_write(dir, source))?;
        match fs::remove_file(&run) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(cannot_write(&run, source));
            }
            _ => {}
        }
        let header = &self.header;
        write_csv(
            &dir.join(REQUESTS),
            self.requests.iter().map(|row| RequestLine::of(row, header)),
        )?;
        write_csv(
            &dir.join(ATTEMPTS),
            self.attempts.iter().map(|row| AttemptLine::of(row, header)),
        )?;
        write_csv(&dir.join(NOTES), self.notes.iter().map(|row| NoteLine::of(row, header)))?;
        write_json(&dir.join(CELLS), &self.cells)?;
        let journal = dir.join(JOURNAL);
        if let Some(bytes) = &self.journal {
            fs::write(&journal, bytes).map_err(|source| cannot_write(&journal, source))?;
        } else if journal.exists() {
            fs::remove_file(&journal).map_err(|source| cannot_write(&journal, source))?;
        }
        write_json(&run, &HeaderFile::of(header))
    }

    /// Reads a recording back.
    ///
    /// # Errors
    /// When a file is missing, or is not as [`write`](Self::write) writes it.
    pub fn read(dir: &Path) -> Result<Self, RecordError> {
        let run = dir.join(RUN);
        let header = read_json::<HeaderFile>(&run)?.into_header();
        let header = header.map_err(|problem| RecordError::Malformed { path: run, problem })?;
        let cells: Cells = read_json(&dir.join(CELLS))?;
        let requests = read_csv(&dir.join(REQUESTS), |line: RequestLine| line.into_row(&header))?;
        let attempts = read_csv(&dir.join(ATTEMPTS), |line: AttemptLine| line.into_row(&header))?;
        let notes = read_csv(&dir.join(NOTES), |line: NoteLine| line.into_row(&header))?;
        let journal = dir.join(JOURNAL);
        let journal = if journal.exists() {
            Some(fs::read(&journal).map_err(|source| cannot_read(&journal, source))?)
        } else {
            None
        };
        Ok(Self { header, requests, attempts, notes, cells, journal })
    }
}

fn write_csv<T: Serialize>(path: &Path, lines: impl Iterator<Item = T>) -> Result<(), RecordError> {
    let file = File::create(path).map_err(|source| cannot_write(path, source))?;
    let mut writer = csv::Writer::from_writer(BufWriter::new(file));
    for line in lines {
        writer.serialize(line).map_err(|error| cannot_write(path, std::io::Error::other(error)))?;
    }
    writer.flush().map_err(|source| cannot_write(path, source))
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<(), RecordError> {
    let file = File::create(path).map_err(|source| cannot_write(path, source))?;
    let mut file = BufWriter::new(file);
    serde_json::to_writer(&mut file, value)
        .map_err(|error| cannot_write(path, std::io::Error::other(error)))?;
    file.flush().map_err(|source| cannot_write(path, source))
}

fn read_csv<L: DeserializeOwned, T>(
    path: &Path,
    into_row: impl Fn(L) -> Result<T, String>,
) -> Result<Vec<T>, RecordError> {
    let file = File::open(path).map_err(|source| cannot_read(path, source))?;
    let mut reader = csv::Reader::from_reader(BufReader::new(file));
    let lines = reader.deserialize().zip(2_u64..);
    let rows = lines.map(|(line, number)| {
        let row = line.map_err(|error| error.to_string()).and_then(&into_row);
        row.map_err(|problem| RecordError::Malformed {
            path: path.to_owned(),
            problem: format!("line {number}: {problem}"),
        })
    });
    rows.collect()
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, RecordError> {
    let file = File::open(path).map_err(|source| cannot_read(path, source))?;
    serde_json::from_reader(BufReader::new(file)).map_err(|error| RecordError::Malformed {
        path: path.to_owned(),
        problem: error.to_string(),
    })
}

fn cannot_write(path: &Path, source: std::io::Error) -> RecordError {
    RecordError::Write { path: path.to_owned(), source }
}

fn cannot_read(path: &Path, source: std::io::Error) -> RecordError {
    RecordError::Read { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests;
