//! What could not be judged: live suites each of whose runs doubted itself, and instruction counts of another compiler.
//! Never a failure, never a pass in silence.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
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

    /// Says so of a step of this task; false if it cannot be kept for the summary.
    pub(crate) fn say(&self, line: &str) -> bool {
        println!("{line}");
        let file = OpenOptions::new().create(true).append(true).open(&self.path);
        file.is_ok_and(|mut file| writeln!(file, "{line}").is_ok())
    }

    /// What was said since it was last taken.
    pub(crate) fn take(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.path).unwrap_or_default();
        // It is not there if nothing was said.
        let _ = fs::remove_file(&self.path);
        text.lines().map(str::to_owned).collect()
    }
}
