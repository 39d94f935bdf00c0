//! Verdicts as JUnit XML, which every CI reads: a suite per scenario, a case per expectation.
//!
//! A missed expectation is a failure. An inconclusive one is an error, not a skip: a run that can say
//! nothing must not pass in silence. A soft one that was not met passes, and its output says so.

use crate::file::{FileError, put};
use crate::text;
use crate::verdict::{Judgement, RowOutcome, Verdict, VerdictRow};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use std::io;
use std::path::Path;

/// Writes verdicts into a file.
///
/// # Errors
/// When the file cannot be written.
pub fn write_junit(path: &Path, verdicts: &[Verdict]) -> Result<(), FileError> {
    put_suites(path, "squall", verdicts.iter().map(suite))
}

/// Writes a report of suites into a file.
pub(crate) fn put_suites(
    path: &Path,
    name: &str,
    suites: impl IntoIterator<Item = TestSuite>,
) -> Result<(), FileError> {
    let xml = xml(name, suites).map_err(|source| FileError::write(path, source))?;
    put(path, xml.as_bytes())
}

/// Verdicts as XML.
///
/// # Errors
/// When they cannot be written as XML.
pub fn junit(verdicts: &[Verdict]) -> io::Result<String> {
    xml("squall", verdicts.iter().map(suite))
}

fn xml(name: &str, suites: impl IntoIterator<Item = TestSuite>) -> io::Result<String> {
    let mut report = Report::new(name);
    report.add_test_suites(suites);
    report.to_string().map_err(io::Error::other)
}

fn suite(verdict: &Verdict) -> TestSuite {
    let mut suite = TestSuite::new(verdict.scenario.clone());
    suite.set_time(verdict.duration);
    suite.add_property(("seed", verdict.seed.to_string().as_str()));
    suite.add_property(("mode", verdict.mode.as_str()));
    if let Some(warm_up) = text::warm_up(verdict.warm_up) {
        suite.add_property(("warm-up", warm_up.as_str()));
    }
    suite.add_test_cases(verdict.shown().map(|row| case(verdict, row)));
    if !verdict.validity_problems.is_empty() {
        suite.add_test_case(whole(verdict));
    }
    suite
}

fn case(verdict: &Verdict, row: &VerdictRow) -> TestCase {
    let detail = row.detail().join("\n");
    let class = (verdict.scenario.as_str(), row.phase.as_deref());
    case_of(&row.text, class, row.outcome(), &row.reason, detail)
}

/// A case of the class `scenario.phase` that came out so, for this reason.
pub(crate) fn case_of(
    name: &str,
    (scenario, phase): (&str, Option<&str>),
    outcome: RowOutcome,
    reason: &str,
    detail: String,
) -> TestCase {
    let mut status = match outcome {
        RowOutcome::Met | RowOutcome::Warned => TestCaseStatus::success(),
        RowOutcome::Missed => TestCaseStatus::non_success(NonSuccessKind::Failure),
        RowOutcome::Inconclusive => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    let warned = format!("{outcome}: {reason}\n{detail}");
    if matches!(outcome, RowOutcome::Missed | RowOutcome::Inconclusive) {
        status.set_type(outcome.as_str());
        status.set_message(reason);
        status.set_description(detail);
    }
    let mut case = TestCase::new(name, status);
    if outcome == RowOutcome::Warned {
        case.set_system_out(warned.trim_end());
    }
    case.set_classname(format!("{scenario}.{}", phase.unwrap_or("run")));
    case
}

/// What makes the run as a whole inconclusive.
fn whole(verdict: &Verdict) -> TestCase {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_type(Judgement::Inconclusive.as_str());
    status.set_message(verdict.validity_problems.join("; "));
    let mut case = TestCase::new("the run is valid", status);
    case.set_classname(format!("{}.run", verdict.scenario));
    case
}
