//! A caller that stays while an answer has fallen silent.

use super::calls::ClientCall;
use super::rule::{FindingRule, FindingSeverity, RuleOutcome};
use super::settings::FindingSettings;
use crate::text;
use squall_record::AttemptOutcome;
use std::time::Duration;

pub(super) const RULE: FindingRule = FindingRule {
    id: "no_read_timeout",
    severity: FindingSeverity::Warning,
    suspects: false,
    advice: "set a time limit on silence between two reads, so that a connection that hangs fails and can be replaced",
    judge,
};

/// A shorter silence tells nothing, as LLMock.
const SILENCE_MIN: Duration = Duration::from_secs(1);

fn judge(call: &ClientCall<'_>, _: &FindingSettings) -> RuleOutcome {
    let mut outcome = RuleOutcome::NotTested;
    for (place, attempt) in call.attempts.iter().enumerate() {
        let Some(silence) = attempt.silence else { continue };
        let shown = text::duration(silence);
        let what = match attempt.row.outcome {
            // It hung up.
            AttemptOutcome::Abandoned => {
                outcome = RuleOutcome::Kept;
                continue;
            }
            AttemptOutcome::Unfinished => "was still waiting",
            AttemptOutcome::Succeeded | AttemptOutcome::Failed { .. } => "stayed until the end",
        };
        if silence >= SILENCE_MIN {
            let seen = format!(
                "the caller {what} when an answer had been silent for {shown}: it has no limit on that, or a longer one"
            );
            return RuleOutcome::Broken { seen, at: vec![place] };
        }
    }
    outcome
}
