//! Verdicts over seeds, told: on a terminal, to GitHub, and in files.

pub(crate) mod json;

use super::{Claim, SeedsRow, SeedsVerdict};
use crate::file::{FileError, put, put_json};
use crate::junit::{case_of, put_suites};
use crate::table::word;
use crate::text;
use crate::verdict::{Judgement, RowOutcome};
use quick_junit::TestSuite;
use std::path::{Path, PathBuf};

/// Where the files of a check are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CheckPaths {
    /// `junit.xml`.
    pub junit: PathBuf,
    /// `summary.json`.
    pub summary: PathBuf,
    /// `summary.md`.
    pub markdown: PathBuf,
}

/// Writes `junit.xml`, `summary.json` and `summary.md` into a folder, which is made if it is not there.
///
/// # Errors
/// When a file cannot be written.
pub fn write_check(dir: &Path, verdicts: &[SeedsVerdict]) -> Result<CheckPaths, FileError> {
    let paths = CheckPaths {
        junit: dir.join("junit.xml"),
        summary: dir.join("summary.json"),
        markdown: dir.join("summary.md"),
    };
    put_suites(&paths.junit, "squall check", verdicts.iter().map(suite))?;
    put_json(&paths.summary, &json::check(verdicts))?;
    put(&paths.markdown, check_markdown(verdicts).as_bytes())?;
    Ok(paths)
}

fn suite(verdict: &SeedsVerdict) -> TestSuite {
    let mut suite = TestSuite::new(verdict.scenario.clone());
    suite.add_property(("file", verdict.origin.path.as_str()));
    suite.add_property(("seeds", seeds(verdict).as_str()));
    suite.add_test_cases(verdict.shown().map(|row| {
        let class = (verdict.scenario.as_str(), row.phase.as_deref());
        let detail = replay_line(verdict, row).unwrap_or_default();
        case_of(&name(row), class, row.outcome(), &row.reason, detail)
    }));
    suite
}

/// What a terminal shows of a scenario: a line, and one for each row that was not met.
#[must_use]
pub fn check_lines(verdict: &SeedsVerdict) -> Vec<String> {
    let word = word(RowOutcome::of(verdict.overall, false));
    let met = verdict.count(Judgement::Met);
    let (name, of) = (&verdict.scenario, verdict.rows.len());
    let tried = seeds(verdict);
    let mut lines =
        vec![format!("{word:<12}  {name}  {met} of {of} over {tried}{}", warned(verdict))];
    let rows: Vec<_> = verdict.shown().filter(|row| row.judgement != Judgement::Met).collect();
    // Too few seeds are too few for every expectation alike: said once.
    for alike in rows.chunk_by(|a, b| a.reason == b.reason && a.soft == b.soft) {
        let names: Vec<_> = alike.iter().map(|row| self::name(row)).collect();
        let (names, reason) = (names.join(", "), &alike[0].reason);
        let soft = if alike[0].soft { "warned: " } else { "" };
        lines.push(format!("{:14}{soft}{names}: {reason}", ""));
        if let Some(line) = replay_line(verdict, alike[0]) {
            lines.push(format!("{:14}see it: {line}", ""));
        }
    }
    lines.extend(verdict.warnings.iter().map(|warning| format!("{:14}warning: {warning}", "")));
    lines
}

