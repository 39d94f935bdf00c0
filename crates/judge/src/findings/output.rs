//! Findings about clients as a table on a terminal, and as JSON.

use super::{FindingRow, FindingSeverity, FindingsReport};
use crate::table::{ColumnSide, align};
use crate::text;
use crate::verdict::Judgement;
use serde_json::{Value, json};

/// The table as a terminal shows it: a line for each rule, below them what was found, and a summary.
#[must_use]
pub fn findings_lines(report: &FindingsReport) -> Vec<String> {
    let head = ["severity", "finding", "result", "calls"].map(str::to_owned);
    let rows = report.rows.iter().map(|row| {
        let tested = text::count(row.tested as u64);
        let calls = match row.broken {
            0 => tested,
            broken => format!("{} of {tested}", text::count(broken as u64)),
        };
        let words = [row.rule.severity.as_str(), row.rule.id, result(row)];
        let [severity, id, result] = words.map(str::to_owned);
        [severity, id, result, calls]
    });
    let rows: Vec<_> = std::iter::once(head).chain(rows).collect();
    let sides = [ColumnSide::Left, ColumnSide::Left, ColumnSide::Left, ColumnSide::Right];
    let mut lines = align(&rows, &sides);
    for row in &report.rows {
        lines.extend(told(row));
    }
    lines.push(String::new());
    lines.push(summary(report));
    lines
}

/// What was found of a rule, and why some of it could not be.
fn told(row: &FindingRow) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(first) = row.examples.first() {
        let suspected = if first.suspected { ", suspected" } else { "" };
        let severity = row.rule.severity.as_str();
        lines.push(String::new());
        lines.push(format!("{severity}: {}{suspected}", row.rule.id));
        let shown = row.examples.iter().take(SHOWN);
        lines.extend(
            shown.map(|each| format!("  {} at `{}`: {}", each.call, providers(each), each.seen)),
        );
        if row.broken > SHOWN {
            lines.push(format!("  and {} more calls", text::count((row.broken - SHOWN) as u64)));
        }
        lines.push(format!("  advice: {}", row.rule.advice));
    }
    for (why, calls) in &row.unclear {
        lines.push(String::new());
        lines.push(format!("not judged: {}, {calls} calls: {why}", row.rule.id));
    }
    lines
}

/// How many findings of a rule a terminal shows.
const SHOWN: usize = 3;

/// The providers that a call went to, in order.
fn providers(finding: &super::Finding) -> String {
    let mut names: Vec<_> = finding.attempts.iter().map(|each| each.provider.as_str()).collect();
    names.dedup();
    names.join("`, `")
}

fn result(row: &FindingRow) -> &'static str {
    match row {
        FindingRow { broken: 1.., allowed: true, .. } => "found (allowed)",
        // It stands out without colour.
        FindingRow { broken: 1.., .. } => "FOUND",
        FindingRow { tested: 0, .. } => "not tested",
        FindingRow { waiting: 1.., .. } => "waiting",
        FindingRow { unclear, .. } if !unclear.is_empty() => "not judged",
        _ => "kept",
    }
}

fn summary(report: &FindingsReport) -> String {
    let counted = |count: usize, one: &str| {
        let plural = if count == 1 { "" } else { "s" };
        format!("{} {one}{plural}", text::count(count as u64))
    };
    let mut line = format!(
        "{} of {}: {}, {}",
        counted(report.attempts, "attempt"),
        counted(report.calls, "call"),
        counted(report.count(FindingSeverity::Error), "error"),
        counted(report.count(FindingSeverity::Warning), "warning"),
    );
    if report.ambiguous > 0 {
        line += &format!(
            "; {} not judged, since others with the same body were under way",
            counted(report.ambiguous, "call")
        );
    }
    if report.open > 0 {
        line += &format!("; {} not ended", counted(report.open, "attempt"));
    }
    if report.forgotten > 0 {
        line += &format!("; {} earlier attempts are not kept", text::count(report.forgotten));
    }
    line
}

/// The report for programs.
#[must_use]
pub fn findings_json(report: &FindingsReport) -> Value {
    let rules: Vec<_> = report.rows.iter().map(row_json).collect();
    json!({
        "verdict": match report.judgement() {
            Judgement::Met => "met",
            Judgement::Missed => "missed",
            Judgement::Inconclusive => "inconclusive",
        },
        "attempts": report.attempts,
        "open_attempts": report.open,
        "forgotten_attempts": report.forgotten,
        "calls": report.calls,
        "ambiguous_calls": report.ambiguous,
        "errors": report.count(FindingSeverity::Error),
        "warnings": report.count(FindingSeverity::Warning),
        "rules": rules,
    })
}

fn row_json(row: &FindingRow) -> Value {
    let findings = row.examples.iter().map(|finding| {
        let attempts = finding.attempts.iter().map(|each| {
            json!({
                "attempt": each.number,
                "provider": each.provider,
                "at": each.at,
                "took": each.took,
                "outcome": each.outcome,
                "status": each.status,
                "retry_after": each.retry_after,
                "evidence": each.is_evidence,
            })
        });
        json!({
            "call": finding.call,
            "joined_by": if finding.by_token { "token" } else { "body" },
            "suspected": finding.suspected,
            "seen": finding.seen,
            "attempts": attempts.collect::<Vec<_>>(),
        })
    });
    json!({
        "finding": row.rule.id,
        "severity": row.rule.severity.as_str(),
        "allowed": row.allowed,
        "result": match result(row) {
            "FOUND" | "found (allowed)" => "found",
            other => other,
        },
        "advice": row.rule.advice,
        "tested_calls": row.tested,
        "broken_calls": row.broken,
        "waiting_calls": row.waiting,
        "unclear": row.unclear,
        "findings": findings.collect::<Vec<_>>(),
    })
}
