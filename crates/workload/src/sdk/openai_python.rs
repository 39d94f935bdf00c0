//! `openai` of PyPI 3.54.0: `_base_client.py` (`_should_retry`, `_calculate_retry_timeout`) and `_constants.py`.

use super::{Sdk, TEN_MINUTES};
use crate::retry::{
    BeyondLongest, ClientBackoff, ClientJitter, ClientRetries, RetriedStatuses, RetryAfterRule,
};
use core::time::Duration;
use squall_determinism::Share;

pub(super) const SDK: Sdk = Sdk {
    name: "openai-python",
    package: "openai 3.54.0 (PyPI)",
    retries: ClientRetries {
        max: 2,
        backoff: BACKOFF,
        statuses: STATUSES,
        after_refused: true,
        after_lost: true,
        after_timeout: true,
        // The body of an answer is read before the call counts as answered.
        after_cut: true,
        // MAX_RETRY_AFTER_DELAY: it does not try again where it is asked for longer.
        retry_after: Some(RetryAfterRule {
            at_most: Duration::from_secs(120),
            beyond: BeyondLongest::GivesUp,
            takes_zero: false,
        }),
        obeys_should_retry: true,
    },
    call_timeout: TEN_MINUTES,
};

/// INITIAL_RETRY_DELAY and MAX_RETRY_DELAY, less up to a quarter.
pub(super) const BACKOFF: ClientBackoff = ClientBackoff {
    initial: Duration::from_millis(500),
    max: Duration::from_secs(8),
    jitter: ClientJitter::Less(Share::percent(25)),
};

pub(super) const STATUSES: RetriedStatuses =
    RetriedStatuses::of(&[408, 409, 429]).and_server_errors();
