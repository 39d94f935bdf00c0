//! A verdict as Markdown, for a pull request or a CI job's summary: the worst first.

use crate::text;
use crate::verdict::{Verdict, VerdictRow};

/// A heading of the third level, a table, and what else should be known.
#[must_use]
pub fn markdown(verdict: &Verdict) -> String {
    let warm_up = text::warm_up(verdict.warm_up);
    let warm_up = warm_up.map(|warm_up| format!(", {warm_up}")).unwrap_or_default();
    let mut lines = vec![
        format!("### `{}`: {}", verdict.scenario, verdict.overall),
        String::new(),
        format!("{}, seed {}, {}{warm_up}.", verdict.tally(), verdict.seed, verdict.mode.as_str()),
        String::new(),
    ];
    if verdict.shown().next().is_some() {
        lines.push("| verdict | expectation | measured | limit | n |".to_owned());
        lines.push("| --- | --- | ---: | ---: | ---: |".to_owned());
    }
    let mut rows: Vec<_> = verdict.shown().collect();
    rows.sort_by_key(|row| row.outcome());
    lines.extend(rows.iter().map(|row| line(row)));
    let reasons = rows.iter().filter(|row| !row.is_met());
    let reasons = reasons.map(|row| format!("- `{}`: {}", row.text, row.reason));
    let validity_problems =
        verdict.validity_problems.iter().map(|problem| format!("- inconclusive: {problem}"));
    let warnings = verdict.warnings.iter().map(|warning| format!("- warning: {warning}"));
    let changes = verdict.changes.iter().map(|change| format!("- changed {change}"));
    let target = verdict.target.iter().map(|line| format!("- target: {line}"));
    let throttled = verdict.throttled.iter().map(|line| format!("- throttled: {line}"));
    let shards = verdict.shards.iter().map(|line| format!("- shards: {line}"));
    let notes: Vec<_> = shards
        .chain(target)
        .chain(throttled)
        .chain(changes)
        .chain(reasons)
        .chain(validity_problems)
        .chain(warnings)
        .collect();
    if !notes.is_empty() {
        lines.push(String::new());
        lines.extend(notes);
    }
    lines.join("\n") + "\n"
}

fn line(row: &VerdictRow) -> String {
    let word = row.outcome().markdown();
    let n = row.n().map_or_else(|| "-".to_owned(), text::count);
    // A bar would end the cell.
    let text = row.written().replace('|', "\\|");
    format!("| {word} | `{text}` | {} | `{}` | {n} |", row.measured, row.limit)
}
