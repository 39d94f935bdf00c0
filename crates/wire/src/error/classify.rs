//! What an error means: its class, and what it says about the deployment. One table for all vendors.
//!
//! The order: what is about this one request, then the exact word, then the status, then the prose. Vendors
//! give one status to several failures, and one type to nearly all. A 401, 402, 403 or 404 without a word
//! that tells is only suspected of being the deployment's: the request may have caused it.

use super::provider_error::{ErrorText, says_something};
use super::wordings::{
    is_against_policy, is_no_model, is_of_the_request, is_overloaded, is_prompt_too_long,
    is_request_too_large, is_spent, is_wrong_key, lower,
};
use crate::read_retry_after;
use http::HeaderMap;
use serde_json::Value;
use squall_failure::{Failure, FailureClass, Retryable};
use std::time::SystemTime;

/// A class, and how sure it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Judged {
    class: FailureClass,
    /// Only perhaps the deployment's.
    suspected: bool,
}

impl Judged {
    pub(crate) const fn sure(class: FailureClass) -> Self {
        Self { class, suspected: false }
    }

    const fn suspected(class: FailureClass) -> Self {
        Self { class, suspected: true }
    }

    /// The failure, when a provider answered with this status and these headers.
    pub(crate) fn failure(self, status: u16, headers: &HeaderMap, now: SystemTime) -> Failure {
        let mut failure =
            self.alone().with_status(status).with_retry_after(read_retry_after(headers, now));
        match headers.get("x-should-retry").map(|value| value.as_bytes()) {
            Some(b"true") => failure.retryable = Retryable::Anywhere,
            Some(b"false") => {
                failure.retryable = failure.retryable.min(Retryable::OtherDeployment);
            }
            _ => {}
        }
        failure
    }

    /// The failure, and whose it is: a request that is wrong is the client's.
    fn alone(self) -> Failure {
        let failure = Failure::new(self.class, self.class.response_source());
        if self.suspected { failure.suspected() } else { failure }
    }
}

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
    judge(status, &ErrorText::read(body).unwrap_or_default()).failure(status, headers, now)
}

/// What failed, when an error came after the 200: as a whole answer or in a stream.
#[must_use]
pub fn failure_from_error(body: &[u8]) -> Failure {
    let words = ErrorText::read(body).unwrap_or_default();
    judge(words.status.unwrap_or(0), &words).alone().with_status(words.status.unwrap_or(200))
}

/// What failed, when a 200 brought a body that is not read as an answer: an error that it tells, half of an
/// answer, or what nobody can understand.
pub(crate) fn failure_of_body(body: &[u8], parsed: &serde_json::Result<Value>) -> Failure {
    let failed = |class| Failure::new(class, class.response_source()).with_status(200);
    match parsed {
        Ok(value) if tells_error(value) => failure_from_error(body),
        Err(error) if error.is_eof() && !body.trim_ascii().is_empty() => failed(FailureClass::Cut),
        Ok(_) | Err(_) => failed(FailureClass::Malformed),
    }
}

/// Whether this is an error, though it came with a 200 or in the middle of a stream.
pub(crate) fn tells_error(value: &Value) -> bool {
    let value = match value {
        Value::Array(items) => {
            return items.first().is_some_and(|first| first.is_object() && tells_error(first));
        }
        value => value,
    };
    let of = |name: &str| value.get(name).filter(|found| says_something(found));
    if of("error").is_some() || value["choices"][0].get("error").is_some_and(says_something) {
        return true;
    }
    // MiniMax, whose every answer has this.
    if value["base_resp"]["status_code"].as_i64().is_some_and(|code| code != 0) {
        return true;
    }
    let is_answer = ["choices", "data", "output", "content", "candidates", "delta", "response"]
        .into_iter()
        .any(|name| of(name).is_some());
    let says_why = value.get("error").is_some_and(|error| !error.is_null())
        || of("message").is_some_and(Value::is_string)
        || of("detail").is_some()
        || of("errors").is_some();
    !is_answer && (says_why || value["object"] == "error")
}

