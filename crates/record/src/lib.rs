//! What happened: one row per request, one per attempt, the router's notes, cells that stay small on
//! long runs, and the journal. A run ends in a [`Recording`]; metrics, verdict and report are functions
//! of it and of nothing else.

mod header;
mod note;
mod row;

pub use header::{DeploymentInfo, Ended, Lag, Mode, RunHeader};
pub use note::{Note, NoteRow};
pub use row::{AttemptOutcome, AttemptRow, RequestOutcome, RequestRow, SeenBy};
