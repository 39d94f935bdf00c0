//! So many attempts for one call that they are load of their own.

use super::calls::ClientCall;
use super::rule::{FindingRule, FindingSeverity, RuleOutcome};
use super::settings::FindingSettings;
use crate::text;

pub(super) const RULE: FindingRule = FindingRule {
    id: "retry_storm",
    severity: FindingSeverity::Error,
    suspects: false,
    advice: "limit the attempts of a call, over all layers that retry: SDK, framework, gateway and queue multiply",
    judge,
};

fn judge(call: &ClientCall<'_>, settings: &FindingSettings) -> RuleOutcome {
    let (attempts, max_attempts) = (call.attempts.len(), settings.max_attempts);
    if attempts > max_attempts as usize {
        let first = call.attempts[0].row.started;
        let span = text::duration(call.last().row.started.since(first));
        let seen = format!("{attempts} attempts in {span}, where {max_attempts} are allowed");
        return RuleOutcome::Broken { seen, at: (0..attempts).collect() };
    }
    if attempts > 1 { RuleOutcome::Kept } else { RuleOutcome::NotTested }
}
