//! Why a report cannot be written.

use std::io;
use std::path::{Path, PathBuf};

/// Why a report cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// A file could not be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file could not be written.
    #[error("cannot write `{}`: {source}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
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

impl ReportError {
    pub(crate) fn write(path: &Path, source: io::Error) -> Self {
        Self::Write { path: path.to_owned(), source }
    }
}
