//! What a run ends in.

use crate::{AttemptRow, Cells, NoteRow, RequestRow, RunHeader};

/// What a run ends in, and what metrics, verdict and report are made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// What it is of.
    pub header: RunHeader,
    /// Whether rows and notes were kept.
    pub kept: Keep,
    /// The requests, by their place in the run; empty if only cells were kept.
    pub requests: Vec<RequestRow>,
    /// The attempts, by start, request and deployment; empty if only cells were kept.
    pub attempts: Vec<AttemptRow>,
    /// The notes, by time; empty if only cells were kept.
    pub notes: Vec<NoteRow>,
    /// Counts and distributions, whatever was kept.
    pub cells: Cells,
    /// The journal of the router, if there was one to keep.
    pub journal: Option<Vec<u8>>,
}

/// What to keep of a run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Keep {
    /// Every row, and the cells.
    Rows,
    /// The cells alone: rows of an hour at 1,000 requests per second are a gigabyte.
    Cells,
}
