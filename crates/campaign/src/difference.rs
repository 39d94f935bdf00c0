//! Where two runs part.

use squall_determinism::Timestamp;
use std::fmt;

/// The first place at which two runs part.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Difference {
    /// When, in virtual time; `None` if neither the router nor any row tells.
    pub at: Option<Timestamp>,
    /// Which event: the number, from 0, of what the router was told, or of the row.
    pub event: usize,
    /// What it was in the first run.
    pub first: String,
    /// What it was in the second.
    pub second: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            Some(at) => write!(f, "at {} s, event {}", at.as_secs_f64(), self.event)?,
            None => write!(f, "event {}", self.event)?,
        }
        write!(f, ": first {}, then {}", self.first, self.second)
    }
}
