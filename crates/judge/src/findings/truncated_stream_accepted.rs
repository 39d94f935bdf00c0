//! A stream that ended without a finish reason, and was not tried again.

use super::calls::{ClientCall, GotBehind};
use super::rule::{FindingRule, FindingSeverity, RuleOutcome};
use super::settings::FindingSettings;
use crate::text;
use squall_record::BrokenAnswer;

pub(super) const RULE: FindingRule = FindingRule {
    id: "truncated_stream_accepted",
    severity: FindingSeverity::Error,
    suspects: true,
    advice: "take a stream for failed that ends without a finish reason (or [DONE], or message_stop): SDKs raise \
             nothing then",
    judge,
};

fn judge(call: &ClientCall<'_>, _: &FindingSettings) -> RuleOutcome {
    let place = call.attempts.len() - 1;
    if !call.attempts.iter().any(|attempt| attempt.broken == Some(BrokenAnswer::NoFinish)) {
        return RuleOutcome::NotTested;
    }
    if call.last().broken != Some(BrokenAnswer::NoFinish) {
        return RuleOutcome::Kept;
    }
    if !call.is_over {
        return RuleOutcome::Waiting;
    }
    let (tokens, watched) = (call.last().row.output_tokens, text::duration(call.watched));
    let ended = format!("a stream ended without a finish reason after {tokens} tokens");
    let seen = match call.behind {
        Some(GotBehind::Error) => return RuleOutcome::Kept,
        Some(GotBehind::BrokenStream) => {
            return RuleOutcome::Unclear(
                "the client behind the gateway got a stream without its end, as that had",
            );
        }
        Some(GotBehind::Answer) => format!("{ended}, and its client got it as a success"),
        None => format!(
            "{ended}, and no attempt followed within {watched}: its reader probably took it for whole, or failed \
             without another attempt"
        ),
    };
    RuleOutcome::Broken { seen, at: vec![place] }
}
