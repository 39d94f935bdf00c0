//! Another attempt before the Retry-After of the one before was over.

use super::calls::ClientCall;
use super::rule::{FindingRule, FindingSeverity, RuleOutcome};
use super::settings::FindingSettings;
use crate::text;
use std::time::Duration;

pub(super) const RULE: FindingRule = FindingRule {
    id: "retry_after_ignored",
    severity: FindingSeverity::Error,
    suspects: false,
    advice: "wait as long as Retry-After (or retry-after-ms) asks before the next attempt there: an earlier one meets \
             the same limit and counts against it",
    judge,
};

/// How much earlier is forgiven, as LLMock: clocks and timers are coarse.
const SLACK: Duration = Duration::from_millis(50);
/// And of the wait one part in this many.
const SLACK_PART: u32 = 20;

fn judge(call: &ClientCall<'_>, _: &FindingSettings) -> RuleOutcome {
    let mut outcome = RuleOutcome::NotTested;
    for (place, next) in call.repeats() {
        let row = &call.attempts[place].row;
        let Some(asked) = row.retry_after.filter(|_| row.status >= 400) else { continue };
        let waited = call.gap(place, next);
        if waited + SLACK + asked / SLACK_PART < asked {
            let (waited, asked) = (text::duration(waited), text::duration(asked));
            let status = row.status;
            let seen = format!(
                "attempt {} came {waited} after a {status} whose Retry-After asked for {asked}",
                next + 1
            );
            return RuleOutcome::Broken { seen, at: vec![place, next] };
        }
        outcome = RuleOutcome::Kept;
    }
    outcome
}
