//! Lines of an access log.

use super::{BadRecord, LogPattern, ROW_MAX};
use crate::input::{PlainBytes, told};
use std::io::{BufRead as _, Read as _};

/// The lines of an access log.
#[derive(Debug)]
pub(crate) struct LogLines {
    bytes: PlainBytes,
    pattern: LogPattern,
    notation: String,
    text: String,
    fields: Vec<(usize, usize)>,
    line: u64,
}

impl LogLines {
    pub(crate) fn new(bytes: PlainBytes, pattern: LogPattern, notation: &str) -> Self {
        let notation = notation.to_owned();
        Self { bytes, pattern, notation, text: String::new(), fields: Vec::new(), line: 0 }
    }

    pub(super) fn advance(&mut self) -> Result<Option<u64>, BadRecord> {
        loop {
            self.line += 1;
            let mut line = std::mem::take(&mut self.text).into_bytes();
            line.clear();
            let mut bounded = (&mut self.bytes).take(ROW_MAX);
            let read = bounded.read_until(b'\n', &mut line);
            let bad = |what: String| BadRecord::new(self.line, what);
            if read.map_err(|error| bad(told(&error)))? == 0 {
                return Ok(None);
            }
            if line.len() as u64 == ROW_MAX {
                return Err(bad(format!("a line of more than {} MiB", ROW_MAX >> 20)));
            }
            let text = String::from_utf8(line).map_err(|_| bad("not UTF-8 text".to_owned()))?;
            self.text = text;
            if self.text.trim().is_empty() {
                continue;
            }
            let length = self.text.trim_end_matches(['\n', '\r']).len();
            self.text.truncate(length);
            let fields = self.pattern.fields(&self.text);
            self.fields = fields.ok_or_else(|| {
                let what = format!("the line does not look like `{}`", self.notation);
                BadRecord::new(self.line, what)
            })?;
            return Ok(Some(self.line));
        }
    }

    pub(super) fn field(&self, column: usize) -> Option<&str> {
        let &(from, to) = self.fields.get(column)?;
        Some(self.text[from..to].trim())
    }
}
