//! OpenAI's errors, as it writes them.

use crate::error::ApiError;
use crate::go_duration;
use crate::serve::{ApiEndpoint, VendorError, masked};
use squall_failure::{FailureClass, ProviderLimitKind};
use std::fmt::Write as _;

/// The window of a provider that has none of its own.
const USUAL_WINDOW: u32 = 128_000;
/// The limit of requests that a 429 tells of where there is none.
const USUAL_LIMIT: u64 = 500;
const KEYS: &str = "https://platform.openai.com/account/api-keys";

/// What OpenAI says of an error.
pub(crate) fn api_error(told: &VendorError<'_>) -> ApiError {
    let mut error = of_class(told);
    if let Some(message) = told.message {
        message.clone_into(&mut error.message);
        error.code = told.code.map(str::to_owned);
        error.param = told.param.map(str::to_owned);
    }
    error
}

fn of_class(told: &VendorError<'_>) -> ApiError {
    let base = ApiError::of(told.class, told.model());
    match told.class {
        FailureClass::Throttled => throttled(told),
        FailureClass::ContextWindow => too_long(told, base),
        FailureClass::Auth if told.status == 403 => ApiError {
            message: "Country, region, or territory not supported".to_owned(),
            kind: "request_forbidden".to_owned(),
            param: None,
            code: Some("unsupported_country_region_territory".to_owned()),
        },
        FailureClass::Auth => wrong_key(told, base),
        FailureClass::Server => {
            let id = told.request_id;
            base.with_message(format!(
                "The server had an error processing your request. Sorry about that! You can retry your \
                 request, or contact us through our help center at help.openai.com if you keep seeing this \
                 error. (Please include the request ID {id} in your email.)"
            ))
        }
        FailureClass::Overloaded
        | FailureClass::Timeout
        | FailureClass::Connect
        | FailureClass::Stalled
        | FailureClass::Cut
        | FailureClass::NotFound
        | FailureClass::ContentPolicy
        | FailureClass::QuotaSpent
        | FailureClass::AnswerTooLarge
        | FailureClass::Resources
        | FailureClass::Malformed => base,
        FailureClass::RequestTooLarge => too_large(told, base),
        FailureClass::BadRequest => ApiError {
            message: "Invalid value for 'content': expected a string, got null.".to_owned(),
            param: Some("messages.[0].content".to_owned()),
            ..base
        },
    }
}

fn wrong_key(told: &VendorError<'_>, base: ApiError) -> ApiError {
    match told.key.filter(|key| !key.is_empty()) {
        Some(key) => base.with_message(format!(
            "Incorrect API key provided: {}. You can find your API key at {KEYS}.",
            masked(key)
        )),
        None => ApiError {
            message: format!(
                "You didn't provide an API key. You need to provide your API key in an Authorization \
                 header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY), or as the password field \
                 (with blank username) if you're accessing the API from your browser and are prompted for \
                 a username and password. You can obtain an API key from {KEYS}."
            ),
            code: None,
            ..base
        },
    }
}

/// Each endpoint has its own words for it.
fn too_long(told: &VendorError<'_>, base: ApiError) -> ApiError {
    let (window, tokens) = told.window(USUAL_WINDOW);
    let (message, param) = match told.endpoint() {
        Some(ApiEndpoint::Responses) => (
            "Your input exceeds the context window of this model. Please adjust your input and try again."
                .to_owned(),
            "input",
        ),
        Some(
            ApiEndpoint::Completions
            | ApiEndpoint::Embeddings
            | ApiEndpoint::Images
            | ApiEndpoint::ImageEdits
            | ApiEndpoint::ImageVariations
            | ApiEndpoint::Speech
            | ApiEndpoint::Transcriptions
            | ApiEndpoint::Translations,
        ) => {
            let message = format!(
                "This model's maximum context length is {window} tokens, however you requested {tokens} \
                 tokens ({tokens} in your prompt; 0 for the completion). Please reduce your prompt; or \
                 completion length."
            );
            return ApiError { message, param: None, code: None, ..base };
        }
        Some(ApiEndpoint::Chat | ApiEndpoint::Messages | ApiEndpoint::Generate) | None => (
            format!(
                "This model's maximum context length is {window} tokens. However, your messages resulted \
                 in {tokens} tokens. Please reduce the length of the messages."
            ),
            "messages",
        ),
    };
    ApiError { message, param: Some(param.to_owned()), ..base }
}

/// A request that no wait lets in.
fn too_large(told: &VendorError<'_>, base: ApiError) -> ApiError {
    let model = told.model();
    let limit = told.gauge().and_then(|gauge| gauge.limit).unwrap_or(30_000);
    let requested = u64::from(told.input_tokens).max(limit + 1);
    ApiError {
        message: format!(
            "Request too large for {model} in organization org-squall on tokens per min (TPM): Limit \
             {limit}, Requested {requested}. The input or output tokens must be reduced in order to run \
             successfully. Visit https://platform.openai.com/account/rate-limits to learn more."
        ),
        code: Some("rate_limit_exceeded".to_owned()),
        ..base
    }
}

/// A 429 that names the limit that is reached, how far, and when to come again.
fn throttled(told: &VendorError<'_>) -> ApiError {
    let error = |message, kind: &str, code: &str| ApiError {
        message,
        kind: kind.to_owned(),
        param: None,
        code: Some(code.to_owned()),
    };
    let model = told.model();
    let exceeded = told.exceeded.unwrap_or(ProviderLimitKind::Requests);
    let (kind, unit) = match exceeded {
        ProviderLimitKind::Requests | ProviderLimitKind::Capacity => {
            ("requests", "requests per min (RPM)")
        }
        ProviderLimitKind::Day => ("requests", "requests per day (RPD)"),
        ProviderLimitKind::Tokens => ("tokens", "tokens per min (TPM)"),
        ProviderLimitKind::InputTokens => ("tokens", "input tokens per min"),
        ProviderLimitKind::OutputTokens => ("tokens", "output tokens per min"),
        ProviderLimitKind::Growth => {
            let message = format!(
                "Your traffic to {model} grows too fast. Slow down, keep to a steady rate for at least 15 \
                 minutes, then raise it gradually."
            );
            return error(message, "rate_limit_error", "slow_down");
        }
    };
    let mut message =
        format!("Rate limit reached for {model} in organization org-squall on {unit}: ");
    let gauge = told.gauge().and_then(|gauge| Some((gauge.limit?, gauge.remaining?)));
    let (limit, remaining) = gauge.unwrap_or((USUAL_LIMIT, 0));
    let used = limit.saturating_sub(remaining);
    let requested = if kind == "requests" { 1 } else { told.input_tokens };
    write!(message, "Limit {limit}, Used {used}, Requested {requested}.")
        .expect("a String takes all");
    if let Some(wait) = told.wait {
        let wait = go_duration::format(wait);
        write!(message, " Please try again in {wait}.").expect("a String takes all");
    }
    message += " Visit https://platform.openai.com/account/rate-limits to learn more.";
    error(message, kind, "rate_limit_exceeded")
}