/// What an error means. `status` is 0 where there is none to go by.
pub(crate) fn judge(status: u16, words: &ErrorText) -> Judged {
    let message = lower(&words.message);
    // The limit of an account, which more than one status tells.
    if matches!(status, 0 | 402 | 413 | 429) && is_request_too_large(&message) {
        return Judged::sure(FailureClass::RequestTooLarge);
    }
    if is_spent(&message) || words.details.iter().any(|detail| is_spent(detail)) {
        return Judged::sure(FailureClass::QuotaSpent);
    }
    let exact = words.details.iter().chain([&words.code, &words.kind]);
    if let Some(judged) = exact.filter_map(|word| of_word(word)).next() {
        return judged;
    }
    of_status(status, words, &message)
}

/// What a word says whatever the status.
fn of_word(word: &str) -> Option<Judged> {
    // Azure's words for several policies begin with this one.
    if word.starts_with("ResponsibleAIPolicyViolation") {
        return Some(Judged::sure(FailureClass::ContentPolicy));
    }
    let (_, judged) = WORDS.iter().find(|(words, _)| words.contains(&word))?;
    Some(*judged)
}

/// Exact codes, and types that are as exact as one. OpenAI's and its copies' in lower case, Azure's in camel
/// case, Google's in capitals.
const WORDS: &[(&[&str], Judged)] = &[
    (
        &[
            "insufficient_quota",
            "credit_balance_exhausted",
            "billing_hard_limit_reached",
            "billing_not_active",
            "billing_error",
            "enforced_spend_limit_reached",
            "exceeded_current_quota_error",
        ],
        Judged::sure(FailureClass::QuotaSpent),
    ),
    (
        &[
            "rate_limit_exceeded",
            "rate_limit_error",
            "rate_limit_reached_error",
            "slow_down",
            "RateLimitReached",
            "TooManyRequests",
            "ThrottlingException",
            "Throttling",
            "RESOURCE_EXHAUSTED",
        ],
        Judged::sure(FailureClass::Throttled),
    ),
    (
        &[
            "server_is_overloaded",
            "overloaded_error",
            "engine_overloaded_error",
            "ServiceUnavailable",
            "NoCapacity",
            "UNAVAILABLE",
        ],
        Judged::sure(FailureClass::Overloaded),
    ),
    (
        &[
            "context_length_exceeded",
            "exceed_context_size_error",
            "model_max_prompt_tokens_exceeded",
        ],
        Judged::sure(FailureClass::ContextWindow),
    ),
    (
        &["content_filter", "content_policy_violation", "data_inspection_failed"],
        Judged::sure(FailureClass::ContentPolicy),
    ),
    (
        &["model_not_found", "model_not_available", "DeploymentNotFound", "OperationNotSupported"],
        Judged::sure(FailureClass::NotFound),
    ),
    (
        &[
            "invalid_api_key",
            "authentication_error",
            "invalid_authentication_error",
            "account_deactivated",
            "unsupported_country_region_territory",
            "provider_key_refused",
            "PermissionDenied",
            "AuthenticationTypeDisabled",
            "API_KEY_INVALID",
            "API_KEY_SERVICE_BLOCKED",
            "CONSUMER_SUSPENDED",
            "SERVICE_DISABLED",
            "UNAUTHENTICATED",
        ],
        Judged::sure(FailureClass::Auth),
    ),
    // A right that is missing, or one that only this request needs; a region that is not served.
    (
        &["permission_error", "PERMISSION_DENIED", "FAILED_PRECONDITION"],
        Judged::suspected(FailureClass::Auth),
    ),
    (&["request_too_large", "tokens_limit_reached"], Judged::sure(FailureClass::RequestTooLarge)),
    (
        &["timeout_error", "Timeout", "RequestTimeout", "DEADLINE_EXCEEDED", "CANCELLED"],
        Judged::sure(FailureClass::Timeout),
    ),
    (
        &[
            "InternalServerError",
            "InternalServerErrorDeployment",
            "INTERNAL",
            "UNKNOWN",
            "DATA_LOSS",
            "ABORTED",
        ],
        Judged::sure(FailureClass::Server),
    ),
    // What a gateway of ours says.
    (&["timeout"], Judged::sure(FailureClass::Timeout)),
    (&["connect"], Judged::sure(FailureClass::Connect)),
    (&["stalled"], Judged::sure(FailureClass::Stalled)),
    (&["cut"], Judged::sure(FailureClass::Cut)),
    (&["malformed"], Judged::sure(FailureClass::Malformed)),
    (&["resources"], Judged::sure(FailureClass::Resources)),
    (&["answer_too_large"], Judged::sure(FailureClass::AnswerTooLarge)),
];

