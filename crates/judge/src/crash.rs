//! The crash test: sixteen single faults, each judged by what the caller got and by what the provider saw.
//!
//! The faults, limits and verdicts are those of Failover Bench's methodology 0.1; `docs/CRASH.md` says where ours
//! differs. A recording is judged that has a deployment `primary`, which has the fault, one `fallback`, and, where
//! somebody asks whether the system is still alive, a kind of request `alive`.

mod checks;
mod evidence;
mod output;
mod table;

pub use output::{crash_json, crash_lines, crash_markdown, write_crash_junit};
pub use table::{CRASH_TESTS, CrashTest};

use crate::text;
use crate::verdict::problems_over_lag;
use evidence::CrashEvidence;
use squall_record::{Mode, Recording};
use std::fmt;
use std::time::Duration;

/// How a system came through a fault, the best first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum CrashVerdict {
    /// The ideal outcome, and no check failed.
    Pass,
    /// The caller was rescued, but a check that is advisory failed.
    Partial,
    /// Not rescued: a clean error in time, and every required check holds.
    Safe,
    /// A hang, a truncated answer given as a success, or a required check that failed.
    Fail,
    /// Nothing can be said: the run is in doubt, or the fault met nobody.
    Inconclusive,
}

impl CrashVerdict {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Pass, Self::Partial, Self::Safe, Self::Fail, Self::Inconclusive];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Partial => "partial",
            Self::Safe => "safe",
            Self::Fail => "fail",
            Self::Inconclusive => "inconclusive",
        }
    }
}

impl fmt::Display for CrashVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a check decides.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CheckWeight {
    /// It fails the test.
    Required,
    /// It makes a pass a partial one.
    Advisory,
    /// Nothing: it is told.
    Informational,
}

impl CheckWeight {
    /// Its letter: R, A or i.
    #[must_use]
    pub const fn letter(self) -> &'static str {
        match self {
            Self::Required => "R",
            Self::Advisory => "A",
            Self::Informational => "i",
        }
    }
}

/// A check of a fault, and what came of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CheckResult {
    /// What has to hold.
    pub text: &'static str,
    /// What it decides.
    pub weight: CheckWeight,
    /// Whether it holds; `None` where it does not apply.
    pub holds: Option<bool>,
    /// What was seen.
    pub seen: String,
}

/// One fault, judged.
#[derive(Clone, Debug, PartialEq)]
pub struct CrashRow {
    /// `S01` to `S16`.
    pub id: &'static str,
    /// What goes wrong.
    pub fault: &'static str,
    /// How the system came through.
    pub verdict: CrashVerdict,
    /// Attempts at the primary.
    pub primary: usize,
    /// Attempts at the fallback.
    pub fallback: usize,
    /// How long the caller waited, in seconds: the longest, where several asked.
    pub seconds: f64,
    /// Why it is no pass; empty if it is.
    pub why: String,
    /// Its checks.
    pub checks: Vec<CheckResult>,
}

impl CrashRow {
    /// A fault that was not put to the system, or not to its end, and why.
    #[must_use]
    pub fn not_tested(test: &CrashTest, why: &str) -> Self {
        Self {
            id: test.id,
            fault: test.fault,
            verdict: CrashVerdict::Inconclusive,
            primary: 0,
            fallback: 0,
            seconds: 0.0,
            why: why.to_owned(),
            checks: Vec::new(),
        }
    }
}

/// A whole crash test.
#[derive(Clone, Debug, PartialEq)]
pub struct CrashReport {
    /// What was tested, such as the built-in gateway and its version.
    pub system: String,
    /// Live or simulated.
    pub mode: Mode,
    /// A row for each fault that was tested.
    pub rows: Vec<CrashRow>,
}

impl CrashReport {
    /// How many came out so.
    #[must_use]
    pub fn count(&self, verdict: CrashVerdict) -> usize {
        self.rows.iter().filter(|row| row.verdict == verdict).count()
    }

    /// `12 pass, 1 partial, 3 safe, 0 fail`, and what is inconclusive.
    #[must_use]
    pub fn tally(&self) -> String {
        let [pass, partial, safe, fail, inconclusive] =
            CrashVerdict::ALL.map(|verdict| self.count(verdict));
        let tally = format!("{pass} pass, {partial} partial, {safe} safe, {fail} fail");
        if inconclusive > 0 { format!("{tally}, {inconclusive} inconclusive") } else { tally }
    }

