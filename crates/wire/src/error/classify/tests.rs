//! What errors mean, by the bytes that vendors send.

use super::*;
use crate::error::ApiError;
use http::{HeaderName, HeaderValue};
use squall_failure::{Evidence, FailureSource};
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
    assert_eq!(failure(400, &[], "").source, FailureSource::Client);
    assert_eq!(failure(500, &[], "").source, FailureSource::Provider);
}

#[test]
fn an_error_in_a_stream_is_read_without_a_status() {
    let class = |body: &str| failure_from_error(body.as_bytes()).class;
    assert_eq!(class(r#"{"error":{"type":"server_error"}}"#), FailureClass::Server);
    assert_eq!(class(r#"{"error":{"type":"tokens"}}"#), FailureClass::Throttled);
    assert_eq!(class(r#"{"error":{"code":429}}"#), FailureClass::Throttled);
    assert_eq!(class(r#"{"error":"?"}"#), FailureClass::Server);
}

#[test]
fn statuses_mean_what_their_vendors_mean_by_them() {
    for (status, class) in [
        (405, FailureClass::NotFound),
        (409, FailureClass::Overloaded),
        (413, FailureClass::RequestTooLarge),
        (423, FailureClass::Overloaded),
        (424, FailureClass::Server),
        (425, FailureClass::Overloaded),
        (498, FailureClass::Overloaded),
        (499, FailureClass::Timeout),
        (520, FailureClass::Server),
        (521, FailureClass::Server),
        (522, FailureClass::Timeout),
        (524, FailureClass::Timeout),
        (525, FailureClass::Server),
        (530, FailureClass::Server),
        (302, FailureClass::Server),
    ] {
        let failed = failure(status, &[], r#"{"error":{"message":"busy, come again"}}"#);
        assert_eq!(failed.class, class, "{status}");
    }
}

#[test]
fn a_bare_status_only_suspects_the_deployment_and_an_exact_word_accuses_it() {
    let evidence = |status, body: &str| failure(status, &[], body).evidence;
    for (status, body) in [
        (401, ""),
        (401, r#"{"detail":"Unauthorized"}"#),
        (402, r#"{"error":{"message":"Payment required"}}"#),
        (403, "<html><h1>403 Forbidden</h1>nginx</html>"),
        (
            403,
            r#"{"type":"error","error":{"type":"permission_error","message":"no beta for you"}}"#,
        ),
        (404, ""),
        (404, r#"{"detail":"Not Found"}"#),
        (404, r#"{"error":{"code":"404","message":"Resource not found"}}"#),
        (405, r#"{"detail":"Method Not Allowed"}"#),
    ] {
        assert_eq!(evidence(status, body), Evidence::Suspected, "{status} {body}");
    }
    for (status, body) in [
        (401, r#"{"error":{"message":"?","code":"invalid_api_key"}}"#),
        (401, r#"{"error":{"message":"Incorrect API key provided"}}"#),
        (
            401,
            r#"{"error":{"code":"401","message":"Access denied due to invalid subscription key"}}"#,
        ),
        (
            401,
            r#"{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}"#,
        ),
        (
            400,
            r#"{"error":{"code":400,"message":"API key not valid. Please pass a valid API key."}}"#,
        ),
        (402, r#"{"error":{"message":"Insufficient Balance","type":"unknown_error"}}"#),
        (429, r#"{"error":{"message":"?","code":"insufficient_quota"}}"#),
        (
            404,
            r#"{"error":{"message":"The model `x` does not exist or you do not have access to it.","code":"model_not_found"}}"#,
        ),
        (
            404,
            r#"{"object":"error","message":"The model `x` does not exist.","type":"NotFoundError","code":404}"#,
        ),
        (404, r#"{"error":"model 'llama9' not found, try pulling it first"}"#),
        (404, r#"{"error":{"code":"DeploymentNotFound","message":"?"}}"#),
        (404, r#"{"type":"error","error":{"type":"not_found_error","message":"model: claude-9"}}"#),
        (
            404,
            r#"{"error":{"code":404,"message":"models/gemini-9 is not found for API version v1beta","status":"NOT_FOUND"}}"#,
        ),
        (400, r#"{"error":{"message":"foo/bar is not a valid model ID","code":400}}"#),
    ] {
        assert_eq!(evidence(status, body), Evidence::Misconfigured, "{status} {body}");
    }
}

#[test]
fn what_a_request_names_and_what_is_more_than_it_may_ask_for_accuse_nobody() {
    for (status, body, class) in [
        (
            404,
            r#"{"error":{"message":"No such File object: file-abc","type":"invalid_request_error","param":"id"}}"#,
            FailureClass::BadRequest,
        ),
        (
            404,
            r#"{"error":{"message":"Previous response with id 'resp_1' not found.","param":"previous_response_id"}}"#,
            FailureClass::BadRequest,
        ),
        (
            404,
            r#"{"type":"error","error":{"type":"not_found_error","message":"File not found: file_011"}}"#,
            FailureClass::BadRequest,
        ),
        (
            402,
            r#"{"error":{"message":"This request requires more credits, or fewer max_tokens. You requested up to 65536 tokens, but can only afford 2800.","code":402}}"#,
            FailureClass::RequestTooLarge,
        ),
        (
            402,
            r#"{"error":{"message":"Prompt tokens limit exceeded: 9000 > 5000.","code":402}}"#,
            FailureClass::RequestTooLarge,
        ),
        (
            429,
            r#"{"error":{"message":"Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 41023.","type":"tokens","code":"rate_limit_exceeded"}}"#,
            FailureClass::RequestTooLarge,
        ),
        (
            429,
            r#"{"error":{"message":"Rate limit reached: Limit: 30,000, Used: 1, Requested: 30,001.","code":"rate_limit_exceeded"}}"#,
            FailureClass::RequestTooLarge,
        ),
        (
            413,
            r#"{"error":{"message":"Request too large for model on tokens per minute (TPM): Limit 6000, Requested 9000","code":"rate_limit_exceeded"}}"#,
            FailureClass::RequestTooLarge,
        ),
        (
            413,
            r#"{"error":{"code":"tokens_limit_reached","message":"Request body too large for gpt-4o model. Max size: 8000 tokens."}}"#,
            FailureClass::RequestTooLarge,
        ),
        (413, "<html>413 Request Entity Too Large</html>", FailureClass::RequestTooLarge),
        (
            429,
            r#"{"type":"error","error":{"type":"rate_limit_error","message":"Extra usage is required for long context requests."}}"#,
            FailureClass::RequestTooLarge,
        ),
        (
            400,
            r#"{"error":{"code":400,"message":"Request payload size exceeds the limit: 20971520 bytes.","status":"INVALID_ARGUMENT"}}"#,
            FailureClass::RequestTooLarge,
        ),
    ] {
        let failed = failure(status, &[], body);
        assert_eq!((failed.class, failed.evidence), (class, Evidence::None), "{status} {body}");
    }
    let minute = r#"{"error":{"message":"Rate limit reached for gpt-4 on tokens per min (TPM): Limit 10000, Used 9000, Requested 2000.","code":"rate_limit_exceeded"}}"#;
    assert_eq!(failure(429, &[], minute).class, FailureClass::Throttled);
}

/// How vendors say that a prompt is too long.
const TOO_LONG: [&str; 30] = [
    "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
    "Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in 300000 tokens.",
    "Your input exceeds the context window of this model. Please adjust your input and try again.",
    "Please reduce the length of the messages or completion.",
    "Invalid 'messages[0].content': string too long. Expected a string with maximum length 1048576.",
    "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
    "The decoder prompt (length 9001) is longer than the maximum model length of 8192.",
    "the request exceeds the available context size, try increasing it",
    "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
    "Unable to submit request because the input token count is 40000 but model only supports up to 32768.",
    "Input is too long for requested model.",
    "Too many input tokens. Max input tokens: 8192, request input token count: 9000",
    "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 8193. Given: 9000",
    "Input validation error: `inputs` must have less than 8192 tokens. Given: 9000",
    "prompt is too long: 200082 tokens > 199999 maximum",
    "input length and `max_tokens` exceed context limit: 199000 + 4096 > 200000",
    "The prompt is too long: 9000, model maximum context length: 8192",
    "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
    "too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 5000",
    "Range of input length should be [1, 30720]",
    "Invalid request: Your request exceeded model token limit: 8192",
    "prompt token count of 9000 exceeds the limit of 8192",
    "the number of input tokens 9000 cannot exceed the total tokens limit 8192 for this model",
    "The input (9000 tokens) is longer than the model's context length (8192 tokens).",
    "Trying to keep the first 9000 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens",
    "the input length exceeds the context length",
    "prompt too long; exceeded max context length by 12 tokens",
    "invalid params, context window exceeds limit",
    "Prompt has too many tokens",
    "Prompt 超长",
];

#[test]
fn a_prompt_too_long_is_known_in_every_vendors_words() {
    for message in TOO_LONG {
        let body = serde_json::json!({ "error": { "message": message, "code": 400 } }).to_string();
        for status in [400, 413, 422, 500] {
            assert_eq!(failure(status, &[], &body).class, FailureClass::ContextWindow, "{message}");
        }
        assert_eq!(failure_from_error(body.as_bytes()).class, FailureClass::ContextWindow);
    }
}

#[test]
fn other_errors_that_speak_of_tokens_and_lengths_are_bad_requests() {
    for message in [
        "max_tokens is too large: 100000. This model supports at most 16384 completion tokens, whereas you provided 100000.",
        "max_tokens: 100000 > 8192, which is the maximum allowed number of output tokens for claude",
        "Range of max_tokens should be [1, 8192]",
        "The maximum tokens you requested exceeds the model limit of 4096.",
        "Invalid 'user': string too long. Expected a string with maximum length 64, but got 70.",
        "Invalid 'tools[0].function.name': string too long. Expected a string with maximum length 64.",
        "`temperature` is deprecated for this model",
        "Unrecognized request argument supplied: context",
        "Invalid value for 'prompt_cache_key'",
        "messages: at least one message is required",
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        "stop: too many stop sequences",
        "The image is too large",
    ] {
        let body = serde_json::json!({ "error": { "message": message } }).to_string();
        assert_eq!(failure(400, &[], &body).class, FailureClass::BadRequest, "{message}");
    }
}

#[test]
fn a_policy_on_content_is_known_in_every_vendors_words() {
    for (status, message) in [
        (
            400,
            "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
        ),
        (400, "Output blocked by content filtering policy"),
        (400, "Invalid prompt: your prompt was flagged as potentially violating our usage policy."),
        (400, "Content Exists Risk"),
        (400, "Input data may contain inappropriate content."),
        (400, "The request was rejected because it was considered high risk"),
        (403, "Content violates usage guidelines."),
        (403, "The model requires moderation. Your input was flagged for \"violence\"."),
    ] {
        let body = serde_json::json!({ "error": { "message": message } }).to_string();
        let failed = failure(status, &[], &body);
        assert_eq!(failed.class, FailureClass::ContentPolicy, "{message}");
        assert_eq!(failed.evidence, Evidence::None, "{message}");
    }
}
