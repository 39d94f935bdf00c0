//! The rules about clients, in the order in which they are told.

use super::rule::FindingRule;
use super::{
    gave_up, malformed_event_ignored, no_backoff, no_read_timeout, retried_non_retryable,
    retry_after_ignored, retry_storm, truncated_stream_accepted,
};

/// All of them.
pub const FINDING_RULES: [FindingRule; 8] = [
    retry_after_ignored::RULE,
    retried_non_retryable::RULE,
    retry_storm::RULE,
    truncated_stream_accepted::RULE,
    no_backoff::RULE,
    gave_up::RULE,
    no_read_timeout::RULE,
    malformed_event_ignored::RULE,
];
