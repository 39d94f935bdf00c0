//! What happened: one row per request, one per attempt, the router's notes, cells that stay small on
//! long runs, and the journal. A run ends in a [`Recording`]; metrics, verdict and report are functions
//! of it and of nothing else.

mod assemble;
mod call_attempt;
mod collector;
mod disk;
mod error;
mod feed;
mod header;
mod journal;
mod merge;
mod note;
mod row;
mod timeseries;

pub use assemble::Logs;
pub use call_attempt::{BrokenAnswer, CallAttempt, CallKey};
pub use collector::{Collector, Recording, RowRetention, join};
pub use disk::{EarlierRuns, LiveWriter, OutFolder, RowSender};
pub use error::RecordError;
pub use feed::{FeedRow, FeedSender, RowFeed, row_feed};
pub use header::{
    ChangeInfo, DeploymentInfo, JoinCounts, Lacked, Lag, Mode, RunEnd, RunHeader, ServerLag,
    ShardInfo, ShardSet, Stall, TargetInfo, Topology, TraceInfo,
};
pub use journal::{JournalReader, JournalWriter};
pub use merge::{MergeError, MergedRun, ShardMerge};
pub use note::{NoteRow, RecordedEvent};
pub use row::{AnswerSeen, AttemptOutcome, AttemptRow, RequestOutcome, RequestRow, SeenBy};
pub use timeseries::{
    AttemptCell, CellMarks, DeploymentCells, GroupCells, Latencies, RequestCell, SeriesLayout,
    TICK, TRANSIT, TimeSeries,
};
