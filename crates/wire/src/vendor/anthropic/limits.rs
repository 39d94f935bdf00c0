//! Limit headers of Anthropic's: `anthropic-ratelimit-requests-limit` and its kin. `tokens` states the tightest of its
//! limits on tokens.

use crate::limits::LimitHeaderNames;
use http::HeaderName;

macro_rules! names {
    ($of:literal) => {
        LimitHeaderNames {
            limit: HeaderName::from_static(concat!("anthropic-ratelimit-", $of, "-limit")),
            remaining: HeaderName::from_static(concat!("anthropic-ratelimit-", $of, "-remaining")),
            reset: HeaderName::from_static(concat!("anthropic-ratelimit-", $of, "-reset")),
        }
    };
}

pub(super) static REQUESTS: LimitHeaderNames = names!("requests");
pub(super) static TOKENS: LimitHeaderNames = names!("tokens");
pub(super) static INPUT_TOKENS: LimitHeaderNames = names!("input-tokens");
pub(super) static OUTPUT_TOKENS: LimitHeaderNames = names!("output-tokens");

#[cfg(test)]
mod tests {
    use crate::call::ClientFormat as _;
    use crate::vendor::anthropic::Anthropic;
    use crate::{HeaderGauge, LimitHeaders};
    use http::HeaderMap;

    /// The headers of Anthropic's page on rate limits.
    #[test]
    fn the_documented_headers_are_read() {
        let documented = [
            ("anthropic-ratelimit-requests-limit", "50"),
            ("anthropic-ratelimit-requests-remaining", "49"),
            ("anthropic-ratelimit-requests-reset", "2026-11-29T22:50:01Z"),
            ("anthropic-ratelimit-tokens-limit", "40000"),
            ("anthropic-ratelimit-tokens-remaining", "38000"),
            ("x-ratelimit-limit-requests", "7"),
        ];
        let headers: HeaderMap = documented
            .into_iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect();
        let gauge = |limit, remaining| HeaderGauge {
            limit: Some(limit),
            remaining: Some(remaining),
            reset: None,
        };
        let limits = LimitHeaders { requests: gauge(50, 49), tokens: gauge(40_000, 38_000) };
        assert_eq!(Anthropic.limits(&headers), limits);
    }
}
