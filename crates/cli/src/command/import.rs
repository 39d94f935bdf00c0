//! `squall import`: other routers' configurations as ours, with a report of what is kept.

use crate::args::{ImportArgs, ImportFrom, LitellmArgs};
use crate::error::{CliError, Exit};
use crate::{command, terminal};
use serde_json::{Value, json};
use squall_litellm::{ImportFinding, LitellmFile, Support};

pub(crate) fn import(args: &ImportArgs) -> Result<Exit, CliError> {
    match &args.from {
        ImportFrom::Litellm(args) => litellm(args),
    }
}

fn litellm(args: &LitellmArgs) -> Result<Exit, CliError> {
    let text = command::text(&args.file)?;
    let file = LitellmFile::read(&args.file.display().to_string(), &text)?;
    let findings = file.findings(args.profile.into());
    terminal::product("gateway_file", &squall_scenario::gateway_yaml(&file, args.profile.into()));
    terminal::status(table(&findings));
    terminal::field("findings", || findings.iter().map(finding_json).collect());
    Ok(Exit::Met)
}

/// A finding for programs.
fn finding_json(finding: &ImportFinding) -> Value {
    json!({
        "line": finding.line,
        "path": finding.path,
        "value": finding.value,
        "support": finding.support.as_str(),
        "note": finding.note,
    })
}

/// The findings as a table, and how many there are of each kind.
pub(crate) fn table(findings: &[ImportFinding]) -> String {
    let setting = |finding: &ImportFinding| format!("{}: {}", finding.path, finding.value);
    let width = findings.iter().map(|each| setting(each).chars().count()).max().unwrap_or(0);
    let width = width.min(72);
    let mut out = format!("{:>5}  {:<width$}  {:<13}  note\n", "line", "setting", "support");
    for finding in findings {
        let (setting, support) = (setting(finding), finding.support.as_str());
        let row =
            format!("{:>5}  {setting:<width$}  {support:<13}  {}", finding.line, finding.note);
        out.push_str(row.trim_end());
        out.push('\n');
    }
    let count = |support| findings.iter().filter(|finding| finding.support == support).count();
    out.push_str(&format!(
        "{} settings: {} exact, {} approximate, {} not supported",
        findings.len(),
        count(Support::Exact),
        count(Support::Approximate),
        count(Support::NotSupported)
    ));
    out
}
