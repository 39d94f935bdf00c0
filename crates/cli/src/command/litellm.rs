//! What the commands about LiteLLM's files share: reading one as its proxy would here, and the table of
//! what is kept of it.

use crate::error::CliError;
use crate::{files, terminal};
use serde_json::{Value, json};
use squall_litellm::{ImportFinding, LitellmFile, Support};
use std::path::Path;

/// Reads a LiteLLM file with what it includes and the variables that are set here, and shows its warnings.
pub(crate) fn read(path: &Path) -> Result<LitellmFile, CliError> {
    let text = files::typed(path);
    let text = text.map_err(|source| CliError::Read { path: path.to_owned(), source })?;
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    let load = |other: &str| files::referred(folder, other);
    let file = LitellmFile::read_with(&path.display().to_string(), &text, &load)?;
    if let Some(warnings) = file.warnings() {
        terminal::warnings(warnings);
    }
    Ok(file)
}

/// A finding for programs.
pub(crate) fn finding_json(finding: &ImportFinding) -> Value {
    json!({
        "line": finding.line,
        "path": finding.path,
        "value": finding.value,
        "support": finding.support.as_str(),
        "note": finding.note,
        "routing": finding.is_routing,
    })
}

/// The findings about routing as a table, those about anything else by their sections, and how many there are of
/// each kind.
pub(crate) fn table(findings: &[ImportFinding]) -> String {
    let (routing, others): (Vec<_>, Vec<_>) =
        findings.iter().partition(|finding| finding.is_routing);
    let setting = |finding: &ImportFinding| format!("{}: {}", finding.path, finding.value);
    let width = routing.iter().map(|each| setting(each).chars().count()).max().unwrap_or(0);
    let width = width.min(72);
    let mut out = format!("{:>5}  {:<width$}  {:<13}  note\n", "line", "setting", "support");
    for finding in &routing {
        let (setting, support) = (setting(finding), finding.support.as_str());
        let row =
            format!("{:>5}  {setting:<width$}  {support:<13}  {}", finding.line, finding.note);
        out.push_str(row.trim_end());
        out.push('\n');
    }
    if !others.is_empty() {
        out.push_str("\nwithout effect on routing:\n");
        out.push_str(&by_note(&others));
        out.push('\n');
    }
    let count = |support| routing.iter().filter(|finding| finding.support == support).count();
    out.push_str(&format!(
        "{} settings of routing: {} exact, {} approximate, {} not supported; {} others",
        routing.len(),
        count(Support::Exact),
        count(Support::Approximate),
        count(Support::NotSupported),
        others.len()
    ));
    out
}

/// Settings without effect on routing, those of one kind on a line.
fn by_note(findings: &[&ImportFinding]) -> String {
    let mut notes: Vec<&str> = Vec::new();
    for finding in findings {
        if !notes.contains(&finding.note.as_str()) {
            notes.push(&finding.note);
        }
    }
    let mut out = String::new();
    for note in notes {
        let of_note = findings.iter().filter(|finding| finding.note == note);
        let settings = of_note.map(|each| format!("{} (line {})", each.path, each.line));
        out.push_str(&format!("  {note}: {}\n", settings.collect::<Vec<_>>().join(", ")));
    }
    out
}
