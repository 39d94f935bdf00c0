//! What Gemini's errors mean.

use crate::openai::{class_of_bad_request, failure_of, of_class};
use http::HeaderMap;
use serde::Deserialize;
use squall_failure::{Failure, FailureClass};
use std::time::{Duration, SystemTime};

/// What failed, when the answer had this status.
pub(super) fn failure_from_response(
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
    now: SystemTime,
) -> Failure {
    let error = read(body);
    let class = error.as_ref().and_then(class_of).unwrap_or_else(|| class_of_status(status));
    let failure = failure_of(class, status, headers, now);
    let told = failure.retry_after.or_else(|| error?.retry_delay());
    failure.with_retry_after(told)
}

/// What failed, when an event of a stream is an error.
pub(super) fn failure_from_event(data: &[u8]) -> Option<Failure> {
    let error = read(data)?;
    let status = error.code.filter(|code| (400..600).contains(code));
    let class =
        class_of(&error).unwrap_or_else(|| status.map_or(FailureClass::Server, class_of_status));
    let failure = of_class(class).with_status(status.unwrap_or(200));
    Some(failure.with_retry_after(error.retry_delay()))
}

/// The error of a body; those of a stream that is not one of events come in a list.
fn read(body: &[u8]) -> Option<Error> {
    if body.trim_ascii_start().starts_with(b"[") {
        let bodies: Vec<Body> = serde_json::from_slice(body).ok()?;
        return bodies.into_iter().next().map(|body| body.error);
    }
    serde_json::from_slice(body).ok().map(|Body { error }| error)
}

fn class_of(error: &Error) -> Option<FailureClass> {
    // A key that is wrong is an invalid argument to Gemini.
    if error.details.iter().any(|detail| detail.reason.as_deref() == Some("API_KEY_INVALID")) {
        return Some(FailureClass::Auth);
    }
    Some(match error.status.as_deref()? {
        "RESOURCE_EXHAUSTED" if error.is_spent() => FailureClass::QuotaSpent,
        "RESOURCE_EXHAUSTED" => FailureClass::Throttled,
        "UNAVAILABLE" => FailureClass::Overloaded,
        "INTERNAL" | "UNKNOWN" | "DATA_LOSS" | "ABORTED" => FailureClass::Server,
        "DEADLINE_EXCEEDED" | "CANCELLED" => FailureClass::Timeout,
        // A region that is not served, or an account without billing.
        "UNAUTHENTICATED" | "PERMISSION_DENIED" | "FAILED_PRECONDITION" => FailureClass::Auth,
        "NOT_FOUND" | "UNIMPLEMENTED" => FailureClass::NotFound,
        "INVALID_ARGUMENT" | "OUT_OF_RANGE" if error.is_too_long() => FailureClass::ContextWindow,
        "INVALID_ARGUMENT" | "OUT_OF_RANGE" => class_of_bad_request(&error.message),
        _ => return None,
    })
}

fn class_of_status(status: u16) -> FailureClass {
    match status {
        429 => FailureClass::Throttled,
        503 => FailureClass::Overloaded,
        408 | 499 | 504 => FailureClass::Timeout,
        401 | 403 => FailureClass::Auth,
        404 => FailureClass::NotFound,
        400..=498 => FailureClass::BadRequest,
        _ => FailureClass::Server,
    }
}

#[derive(Deserialize)]
struct Body {
    error: Error,
}

#[derive(Deserialize)]
struct Error {
    code: Option<u16>,
    status: Option<String>,
    #[serde(default)]
    message: String,
    #[serde(default)]
    details: Vec<Detail>,
}

/// Of `ErrorInfo` its reason, of `RetryInfo` its delay, of `QuotaFailure` its violations.
#[derive(Deserialize)]
struct Detail {
    reason: Option<String>,
    #[serde(rename = "retryDelay")]
    retry_delay: Option<String>,
    #[serde(default)]
    violations: Vec<Violation>,
}

#[derive(Deserialize)]
struct Violation {
    #[serde(default, rename = "quotaId")]
    quota_id: String,
}

