//! Attempts that follow each other at once, or at an interval that does not grow.

use super::calls::ClientCall;
use super::rule::{FindingRule, FindingSeverity, RuleOutcome};
use super::settings::FindingSettings;
use crate::text;
use squall_record::AttemptOutcome;
use std::time::Duration;

pub(super) const RULE: FindingRule = FindingRule {
    id: "no_backoff",
    severity: FindingSeverity::Warning,
    suspects: false,
    advice: "let the wait before each attempt grow exponentially, with jitter, where no Retry-After is told",
    judge,
};

/// A shorter wait is none, as LLMock.
const NONE_BELOW: Duration = Duration::from_millis(50);
/// Waits that differ by no more than one part in this many are constant, as LLMock.
const CONSTANT_PART: u32 = 10;
/// Fewer waits show no pattern, as LLMock.
const LEAST: usize = 2;

fn judge(call: &ClientCall<'_>, _: &FindingSettings) -> RuleOutcome {
    // What a caller waited for was its own time limit where it hung up, and Retry-After where that was told.
    let is_free = |&(place, _): &(usize, usize)| {
        let row = &call.attempts[place].row;
        row.retry_after.is_none() && matches!(row.outcome, AttemptOutcome::Failed { .. })
    };
    let pairs: Vec<_> = call.repeats().filter(is_free).collect();
    let gaps: Vec<_> = pairs.iter().map(|&(place, next)| call.gap(place, next)).collect();
    let (Some(&least), Some(&most)) = (gaps.iter().min(), gaps.iter().max()) else {
        return RuleOutcome::NotTested;
    };
    if gaps.len() < LEAST {
        return RuleOutcome::NotTested;
    }
    let (count, shown) = (gaps.len(), text::duration(most));
    let seen = if most < NONE_BELOW {
        format!("{count} attempts followed a failure at once: {shown} at most")
    } else if most <= least + least / CONSTANT_PART {
        format!("{count} attempts followed a failure at a constant interval of about {shown}")
    } else {
        return RuleOutcome::Kept;
    };
    RuleOutcome::Broken { seen, at: pairs.into_iter().map(|(_, next)| next).collect() }
}
