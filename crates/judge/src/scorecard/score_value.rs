//! The value of a figure of a scorecard, where there is one.

use serde::{Deserialize, Serialize};

/// The value of a figure in one run.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ScoreValue {
    /// It was measured.
    Value(f64),
    /// It is this or more: what a provider refused is in no log.
    AtLeast(f64),
    /// It did not come about within the run: a recovery, for instance.
    Never,
    /// It cannot be known, and why.
    Unknown(String),
}