impl Error {
    /// Whether it is a quota per day, which no wait of seconds mends.
    fn is_spent(&self) -> bool {
        let mut violations = self.details.iter().flat_map(|detail| &detail.violations);
        violations.any(|violation| violation.quota_id.contains("PerDay"))
    }

    /// `The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).`
    fn is_too_long(&self) -> bool {
        self.message.contains("exceeds the maximum number of tokens")
    }

    /// `"46s"`, or `"46.5s"`.
    fn retry_delay(&self) -> Option<Duration> {
        let text = self.details.iter().find_map(|detail| detail.retry_delay.as_deref())?;
        let seconds: f64 = text.strip_suffix('s')?.parse().ok()?;
        Duration::try_from_secs_f64(seconds).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use squall_failure::Retryable;

    fn failure(status: u16, word: &str, message: &str, details: &str) -> Failure {
        let body = format!(
            r#"{{"error":{{"code":{status},"message":"{message}","status":"{word}","details":[{details}]}}}}"#
        );
        let headers = HeaderMap::new();
        failure_from_response(status, &headers, body.as_bytes(), SystemTime::UNIX_EPOCH)
    }

    #[test]
    fn each_status_word_has_its_class() {
        for (status, word, class) in [
            (400, "INVALID_ARGUMENT", FailureClass::BadRequest),
            (400, "FAILED_PRECONDITION", FailureClass::Auth),
            (403, "PERMISSION_DENIED", FailureClass::Auth),
            (404, "NOT_FOUND", FailureClass::NotFound),
            (429, "RESOURCE_EXHAUSTED", FailureClass::Throttled),
            (499, "CANCELLED", FailureClass::Timeout),
            (500, "INTERNAL", FailureClass::Server),
            (503, "UNAVAILABLE", FailureClass::Overloaded),
            (504, "DEADLINE_EXCEEDED", FailureClass::Timeout),
            (503, "A_NEW_ONE", FailureClass::Overloaded),
        ] {
            assert_eq!(failure(status, word, "?", "").class, class, "{word}");
        }
    }

    #[test]
    fn a_quota_says_how_long_to_wait_and_one_per_day_is_spent() {
        let quota = |id: &str| {
            format!(
                concat!(
                    r#"{{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":"#,
                    r#"[{{"quotaMetric":"m","quotaId":"{}","quotaValue":"15"}}]}},"#,
                    r#"{{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"46.5s"}}"#,
                ),
                id
            )
        };
        let minute = quota("GenerateRequestsPerMinutePerProjectPerModel-FreeTier");
        let failed = failure(429, "RESOURCE_EXHAUSTED", "quota", &minute);
        assert_eq!(failed.class, FailureClass::Throttled);
        assert_eq!(failed.retry_after, Some(Duration::from_millis(46_500)));
        let day = quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier");
        let failed = failure(429, "RESOURCE_EXHAUSTED", "quota", &day);
        assert_eq!(failed.class, FailureClass::QuotaSpent);
        assert_eq!(failed.retryable, Retryable::OtherDeployment);
    }

    #[test]
    fn an_invalid_argument_may_be_a_key_or_a_prompt_too_long() {
        let key =
            r#"{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"}"#;
        assert_eq!(failure(400, "INVALID_ARGUMENT", "key", key).class, FailureClass::Auth);
        let long = "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).";
        assert_eq!(failure(400, "INVALID_ARGUMENT", long, "").class, FailureClass::ContextWindow);
    }

    #[test]
    fn a_wait_that_is_none_is_ignored_and_a_list_is_read() {
        for delay in ["-3s", "soon", "1e400s", "9"] {
            let detail = format!(r#"{{"retryDelay":"{delay}"}}"#);
            let failed = failure(429, "RESOURCE_EXHAUSTED", "?", &detail);
            assert_eq!(failed.retry_after, None, "{delay}");
        }
        let list = br#"[{"error":{"code":503,"message":"overloaded","status":"UNAVAILABLE"}}]"#;
        let failed = failure_from_event(list).expect("an error");
        assert_eq!((failed.class, failed.status), (FailureClass::Overloaded, 503));
    }
}
