//! Azure OpenAI's errors: some in OpenAI's words, some in its own.

use crate::json::json_string;
use crate::serve::{ApiEndpoint, VendorClass, VendorError};
use crate::vendor::openai::serving;
use squall_failure::ProviderLimitKind;

const SUPPORT: &str = "https://go.microsoft.com/fwlink/?linkid=2213926";

pub(super) fn error_body(told: &VendorError<'_>) -> String {
    let (code, said) = match told.vendor_class() {
        VendorClass::Throttled => throttled(told),
        VendorClass::ContentPolicy => return filtered(told),
        // Azure says so in OpenAI's words.
        VendorClass::ContextWindow
        | VendorClass::BadRequest
        | VendorClass::QuotaSpent
        | VendorClass::RequestTooLarge => {
            return String::from_utf8_lossy(&serving::api_error(told).body()).into_owned();
        }
        VendorClass::Server => return server(told),
        VendorClass::Overloaded => (
            told.status.to_string(),
            "The system is currently experiencing high demand and cannot process your request. Your request \
             exceeds the maximum usage size allowed during peak load. For improved capacity reliability, \
             consider switching to Provisioned Throughput."
                .to_owned(),
        ),
        VendorClass::Auth if told.status == 403 => (
            "403".to_owned(),
            "Access denied due to Virtual Network/Firewall rules.".to_owned(),
        ),
        VendorClass::Auth => (
            "401".to_owned(),
            "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a \
             valid key for an active subscription and use a correct regional API endpoint for your \
             resource."
                .to_owned(),
        ),
        VendorClass::NotFound => (
            "DeploymentNotFound".to_owned(),
            "The API deployment for this resource does not exist. If you created the deployment within the \
             last 5 minutes, please wait a moment and try again."
                .to_owned(),
        ),
        VendorClass::Timeout => ("Timeout".to_owned(), "The operation was timeout.".to_owned()),
    };
    let said = told.message.unwrap_or(&said);
    format!(r#"{{"error":{{"code":{},"message":{}}}}}"#, json_string(&code), json_string(said))
}

fn server(told: &VendorError<'_>) -> String {
    let said = format!(
        "The server had an error processing your request. Sorry about that! You can retry your request, or \
         contact us through an Azure support request at: {SUPPORT} if you keep seeing this error. (Please \
         include the request ID {} in your email.)",
        told.request_id
    );
    let said = json_string(told.message.unwrap_or(&said));
    format!(r#"{{"error":{{"message":{said},"type":"server_error","param":null,"code":null}}}}"#)
}

fn throttled(told: &VendorError<'_>) -> (String, String) {
    let operation = match told.endpoint() {
        Some(ApiEndpoint::Embeddings) => "Embeddings_Create",
        Some(ApiEndpoint::Completions) => "Completions_Create",
        Some(ApiEndpoint::Responses) => "Responses_Create",
        Some(ApiEndpoint::Images) => "ImageGenerations_Create",
        Some(ApiEndpoint::ImageEdits) => "ImageEdits_Create",
        Some(ApiEndpoint::ImageVariations) => "ImageVariations_Create",
        Some(ApiEndpoint::Speech) => "Speech_Create",
        Some(ApiEndpoint::Transcriptions) => "Transcriptions_Create",
        Some(ApiEndpoint::Translations) => "Translations_Create",
        Some(ApiEndpoint::Chat | ApiEndpoint::Messages | ApiEndpoint::Generate) | None => {
            "ChatCompletions_Create"
        }
    };
    let limit = match told.exceeded {
        Some(
            ProviderLimitKind::Tokens
            | ProviderLimitKind::InputTokens
            | ProviderLimitKind::OutputTokens,
        ) => "token",
        Some(
            ProviderLimitKind::Requests
            | ProviderLimitKind::Day
            | ProviderLimitKind::Growth
            | ProviderLimitKind::Capacity,
        )
        | None => "call",
    };
    let wait = told
        .wait_secs()
        .map_or(String::new(), |seconds| format!(" Please retry after {seconds} seconds."));
    let said = format!(
        "Requests to the {operation} Operation under Azure OpenAI API version 2024-10-21 have exceeded \
         {limit} rate limit of your current OpenAI S0 pricing tier.{wait} Please go here: \
         https://aka.ms/oai/quotaincrease if you would like to further increase the default rate limit."
    );
    (told.status.to_string(), said)
}

fn filtered(told: &VendorError<'_>) -> String {
    let said = "The response was filtered due to the prompt triggering Azure OpenAI's content management \
                policy. Please modify your prompt and retry. To learn more about our content filtering \
                policies please read our documentation: https://go.microsoft.com/fwlink/?linkid=2198766";
    let said = json_string(told.message.unwrap_or(said));
    let status = told.status;
    format!(
        concat!(
            r#"{{"error":{{"message":{},"type":null,"param":"prompt","code":"content_filter","status":{},"#,
            r#""innererror":{{"code":"ResponsibleAIPolicyViolation","content_filter_result":{{"#,
            r#""hate":{{"filtered":true,"severity":"high"}},"#,
            r#""jailbreak":{{"filtered":false,"detected":false}},"#,
            r#""self_harm":{{"filtered":false,"severity":"safe"}},"#,
            r#""sexual":{{"filtered":false,"severity":"safe"}},"#,
            r#""violence":{{"filtered":false,"severity":"safe"}}}}}}}}}}"#
        ),
        said, status
    )
}
