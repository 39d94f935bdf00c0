//! A trace in figures.

mod output;

pub use output::{TracePaths, trace_json, trace_lines, write_trace};

use squall_trace::TraceDescription;

/// A trace in figures.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceReport {
    /// Its file, as it was named.
    pub file: String,
    /// Its figures.
    pub description: TraceDescription,
}
