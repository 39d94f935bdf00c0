//! Why a recording cannot be written or read.

use std::path::PathBuf;

/// Of what form a recording is. It is another when a field is added, taken or changed in any of its files.
pub(crate) const FORMAT: u32 = 8;

/// The oldest form that is read as well: it has no `server_lag`. Neither it nor form 3 has a `target`, form 4 has no
/// `marks`, form 6 no `shards`, and form 7 no `calls` of requests; in form 2, and in
/// early recordings of form 3, some events of `notes.csv` have other words. Before form 6, the cells were in another
/// file, which is not read: they are made of the rows again.
pub(crate) const OLDEST_FORMAT: u32 = 2;

/// The version of journals that is written.
pub(crate) const JOURNAL_VERSION: u8 = 3;

/// The oldest version that is read: its arrivals do not say which request of the run they are.
pub(crate) const OLDEST_JOURNAL: u8 = 2;

/// Why a recording cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// A file could not be written.
    #[error("cannot write `{}`: {source}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file could not be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file holds something else than what was written there.
    #[error("`{}` is not as squall writes it: {problem}", path.display())]
    Malformed {
        /// Which.
        path: PathBuf,
        /// What is wrong, and where.
        problem: String,
    },
    /// A recording of another version.
    #[error(
        "`{}` is of a recording of form {format}, written by squall {version}; this squall reads forms {} to {}: \
         read it with that version, or run the scenario again", path.display(), OLDEST_FORMAT, FORMAT
    )]
    Form {
        /// Which.
        path: PathBuf,
        /// Of which form it is.
        format: u32,
        /// By which version of squall.
        version: String,
    },
    /// A file that was changed after the run.
    #[error("`{}` was changed after the run: {what}", path.display())]
    Changed {
        /// Which.
        path: PathBuf,
        /// How that is known.
        what: String,
    },
    /// A folder that no recording can be written into.
    #[error("cannot write into `{}`: {problem}", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why not, and what to do.
        problem: String,
    },
    /// Not a journal at all.
    #[error("the file is not a journal of squall's")]
    NotAJournal,
    /// A journal of another version.
    #[error(
        "the journal is of version {version}; this squall reads versions {} to {}",
        OLDEST_JOURNAL,
        JOURNAL_VERSION
    )]
    JournalVersion {
        /// Which.
        version: u8,
    },
    /// A journal that ends too early.
    #[error("the journal ends in the middle of frame {frame}")]
    JournalCut {
        /// Which, from 0.
        frame: usize,
    },
}
