//! Where a run was made, and how: what its recording does not hold.

use crate::ReportError;
use serde::{Deserialize, Serialize};
use squall_judge::put_json;
use std::fs;
use std::path::Path;

/// The file beside a report that holds its origin, so that a report that is made again has it too.
pub(crate) const ORIGIN: &str = "origin.json";

/// Where a run was made, and how.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct RunOrigin {
    /// When it began, as RFC 3339 has it, to the millisecond; empty in recordings of before 2026-11-30.
    pub started: String,
    /// When its report was first written, as RFC 3339 has it.
    pub written: String,
    /// The machine's name.
    pub host: String,
    /// The commit that the binary was built of; empty where that is not known.
    pub commit: String,
    /// The line that gives exactly this run.
    pub command: String,
    /// What was set for it: `--set` and `--var`, each as typed.
    pub settings: Vec<String>,
}

impl RunOrigin {
    /// The origin that lies in a folder; `None` if there is none that can be read.
    #[must_use]
    pub fn read(folder: &Path) -> Option<Self> {
        let text = fs::read_to_string(folder.join(ORIGIN)).ok()?;
        serde_json::from_str(&text).ok()
    }

    pub(crate) fn write(&self, folder: &Path) -> Result<(), ReportError> {
        Ok(put_json(&folder.join(ORIGIN), self)?)
    }
}
