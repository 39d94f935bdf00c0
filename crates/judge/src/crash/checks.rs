//! What can be checked of a fault. Each check is a question of the evidence with a number or two, and says what
//! it saw.

use super::evidence::{self, CrashEvidence};
use super::{CheckResult, CheckWeight};
use crate::text;
use squall_determinism::Timestamp;
use squall_failure::FailureClass;
use squall_record::{AttemptOutcome, AttemptRow, RequestOutcome};
use std::time::Duration;

/// A check with its weight, as the table of faults has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct CrashCheck {
    pub(super) weight: CheckWeight,
    /// What has to hold.
    pub(super) text: &'static str,
    pub(super) question: Question,
}

/// What is asked of the evidence. Counts are of attempts at the primary; times count from the first request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Question {
    /// No caller was left without an end.
    NoHang,
    /// No half answer was given as a success.
    NoTruncatedSuccess,
    /// Every caller got a whole answer.
    WholeText,
    /// At least so many attempts.
    AtLeast(usize),
    /// At most so many attempts.
    AtMost(usize),
    /// At most so many attempts that start within this time.
    AtMostWithin(usize, Duration),
    /// At least so long from the first attempt to the second.
    FirstGap(Duration),
    /// Every caller had an end within this time.
    EndsWithin(Duration),
    /// A healthy request afterwards is answered within ten seconds.
    AliveAfter,
    /// Every answer told its usage.
    UsageTold,
    /// No prompt was sent again that was as large as one before it.
    NeverResentAsLarge,
    /// The fallback was asked.
    FallbackUsed,
    /// No caller was told an error while a prefill was refused.
    NoErrorByPrefill,
    /// Every request that was sent while the primary was down got a whole answer.
    AnsweredWhile(Duration),
    /// The primary answers again so long after the end of an outage of so long.
    BackWithin {
        /// How long the outage lasts.
        outage: Duration,
        /// How long after it.
        within: Duration,
    },
    /// While the primary is down it gets no more attempts than there are requests.
    OneAttemptEachWhile(Duration),
    /// The answer names the fallback's model, if the fallback gave it.
    NamesFallback,
}

/// What came of a question.
pub(super) struct CheckFinding {
    holds: Option<bool>,
    seen: String,
}

impl CheckFinding {
    fn new(holds: bool, seen: impl Into<String>) -> Self {
        Self { holds: Some(holds), seen: seen.into() }
    }

    fn not_applicable(seen: &str) -> Self {
        Self { holds: None, seen: seen.to_owned() }
    }
}

impl CrashCheck {
    pub(super) fn apply(&self, evidence: &CrashEvidence<'_>) -> CheckResult {
        let CheckFinding { holds, seen } = self.question.ask(evidence);
        CheckResult { text: self.text, weight: self.weight, holds, seen }
    }
}

impl Question {
    fn ask(self, evidence: &CrashEvidence<'_>) -> CheckFinding {
        let attempts = evidence.primary.len();
        match self {
            Self::NoHang => match evidence.hung() {
                None => CheckFinding::new(true, "every caller had an end"),
                Some(row) => {
                    let waited = text::duration(evidence::waited(row));
                    CheckFinding::new(false, format!("a caller left after {waited} without one"))
                }
            },
            Self::NoTruncatedSuccess => {
                let truncated = evidence.requests.iter().filter(|row| evidence::is_truncated(row));
                let count = truncated.count();
                CheckFinding::new(count == 0, format!("{count} truncated successes"))
            }
            Self::WholeText => {
                let of = evidence.requests.len();
                let whole =
                    evidence.requests.iter().filter(|row| evidence::is_answered(row)).count();
                CheckFinding::new(whole == of, format!("{whole} of {of} answers whole"))
            }
            Self::AtLeast(least) => CheckFinding::new(attempts >= least, count_of(attempts)),
            Self::AtMost(most) => CheckFinding::new(attempts <= most, count_of(attempts)),
            Self::AtMostWithin(most, time) => {
                let until = evidence.start() + time;
                let within = evidence.primary.iter().filter(|row| row.started < until).count();
                CheckFinding::new(within <= most, count_of(within))
            }
            Self::FirstGap(least) => first_gap(&evidence.primary, least),
            Self::EndsWithin(most) => {
                let longest = evidence.longest();
                CheckFinding::new(longest <= most, text::duration(longest))
            }
            Self::AliveAfter => alive_after(evidence),
            Self::UsageTold => usage_told(evidence),
            Self::NeverResentAsLarge => never_resent(&evidence.primary),
            Self::FallbackUsed => {
                let asked = evidence.fallback.len();
                CheckFinding::new(asked > 0, format!("{asked} attempts at the fallback"))
            }
            Self::NoErrorByPrefill => no_error_by_prefill(evidence),
            Self::AnsweredWhile(outage) => answered_while(evidence, outage),
            Self::BackWithin { outage, within } => back_within(evidence, outage, within),
            Self::OneAttemptEachWhile(outage) => {
                let until = evidence.start() + outage;
                let requests = evidence.requests.iter().filter(|row| row.sent < until).count();
                let attempts = evidence.primary.iter().filter(|row| row.started < until).count();
                let seen = format!("{attempts} attempts for {requests} requests");
                CheckFinding::new(attempts <= requests, seen)
            }
            Self::NamesFallback => names_fallback(evidence),
        }
    }
}