/// What the status says, and the prose where one status is for several failures.
fn of_status(status: u16, words: &ErrorText, message: &str) -> Judged {
    let sure = Judged::sure;
    match status {
        0 => of_kind(words, message),
        401 | 403 | 407 if is_against_policy(message) => sure(FailureClass::ContentPolicy),
        401 | 403 | 407 if is_wrong_key(message) => sure(FailureClass::Auth),
        401 | 403 | 407 => Judged::suspected(FailureClass::Auth),
        402 => Judged::suspected(FailureClass::QuotaSpent),
        404 => of_missing(words, message),
        // The gateway's address of it is wrong, or the model has gone.
        405 | 410 => Judged::suspected(FailureClass::NotFound),
        408 | 499 | 504 | 522 | 524 => sure(FailureClass::Timeout),
        // Busy with another request, not yet, no capacity: vendors' own clients come again.
        409 | 423 | 425 | 498 | 529 => sure(FailureClass::Overloaded),
        413 if is_prompt_too_long(message) => sure(FailureClass::ContextWindow),
        413 => sure(FailureClass::RequestTooLarge),
        424 => sure(FailureClass::Server),
        429 => sure(FailureClass::Throttled),
        503 if words.kind == "service_unavailable_error" || is_overloaded(message) => {
            sure(FailureClass::Overloaded)
        }
        // Providers have answered 4xx for faults of their own, and said so in the type alone.
        400..=499 if is_own_fault(&words.kind) && !is_prompt_too_long(message) => {
            sure(FailureClass::Server)
        }
        400..=499 => of_bad_request(message),
        // Servers of open models have said so with a 500.
        500 if is_prompt_too_long(message) => sure(FailureClass::ContextWindow),
        _ => sure(FailureClass::Server),
    }
}

fn is_own_fault(kind: &str) -> bool {
    matches!(kind, "server_error" | "api_error" | "internal_error")
}

/// A 404 may be of the deployment's model, of a file that the request names, or of anything.
fn of_missing(words: &ErrorText, message: &str) -> Judged {
    // Anthropic names the model that it has not, and says no more.
    if is_no_model(message) || message.starts_with("model: ") {
        Judged::sure(FailureClass::NotFound)
    } else if is_of_the_request(message, &words.param) {
        Judged::sure(FailureClass::BadRequest)
    } else {
        Judged::suspected(FailureClass::NotFound)
    }
}

/// Many that copy OpenAI's API give no code, and tell the reason only in prose.
fn of_bad_request(message: &str) -> Judged {
    Judged::sure(if is_prompt_too_long(message) {
        FailureClass::ContextWindow
    } else if is_against_policy(message) {
        FailureClass::ContentPolicy
    } else if is_request_too_large_in_bytes(message) {
        FailureClass::RequestTooLarge
    } else if is_wrong_key(message) {
        FailureClass::Auth
    } else if is_no_model(message) {
        FailureClass::NotFound
    } else {
        FailureClass::BadRequest
    })
}

/// Gemini's 400 for a body that is too large.
fn is_request_too_large_in_bytes(message: &str) -> bool {
    message.contains("payload size exceeds")
}

/// What type and prose say where there is no status to go by.
fn of_kind(words: &ErrorText, message: &str) -> Judged {
    Judged::sure(match words.kind.as_str() {
        "requests" | "tokens" => FailureClass::Throttled,
        "service_unavailable_error" => FailureClass::Overloaded,
        "not_found_error" | "NOT_FOUND" | "UNIMPLEMENTED" => return of_missing(words, message),
        "invalid_request_error" | "BadRequestError" | "INVALID_ARGUMENT" | "OUT_OF_RANGE" => {
            return of_bad_request(message);
        }
        _ if is_prompt_too_long(message) => FailureClass::ContextWindow,
        _ if is_against_policy(message) => FailureClass::ContentPolicy,
        _ if is_overloaded(message) => FailureClass::Overloaded,
        _ if message.contains("rate limit") => FailureClass::Throttled,
        _ => FailureClass::Server,
    })
}

#[cfg(test)]
mod tests;
