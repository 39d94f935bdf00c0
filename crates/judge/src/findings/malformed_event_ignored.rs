//! A stream that was read to its end although one of its events was not JSON.

use super::calls::ClientCall;
use super::rule::{FindingRule, FindingSeverity, RuleOutcome};
use super::settings::FindingSettings;
use crate::text;
use squall_record::AttemptOutcome;
use std::time::Duration;

pub(super) const RULE: FindingRule = FindingRule {
    id: "malformed_event_ignored",
    severity: FindingSeverity::Warning,
    suspects: true,
    advice: "fail a stream with an event that cannot be read, or make sure that no text is missing without it",
    judge,
};

/// Whoever stops reading hangs up within this time. A stream that ends sooner after its event does not show it.
const HANGS_UP_WITHIN: Duration = Duration::from_millis(200);

fn judge(call: &ClientCall<'_>, _: &FindingSettings) -> RuleOutcome {
    let mut outcome = RuleOutcome::NotTested;
    let last = call.attempts.len() - 1;
    for (place, attempt) in call.attempts.iter().enumerate() {
        let Some(malformed_at) = attempt.malformed_event else { continue };
        outcome = match attempt.row.outcome {
            AttemptOutcome::Abandoned => RuleOutcome::Kept,
            AttemptOutcome::Succeeded if place < last => RuleOutcome::Kept,
            AttemptOutcome::Succeeded => {
                let read_on = attempt.row.ended.since(malformed_at);
                if read_on < HANGS_UP_WITHIN {
                    RuleOutcome::Unclear(
                        "the stream ended within 200 ms of its malformed event, too soon to see a caller stop",
                    )
                } else if call.is_over {
                    let read_on = text::duration(read_on);
                    let seen = format!(
                        "the stream was read to its end for {read_on} after an event that is not JSON, and no attempt \
                         followed"
                    );
                    RuleOutcome::Broken { seen, at: vec![place] }
                } else {
                    RuleOutcome::Waiting
                }
            }
            // Another fault ended it.
            AttemptOutcome::Failed { .. } | AttemptOutcome::Unfinished => continue,
        };
    }
    outcome
}
