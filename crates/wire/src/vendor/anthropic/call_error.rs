//! What Anthropic's errors mean: its types are in the table of all words.

use crate::error::{ErrorText, judge};
use http::HeaderMap;
use squall_failure::Failure;
use std::time::SystemTime;

/// What failed, when the answer had this status.
pub(super) fn failure_from_response(
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
    now: SystemTime,
) -> Failure {
    // Its edge says 503 where the API says 529.
    let meant = if status == 503 { 529 } else { status };
    judge(meant, &ErrorText::read(body).unwrap_or_default()).failure(status, headers, now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use squall_failure::{FailureClass, FailureSource, Retryable};
    use std::time::Duration;

    fn class(status: u16, kind: &str, message: &str) -> FailureClass {
        let body = serde_json::json!({
            "type": "error",
            "error": { "type": kind, "message": message },
            "request_id": "req_011CSHoEeqs5C35K2UUqR7Fy",
        });
        let body = body.to_string();
        let headers = HeaderMap::new();
        failure_from_response(status, &headers, body.as_bytes(), SystemTime::UNIX_EPOCH).class
    }

    #[test]
    fn each_type_of_error_has_its_class() {
        for (status, kind, expected) in [
            (400, "invalid_request_error", FailureClass::BadRequest),
            (401, "authentication_error", FailureClass::Auth),
            (402, "billing_error", FailureClass::QuotaSpent),
            (403, "permission_error", FailureClass::Auth),
            (404, "not_found_error", FailureClass::NotFound),
            (413, "request_too_large", FailureClass::RequestTooLarge),
            (429, "rate_limit_error", FailureClass::Throttled),
            (500, "api_error", FailureClass::Server),
            (504, "timeout_error", FailureClass::Timeout),
            (529, "overloaded_error", FailureClass::Overloaded),
            (529, "a_new_one", FailureClass::Overloaded),
        ] {
            assert_eq!(class(status, kind, "?"), expected, "{kind}");
        }
    }

    #[test]
    fn prose_tells_apart_what_one_type_says_for_all() {
        let invalid = |message| class(400, "invalid_request_error", message);
        let long = "prompt is too long: 200082 tokens > 199999 maximum";
        assert_eq!(invalid(long), FailureClass::ContextWindow);
        let both = "input length and `max_tokens` exceed context limit: 199000 + 4096 > 200000";
        assert_eq!(invalid(both), FailureClass::ContextWindow);
        let credit = "Your credit balance is too low to access the Anthropic API.";
        assert_eq!(invalid(credit), FailureClass::QuotaSpent);
        let filtered = "Output blocked by content filtering policy";
        assert_eq!(invalid(filtered), FailureClass::ContentPolicy);
        assert_eq!(invalid("messages: at least one message is required"), FailureClass::BadRequest);
    }

    #[test]
    fn a_spend_limit_is_a_quota_though_it_is_told_as_a_rate() {
        let body = br#"{"type":"error","error":{"type":"rate_limit_error","message":"spend",
            "details":{"error_code":"enforced_spend_limit_reached"}}}"#;
        let headers = HeaderMap::new();
        let failure = failure_from_response(429, &headers, body, SystemTime::UNIX_EPOCH);
        assert_eq!(failure.class, FailureClass::QuotaSpent);
        assert_eq!(failure.retryable, Retryable::OtherDeployment);
    }

    #[test]
    fn headers_say_how_long_and_a_page_of_a_proxy_is_no_body() {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", HeaderValue::from_static("12"));
        let failure = failure_from_response(529, &headers, b"<html>", SystemTime::UNIX_EPOCH);
        assert_eq!(failure.class, FailureClass::Overloaded);
        assert_eq!(failure.retry_after, Some(Duration::from_secs(12)));
        assert_eq!((failure.status, failure.source), (529, FailureSource::Provider));
    }
}
