//! What a client does wrong, from the attempts that providers saw: `docs/FINDINGS.md` has every rule.
//!
//! A provider's log shows attempts and the time between them, and nothing of what happened in the client. A rule that
//! depends on what it cannot show says that it suspects; a call that cannot be told from another is not judged.

mod calls;
mod gave_up;
mod malformed_event_ignored;
mod no_backoff;
mod no_read_timeout;
mod output;
mod recorded;
mod retried_non_retryable;
mod retry_after_ignored;
mod retry_storm;
mod rule;
mod settings;
mod table;
mod truncated_stream_accepted;

pub use calls::GotBehind;
pub use output::{findings_json, findings_lines};
pub use recorded::recorded_findings;
pub use rule::{FindingRule, FindingSeverity};
pub use settings::FindingSettings;
pub use table::FINDING_RULES;

use crate::verdict::Judgement;
use calls::{ClientCall, group_calls};
use rule::RuleOutcome;
use squall_determinism::Timestamp;
use squall_record::{AttemptOutcome, CallAttempt, CallKey};
use std::collections::BTreeMap;

/// What providers saw of their clients.
#[derive(Clone, Copy, Debug)]
pub struct ClientEvidence<'a> {
    /// The attempts that have ended, in any order.
    pub attempts: &'a [CallAttempt],
    /// How many attempts have not ended.
    pub open: usize,
    /// How many attempts came before these and are not kept.
    pub forgotten: u64,
    /// The names of the providers.
    pub providers: &'a [String],
    /// What the client behind a gateway got, by the number in the token; empty where nobody is known to be behind.
    pub behind: &'a BTreeMap<u64, GotBehind>,
    /// When the log was read.
    pub now: Timestamp,
    /// Whether no call is tried again after `now`. Otherwise the last attempts of a call wait for their next one as
    /// long as a client may back off.
    pub client_done: bool,
}

/// A client, judged.
#[derive(Clone, Debug, PartialEq)]
pub struct FindingsReport {
    /// How many attempts ended.
    pub attempts: usize,
    /// How many attempts have not ended, and are not judged.
    pub open: usize,
    /// How many attempts came before and are not kept.
    pub forgotten: u64,
    /// How many calls they belong to.
    pub calls: usize,
    /// How many of these are not judged: others with the same body were under way at the same time.
    pub ambiguous: usize,
    /// A row for each rule, in the order of [`FINDING_RULES`].
    pub rows: Vec<FindingRow>,
}

/// A rule, and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct FindingRow {
    /// The rule.
    pub rule: &'static FindingRule,
    /// Whether it may be broken.
    pub allowed: bool,
    /// How many calls it was put to the test by: kept, broken, or not to be decided.
    pub tested: usize,
    /// How many of them broke it.
    pub broken: usize,
    /// How many may still be tried again.
    pub waiting: usize,
    /// Why others could not be decided, and how many.
    pub unclear: BTreeMap<&'static str, usize>,
    /// The first that broke it, at most [`EXAMPLES`].
    pub examples: Vec<Finding>,
}

/// How many findings of a rule are told one by one.
pub const EXAMPLES: usize = 20;

/// A call that broke a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// `request 12` by its token, or `body 9f32…` by the hash of its body.
    pub call: String,
    /// Whether its attempts were joined by a token, and not by their body.
    pub by_token: bool,
    /// Whether what happened in the client is inferred.
    pub suspected: bool,
    /// What was seen, in a sentence with figures.
    pub seen: String,
    /// The attempts of the call, at most [`EXAMPLES`].
    pub attempts: Vec<FindingAttempt>,
}

/// An attempt of a call that broke a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct FindingAttempt {
    /// Its place among the attempts of the call, from 1.
    pub number: usize,
    /// Where it went.
    pub provider: String,
    /// When it came in, in seconds since the start.
    pub at: f64,
    /// How long it took, in seconds.
    pub took: f64,
    /// `succeeded`, a class of failure, `abandoned` or `unfinished`.
    pub outcome: &'static str,
    /// The HTTP status; 0 where none was sent.
    pub status: u16,
    /// What Retry-After said, in seconds.
    pub retry_after: Option<f64>,
    /// Whether the rule was broken here.
    pub is_evidence: bool,
}

