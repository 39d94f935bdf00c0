//! The files of a comparison: a page, Markdown for a pull request, JSON for programs, and charts.

mod page;

use crate::ReportError;
use squall_judge::{RunComparison, comparison_json, comparison_markdown, put, put_json};
use std::path::{Path, PathBuf};

/// Where the files of a comparison are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ComparisonPaths {
    /// `compare.html`.
    pub html: PathBuf,
    /// `compare.md`.
    pub markdown: PathBuf,
    /// `compare.json`.
    pub json: PathBuf,
}

/// Writes `compare.html`, `compare.md`, `compare.json` and the charts into a folder, which is made if it is not there.
///
/// # Errors
/// When a file cannot be written.
pub fn write_comparison(
    dir: &Path,
    comparisons: &[RunComparison],
) -> Result<ComparisonPaths, ReportError> {
    let paths = ComparisonPaths {
        html: dir.join("compare.html"),
        markdown: dir.join("compare.md"),
        json: dir.join("compare.json"),
    };
    put_json(&paths.json, &comparison_json(comparisons))?;
    put(&paths.markdown, comparison_markdown(comparisons).as_bytes())?;
    put(&paths.html, page::page(comparisons)?.as_bytes())?;
    Ok(paths)
}
