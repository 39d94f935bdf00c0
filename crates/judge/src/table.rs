//! A verdict as a table on a terminal: plain text, columns aligned, numbers to the right.

use crate::text;
use crate::verdict::{RowOutcome, Verdict, VerdictRow};

/// The expectations with measured value, limit, samples and verdict; below them a sentence for each that
/// was not met, validity_problems and warnings, and the verdict.
#[must_use]
pub fn terminal_table(verdict: &Verdict) -> String {
    let mut lines: Vec<_> = text::warm_up(verdict.warm_up).into_iter().collect();
    if verdict.shown().next().is_some() {
        let mut rows =
            vec![["verdict", "expectation", "measured", "limit", "n"].map(str::to_owned)];
        rows.extend(verdict.shown().map(cells));
        lines.extend(align(
            &rows,
            &[
                ColumnSide::Left,
                ColumnSide::Left,
                ColumnSide::Right,
                ColumnSide::Right,
                ColumnSide::Right,
            ],
        ));
    }
    for row in verdict.shown().filter(|row| !row.is_met()) {
        lines.push(String::new());
        lines.push(format!("{}: {}", row.text, row.reason));
        // The first line of detail is in the reason already.
        lines.extend(row.detail().iter().skip(1).map(|line| format!("  {line}")));
    }
    let validity_problems =
        verdict.validity_problems.iter().map(|problem| format!("inconclusive: {problem}"));
    let warnings = verdict.warnings.iter().map(|warning| format!("warning: {warning}"));
    let changes = verdict.changes.iter().map(|change| format!("changed {change}"));
    lines.push(String::new());
    lines.extend(verdict.shards.iter().map(|line| format!("shards: {line}")));
    lines.extend(verdict.target.iter().map(|line| format!("target: {line}")));
    lines.extend(verdict.throttled.iter().map(|line| format!("throttled: {line}")));
    lines.extend(changes);
    lines.extend(validity_problems.chain(warnings));
    let overall = RowOutcome::of(verdict.overall, false);
    lines.push(format!("verdict: {} ({})", word(overall), verdict.tally()));
    lines.join("\n")
}

fn cells(row: &VerdictRow) -> [String; 5] {
    [
        word(row.outcome()).to_owned(),
        row.written(),
        row.measured.clone(),
        row.limit.clone(),
        row.n().map_or_else(|| "-".to_owned(), text::count),
    ]
}

/// A miss stands out without colour.
pub(crate) const fn word(outcome: RowOutcome) -> &'static str {
    match outcome {
        RowOutcome::Missed => "MISSED",
        RowOutcome::Met | RowOutcome::Inconclusive | RowOutcome::Warned => outcome.as_str(),
    }
}

/// To which side of its column a cell keeps.
#[derive(Clone, Copy, Debug)]
pub enum ColumnSide {
    /// Words.
    Left,
    /// AssignedIds.
    Right,
}

/// Rows of cells as lines, each column as wide as its widest cell.
#[must_use]
pub fn align<const N: usize>(rows: &[[String; N]], sides: &[ColumnSide; N]) -> Vec<String> {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<_> = (0..N).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(&widths).zip(sides).map(|((cell, &width), side)| match side {
            ColumnSide::Left => format!("{cell:<width$}"),
            ColumnSide::Right => format!("{cell:>width$}"),
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}
