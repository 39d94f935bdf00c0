//! Comma-separated rows below a header (RFC 4180).

use super::{BadRecord, ROW_MAX, RowBudget};
use crate::input::{PlainBytes, told};
use csv::{ByteRecord, ErrorKind, Reader, ReaderBuilder};
use std::fmt;

/// The rows of a CSV file.
pub(crate) struct CommaSeparated {
    reader: Reader<RowBudget<PlainBytes>>,
    header: Vec<String>,
    record: ByteRecord,
    line: u64,
}

impl fmt::Debug for CommaSeparated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommaSeparated").field("header", &self.header).finish_non_exhaustive()
    }
}

impl CommaSeparated {
    /// Reads the header.
    pub(crate) fn new(bytes: PlainBytes) -> Result<Self, BadRecord> {
        let budget = RowBudget::new(bytes, ROW_MAX);
        let mut reader = ReaderBuilder::new().flexible(true).from_reader(budget);
        let header = reader.byte_headers().map_err(|error| bad(&error, 1))?;
        let names = header.iter().enumerate().map(|(place, name)| {
            let name = String::from_utf8_lossy(name);
            let name = if place == 0 { name.trim_start_matches('\u{feff}') } else { &*name };
            name.trim().to_owned()
        });
        let header = names.collect();
        Ok(Self { reader, header, record: ByteRecord::new(), line: 1 })
    }

    /// The names of the columns.
    pub(crate) fn header(&self) -> &[String] {
        &self.header
    }

    pub(super) fn advance(&mut self) -> Result<Option<u64>, BadRecord> {
        self.reader.get_mut().row_ended();
        let read = self.reader.read_byte_record(&mut self.record);
        if !read.map_err(|error| bad(&error, self.reader.position().line()))? {
            return Ok(None);
        }
        self.line = self.record.position().map_or(0, csv::Position::line);
        if self.record.len() != self.header.len() {
            let (has, wanted) = (self.record.len(), self.header.len());
            let what = format!("the row has {}, expected the {wanted} of the header", columns(has));
            return Err(BadRecord::new(self.line, what));
        }
        Ok(Some(self.line))
    }

    pub(super) fn field(&self, column: usize) -> Result<Option<&str>, BadRecord> {
        let Some(field) = self.record.get(column) else { return Ok(None) };
        let text = std::str::from_utf8(field).map_err(|_| {
            let name = self.header.get(column).map_or("", String::as_str);
            BadRecord::new(self.line, format!("`{name}` is not UTF-8 text"))
        })?;
        Ok(Some(text.trim()))
    }
}

fn columns(count: usize) -> String {
    if count == 1 { "1 column".to_owned() } else { format!("{count} columns") }
}

fn bad(error: &csv::Error, line: u64) -> BadRecord {
    let what = match error.kind() {
        ErrorKind::Io(error) => told(error),
        _ => error.to_string(),
    };
    BadRecord::new(line, what)
}
