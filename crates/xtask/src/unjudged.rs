//! What live suites could not judge, since each of their runs doubted itself: never a failure, never a pass in silence.

use std::fs;
use std::path::PathBuf;

/// The variable by which a suite learns where to say so: `tests/src/valid_run.rs` reads it.
const VARIABLE: &str = "SQUALL_NOT_JUDGED";

/// A file that suites append a line to.
#[derive(Debug)]
pub(crate) struct Unjudged {
    path: PathBuf,
}

impl Unjudged {
    /// An empty one of this process.
    pub(crate) fn new() -> Self {
        let name = format!("squall-not-judged-{}", std::process::id());
        let new = Self { path: std::env::temp_dir().join(name) };
        new.take();
        new
    }

    /// The variable for the suites.
    pub(crate) fn variable(&self) -> (&'static str, String) {
        (VARIABLE, self.path.display().to_string())
    }

    /// What was said since it was last taken.
    pub(crate) fn take(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.path).unwrap_or_default();
        // It is not there if nothing was said.
        let _ = fs::remove_file(&self.path);
        text.lines().map(str::to_owned).collect()
    }
}
