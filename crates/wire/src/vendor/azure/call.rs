//! Azure OpenAI to its callers.

use crate::call::{ClientFormat, Stamp, StreamReader, Whole, key_header, segment};
use crate::chat::{ChatRequest, Operation, Unsupported};
use crate::error::failure_from_response;
use crate::vendor::openai::OpenAi;
use bytes::Bytes;
use http::{HeaderMap, HeaderName};
use squall_failure::Failure;
use std::borrow::Cow;
use std::time::SystemTime;

/// Azure OpenAI.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Azure;

/// The version of the API that is spoken, unless the base URL names another.
const VERSION: &str = "api-version=2024-10-21";
const MODELS_PATH: &str = "/models?api-version=2024-10-21";
const API_KEY: HeaderName = HeaderName::from_static("api-key");

impl ClientFormat for Azure {
    fn chat_path(&self, model: &str, _stream: bool) -> Cow<'static, str> {
        format!("/deployments/{}/chat/completions?{VERSION}", segment(model)).into()
    }

    /// Responses are at Azure's newer address only, which is OpenAI's own format.
    fn other_path(&self, operation: Operation, model: &str) -> Option<Cow<'static, str>> {
        (operation != Operation::Response).then(|| {
            format!("/deployments/{}{}?{VERSION}", segment(model), operation.path()).into()
        })
    }

    fn models_path(&self) -> &'static str {
        MODELS_PATH
    }

    fn headers(&self, api_key: Option<&str>) -> HeaderMap {
        key_header(API_KEY, api_key.map(str::to_owned))
    }

    fn body(&self, chat: &ChatRequest, model: &str, ask_usage: bool) -> Result<Bytes, Unsupported> {
        OpenAi.body(chat, model, ask_usage)
    }

    fn takes_stream_options(&self) -> bool {
        true
    }

    fn answer(&self, body: Bytes, stamp: &Stamp) -> Result<Whole, Failure> {
        OpenAi.answer(body, stamp)
    }

    fn stream(&self, stamp: Stamp, include_usage: bool) -> Box<dyn StreamReader> {
        OpenAi.stream(stamp, include_usage)
    }

    fn failure(&self, status: u16, headers: &HeaderMap, body: &[u8], now: SystemTime) -> Failure {
        failure_from_response(status, headers, body, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use squall_failure::{FailureClass, Retryable};
    use std::time::Duration;

    fn class(status: u16, body: &str) -> FailureClass {
        let headers = HeaderMap::new();
        Azure.failure(status, &headers, body.as_bytes(), SystemTime::UNIX_EPOCH).class
    }

    #[test]
    fn the_deployment_and_the_version_stand_in_the_path() {
        assert_eq!(
            Azure.chat_path("gpt-4o", true),
            "/deployments/gpt-4o/chat/completions?api-version=2024-10-21"
        );
        assert!(MODELS_PATH.ends_with(VERSION));
        assert_eq!(Azure.headers(Some("k"))["api-key"], "k");
    }

    #[test]
    fn its_own_words_are_understood() {
        let filtered = r#"{"error":{"message":"The response was filtered due to the prompt triggering
            Azure OpenAI's content management policy.","type":null,"param":"prompt",
            "code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation",
            "content_filter_result":{"hate":{"filtered":true,"severity":"high"}}}}}"#
            .replace('\n', " ");
        assert_eq!(class(400, &filtered), FailureClass::ContentPolicy);
        let inner =
            r#"{"error":{"code":"400","innererror":{"code":"ResponsibleAIPolicyViolation"}}}"#;
        assert_eq!(class(400, inner), FailureClass::ContentPolicy);
        let error = |code: &str, message: &str| {
            format!(r#"{{"error":{{"code":"{code}","message":"{message}"}}}}"#)
        };
        for (status, code, expected) in [
            (429, "429", FailureClass::Throttled),
            (429, "RateLimitReached", FailureClass::Throttled),
            (429, "insufficient_quota", FailureClass::QuotaSpent),
            (401, "401", FailureClass::Auth),
            (401, "PermissionDenied", FailureClass::Auth),
            (404, "DeploymentNotFound", FailureClass::NotFound),
            (400, "OperationNotSupported", FailureClass::NotFound),
            (400, "context_length_exceeded", FailureClass::ContextWindow),
            (400, "unknown", FailureClass::BadRequest),
            (503, "ServiceUnavailable", FailureClass::Overloaded),
            (500, "InternalServerError", FailureClass::Server),
            (408, "Timeout", FailureClass::Timeout),
        ] {
            assert_eq!(class(status, &error(code, "?")), expected, "{code}");
        }
        let spent = error("403", "Out of call volume quota. Quota will be replenished in 5 days.");
        assert_eq!(class(403, &spent), FailureClass::QuotaSpent);
    }

    #[test]
    fn headers_say_how_long_and_whether_to_come_again() {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after-ms", HeaderValue::from_static("1500"));
        headers.insert("x-should-retry", HeaderValue::from_static("false"));
        let body = br#"{"error":{"code":"429","message":"retry after 2 seconds"}}"#;
        let failure = Azure.failure(429, &headers, body, SystemTime::UNIX_EPOCH);
        assert_eq!(failure.retry_after, Some(Duration::from_millis(1_500)));
        assert_eq!(failure.retryable, Retryable::OtherDeployment);
    }
}