impl FindingsReport {
    /// Missed if an error was found that is not allowed; inconclusive if no call could be judged; else met.
    #[must_use]
    pub fn judgement(&self) -> Judgement {
        if self.count(FindingSeverity::Error) > 0 {
            Judgement::Missed
        } else if self.calls == self.ambiguous {
            Judgement::Inconclusive
        } else {
            Judgement::Met
        }
    }

    /// How many findings there are of a severity; those that are allowed do not count.
    #[must_use]
    pub fn count(&self, severity: FindingSeverity) -> usize {
        let rows = self.rows.iter().filter(|row| row.rule.severity == severity && !row.allowed);
        rows.map(|row| row.broken).sum()
    }
}

/// Judges clients by what providers saw of them.
#[must_use]
pub fn judge_findings(evidence: &ClientEvidence<'_>, settings: &FindingSettings) -> FindingsReport {
    let mut calls = group_calls(evidence.attempts, evidence.now, evidence.client_done);
    for call in &mut calls {
        if let CallKey::Token(request) = call.key {
            call.behind = evidence.behind.get(&request).copied();
        }
    }
    let rows = FINDING_RULES.iter().map(|rule| row(rule, &calls, evidence, settings));
    FindingsReport {
        attempts: evidence.attempts.len(),
        open: evidence.open,
        forgotten: evidence.forgotten,
        calls: calls.len(),
        ambiguous: calls.iter().filter(|call| call.is_ambiguous).count(),
        rows: rows.collect(),
    }
}

fn row(
    rule: &'static FindingRule,
    calls: &[ClientCall<'_>],
    evidence: &ClientEvidence<'_>,
    settings: &FindingSettings,
) -> FindingRow {
    let mut row = FindingRow {
        rule,
        allowed: settings.allowed.iter().any(|id| id == rule.id),
        tested: 0,
        broken: 0,
        waiting: 0,
        unclear: BTreeMap::new(),
        examples: Vec::new(),
    };
    for call in calls.iter().filter(|call| !call.is_ambiguous) {
        let outcome = (rule.judge)(call, settings);
        row.tested += usize::from(outcome != RuleOutcome::NotTested);
        match outcome {
            RuleOutcome::NotTested | RuleOutcome::Kept => {}
            RuleOutcome::Waiting => row.waiting += 1,
            RuleOutcome::Unclear(why) => *row.unclear.entry(why).or_default() += 1,
            RuleOutcome::Broken { seen, at } => {
                row.broken += 1;
                if row.examples.len() < EXAMPLES {
                    row.examples.push(finding(rule, call, evidence, seen, &at));
                }
            }
        }
    }
    row
}

fn finding(
    rule: &FindingRule,
    call: &ClientCall<'_>,
    evidence: &ClientEvidence<'_>,
    seen: String,
    at: &[usize],
) -> Finding {
    let attempts = call.attempts.iter().enumerate().take(EXAMPLES);
    let attempts = attempts.map(|(place, attempt)| FindingAttempt {
        number: place + 1,
        provider: evidence
            .providers
            .get(usize::from(attempt.provider))
            .cloned()
            .unwrap_or_default(),
        at: attempt.row.started.as_secs_f64(),
        took: attempt.row.ended.since(attempt.row.started).as_secs_f64(),
        outcome: match attempt.row.outcome {
            AttemptOutcome::Succeeded => "succeeded",
            AttemptOutcome::Failed { class } => class.as_str(),
            AttemptOutcome::Abandoned => "abandoned",
            AttemptOutcome::Unfinished => "unfinished",
        },
        status: attempt.row.status,
        retry_after: attempt.row.retry_after.map(|wait| wait.as_secs_f64()),
        is_evidence: at.contains(&place),
    });
    let (name, by_token) = match call.key {
        CallKey::Token(request) => (format!("request {request}"), true),
        CallKey::Body(hash) => (format!("body {hash:016x}"), false),
    };
    Finding {
        call: name,
        by_token,
        suspected: rule.suspects && call.behind.is_none(),
        seen,
        attempts: attempts.collect(),
    }
}

#[cfg(test)]
mod tests;
