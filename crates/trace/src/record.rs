//! Rows of a file as texts by column, whichever way the file is written. A row takes up to [`ROW_MAX`] bytes.

mod budget;
mod comma_separated;
mod json_objects;
mod log_lines;
mod log_pattern;

pub(crate) use budget::RowBudget;
pub(crate) use comma_separated::CommaSeparated;
pub(crate) use json_objects::{JsonObjects, first_keys};
pub(crate) use log_lines::LogLines;
pub(crate) use log_pattern::LogPattern;

/// What a row may take: a longer one is a file of another kind, or a quote that is never closed.
pub(crate) const ROW_MAX: u64 = 4 << 20;

/// Reads the rows of a file, one after the other.
#[derive(Debug)]
pub(crate) enum Records {
    Csv(CommaSeparated),
    Json(JsonObjects),
    Log(LogLines),
}

/// Why a row cannot be read.
#[derive(Debug)]
pub(crate) struct BadRecord {
    pub(crate) line: Option<u64>,
    pub(crate) what: String,
}

impl BadRecord {
    pub(crate) fn new(line: impl Into<Option<u64>>, what: impl Into<String>) -> Self {
        Self { line: line.into(), what: what.into() }
    }
}

impl Records {
    /// Goes to the next row; the line that it begins in, or `None` at the end of the file.
    pub(crate) fn advance(&mut self) -> Result<Option<u64>, BadRecord> {
        match self {
            Self::Csv(records) => records.advance(),
            Self::Json(records) => records.advance(),
            Self::Log(records) => records.advance(),
        }
    }

    /// The text of a column in this row, by its number; `None` where the row lacks it.
    pub(crate) fn field(&self, column: usize) -> Result<Option<&str>, BadRecord> {
        match self {
            Self::Csv(records) => records.field(column),
            Self::Json(records) => Ok(records.field(column)),
            Self::Log(records) => Ok(records.field(column)),
        }
    }
}
