//! From an error as it came to a failure with its axes: the inverse of the bodies.

use crate::read_retry_after;
use http::HeaderMap;
use serde_json::Value;
use squall_failure::{Failure, FailureClass, Retryable};
use std::time::SystemTime;

/// What failed, when a provider answered with this status, these headers and this body. `now` is for a
/// Retry-After that tells a date. `x-should-retry: false` forbids the same deployment, and no other;
/// `true` allows it.
#[must_use]
pub fn failure_from_response(
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
    now: SystemTime,
) -> Failure {
    failure_of(class_of(status, &ErrorWords::read(body)), status, headers, now)
}

/// The failure of this class, when a provider answered with this status and these headers.
pub(crate) fn failure_of(
    class: FailureClass,
    status: u16,
    headers: &HeaderMap,
    now: SystemTime,
) -> Failure {
    let mut failure =
        of_class(class).with_status(status).with_retry_after(read_retry_after(headers, now));
    match headers.get("x-should-retry").map(|value| value.as_bytes()) {
        Some(b"true") => failure.retryable = Retryable::Anywhere,
        Some(b"false") => failure.retryable = failure.retryable.min(Retryable::OtherDeployment),
        _ => {}
    }
    failure
}

/// What failed, when an error came in the middle of a stream.
#[must_use]
pub fn failure_from_error(body: &[u8]) -> Failure {
    let words = ErrorWords::read(body);
    let status = words.code.parse().ok().filter(|status| (400..600).contains(status));
    of_class(class_of(status.unwrap_or(0), &words)).with_status(status.unwrap_or(200))
}

/// The failure of this class, and whose it is: a request that is wrong is the client's.
pub(crate) const fn of_class(class: FailureClass) -> Failure {
    Failure::new(class, class.told_source())
}

/// The words of an error; empty where it has none.
#[derive(Debug, Default)]
struct ErrorWords {
    message: String,
    kind: String,
    code: String,
}

impl ErrorWords {
    /// Reads a body of any of the shapes in use: an object under `error`, a bare object, a string.
    fn read(body: &[u8]) -> Self {
        let Ok(mut whole) = serde_json::from_slice::<Value>(body) else {
            return Self::default();
        };
        let error = match whole.get_mut("error") {
            Some(error) if !error.is_null() => error.take(),
            _ => whole,
        };
        if let Value::String(message) = error {
            return Self { message, ..Self::default() };
        }
        // Azure writes a code as a string of digits, others as a number.
        let word = |name: &str| match error.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        Self { message: word("message"), kind: word("type"), code: word("code") }
    }
}

/// The exact code rules, then the status, then the type: vendors give one status to several failures,
/// and one type to nearly all.
fn class_of(status: u16, words: &ErrorWords) -> FailureClass {
    if let Some(class) = class_of_word(&words.code).or_else(|| class_of_word(&words.kind)) {
        return class;
    }
    match status {
        429 => FailureClass::Throttled,
        529 => FailureClass::Overloaded,
        503 if words.kind == "service_unavailable_error" || says_overloaded(&words.message) => {
            FailureClass::Overloaded
        }
        408 | 504 => FailureClass::Timeout,
        401 | 403 => FailureClass::Auth,
        402 => FailureClass::QuotaSpent,
        404 => FailureClass::NotFound,
        // Providers have answered 4xx for faults of their own, and said so in the type alone.
        400..=499 if matches!(&*words.kind, "server_error" | "api_error" | "internal_error") => {
            FailureClass::Server
        }
        400..=499 => class_of_bad_request(&words.message),
        0 => class_of_kind(&words.kind),
        _ => FailureClass::Server,
    }
}

/// What a code, or a type that is as exact as one, says whatever the status.
fn class_of_word(word: &str) -> Option<FailureClass> {
    Some(match word {
        "insufficient_quota"
        | "credit_balance_exhausted"
        | "billing_hard_limit_reached"
        | "billing_not_active" => FailureClass::QuotaSpent,
        "rate_limit_exceeded" | "rate_limit_error" | "slow_down" | "RateLimitReached" => {
            FailureClass::Throttled
        }
        "server_is_overloaded" | "overloaded_error" => FailureClass::Overloaded,
        "context_length_exceeded" => FailureClass::ContextWindow,
        "content_filter" | "content_policy_violation" => FailureClass::ContentPolicy,
        "model_not_found" | "DeploymentNotFound" => FailureClass::NotFound,
        "invalid_api_key" => FailureClass::Auth,
        "request_too_large" => FailureClass::RequestTooLarge,
        // What a gateway of ours says.
        "timeout" | "connect" | "stalled" | "cut" | "malformed" | "resources"
        | "answer_too_large" => return FailureClass::from_word(word),
        _ => return None,
    })
}