    /// Whether every verdict is this one or better: `Some(false)` if one is worse, `None` if that cannot be said.
    #[must_use]
    pub fn is_at_least(&self, least: CrashVerdict) -> Option<bool> {
        let judged = |row: &&CrashRow| row.verdict != CrashVerdict::Inconclusive;
        if self.rows.iter().filter(judged).any(|row| row.verdict > least) {
            return Some(false);
        }
        self.rows.iter().all(|row| judged(&row)).then_some(true)
    }
}

/// Judges the recording of one fault.
#[must_use]
pub fn judge_crash(test: &CrashTest, recording: &Recording) -> CrashRow {
    let evidence = CrashEvidence::of(recording);
    let checks: Vec<_> = test.checks.iter().map(|check| check.apply(&evidence)).collect();
    let (verdict, why) = match doubt(&evidence, recording) {
        Some(doubt) => (CrashVerdict::Inconclusive, doubt),
        None => weigh(test, &evidence, &checks),
    };
    CrashRow {
        id: test.id,
        fault: test.fault,
        verdict,
        primary: evidence.primary.len(),
        fallback: evidence.fallback.len(),
        seconds: evidence.longest().as_secs_f64(),
        why,
        checks,
    }
}

/// The nearest that a bound lies to what a system may well do: in S01 an attempt 1.8 s after the first, where 2 s
/// were asked for. A driver that is later than half of that measures itself.
const LAG_MAX: Duration = Duration::from_millis(100);

/// Why nothing can be said.
fn doubt(evidence: &CrashEvidence<'_>, recording: &Recording) -> Option<String> {
    let doubts = problems_over_lag(recording, LAG_MAX);
    if !doubts.is_empty() {
        return Some(doubts.join("; "));
    }
    if evidence.requests.is_empty() {
        return Some("no request was sent".to_owned());
    }
    let unmet = "no attempt came to the primary, so that the fault met nobody";
    evidence.primary.is_empty().then(|| unmet.to_owned())
}

/// The verdict, and why it is no pass.
fn weigh(
    test: &CrashTest,
    evidence: &CrashEvidence<'_>,
    checks: &[CheckResult],
) -> (CrashVerdict, String) {
    let failed = |weight| {
        let checks = checks.iter();
        let failed =
            checks.filter(move |check| check.weight == weight && check.holds == Some(false));
        failed.map(|check| format!("{}: {}", check.text, check.seen)).collect::<Vec<_>>()
    };
    if let Some(hung) = evidence.hung() {
        let waited = text::duration(hung.ended.since(hung.sent));
        return (CrashVerdict::Fail, format!("it hung: no end within {waited}"));
    }
    if evidence.requests.iter().any(|row| evidence::is_truncated(row)) {
        let why = "a truncated answer was given as a success";
        return (CrashVerdict::Fail, why.to_owned());
    }
    let required = failed(CheckWeight::Required);
    if !required.is_empty() {
        return (CrashVerdict::Fail, required.join("; "));
    }
    let answered = evidence.requests.iter().filter(|row| evidence::is_answered(row)).count();
    let all = answered == evidence.requests.len();
    if test.wants_error {
        return match answered {
            0 => (CrashVerdict::Pass, String::new()),
            _ => (CrashVerdict::Partial, "answered, where the refusal should be told".to_owned()),
        };
    }
    if !all {
        return (CrashVerdict::Safe, not_rescued(evidence, answered));
    }
    let advisory = failed(CheckWeight::Advisory);
    match advisory.is_empty() {
        true => (CrashVerdict::Pass, String::new()),
        false => (CrashVerdict::Partial, advisory.join("; ")),
    }
}

fn not_rescued(evidence: &CrashEvidence<'_>, answered: usize) -> String {
    let of = evidence.requests.len();
    let told = evidence.requests.iter().find_map(|row| evidence::failure(row));
    let told = told.unwrap_or_else(|| "an error".to_owned());
    match of {
        1 => format!("not rescued: {told}"),
        _ => format!("{} of {of} requests not rescued: {told}", of - answered),
    }
}

#[cfg(test)]
mod tests;