/// Verdicts as Markdown, for a job's summary: what was not met first, in full, and a line for each scenario.
#[must_use]
pub fn check_markdown(verdicts: &[SeedsVerdict]) -> String {
    let met = verdicts.iter().filter(|verdict| verdict.overall == Judgement::Met).count();
    let of = verdicts.len();
    let mut out = format!("### squall check: {met} of {of} scenarios met their expectations\n");
    let is_told =
        |verdict: &&SeedsVerdict| verdict.overall != Judgement::Met || verdict.warned() > 0;
    for verdict in verdicts.iter().filter(is_told) {
        let (overall, tried) = (verdict.overall, seeds(verdict));
        let warned = warned(verdict);
        out += &format!("\n#### `{}`: {overall}{warned} ({tried})\n\n", verdict.scenario);
        out += "| verdict | expectation | median | worst | limit |\n| --- | --- | ---: | ---: | ---: |\n";
        let mut rows: Vec<_> = verdict.shown().collect();
        rows.sort_by_key(|row| row.outcome());
        rows.iter().for_each(|row| out += &line(row));
        out.push('\n');
        for row in rows.iter().filter(|row| row.judgement != Judgement::Met) {
            out += &format!("- `{}`: {}\n", name(row), row.reason);
            if let Some(line) = replay_line(verdict, row) {
                out += &format!("  see it: `{line}`\n");
            }
        }
    }
    out += "\n| verdict | scenario | expectations | seeds |\n| --- | --- | ---: | ---: |\n";
    for verdict in verdicts {
        let (met, of) = (verdict.count(Judgement::Met), verdict.rows.len());
        let (name, tried) = (&verdict.scenario, verdict.seeds.len());
        out += &format!("| {} | `{name}` | {met} of {of} | {tried} |\n", verdict.overall);
    }
    out
}

/// The workflow commands by which GitHub shows what was not met beside the line of the scenario.
#[must_use]
pub fn annotations(verdict: &SeedsVerdict) -> Vec<String> {
    let rows = verdict.shown().filter(|row| row.judgement != Judgement::Met);
    rows.map(|row| {
        let level = if row.outcome() == RowOutcome::Missed { "error" } else { "warning" };
        let title = format!("{}: {}", verdict.scenario, row.outcome());
        format!(
            "::{level} file={},line={},title={}::{}",
            property(&verdict.origin.path),
            row.line,
            property(&title),
            data(&format!("{}: {}", name(row), row.reason))
        )
    })
    .collect()
}

/// A message of a workflow command.
pub(crate) fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of a workflow command, which commas and colons would end.
pub(crate) fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// The row's name: a baseline is held against an expectation that has a row of its own.
fn name(row: &SeedsRow) -> String {
    match row.claim {
        Claim::EveryRun | Claim::Quantile(_) => row.text.clone(),
        Claim::Baseline => format!("{} (baseline: {})", row.text, row.limit),
        Claim::BaselineMedian => format!("{} (baseline, median: {})", row.text, row.limit),
    }
}

/// What shows the worst run of a row that was missed.
fn replay_line(verdict: &SeedsVerdict, row: &SeedsRow) -> Option<String> {
    let worst = row.spread.filter(|_| row.judgement == Judgement::Missed)?.worst;
    Some(verdict.origin.command(worst))
}

fn line(row: &SeedsRow) -> String {
    let word = row.outcome().markdown();
    let (median, worst) = match row.spread {
        Some(spread) => {
            let worst = if row.limit.starts_with('>') { spread.least } else { spread.most };
            (spread.median.display(), worst.display())
        }
        None => ("-".to_owned(), "-".to_owned()),
    };
    // A bar would end the cell.
    let name = name(row).replace('|', "\\|");
    format!("| {word} | `{name}` | {median} | {worst} | `{}` |\n", row.limit)
}

/// `, 2 warned`, if any are.
fn warned(verdict: &SeedsVerdict) -> String {
    match verdict.warned() {
        0 => String::new(),
        count => format!(", {count} {}", RowOutcome::Warned),
    }
}

/// `59 seeds (7 to 65)`, the warm-up of their runs, and how many were asked for if it was interrupted.
fn seeds(verdict: &SeedsVerdict) -> String {
    let seeds = &verdict.seeds;
    let run = match (seeds.first(), seeds.last()) {
        (Some(first), Some(last)) if first != last => {
            format!("{} seeds ({first} to {last})", text::count(seeds.len() as u64))
        }
        (Some(only), _) => format!("1 seed ({only})"),
        _ => "no seed".to_owned(),
    };
    let interrupted = verdict
        .interrupted()
        .map(|_| format!("interrupted ({} requested)", text::count(verdict.asked as u64)));
    let more = text::warm_up(verdict.warm_up).into_iter().chain(interrupted);
    std::iter::once(run).chain(more).collect::<Vec<_>>().join(", ")
}
