//! The bodies of errors.

use crate::{HeaderGauge, LimitHeaders, go_duration};
use bytes::Bytes;
use serde::Serialize;
use squall_failure::FailureClass;
use std::fmt::Write as _;
use std::time::Duration;

/// What stands under `error` in the body of an error.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct ApiError {
    /// For a person to read.
    pub message: String,
    /// The kind of error: `type` in the body.
    #[serde(rename = "type")]
    pub kind: String,
    /// The field of the request that was wrong.
    pub param: Option<String>,
    /// The exact error, for a program to read.
    pub code: Option<String>,
}

/// Which limit an attempt ran into.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Exhausted {
    /// Requests per minute.
    Requests,
    /// Tokens per minute.
    Tokens,
}

impl ApiError {
    /// What OpenAI says of a failure of this class, about this model. The classes that a provider cannot
    /// tell of itself (connect, stalled, cut, timeout, malformed, resources, answer_too_large) are a
    /// gateway's to tell, with the word of the class for a code.
    #[must_use]
    pub fn of(class: FailureClass, model: &str) -> Self {
        let (kind, code, param) = match class {
            FailureClass::Throttled => return Self::throttled(model, Exhausted::Requests),
            FailureClass::Overloaded => {
                ("service_unavailable_error", Some("server_is_overloaded"), None)
            }
            FailureClass::Server => ("server_error", None, None),
            FailureClass::Timeout
            | FailureClass::Connect
            | FailureClass::Stalled
            | FailureClass::Cut
            | FailureClass::Malformed
            | FailureClass::Resources
            | FailureClass::AnswerTooLarge => ("server_error", Some(class.as_str()), None),
            FailureClass::RequestTooLarge => ("tokens", Some("request_too_large"), None),
            FailureClass::Auth => ("invalid_request_error", Some("invalid_api_key"), None),
            FailureClass::NotFound => ("invalid_request_error", Some("model_not_found"), None),
            FailureClass::ContextWindow => {
                ("invalid_request_error", Some("context_length_exceeded"), Some("messages"))
            }
            FailureClass::ContentPolicy => {
                ("invalid_request_error", Some("content_policy_violation"), None)
            }
            FailureClass::BadRequest => ("invalid_request_error", None, None),
            FailureClass::QuotaSpent => ("insufficient_quota", Some("insufficient_quota"), None),
        };
        Self {
            message: message(class, model),
            kind: kind.to_owned(),
            param: param.map(str::to_owned),
            code: code.map(str::to_owned),
        }
    }

    /// The same error with a message of the caller's.
    #[must_use]
    pub fn with_message(self, message: impl Into<String>) -> Self {
        Self { message: message.into(), ..self }
    }

    /// A 429 that names the limit that is exhausted, how far, and when to come again.
    #[must_use]
    pub fn rate_limited(model: &str, limits: &LimitHeaders, wait: Option<Duration>) -> Self {
        let exhausted = Exhausted::by(limits);
        let mut error = Self::throttled(model, exhausted);
        if let HeaderGauge { limit: Some(limit), remaining: Some(remaining), .. } =
            exhausted.gauge(limits)
        {
            let used = limit.saturating_sub(remaining);
            push(&mut error.message, format_args!(": Limit {limit}, Used {used}"));
        }
        error.message.push('.');
        if let Some(wait) = wait {
            let wait = go_duration::format(wait);
            push(&mut error.message, format_args!(" Please try again in {wait}."));
        }
        error
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> Bytes {
        self.to_json().into()
    }

    pub(crate) fn to_json(&self) -> String {
        #[derive(Serialize)]
        struct ErrorDetails<'a> {
            error: &'a ApiError,
        }
        serde_json::to_string(&ErrorDetails { error: self }).expect("strings are always JSON")
    }

    fn throttled(model: &str, exhausted: Exhausted) -> Self {
        let (kind, unit) = match exhausted {
            Exhausted::Requests => ("requests", "requests per min (RPM)"),
            Exhausted::Tokens => ("tokens", "tokens per min (TPM)"),
        };
        Self {
            message: format!("Rate limit reached for {model} in {unit}"),
            kind: kind.to_owned(),
            param: None,
            code: Some("rate_limit_exceeded".to_owned()),
        }
    }
}

impl Exhausted {
    /// The limit with the smaller share left: a whole request is refused for tokens while some remain.
    fn by(limits: &LimitHeaders) -> Self {
        let left = |gauge: &HeaderGauge| match (gauge.remaining, gauge.limit) {
            (Some(remaining), Some(limit)) => remaining as f64 / limit.max(1) as f64,
            _ => f64::INFINITY,
        };
        if left(&limits.tokens) < left(&limits.requests) { Self::Tokens } else { Self::Requests }
    }

    const fn gauge(self, limits: &LimitHeaders) -> HeaderGauge {
        match self {
            Self::Requests => limits.requests,
            Self::Tokens => limits.tokens,
        }
    }
}

