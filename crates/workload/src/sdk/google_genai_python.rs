//! `google-genai` of PyPI 3.4.0 with `HttpRetryOptions()`, without which it makes one call: `_api_client.py`
//! (`retry_args`), which is tenacity's `wait_exponential_jitter`.

use super::Sdk;
use crate::retry::{ClientBackoff, ClientJitter, ClientRetries, RetriedStatuses};
use core::time::Duration;

pub(super) const SDK: Sdk = Sdk {
    name: "google-genai-python",
    package: "google-genai 3.4.0 (PyPI) with HttpRetryOptions()",
    retries: ClientRetries {
        max: 4,
        backoff: ClientBackoff {
            initial: Duration::from_secs(1),
            max: Duration::from_secs(60),
            jitter: ClientJitter::More(Duration::from_secs(1)),
        },
        statuses: RetriedStatuses::of(&[408, 429, 500, 502, 503, 504]),
        after_refused: true,
        after_lost: false,
        after_timeout: true,
        after_cut: false,
        retry_after: None,
        obeys_should_retry: false,
    },
    call_timeout: None,
};
