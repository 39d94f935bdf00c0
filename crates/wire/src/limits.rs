//! Limit headers: `x-ratelimit-limit-requests` and its kin, as OpenAI and Azure send them.

use crate::go_duration;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::time::Duration;

/// What an answer says about the provider's limits.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct LimitHeaders {
    /// Requests per minute.
    pub requests: HeaderGauge,
    /// Tokens per minute.
    pub tokens: HeaderGauge,
}

/// One limit; `None` where the answer says nothing.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct HeaderGauge {
    /// Allowed per minute.
    pub limit: Option<u64>,
    /// What remains now.
    pub remaining: Option<u64>,
    /// Until it is whole again.
    pub reset: Option<Duration>,
}

impl LimitHeaders {
    /// What the headers say; a value that cannot be read counts as not said.
    #[must_use]
    pub fn read(headers: &HeaderMap) -> Self {
        Self::named(headers, &REQUESTS, &TOKENS)
    }

    /// The same under a vendor's own names.
    pub(crate) fn named(
        headers: &HeaderMap,
        requests: &LimitHeaderNames,
        tokens: &LimitHeaderNames,
    ) -> Self {
        Self {
            requests: HeaderGauge::read(headers, requests),
            tokens: HeaderGauge::read(headers, tokens),
        }
    }

    /// Writes what is known, with resets to the millisecond, rounded up.
    pub fn write(&self, headers: &mut HeaderMap) {
        self.requests.write(headers, &REQUESTS);
        self.tokens.write(headers, &TOKENS);
    }
}

impl HeaderGauge {
    fn read(headers: &HeaderMap, names: &LimitHeaderNames) -> Self {
        let text = |name: &HeaderName| headers.get(name)?.to_str().ok();
        Self {
            limit: text(&names.limit).and_then(|text| text.parse().ok()),
            remaining: text(&names.remaining).and_then(|text| text.parse().ok()),
            reset: text(&names.reset).and_then(go_duration::parse),
        }
    }

    fn write(self, headers: &mut HeaderMap, names: &LimitHeaderNames) {
        if let Some(limit) = self.limit {
            headers.insert(&names.limit, HeaderValue::from(limit));
        }
        if let Some(remaining) = self.remaining {
            headers.insert(&names.remaining, HeaderValue::from(remaining));
        }
        if let Some(reset) = self.reset {
            let millis = u64::try_from(reset.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
            let text = go_duration::format(Duration::from_millis(millis));
            let value = HeaderValue::from_str(&text).expect("milliseconds and up print as ASCII");
            headers.insert(&names.reset, value);
        }
    }
}

/// The names of the headers of one limit.
pub(crate) struct LimitHeaderNames {
    pub(crate) limit: HeaderName,
    pub(crate) remaining: HeaderName,
    pub(crate) reset: HeaderName,
}

static REQUESTS: LimitHeaderNames = LimitHeaderNames {
    limit: HeaderName::from_static("x-ratelimit-limit-requests"),
    remaining: HeaderName::from_static("x-ratelimit-remaining-requests"),
    reset: HeaderName::from_static("x-ratelimit-reset-requests"),
};

static TOKENS: LimitHeaderNames = LimitHeaderNames {
    limit: HeaderName::from_static("x-ratelimit-limit-tokens"),
    remaining: HeaderName::from_static("x-ratelimit-remaining-tokens"),
    reset: HeaderName::from_static("x-ratelimit-reset-tokens"),
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_read_back_as_written() {
        let limits = LimitHeaders {
            requests: HeaderGauge {
                limit: Some(60),
                remaining: Some(59),
                reset: Some(Duration::from_secs(1)),
            },
            tokens: HeaderGauge {
                limit: Some(150_000),
                remaining: Some(149_984),
                reset: Some(Duration::from_secs(360)),
            },
        };
        let mut headers = HeaderMap::new();
        limits.write(&mut headers);
        assert_eq!(headers["x-ratelimit-remaining-requests"], "59");
        assert_eq!(headers["x-ratelimit-reset-requests"], "1s");
        assert_eq!(headers["x-ratelimit-reset-tokens"], "6m0s");
        assert_eq!(LimitHeaders::read(&headers), limits);
    }

    #[test]
    fn what_is_missing_or_unreadable_is_not_said() {
        let mut headers = HeaderMap::new();
        headers.insert("x-ratelimit-remaining-tokens", HeaderValue::from_static("17"));
        headers.insert("x-ratelimit-remaining-requests", HeaderValue::from_static("many"));
        headers.insert("x-ratelimit-reset-tokens", HeaderValue::from_static("soon"));
        let tokens = HeaderGauge { remaining: Some(17), ..HeaderGauge::default() };
        let expected = LimitHeaders { tokens, ..LimitHeaders::default() };
        assert_eq!(LimitHeaders::read(&headers), expected);
    }

    #[test]
    fn a_reset_is_never_told_too_short() {
        let reset = Some(Duration::from_nanos(1_000_001));
        let requests = HeaderGauge { reset, ..HeaderGauge::default() };
        let mut headers = HeaderMap::new();
        LimitHeaders { requests, ..LimitHeaders::default() }.write(&mut headers);
        assert_eq!(headers["x-ratelimit-reset-requests"], "2ms");
    }
}
