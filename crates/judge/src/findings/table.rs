//! The rules about clients, in the order in which they are told.

use super::rule::FindingRule;

/// All of them.
pub const FINDING_RULES: &[FindingRule] = &[
    super::retry_after_ignored::RULE,
    super::retried_non_retryable::RULE,
    super::retry_storm::RULE,
    super::truncated_stream_accepted::RULE,
    super::no_backoff::RULE,
    super::gave_up::RULE,
    super::no_read_timeout::RULE,
    super::malformed_event_ignored::RULE,
];
