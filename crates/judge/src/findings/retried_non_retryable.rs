//! The same again after an error that the same request meets every time.

use super::calls::ClientCall;
use super::rule::{FindingRule, FindingSeverity, RuleOutcome};
use super::settings::FindingSettings;
use crate::text;
use squall_failure::Retryable;
use squall_record::{AttemptOutcome, AttemptRow};

pub(super) const RULE: FindingRule = FindingRule {
    id: "retried_non_retryable",
    severity: FindingSeverity::Error,
    suspects: false,
    advice: "try again after 408, 409, 429, 5xx and broken connections alone; tell other 4xx to the caller",
    judge,
};

/// The statuses that no repetition mends, as LLMock.
const NON_RETRYABLE: [u16; 5] = [400, 401, 403, 404, 422];

fn judge(call: &ClientCall<'_>, _: &FindingSettings) -> RuleOutcome {
    let repeated = call.repeats().find(|&(place, _)| is_final(&call.attempts[place].row));
    if let Some((place, next)) = repeated {
        let status = call.attempts[place].row.status;
        let gap = text::duration(call.gap(place, next));
        let seen = format!("attempt {} repeats after {gap} what was answered {status}", next + 1);
        return RuleOutcome::Broken { seen, at: vec![place, next] };
    }
    let last = &call.last().row;
    match call.attempts.iter().any(|attempt| is_final(&attempt.row)) {
        false => RuleOutcome::NotTested,
        true if is_final(last) && !call.is_over => RuleOutcome::Waiting,
        true => RuleOutcome::Kept,
    }
}

/// Whether an error is one that comes again. A vendor may tell one that passes with such a status: its body says so.
fn is_final(row: &AttemptRow) -> bool {
    let AttemptOutcome::Failed { class } = row.outcome else { return false };
    NON_RETRYABLE.contains(&row.status) && class.retryable() != Retryable::Anywhere
}
