//! A failure that passes, and no second attempt.

use super::calls::ClientCall;
use super::rule::{FindingRule, FindingSeverity, RuleOutcome};
use super::settings::FindingSettings;
use crate::text;
use squall_failure::{FailureClass, Retryable};
use squall_record::{AttemptOutcome, AttemptRow, BrokenAnswer, CallAttempt};
use std::time::Duration;

pub(super) const RULE: FindingRule = FindingRule {
    id: "gave_up",
    severity: FindingSeverity::Warning,
    suspects: false,
    advice: "try again two or three times after failures that pass, with backoff, or handle them on purpose",
    judge,
};

/// Whoever is asked to come again after longer than this may well give up.
const WAIT_MAX: Duration = Duration::from_secs(60);

fn judge(call: &ClientCall<'_>, _: &FindingSettings) -> RuleOutcome {
    let first = call.attempts[0];
    if !passes(first) {
        return RuleOutcome::NotTested;
    }
    if call.attempts.len() > 1 {
        return RuleOutcome::Kept;
    }
    if !call.is_over {
        return RuleOutcome::Waiting;
    }
    let (what, watched) = (failure(first), text::duration(call.watched));
    let seen = format!("no attempt followed {what} within {watched}");
    RuleOutcome::Broken { seen, at: vec![0] }
}

/// Whether a failure is one that passes, and tells so.
fn passes(attempt: &CallAttempt) -> bool {
    let row = &attempt.row;
    let AttemptOutcome::Failed { class } = row.outcome else { return false };
    // A stream without its end is another finding.
    let is_told = attempt.broken != Some(BrokenAnswer::NoFinish)
        && class != FailureClass::Malformed
        && (!(400..500).contains(&row.status) || [408, 409, 429].contains(&row.status));
    let waits = row.retry_after.unwrap_or_default();
    is_told && class.retryable() == Retryable::Anywhere && waits <= WAIT_MAX
}

fn failure(attempt: &CallAttempt) -> String {
    let AttemptRow { status, output_tokens, outcome, .. } = attempt.row;
    match outcome {
        _ if attempt.broken.is_some() && output_tokens > 0 => {
            format!("a stream that broke off after {output_tokens} tokens")
        }
        _ if attempt.broken.is_some() => {
            "a connection that was closed without an answer".to_owned()
        }
        AttemptOutcome::Failed { class } if status == 200 => {
            format!("a stream that told of `{}` after {output_tokens} tokens", class.as_str())
        }
        AttemptOutcome::Failed { .. }
        | AttemptOutcome::Succeeded
        | AttemptOutcome::Abandoned
        | AttemptOutcome::Unfinished => format!("a {status}"),
    }
}
