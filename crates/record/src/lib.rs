//! What happened: one row per request, one per attempt, the router's notes, cells that stay small on
//! long runs, and the journal. A run ends in a [`Recording`]; metrics, verdict and report are functions
//! of it and of nothing else.

mod assemble;
mod cells;
mod collector;
mod disk;
mod error;
mod header;
mod journal;
mod note;
mod row;

pub use assemble::Logs;
pub use cells::{
    AttemptCell, Cells, DeploymentCells, GroupCells, Latencies, RequestCell, Shape, TICK, TRANSIT,
};
pub use collector::{Collector, Keep, Recording, join};
pub use disk::{LiveWriter, OutFolder, RowSender};
pub use error::RecordError;
pub use header::{Cast, ChangeInfo, DeploymentInfo, Ended, Lacked, Lag, Mode, RunHeader};
pub use journal::{JournalReader, JournalWriter};
pub use note::{Note, NoteRow};
pub use row::{AttemptOutcome, AttemptRow, RequestOutcome, RequestRow, SeenBy};
