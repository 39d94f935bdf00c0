//! Why a recording cannot be written or read.

use std::io;
use std::path::PathBuf;

/// Why a recording cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The machine would not.
    #[error("cannot {what} `{}`: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// There is no recording there, or its writing was cut short.
    #[error("`{}` is no recording: it holds no `run.json`, which is written last", .0.display())]
    NoRecording(PathBuf),
    /// A file that does not say what it should.
    #[error("`{}`, line {line}: {what}", path.display())]
    Content {
        /// Which.
        path: PathBuf,
        /// Where, from 1.
        line: u64,
        /// What was found, and what was expected.
        what: String,
    },
    /// Bytes that are no journal.
    #[error("not a journal of this version: it should begin with `squallJ1`")]
    NotAJournal,
    /// A journal that ends too early.
    #[error("the journal ends in the middle of frame {frame} (counted from 0): it was cut short")]
    TornJournal {
        /// Which frame is not whole.
        frame: usize,
    },
}
