//! Gemini's errors: a status word, and details for programs.

use crate::json::json_string;
use crate::serve::{VendorClass, VendorError};
use squall_failure::{FailureClass, ProviderLimitKind};
use std::io::Write as _;
use std::time::Duration;

/// The window of a provider that has none of its own.
const USUAL_WINDOW: u32 = 1_048_576;
/// The limit of requests that a 429 tells of where there is none.
const USUAL_LIMIT: u64 = 15;

/// Gemini's status for a class. A key that is wrong is an invalid argument to it, and a prompt that policy
/// refuses is answered, and the answer says so.
pub(super) const fn status_of(class: FailureClass) -> u16 {
    match VendorClass::of(class) {
        VendorClass::Throttled | VendorClass::QuotaSpent | VendorClass::RequestTooLarge => 429,
        VendorClass::Overloaded => 503,
        VendorClass::Server => 500,
        VendorClass::Timeout => 504,
        VendorClass::NotFound => 404,
        VendorClass::Auth | VendorClass::ContextWindow | VendorClass::BadRequest => 400,
        VendorClass::ContentPolicy => 200,
    }
}

/// The word for a class at a status, which may be more exact.
const fn word_of(class: VendorClass, status: u16) -> &'static str {
    match class {
        VendorClass::Throttled | VendorClass::QuotaSpent | VendorClass::RequestTooLarge => {
            "RESOURCE_EXHAUSTED"
        }
        VendorClass::Overloaded => "UNAVAILABLE",
        VendorClass::Server => "INTERNAL",
        VendorClass::Timeout => "DEADLINE_EXCEEDED",
        VendorClass::NotFound => "NOT_FOUND",
        VendorClass::Auth => match status {
            401 => "UNAUTHENTICATED",
            403 => "PERMISSION_DENIED",
            _ => "INVALID_ARGUMENT",
        },
        VendorClass::ContextWindow | VendorClass::ContentPolicy | VendorClass::BadRequest => {
            "INVALID_ARGUMENT"
        }
    }
}