fn count_of(attempts: usize) -> String {
    match attempts {
        1 => "1 attempt".to_owned(),
        _ => format!("{attempts} attempts"),
    }
}

fn first_gap(primary: &[&AttemptRow], least: Duration) -> CheckFinding {
    let [first, second, ..] = primary else {
        return CheckFinding::new(false, "there was no second attempt");
    };
    let gap = second.started.since(first.started);
    CheckFinding::new(gap >= least, text::duration(gap))
}

/// How soon a healthy request has to be answered after a fault.
const ALIVE_WITHIN: Duration = Duration::from_secs(10);

fn alive_after(evidence: &CrashEvidence<'_>) -> CheckFinding {
    let Some(row) = evidence.alive else {
        return CheckFinding::not_applicable("nobody asked afterwards");
    };
    let waited = evidence::waited(row);
    if evidence::is_answered(row) {
        return CheckFinding::new(waited <= ALIVE_WITHIN, text::duration(waited));
    }
    let told = evidence::failure(row).unwrap_or_else(|| "no answer".to_owned());
    CheckFinding::new(false, told)
}

fn usage_told(evidence: &CrashEvidence<'_>) -> CheckFinding {
    let answered = evidence.requests.iter().filter(|row| evidence::is_answered(row));
    let (told, of) =
        answered.fold((0, 0), |(told, of), row| (told + u32::from(row.answer.usage), of + 1));
    if of == 0 {
        return CheckFinding::not_applicable("no answer");
    }
    CheckFinding::new(told == of, format!("{told} of {of} answers told their usage"))
}

fn never_resent(primary: &[&AttemptRow]) -> CheckFinding {
    let grown = primary.windows(2).find(|pair| pair[1].input_tokens >= pair[0].input_tokens);
    match grown {
        None => CheckFinding::new(true, count_of(primary.len())),
        Some(pair) => {
            let (first, again) = (pair[0].input_tokens, pair[1].input_tokens);
            CheckFinding::new(false, format!("{again} tokens were sent after {first} were refused"))
        }
    }
}

/// A fallback that takes no prefill answers 400 to one.
fn no_error_by_prefill(evidence: &CrashEvidence<'_>) -> CheckFinding {
    let bad_request = AttemptOutcome::Failed { class: FailureClass::BadRequest };
    let refused = evidence.fallback.iter().filter(|row| row.outcome == bad_request).count();
    let failed =
        evidence.requests.iter().any(|row| matches!(row.outcome, RequestOutcome::Failed { .. }));
    let seen = format!("{refused} prefills refused");
    CheckFinding::new(!(failed && refused > 0), seen)
}

fn answered_while(evidence: &CrashEvidence<'_>, outage: Duration) -> CheckFinding {
    let until = evidence.start() + outage;
    let sent = evidence.requests.iter().filter(|row| row.sent < until);
    let (answered, of) = sent.fold((0, 0), |(answered, of), row| {
        (answered + u32::from(evidence::is_answered(row)), of + 1)
    });
    CheckFinding::new(answered == of, format!("{answered} of {of} answered"))
}

fn back_within(evidence: &CrashEvidence<'_>, outage: Duration, within: Duration) -> CheckFinding {
    let recovered = Timestamp::ZERO + outage;
    let served =
        |row: &&&AttemptRow| row.outcome == AttemptOutcome::Succeeded && row.started >= recovered;
    match evidence.primary.iter().find(served) {
        Some(row) => {
            let after = row.started.since(recovered);
            CheckFinding::new(after <= within, format!("{} after", text::duration(after)))
        }
        None => CheckFinding::new(false, "it never answered again"),
    }
}

fn names_fallback(evidence: &CrashEvidence<'_>) -> CheckFinding {
    let served = evidence.fallback.iter().any(|row| row.outcome == AttemptOutcome::Succeeded);
    let answered = evidence.requests.iter().filter(|row| evidence::is_answered(row));
    let named: Vec<_> = answered.map(|row| row.answer.model).collect();
    if !served || named.is_empty() {
        return CheckFinding::not_applicable("the fallback gave no answer");
    }
    let holds = named.iter().all(|model| *model == evidence.fallback_number);
    let seen = if holds { "it names the fallback" } else { "it names another model, or none" };
    CheckFinding::new(holds, seen)
}
