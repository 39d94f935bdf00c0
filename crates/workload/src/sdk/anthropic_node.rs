//! `@anthropic-ai/sdk` of npm 1.15.0: `client.js` (`shouldRetry`, `retryRequest`).

use super::{Sdk, TEN_MINUTES, openai_node, openai_python};
use crate::retry::{BeyondLongest, ClientRetries, RetryAfterRule};

pub(super) const SDK: Sdk = Sdk {
    name: "anthropic-node",
    package: "@anthropic-ai/sdk 1.15.0 (npm)",
    retries: ClientRetries {
        max: 2,
        backoff: openai_python::BACKOFF,
        statuses: openai_python::STATUSES,
        after_refused: true,
        after_lost: true,
        after_timeout: true,
        after_cut: false,
        retry_after: Some(RetryAfterRule {
            at_most: openai_node::LONGEST_TIMER,
            beyond: BeyondLongest::BacksOff,
            takes_zero: false,
        }),
        obeys_should_retry: true,
    },
    call_timeout: TEN_MINUTES,
};
