//! What Gemini's errors mean: its words are in the table of all words; its quotas are told in details.

use crate::error::{ErrorText, Judged, judge};
use crate::json::read_tolerantly;
use http::HeaderMap;
use serde_json::Value;
use squall_failure::{Failure, FailureClass};
use std::time::{Duration, SystemTime};

/// What failed, when the answer had this status.
pub(super) fn failure_from_response(
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
    now: SystemTime,
) -> Failure {
    let details = Details::read(body);
    let failure = judged(status, body, &details).failure(status, headers, now);
    failure.with_retry_after(failure.retry_after.or(details.wait))
}

/// What failed, when an error came after the 200.
pub(super) fn failure_from_event(data: &[u8]) -> Failure {
    let details = Details::read(data);
    let status = ErrorText::read(data).and_then(|words| words.status);
    let failure = judged(status.unwrap_or(0), data, &details).failure(
        status.unwrap_or(200),
        &HeaderMap::new(),
        SystemTime::UNIX_EPOCH,
    );
    failure.with_retry_after(details.wait)
}

fn judged(status: u16, body: &[u8], details: &Details) -> Judged {
    let words = ErrorText::read(body).unwrap_or_default();
    let throttled = status == 429 || words.kind == "RESOURCE_EXHAUSTED";
    if throttled && details.is_spent {
        return Judged::sure(FailureClass::QuotaSpent);
    }
    // Gemini's 503 says that the model is overloaded, whatever stands in it; 501 that it is not there.
    let meant = match status {
        503 => 529,
        501 => 404,
        status => status,
    };
    judge(meant, &words)
}

/// What stands in the details: of `RetryInfo` its delay, of `QuotaFailure` its violations.
#[derive(Debug, Default)]
struct Details {
    wait: Option<Duration>,
    /// A quota per day, which no wait of seconds mends.
    is_spent: bool,
}

impl Details {
    /// Those of a body; the errors of a stream that is not one of events come in a list.
    fn read(body: &[u8]) -> Self {
        let value = read_tolerantly(body, |bytes| serde_json::from_slice::<Value>(bytes));
        let value = value.unwrap_or_default();
        let whole = value.get(0).unwrap_or(&value);
        let details = whole["error"]["details"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut violations =
            details.iter().filter_map(|detail| detail["violations"].as_array()).flatten();
        let per_day = |violation: &Value| {
            violation["quotaId"].as_str().is_some_and(|id| id.contains("PerDay"))
        };
        Self {
            wait: details.iter().find_map(|detail| seconds(detail["retryDelay"].as_str()?)),
            is_spent: violations.any(per_day),
        }
    }
}

/// `46s`, or `46.5s`.
fn seconds(text: &str) -> Option<Duration> {
    let seconds: f64 = text.strip_suffix('s')?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
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
        let failed = failure_from_event(list);
        assert_eq!((failed.class, failed.status), (FailureClass::Overloaded, 503));
    }
}
