//! What configuration files are made of: YAML as a tree in which every value knows its place, scalars
//! with units, names, and diagnostics that show every problem of a file at its line and column.
//!
//! The only crate that parses YAML. What a file's keys mean is its readers' business: `squall-scenario`
//! reads our own files, `squall-litellm` LiteLLM's.

pub mod diagnostic;
pub mod name;
pub mod node;
pub mod source_texts;
pub mod unit;
pub mod yaml;

pub use diagnostic::{Diagnostics, Problem, Related, Severity};
pub use unit::read_duration;
