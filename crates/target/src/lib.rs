//! Other gateways under test. Each is a [`ReadyMade`] target: its own configuration for the groups, weights,
//! limits, time-outs, retries, cooldowns and fallbacks of a scenario, and what cannot be expressed in it.

mod ready_made;

pub use ready_made::{ExportNote, Exported, ReadyMade, Tuning, ready_made};
