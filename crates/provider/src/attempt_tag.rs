//! The driver's identifiers of attempts.

/// The driver's own name for an attempt, not used again while the attempt runs.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct AttemptTag(pub u64);
