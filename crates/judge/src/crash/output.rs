//! A crash test as a table on a terminal, as Markdown, as JSON and as JUnit XML.

use super::{CheckResult, CrashReport, CrashRow, CrashVerdict};
use crate::file::FileError;
use crate::junit::{case_of, put_suites};
use crate::table::{ColumnSide, align};
use crate::verdict::RowOutcome;
use quick_junit::TestSuite;
use serde_json::{Value, json};
use std::path::Path;

/// The table as a terminal shows it: a line for each fault, and below them why each is no pass.
#[must_use]
pub fn crash_lines(report: &CrashReport) -> Vec<String> {
    let head = ["", "verdict", "fault", "attempts", "seconds"].map(str::to_owned);
    let rows = report.rows.iter().map(|row| {
        let (attempts, seconds) = figures(row);
        let verdict = match row.verdict {
            // It stands out without colour.
            CrashVerdict::Fail => "FAIL".to_owned(),
            other => other.as_str().to_owned(),
        };
        [row.id.to_owned(), verdict, row.fault.to_owned(), attempts, seconds]
    });
    let rows: Vec<_> = std::iter::once(head).chain(rows).collect();
    let sides = [
        ColumnSide::Left,
        ColumnSide::Left,
        ColumnSide::Left,
        ColumnSide::Right,
        ColumnSide::Right,
    ];
    let mut lines = align(&rows, &sides);
    let not_passed = report.rows.iter().filter(|row| row.verdict != CrashVerdict::Pass);
    let why = not_passed.map(|row| format!("{} {}: {}", row.id, row.verdict, row.why));
    let why: Vec<_> = why.collect();
    if !why.is_empty() {
        lines.push(String::new());
        lines.extend(why);
    }
    lines
}

/// Attempts at primary and fallback, and the seconds that the caller waited.
fn figures(row: &CrashRow) -> (String, String) {
    (format!("{}/{}", row.primary, row.fallback), format!("{:.1}", row.seconds))
}

/// The table as Markdown, with every check.
#[must_use]
pub fn crash_markdown(report: &CrashReport) -> String {
    let (system, mode) = (&report.system, report.mode.as_str());
    let mut out = format!("# Crash test: {system}\n\n**{}**, {mode}\n\n", report.tally());
    out += "| | fault | verdict | attempts | seconds | why it is no pass |\n";
    out += "| --- | --- | --- | ---: | ---: | --- |\n";
    for row in &report.rows {
        let (attempts, seconds) = figures(row);
        let CrashRow { id, fault, verdict, why, .. } = row;
        out += &format!("| {id} | {fault} | {verdict} | {attempts} | {seconds} | {why} |\n");
    }
    out += "\n## Checks\n\n| | | check | holds | seen |\n| --- | --- | --- | --- | --- |\n";
    for row in &report.rows {
        for check in &row.checks {
            let (letter, holds) = (check.weight.letter(), holds(check));
            out +=
                &format!("| {} | {letter} | {} | {holds} | {} |\n", row.id, check.text, check.seen);
        }
    }
    out
}

const fn holds(check: &CheckResult) -> &'static str {
    match check.holds {
        Some(true) => "yes",
        Some(false) => "no",
        None => "n/a",
    }
}

/// The report for programs.
#[must_use]
pub fn crash_json(report: &CrashReport) -> Value {
    let rows = report.rows.iter().map(|row| {
        let checks = row.checks.iter().map(|check| {
            json!({
                "text": check.text,
                "weight": check.weight.letter(),
                "holds": check.holds,
                "seen": check.seen,
            })
        });
        json!({
            "id": row.id,
            "fault": row.fault,
            "verdict": row.verdict.as_str(),
            "attempts": { "primary": row.primary, "fallback": row.fallback },
            "seconds": row.seconds,
            "why": (!row.why.is_empty()).then_some(&row.why),
            "checks": checks.collect::<Vec<_>>(),
        })
    });
    let rows: Vec<_> = rows.collect();
    let counts = CrashVerdict::ALL.map(|verdict| (verdict.as_str(), report.count(verdict)));
    json!({
        "system": report.system,
        "mode": report.mode.as_str(),
        "counts": counts.into_iter().collect::<std::collections::BTreeMap<_, _>>(),
        "tests": rows,
    })
}

/// Writes the report as JUnit XML: a case for each fault, a failure if it is worse than `least`.
///
/// # Errors
/// When the file cannot be written.
pub fn write_crash_junit(
    path: &Path,
    report: &CrashReport,
    least: CrashVerdict,
) -> Result<(), FileError> {
    let mut suite = TestSuite::new("crash");
    suite.add_property(("system", report.system.as_str()));
    suite.add_property(("mode", report.mode.as_str()));
    suite.add_test_cases(report.rows.iter().map(|row| {
        let outcome = match row.verdict {
            CrashVerdict::Inconclusive => RowOutcome::Inconclusive,
            verdict if verdict <= least => RowOutcome::Met,
            _ => RowOutcome::Missed,
        };
        let name = format!("{} {}", row.id, row.fault);
        let reason = format!("{}: {}", row.verdict, row.why);
        let checks = row.checks.iter().map(|check| {
            format!("{} {}: {} ({})", check.weight.letter(), check.text, holds(check), check.seen)
        });
        let detail = checks.collect::<Vec<_>>().join("\n");
        case_of(&name, ("crash", None), outcome, &reason, detail)
    }));
    put_suites(path, "squall crash", [suite])
}
