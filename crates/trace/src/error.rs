//! What is wrong with a trace, and where.

use std::fmt;

/// What is wrong with a trace: the file, the line where there is one, what was found and what was expected.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TraceError {
    /// The file, as it was named.
    pub file: String,
    /// The line, from 1; of a compressed file, of what is in it.
    pub line: Option<u64>,
    /// What was found, and what was expected.
    pub what: String,
}

impl TraceError {
    pub(crate) fn new(file: &str, line: Option<u64>, what: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, what: what.into() }
    }
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.what),
            None => write!(f, "{}: {}", self.file, self.what),
        }
    }
}

impl std::error::Error for TraceError {}
