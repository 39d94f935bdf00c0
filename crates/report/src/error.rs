//! Why a report cannot be written.

use squall_judge::FileError;

/// Why a report cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// A file could not be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A chart could not be drawn: a defect.
    #[error("failed to draw the chart `{chart}`: {problem}; this is a defect, please report it")]
    Draw {
        /// Which.
        chart: &'static str,
        /// Why.
        problem: String,
    },
    /// The page could not be made: a defect.
    #[error("failed to write the page: {0}; this is a defect, please report it")]
    Page(#[from] minijinja::Error),
}
