//! What a job of GitHub Actions is told: annotations beside the lines of scenarios, and a summary.

use crate::error::CliError;
use crate::terminal;
use squall_judge::{
    RunComparison, SeedsVerdict, annotations, check_markdown, comparison_annotations,
};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;

/// Tells GitHub of the verdicts, if this is a job of its.
pub(crate) fn tell(verdicts: &[SeedsVerdict]) -> Result<(), CliError> {
    if variable("GITHUB_ACTIONS").is_none() {
        return Ok(());
    }
    verdicts.iter().flat_map(annotations).for_each(terminal::annotation);
    summary(&check_markdown(verdicts))
}

/// Tells GitHub of comparisons, if this is a job of its.
pub(crate) fn tell_comparison(
    comparisons: &[RunComparison],
    markdown: &str,
) -> Result<(), CliError> {
    if variable("GITHUB_ACTIONS").is_none() {
        return Ok(());
    }
    comparisons.iter().flat_map(comparison_annotations).for_each(terminal::annotation);
    summary(markdown)
}

/// Adds to the job's summary, if there is one.
pub(crate) fn summary(markdown: &str) -> Result<(), CliError> {
    let Some(path) = variable("GITHUB_STEP_SUMMARY").map(PathBuf::from) else { return Ok(()) };
    let file = OpenOptions::new().create(true).append(true).open(&path);
    file.and_then(|mut file| file.write_all(markdown.as_bytes())).map_err(|source| CliError::Io {
        what: format!("cannot append to the job summary `{}`", path.display()),
        source,
    })
}

#[expect(clippy::disallowed_methods, reason = "GitHub tells a job of itself in its environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty() && value != "false")
}
