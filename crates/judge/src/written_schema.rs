//! The JSON Schemas of the files that squall writes for programs, from the declarations that write them.

use crate::compare::output::json::ComparisonFile;
use crate::seeds::output::json::CheckSummary;
use crate::summary::Summary;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

/// A file that squall writes for programs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WrittenFile {
    /// `summary.json` of `squall run`, `load` and `replay`.
    Summary,
    /// `summary.json` of `squall check`.
    CheckSummary,
    /// `compare.json`.
    Comparison,
}

impl WrittenFile {
    /// Every file.
    pub const ALL: [Self; 3] = [Self::Summary, Self::CheckSummary, Self::Comparison];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Summary => "summary",
            Self::CheckSummary => "check-summary",
            Self::Comparison => "comparison",
        }
    }
}

/// The JSON Schema (draft 2020-12) of a file that squall writes. It names every field that this version writes; a later
/// one may add others.
#[must_use]
pub fn written_schema(file: WrittenFile) -> Value {
    let mut schema = match file {
        WrittenFile::Summary => of::<Summary>(),
        WrittenFile::CheckSummary => of::<CheckSummary<'_>>(),
        WrittenFile::Comparison => of::<ComparisonFile<'_>>(),
    };
    schema["title"] = format!("Squall {}", file.as_str()).into();
    schema
}

fn of<T: JsonSchema>() -> Value {
    // What is written, not what would be read: a field that is always there is required, though it may be null.
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    generator.into_root_schema_for::<T>().to_value()
}

#[cfg(test)]
mod tests;
