//! `anthropic` of PyPI 2.12.0: `_base_client.py` (`_should_retry`, `_calculate_retry_timeout`) and `_constants.py`.

use super::{Sdk, TEN_MINUTES, openai_python};
use crate::retry::{BeyondLongest, ClientRetries, RetryAfterRule};
use core::time::Duration;

pub(super) const SDK: Sdk = Sdk {
    name: "anthropic-python",
    package: "anthropic 2.12.0 (PyPI)",
    retries: ClientRetries {
        max: 2,
        backoff: openai_python::BACKOFF,
        statuses: openai_python::STATUSES,
        after_refused: true,
        after_lost: true,
        after_timeout: true,
        after_cut: true,
        // It waits for as long as it is asked to, up to what `time.sleep` takes on every platform.
        retry_after: Some(RetryAfterRule {
            at_most: Duration::from_secs(4_294_967),
            beyond: BeyondLongest::WaitsLongest,
            takes_zero: false,
        }),
        obeys_should_retry: true,
    },
    call_timeout: TEN_MINUTES,
};