/// What a type says where there is no status to go by.
fn class_of_kind(kind: &str) -> FailureClass {
    match kind {
        "requests" | "tokens" => FailureClass::Throttled,
        "service_unavailable_error" => FailureClass::Overloaded,
        "timeout_error" => FailureClass::Timeout,
        "authentication_error" | "permission_error" => FailureClass::Auth,
        "not_found_error" => FailureClass::NotFound,
        "invalid_request_error" => FailureClass::BadRequest,
        _ => FailureClass::Server,
    }
}

/// Many that copy OpenAI's API give no code, and tell the reason only in prose.
pub(crate) fn class_of_bad_request(message: &str) -> FailureClass {
    let message = message.to_ascii_lowercase();
    if message.contains("context length") || message.contains("context window") {
        FailureClass::ContextWindow
    } else if message.contains("content policy") || message.contains("content management policy") {
        FailureClass::ContentPolicy
    } else {
        FailureClass::BadRequest
    }
}

fn says_overloaded(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    ["overloaded", "high demand", "capacity"].iter().any(|words| message.contains(words))
}

#[cfg(test)]
mod tests {
    use super::super::ApiError;
    use super::*;
    use http::{HeaderName, HeaderValue};
    use squall_failure::Source;
    use std::time::Duration;

    fn failure(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Failure {
        let headers = headers
            .iter()
            .map(|&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        failure_from_response(status, &headers, body.as_bytes(), SystemTime::UNIX_EPOCH)
    }

    #[test]
    fn every_class_survives_the_way_over_the_wire() {
        for class in FailureClass::ALL {
            let error = ApiError::of(class, "gpt-4o");
            let status = class.status();
            let body = String::from_utf8(error.body().to_vec()).expect("UTF-8");
            let read = failure(status, &[], &body);
            assert_eq!((read.class, read.status), (class, status));
            assert_eq!(read.retryable, class.retryable());
        }
    }

    #[test]
    fn a_status_alone_is_enough() {
        for (status, class) in [
            (400, FailureClass::BadRequest),
            (401, FailureClass::Auth),
            (403, FailureClass::Auth),
            (404, FailureClass::NotFound),
            (408, FailureClass::Timeout),
            (422, FailureClass::BadRequest),
            (429, FailureClass::Throttled),
            (500, FailureClass::Server),
            (502, FailureClass::Server),
            (503, FailureClass::Server),
            (504, FailureClass::Timeout),
            (529, FailureClass::Overloaded),
        ] {
            assert_eq!(failure(status, &[], "<html>").class, class, "{status}");
        }
    }

    #[test]
    fn vendors_and_copies_are_understood() {
        let class = |status, body: &str| failure(status, &[], body).class;
        let azure = r#"{"error":{"code":"429","message":"retry after 9 seconds"}}"#;
        assert_eq!(class(429, azure), FailureClass::Throttled);
        let demand = r#"{"error":{"message":"system is experiencing high demand"}}"#;
        assert_eq!(class(503, demand), FailureClass::Overloaded);
        let prose = r#"{"error":{"message":"This model's maximum context length is 8192 tokens"}}"#;
        assert_eq!(class(400, prose), FailureClass::ContextWindow);
        assert_eq!(class(404, r#"{"error":"no such model"}"#), FailureClass::NotFound);
        assert_eq!(class(429, r#"{"code":"insufficient_quota"}"#), FailureClass::QuotaSpent);
        assert_eq!(class(400, r#"{"error":{"type":"server_error"}}"#), FailureClass::Server);
    }

    #[test]
    fn headers_say_how_long_and_whether_to_come_again() {
        let wait = failure(429, &[("retry-after", "20")], "");
        assert_eq!(wait.retry_after, Some(Duration::from_secs(20)));
        assert_eq!(wait.retryable, Retryable::Anywhere);
        assert_eq!(
            failure(500, &[("x-should-retry", "false")], "").retryable,
            Retryable::OtherDeployment
        );
        assert_eq!(failure(400, &[("x-should-retry", "false")], "").retryable, Retryable::Nowhere);
        assert_eq!(failure(409, &[("x-should-retry", "true")], "").retryable, Retryable::Anywhere);
    }

    #[test]
    fn a_wrong_request_is_the_clients_and_all_else_the_providers() {
        assert_eq!(failure(400, &[], "").source, Source::Client);
        assert_eq!(failure(500, &[], "").source, Source::Provider);
    }

    #[test]
    fn an_error_in_a_stream_is_read_without_a_status() {
        let class = |body: &str| failure_from_error(body.as_bytes()).class;
        assert_eq!(class(r#"{"error":{"type":"server_error"}}"#), FailureClass::Server);
        assert_eq!(class(r#"{"error":{"type":"tokens"}}"#), FailureClass::Throttled);
        assert_eq!(class(r#"{"error":{"code":429}}"#), FailureClass::Throttled);
        assert_eq!(class(r#"{"error":"?"}"#), FailureClass::Server);
    }
}
