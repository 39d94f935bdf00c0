//! `openai` of npm 6.49.0: `client.js` (`shouldRetry`, `retryRequest`, `fetchWithTimeout`).

use super::{Sdk, TEN_MINUTES, openai_python};
use crate::retry::{BeyondLongest, ClientRetries, RetryAfterRule};
use core::time::Duration;

pub(super) const SDK: Sdk = Sdk {
    name: "openai-node",
    package: "openai 6.49.0 (npm)",
    retries: ClientRetries {
        max: 2,
        backoff: openai_python::BACKOFF,
        statuses: openai_python::STATUSES,
        after_refused: true,
        after_lost: true,
        after_timeout: true,
        // The body is read after the loop of retries.
        after_cut: false,
        // Any wait is slept, and a timer of Node's that is longer than this fires at once.
        retry_after: Some(RetryAfterRule {
            at_most: LONGEST_TIMER,
            beyond: BeyondLongest::RetriesAtOnce,
            takes_zero: true,
        }),
        obeys_should_retry: true,
    },
    call_timeout: TEN_MINUTES,
};

/// 2³¹ − 1 ms.
pub(super) const LONGEST_TIMER: Duration = Duration::from_millis(2_147_483_647);
