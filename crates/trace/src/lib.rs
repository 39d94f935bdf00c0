//! Recorded traffic: traces of LLM requests and access logs, read in a stream, described in figures, and fitted with laws.
//!
//! [`TraceReader`] gives the rows of a file in the order of their times, in bounded memory however long the file is.
//! Each format is a row of the table in `format.rs`. `docs/TRACES.md` is the guide.

mod describe;
mod error;
mod fit;
mod format;
mod input;
mod moment;
mod options;
mod preset;
mod reader;
mod record;
mod reorder;
mod row;

pub use describe::{
    BusyWindow, ChartBins, SizeCounts, SizeSummary, TraceDescription, TraceSummary, WindowSummary,
    describe,
};
pub use error::TraceError;
pub use fit::{
    ArrivalFit, FitEstimate, FittedRate, GapFit, LognormalFit, SizeFit, TraceFit, fit,
    traffic_section,
};
pub use format::{TimeUnit, TraceFormat};
pub use input::TraceInput;
pub use options::{TraceColumns, TraceOptions};
pub use preset::{PRESETS, TracePreset, preset};
pub use reader::TraceReader;
pub use row::TraceRow;
