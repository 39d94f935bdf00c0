//! What Anthropic's errors mean.

use crate::openai::{class_of_bad_request, failure_of, of_class};
use http::HeaderMap;
use serde::Deserialize;
use serde_json::Value;
use squall_failure::{Failure, FailureClass};
use std::time::SystemTime;

/// What failed, when the answer had this status.
pub(super) fn failure_from_response(
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
    now: SystemTime,
) -> Failure {
    let class = serde_json::from_slice(body)
        .ok()
        .and_then(|Body { error }| class_of(&error))
        .unwrap_or_else(|| class_of_status(status));
    failure_of(class, status, headers, now)
}

/// What failed, when an `error` event came after the 200.
pub(super) fn failure_from_event(data: &[u8]) -> Failure {
    let error = serde_json::from_slice(data).ok().map(|Body { error }| error);
    let class = error.and_then(|error| class_of(&error)).unwrap_or(FailureClass::Server);
    of_class(class).with_status(200)
}

/// The type rules; where it is one for several failures, details and prose tell them apart.
fn class_of(error: &Error) -> Option<FailureClass> {
    let spent = ["enforced_spend_limit_reached", "credit balance is too low", "usage limits"];
    let detail = error.details.as_ref().and_then(word_of);
    let says = |text: &str| error.message.contains(text) || detail == Some(text);
    if spent.into_iter().any(says) {
        return Some(FailureClass::QuotaSpent);
    }
    Some(match error.kind.as_str() {
        "rate_limit_error" => FailureClass::Throttled,
        "overloaded_error" => FailureClass::Overloaded,
        "api_error" => FailureClass::Server,
        "timeout_error" => FailureClass::Timeout,
        "authentication_error" | "permission_error" => FailureClass::Auth,
        "billing_error" => FailureClass::QuotaSpent,
        "not_found_error" => FailureClass::NotFound,
        // More bytes than any of its windows holds.
        "request_too_large" => FailureClass::ContextWindow,
        "invalid_request_error" if is_too_long(&error.message) => FailureClass::ContextWindow,
        "invalid_request_error" if error.message.contains("content filtering policy") => {
            FailureClass::ContentPolicy
        }
        "invalid_request_error" => class_of_bad_request(&error.message),
        _ => return None,
    })
}

/// `prompt is too long: 200082 tokens > 199999 maximum`, and ``input length and `max_tokens` exceed
/// context limit``.
fn is_too_long(message: &str) -> bool {
    ["prompt is too long", "exceed context limit"].into_iter().any(|words| message.contains(words))
}

fn class_of_status(status: u16) -> FailureClass {
    match status {
        429 => FailureClass::Throttled,
        529 | 503 => FailureClass::Overloaded,
        408 | 504 => FailureClass::Timeout,
        401 | 403 => FailureClass::Auth,
        402 => FailureClass::QuotaSpent,
        404 => FailureClass::NotFound,
        413 => FailureClass::ContextWindow,
        400..=499 => FailureClass::BadRequest,
        _ => FailureClass::Server,
    }
}

#[derive(Deserialize)]
struct Body {
    error: Error,
}

#[derive(Deserialize)]
struct Error {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    message: String,
    details: Option<Value>,
}

/// The word that says which limit, under whichever name it stands.
fn word_of(details: &Value) -> Option<&str> {
    ["error_code", "code", "type", "reason"]
        .into_iter()
        .find_map(|name| details.get(name)?.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use squall_failure::{Retryable, Source};
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
            (413, "request_too_large", FailureClass::ContextWindow),
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
        assert_eq!((failure.status, failure.source), (529, Source::Provider));
    }
}