/// A body; of a prompt that policy refuses, with status 200, the answer that says so.
pub(super) fn error_body(told: &VendorError<'_>) -> Vec<u8> {
    if told.vendor_class() == VendorClass::ContentPolicy && told.status == 200 {
        let tokens = told.input_tokens;
        let model = json_string(told.model());
        return format!(
            r#"{{"promptFeedback":{{"blockReason":"PROHIBITED_CONTENT"}},"usageMetadata":{{"promptTokenCount":{tokens},"totalTokenCount":{tokens}}},"modelVersion":{model}}}"#
        )
        .into_bytes();
    }
    let (status, word) = (told.status, word_of(told.vendor_class(), told.status));
    let said = told.message.map_or_else(|| said(told), str::to_owned);
    let said = json_string(&said);
    let mut out = Vec::with_capacity(512);
    write!(out, r#"{{"error":{{"code":{status},"message":{said},"status":"{word}""#)
        .expect("a Vec takes all");
    push_details(&mut out, told);
    out.extend_from_slice(b"}}");
    out
}

fn said(told: &VendorError<'_>) -> String {
    match told.vendor_class() {
        VendorClass::Throttled | VendorClass::QuotaSpent | VendorClass::RequestTooLarge => {
            exhausted(told)
        }
        VendorClass::Overloaded => "The model is overloaded. Please try again later.".to_owned(),
        VendorClass::Timeout => "Deadline expired before operation could complete.".to_owned(),
        VendorClass::Auth => match told.status {
            401 => "Request had invalid authentication credentials. Expected OAuth 2 access token, login \
                    cookie or other valid authentication credential. See \
                    https://developers.google.com/identity/sign-in/web/devconsole-project."
                .to_owned(),
            403 => "Your API key was reported as leaked. Please use another API key.".to_owned(),
            _ => INVALID_KEY.to_owned(),
        },
        VendorClass::NotFound => format!(
            "models/{} is not found for API version v1beta, or is not supported for generateContent. Call \
             ListModels to see the list of available models and their supported methods.",
            told.model()
        ),
        VendorClass::ContextWindow => {
            let (window, tokens) = told.window(USUAL_WINDOW);
            format!(
                "The input token count ({tokens}) exceeds the maximum number of tokens allowed ({window})."
            )
        }
        VendorClass::ContentPolicy => "The prompt was blocked.".to_owned(),
        VendorClass::BadRequest => "Request contains an invalid argument.".to_owned(),
        VendorClass::Server => "An internal error has occurred. Please retry or report in \
                                https://developers.generativeai.google/guide/troubleshooting"
            .to_owned(),
    }
}

const INVALID_KEY: &str = "API key not valid. Please pass a valid API key.";

/// What a quota is called: its metric, its id, and its value.
fn quota(told: &VendorError<'_>) -> (&'static str, &'static str, u64) {
    let limit = told.gauge().and_then(|gauge| gauge.limit).unwrap_or(USUAL_LIMIT);
    match told.exceeded {
        _ if told.vendor_class() == VendorClass::QuotaSpent => (
            "generate_content_free_tier_requests",
            "GenerateRequestsPerDayPerProjectPerModel-FreeTier",
            limit,
        ),
        Some(ProviderLimitKind::Day) => (
            "generate_requests_per_model_per_day",
            "GenerateRequestsPerDayPerProjectPerModel",
            limit,
        ),
        Some(
            ProviderLimitKind::Tokens
            | ProviderLimitKind::InputTokens
            | ProviderLimitKind::OutputTokens,
        ) => (
            "generate_content_paid_tier_input_token_count",
            "GenerateContentPaidTierInputTokensPerModelPerMinute",
            limit,
        ),
        Some(
            ProviderLimitKind::Requests | ProviderLimitKind::Growth | ProviderLimitKind::Capacity,
        )
        | None => {
            ("generate_requests_per_model", "GenerateRequestsPerMinutePerProjectPerModel", limit)
        }
    }
}

fn exhausted(told: &VendorError<'_>) -> String {
    let (metric, _, limit) = quota(told);
    let wait =
        told.wait.map_or(String::new(), |wait| format!("\nPlease retry in {}.", seconds(wait)));
    format!(
        "You exceeded your current quota, please check your plan and billing details. For more information \
         on this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits. \n* Quota exceeded for \
         metric: generativelanguage.googleapis.com/{metric}, limit: {limit}, model: {}{wait}",
        told.model()
    )
}

/// Which quota is exceeded and when to come again, or what is wrong with a key.
fn push_details(out: &mut Vec<u8>, told: &VendorError<'_>) {
    if told.vendor_class() == VendorClass::Auth && told.status == 400 {
        let said = json_string(INVALID_KEY);
        write!(
            out,
            concat!(
                r#","details":[{{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"#,
                r#""API_KEY_INVALID","domain":"googleapis.com","metadata":{{"service":"#,
                r#""generativelanguage.googleapis.com"}}}},{{"@type":"#,
                r#""type.googleapis.com/google.rpc.LocalizedMessage","locale":"en-US","message":{}}}]"#
            ),
            said
        )
        .expect("a Vec takes all");
    }
    if !matches!(
        told.vendor_class(),
        VendorClass::Throttled | VendorClass::QuotaSpent | VendorClass::RequestTooLarge
    ) {
        return;
    }
    // Whoever says more exactly what is exhausted is not Google, and has none of its quotas.
    if told.message.is_some() && told.exceeded.is_none() {
        if let Some(wait) = told.wait {
            out.extend_from_slice(br#","details":["#);
            push_retry(out, wait);
            out.push(b']');
        }
        return;
    }
    let (metric, id, limit) = quota(told);
    let model = json_string(told.model());
    write!(
        out,
        concat!(
            r#","details":[{{"@type":"type.googleapis.com/google.rpc.Help","links":[{{"description":"#,
            r#""Learn more about Gemini API quotas","url":"https://ai.google.dev/gemini-api/docs/rate-limits"}}]}},"#,
            r#"{{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{{"quotaMetric":"#,
            r#""generativelanguage.googleapis.com/{}","quotaId":"{}","quotaDimensions":{{"location":"#,
            r#""global","model":{}}},"quotaValue":"{}"}}]}}"#
        ),
        metric, id, model, limit
    )
    .expect("a Vec takes all");
    if let Some(wait) = told.wait {
        out.push(b',');
        push_retry(out, wait);
    }
    out.push(b']');
}

fn push_retry(out: &mut Vec<u8>, wait: Duration) {
    let wait = seconds(wait);
    write!(out, r#"{{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"{wait}"}}"#)
        .expect("a Vec takes all");
}

/// A duration as Google's JSON has it: `36s`, `36.429760048s`.
fn seconds(wait: Duration) -> String {
    let nanos = wait.subsec_nanos();
    if nanos == 0 {
        return format!("{}s", wait.as_secs());
    }
    let part = format!("{nanos:09}");
    format!("{}.{}s", wait.as_secs(), part.trim_end_matches('0'))
}
