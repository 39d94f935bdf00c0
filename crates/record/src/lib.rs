//! What happened: one row per request, one per attempt, the router's notes, cells that stay small on
//! long runs, and the journal. A run ends in a [`Recording`]; metrics, verdict and report are functions
//! of it and of nothing else.
//!
//! A [`Collector`] takes rows as they end and makes the recording. [`Cells`] are what every metric is
//! read from, so that the rows themselves may be left out.

mod cells;
mod collector;
mod error;
mod file;
mod header;
mod join;
mod journal;
mod note;
mod recording;
mod row;

pub use cells::{
    Cells, DeploymentCells, DeploymentCounts, FailureCounts, GroupCells, GroupCounts, Series, TICK,
    TRANSIT, Window,
};
pub use collector::{Collector, Shape};
pub use error::RecordError;
pub use header::{DeploymentInfo, Ended, Lag, Mode, RunHeader};
pub use join::join;
pub use journal::{JournalReader, JournalWriter};
pub use note::{Note, NoteRow};
pub use recording::{Keep, Recording};
pub use row::{AttemptOutcome, AttemptRow, RequestOutcome, RequestRow, SeenBy};