fn message(class: FailureClass, model: &str) -> String {
    match class {
        FailureClass::Throttled => format!("Rate limit reached for {model}."),
        FailureClass::Overloaded => {
            "Our servers are currently overloaded. Please try again later.".into()
        }
        FailureClass::Server => {
            "The server had an error while processing your request. Sorry about that!".into()
        }
        FailureClass::Timeout => format!("{model} did not answer in time."),
        FailureClass::Connect => format!("No connection to {model} could be made."),
        FailureClass::Stalled => format!("{model} stopped in the middle of its answer."),
        FailureClass::Cut => format!("{model} hung up in the middle of its answer."),
        FailureClass::Auth => "Incorrect API key provided.".into(),
        FailureClass::NotFound => {
            format!("The model `{model}` does not exist or you do not have access to it.")
        }
        FailureClass::ContextWindow => {
            format!("This prompt is longer than the maximum context length of {model}.")
        }
        FailureClass::ContentPolicy => {
            "Your request was rejected as a result of our safety system. Your prompt may contain text that is \
             not allowed by our safety system.".into()
        }
        FailureClass::BadRequest => "The request is invalid.".into(),
        FailureClass::RequestTooLarge => format!(
            "Request too large for {model}. The input or output tokens must be reduced in order to run successfully."
        ),
        FailureClass::AnswerTooLarge => {
            format!("The answer of {model} is larger than this gateway takes.")
        }
        FailureClass::Resources => {
            "The gateway lacks file descriptors or memory to make the call.".into()
        }
        FailureClass::Malformed => format!("{model} sent an answer that cannot be understood."),
        FailureClass::QuotaSpent => concat!(
            "You exceeded your current quota, please check your plan and billing details. For more ",
            "information on this error, read the docs: ",
            "https://platform.openai.com/docs/guides/error-codes/api-errors."
        )
        .into(),
    }
}

fn push(message: &mut String, text: std::fmt::Arguments<'_>) {
    message.write_fmt(text).expect("a String takes all");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(class: FailureClass, status: u16, kind: &str, code: Option<&str>) {
        let error = ApiError::of(class, "gpt-4o");
        assert_eq!(class.status(), status, "{class:?}");
        assert_eq!((error.kind.as_str(), error.code.as_deref()), (kind, code), "{class:?}");
        assert!(!error.message.is_empty());
    }

    #[test]
    fn each_class_has_the_status_type_and_code_of_openai() {
        check(FailureClass::Throttled, 429, "requests", Some("rate_limit_exceeded"));
        check(FailureClass::QuotaSpent, 429, "insufficient_quota", Some("insufficient_quota"));
        let overloaded = Some("server_is_overloaded");
        check(FailureClass::Overloaded, 503, "service_unavailable_error", overloaded);
        check(FailureClass::Server, 500, "server_error", None);
        let invalid = "invalid_request_error";
        check(FailureClass::Auth, 401, invalid, Some("invalid_api_key"));
        check(FailureClass::NotFound, 404, invalid, Some("model_not_found"));
        check(FailureClass::ContextWindow, 400, invalid, Some("context_length_exceeded"));
        check(FailureClass::ContentPolicy, 400, invalid, Some("content_policy_violation"));
        check(FailureClass::BadRequest, 400, invalid, None);
        check(FailureClass::Cut, 502, "server_error", Some("cut"));
    }

    #[test]
    fn a_body_has_the_four_fields() {
        assert_eq!(
            ApiError::of(FailureClass::Overloaded, "gpt-4o").body(),
            concat!(
                r#"{"error":{"message":"Our servers are currently overloaded. Please try again later.","#,
                r#""type":"service_unavailable_error","param":null,"code":"server_is_overloaded"}}"#,
            ),
        );
    }

    #[test]
    fn a_rate_limit_says_which_how_far_and_for_how_long() {
        let gauge = |limit, remaining| HeaderGauge {
            limit: Some(limit),
            remaining: Some(remaining),
            reset: None,
        };
        let limits = LimitHeaders { requests: gauge(3, 0), tokens: gauge(100, 80) };
        let error = ApiError::rate_limited("gpt-4o", &limits, Some(Duration::from_secs(20)));
        assert_eq!(error.kind, "requests");
        assert_eq!(
            error.message,
            "Rate limit reached for gpt-4o in requests per min (RPM): Limit 3, Used 3. \
             Please try again in 20s."
        );
        let limits = LimitHeaders { requests: gauge(3, 2), tokens: gauge(100, 10) };
        let error = ApiError::rate_limited("gpt-4o", &limits, None);
        assert_eq!(error.kind, "tokens");
        assert!(error.message.ends_with("tokens per min (TPM): Limit 100, Used 90."));
        let error = ApiError::rate_limited("m", &LimitHeaders::default(), None);
        assert_eq!(error.message, "Rate limit reached for m in requests per min (RPM).");
    }
}
