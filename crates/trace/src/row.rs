//! A request of a trace.

/// A request of a trace.
#[derive(Clone, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct TraceRow {
    /// When it was made: nanoseconds after the first request of the file.
    pub at: u64,
    /// The line that it begins in, from 1.
    pub line: u64,
    /// Tokens of its prompt, where the file has them.
    pub input_tokens: Option<u32>,
    /// Tokens of its answer, where the file has them.
    pub output_tokens: Option<u32>,
    /// What the column of kinds says, where one is read.
    pub kind: Option<String>,
    /// What the column of sessions says, where one is read.
    pub session: Option<String>,
}
