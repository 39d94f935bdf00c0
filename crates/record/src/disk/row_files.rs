//! Files of rows: CSV, plain or compressed.

use super::checked::{self, FileInfo, LineReader, RowBytes};
use super::{cannot_read, is_compressed};
use crate::{RecordError, RunHeader};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

/// Columns that the first forms do not have, and the first that has them.
const YOUNG_COLUMNS: [(&str, u32); 2] = [("limit", 6), ("calls", 8)];

/// The rows of a file.
pub(super) struct RowFile<T> {
    pub(super) path: PathBuf,
    pub(super) rows: Vec<T>,
    /// What the file holds; `None` if there is none.
    pub(super) info: Option<FileInfo>,
    /// Whether the last line was cut off in the middle, and is left out.
    pub(super) torn: bool,
}

impl<T> Default for RowFile<T> {
    /// Without a file.
    fn default() -> Self {
        Self { path: PathBuf::new(), rows: Vec::new(), info: None, torn: false }
    }
}

/// Reads the row files of a recording.
pub(super) struct RowReader<'a> {
    pub(super) header: &'a RunHeader,
    /// Whether the last line may be cut off, and a file not yet there.
    pub(super) running: bool,
    /// Its form.
    pub(super) form: u32,
}

impl RowReader<'_> {
    pub(super) fn read<L: DeserializeOwned, T>(
        &self,
        path: PathBuf,
        columns: &[&str],
        into_row: impl Fn(L, &RunHeader) -> Result<T, String>,
    ) -> Result<RowFile<T>, RecordError> {
        let mut file = match File::open(&path) {
            Err(error) if self.running && error.kind() == io::ErrorKind::NotFound => {
                return Ok(RowFile { path, ..RowFile::default() });
            }
            file => file.map_err(|source| cannot_read(&path, source))?,
        };
        let (whole, torn) = match self.running {
            true => checked::whole_lines(&mut file).map_err(|source| cannot_read(&path, source))?,
            false => (u64::MAX, false),
        };
        let bytes = match is_compressed(&path) {
            true => RowBytes::compressed(file).map_err(|source| cannot_read(&path, source))?,
            false => RowBytes::plain(file, whole),
        };
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .buffer_capacity(1 << 16)
            .from_reader(LineReader::new(bytes));
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
                let is_known = |column: &&str| {
                    let since = YOUNG_COLUMNS.iter().find(|(young, _)| young == column);
                    since.is_none_or(|(_, since)| self.form >= *since)
                };
                let of_form = columns.iter().copied().filter(is_known);
                if !record.iter().eq(of_form) && !record.iter().eq(columns.iter().copied()) {
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
        let info = reader.into_inner().into_inner().info(rows.len() as u64);
        let info = Some(info.map_err(|source| cannot_read(&path, source))?);
        Ok(RowFile { path, rows, info, torn })
    }
}

fn shortened(text: &str) -> String {
    const MOST: usize = 200;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Fills a file with rows.
pub(super) fn csv_of<T: Serialize>(
    lines: impl Iterator<Item = T>,
) -> impl FnOnce(&mut dyn Write) -> io::Result<Option<u64>> {
    |file| {
        let mut writer = csv::Writer::from_writer(file);
        let mut rows = 0;
        for line in lines {
            writer.serialize(line).map_err(io_error)?;
            rows += 1;
        }
        writer.flush()?;
        Ok(Some(rows))
    }
}

fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}
