//! Anthropic's errors.

use crate::json::json_string;
use crate::serve::{VendorClass, VendorError};
use squall_failure::{FailureClass, ProviderLimitKind};
use std::io::Write as _;

/// The window of a provider that has none of its own.
const USUAL_WINDOW: u32 = 200_000;
/// The limit of requests that a 429 tells of where there is none.
const USUAL_LIMIT: u64 = 50;

/// Anthropic's status for a class, where it differs from others'.
pub(super) const fn status_of(class: FailureClass) -> u16 {
    match class {
        FailureClass::Overloaded => 529,
        FailureClass::QuotaSpent => 402,
        class => class.status(),
    }
}

/// A whole body.
pub(super) fn error_body(told: &VendorError<'_>) -> Vec<u8> {
    let mut body = error_event(told);
    body.pop();
    let request_id = json_string(told.request_id);
    write!(body, r#","request_id":{request_id}}}"#).expect("a Vec takes all");
    body
}

/// The error of a stream: a body without the number of the request.
pub(super) fn error_event(told: &VendorError<'_>) -> Vec<u8> {
    let kind = json_string(kind_of(told));
    let said = told.message.map_or_else(|| said(told), str::to_owned);
    let said = json_string(&said);
    let details = if told.exceeded == Some(ProviderLimitKind::Growth) {
        r#","details":{"error_code":"ramp_limit_exceeded"}"#
    } else {
        ""
    };
    format!(r#"{{"type":"error","error":{{"type":{kind},"message":{said}{details}}}}}"#)
        .into_bytes()
}

/// The type: that of the class, or of a status that is more exact.
fn kind_of(told: &VendorError<'_>) -> &'static str {
    match (told.vendor_class(), told.status) {
        (VendorClass::Auth, 403) => "permission_error",
        (VendorClass::BadRequest | VendorClass::ContextWindow, 413)
        | (VendorClass::RequestTooLarge, _) => "request_too_large",
        // A spent balance was long told as an invalid request, and is in places still.
        (VendorClass::QuotaSpent, 400) => "invalid_request_error",
        (VendorClass::QuotaSpent, 429) => "rate_limit_error",
        (VendorClass::Throttled, _) => "rate_limit_error",
        (VendorClass::Overloaded, _) => "overloaded_error",
        (VendorClass::Timeout, _) => "timeout_error",
        (VendorClass::Auth, _) => "authentication_error",
        (VendorClass::NotFound, _) => "not_found_error",
        (VendorClass::QuotaSpent, _) => "billing_error",
        (VendorClass::ContextWindow | VendorClass::ContentPolicy | VendorClass::BadRequest, _) => {
            "invalid_request_error"
        }
        (VendorClass::Server, _) => "api_error",
    }
}

fn said(told: &VendorError<'_>) -> String {
    match (told.vendor_class(), told.status) {
        (VendorClass::Throttled, _) => throttled(told),
        (VendorClass::Overloaded, _) => "Overloaded".to_owned(),
        (VendorClass::Timeout, _) => "Request timed out".to_owned(),
        (VendorClass::Auth, 403) => {
            "Your API key does not have permission to use the specified resource.".to_owned()
        }
        (VendorClass::Auth, _) if told.asked.is_some() && told.key.is_none_or(str::is_empty) => {
            "x-api-key header is required".to_owned()
        }
        (VendorClass::Auth, _) => "invalid x-api-key".to_owned(),
        (VendorClass::NotFound, _) => format!("model: {}", told.model()),
        (VendorClass::BadRequest | VendorClass::ContextWindow, 413)
        | (VendorClass::RequestTooLarge, _) => {
            "Request exceeds the maximum size".to_owned()
        }
        (VendorClass::ContextWindow, _) => {
            let (window, tokens) = told.window(USUAL_WINDOW);
            format!("prompt is too long: {tokens} tokens > {window} maximum")
        }
        (VendorClass::ContentPolicy, _) => "Output blocked by content filtering policy".to_owned(),
        (VendorClass::BadRequest, _) => {
            "messages: roles must alternate between \"user\" and \"assistant\", but found multiple \"user\" \
             roles in a row"
                .to_owned()
        }
        (VendorClass::QuotaSpent, _) => {
            "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to \
             upgrade or purchase credits."
                .to_owned()
        }
        (VendorClass::Server, _) => "Internal server error".to_owned(),
    }
}

fn throttled(told: &VendorError<'_>) -> String {
    let unit = match told.exceeded {
        Some(ProviderLimitKind::InputTokens) => "input tokens per minute",
        Some(ProviderLimitKind::OutputTokens) => "output tokens per minute",
        Some(ProviderLimitKind::Tokens) => "tokens per minute",
        Some(ProviderLimitKind::Day) => "requests per day",
        Some(ProviderLimitKind::Growth) => {
            return "This request would exceed your organization's acceleration limit: ramp up traffic \
                    gradually and keep to consistent usage patterns"
                .to_owned();
        }
        Some(ProviderLimitKind::Requests | ProviderLimitKind::Capacity) | None => {
            "requests per minute"
        }
    };
    let limit = told.gauge().and_then(|gauge| gauge.limit).unwrap_or(USUAL_LIMIT);
    let limit = thousands(limit);
    format!(
        "This request would exceed the rate limit for your organization \
         (00000000-0000-4000-8000-000000000000) of {limit} {unit}. For details, refer to: \
         https://docs.claude.com/en/api/rate-limits. You can see the response headers for current usage. \
         Please reduce the prompt length or the maximum tokens requested, or try again later. You may also \
         contact sales at https://www.anthropic.com/contact-sales to discuss your options for a rate limit \
         increase."
    )
}

/// `20,000`.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_written_in_threes() {
        let written = [7, 999, 1_000, 20_000, 1_000_000].map(thousands);
        assert_eq!(written, ["7", "999", "1,000", "20,000", "1,000,000"]);
    }
}
