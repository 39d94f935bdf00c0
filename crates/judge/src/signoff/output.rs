//! A sign-off, told on a terminal, as Markdown and as JUnit XML.

use super::{ItemOutcome, SignOff, SignOffItem};
use crate::file::FileError;
use crate::junit::{case_of, put_suites};
use crate::verdict::{Judgement, RowOutcome};
use quick_junit::TestSuite;
use std::path::Path;

/// Writes a sign-off as JUnit XML.
///
/// # Errors
/// When the file cannot be written.
pub fn write_sign_off_junit(path: &Path, sign_off: &SignOff) -> Result<(), FileError> {
    put_suites(path, "squall rehearse", [suite(sign_off)])
}

fn suite(sign_off: &SignOff) -> TestSuite {
    let mut suite = TestSuite::new(sign_off.checklist.clone());
    suite.add_property(("file", sign_off.path.as_str()));
    suite.add_property(("configuration", sign_off.configuration.as_str()));
    // What was skipped or never reached is no case: it was not looked at.
    let looked_at = sign_off.items.iter().filter_map(|item| Some((item, judgement(item.outcome)?)));
    suite.add_test_cases(looked_at.map(|(item, judgement)| {
        let class = (sign_off.checklist.as_str(), None);
        let reason = reasons(item).join("; ");
        case_of(
            &item.title,
            class,
            RowOutcome::of(judgement, false),
            &reason,
            item.notes.join("\n"),
        )
    }));
    suite
}

const fn judgement(outcome: ItemOutcome) -> Option<Judgement> {
    match outcome {
        ItemOutcome::Passed => Some(Judgement::Met),
        ItemOutcome::Failed => Some(Judgement::Missed),
        ItemOutcome::CannotDetect | ItemOutcome::Inconclusive => Some(Judgement::Inconclusive),
        ItemOutcome::Skipped | ItemOutcome::NotReached => None,
    }
}

/// Why an item did not pass.
fn reasons(item: &SignOffItem) -> Vec<String> {
    let evidence = item.evidence.iter().filter(|each| each.judgement != Judgement::Met);
    evidence.map(|each| format!("{}: {}", each.text, each.reason)).collect()
}

/// What a terminal shows of an item: a line, and why it did not pass.
#[must_use]
pub fn sign_off_lines(item: &SignOffItem) -> Vec<String> {
    let mut lines = vec![format!("{:<13}  {}", item.outcome.as_str(), item.title)];
    lines.extend(reasons(item).into_iter().map(|reason| format!("{:15}{reason}", "")));
    if let Some(command) = item.command.as_ref().filter(|_| item.outcome == ItemOutcome::Failed) {
        lines.push(format!("{:15}see it: {command}", ""));
    }
    lines
}

/// A sign-off as Markdown.
#[must_use]
pub fn sign_off_markdown(sign_off: &SignOff) -> String {
    let SignOff { checklist, path, rollout, how, made, configuration, .. } = sign_off;
    let mut out = format!("# Sign-off: {checklist}\n\n**{}**\n\n", sign_off.conclusion());
    if let Some(description) = &sign_off.description {
        out += &format!("{description}\n\n");
    }
    out += &format!(
        "| | |\n| --- | --- |\n| rollout | {rollout} |\n| rehearsed | {made}, {how} |\n| checklist | `{path}` |\n\
         | configuration | `{configuration}`; rehearse again if it changes |\n\n"
    );
    out += "| | item | outcome |\n| ---: | --- | --- |\n";
    for (number, item) in (1..).zip(&sign_off.items) {
        let (title, outcome) = (cell(&item.title), item.outcome.as_str());
        out += &format!("| {number} | {title} | {outcome} |\n");
    }
    for (number, item) in (1..).zip(&sign_off.items) {
        out += &section(number, item);
    }
    out += "\n## Signatures\n\n| role | name | date |\n| --- | --- | --- |\n";
    for role in ["owner of the feature", "on call", "security and data", "budget"] {
        out += &format!("| {role} | | |\n");
    }
    out
}

fn section(number: u32, item: &SignOffItem) -> String {
    let mut out = format!("\n## {number}. {}: {}\n\n", item.title, item.outcome.as_str());
    for note in &item.notes {
        out += &format!("{note}\n\n");
    }
    if !item.evidence.is_empty() {
        out += "| verdict | expectation | evidence |\n| --- | --- | --- |\n";
        for each in &item.evidence {
            let (text, reason) = (cell(&each.text), cell(&each.reason));
            out += &format!("| {} | `{text}` | {reason} |\n", each.judgement);
        }
        out.push('\n');
    }
    if let Some(command) = &item.command {
        out += &format!("Reproduce: `{command}`\n");
    }
    out
}

/// A bar would end the cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
