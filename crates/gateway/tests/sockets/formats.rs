//! Upstreams that do not speak OpenAI's format: what they are asked, and what clients see of them.

use crate::answers::COMPLETION;
use crate::rig::{
    always, ask, ask_with, gateway_of, get, pausing_provider, provider, repeating_provider, send,
    stream, whole,
};
use serde_json::{Value, json};
use squall_gateway::{Gateway, UpstreamConfig};
use squall_router::{HealthChecks, Retries};
use squall_wire::Format;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::task::JoinHandle;

/// Longer than any machine takes: what it bounds is a test that would hang.
const PATIENCE: Duration = Duration::from_secs(60);

/// A gateway whose deployments speak these formats, in their order.
async fn gateway(upstreams: &[(Format, SocketAddr)]) -> Gateway {
    let addrs: Vec<_> = upstreams.iter().map(|(_, addr)| *addr).collect();
    gateway_of(&addrs, |setup| {
        for (upstream, (format, addr)) in setup.upstreams.iter_mut().zip(upstreams) {
            *upstream = UpstreamConfig {
                format: *format,
                base_url: format!("http://{addr}{}", format.base_path()),
                ..upstream.clone()
            };
        }
    })
    .await
}

fn anthropic_message(text: &str) -> String {
    let body = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-haiku-4-5",
        "content": [{ "type": "text", "text": text }],
        "stop_reason": "end_turn", "usage": { "input_tokens": 10, "output_tokens": 3 },
    });
    whole("200 OK", &body.to_string())
}

const ANTHROPIC_START: &str = concat!(
    "event: message_start\n",
    r#"data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","#,
    r#""model":"claude-haiku-4-5","content":[],"usage":{"input_tokens":10,"output_tokens":1}}}"#,
    "\n\nevent: ping\ndata: {\"type\":\"ping\"}\n\n",
);

const ANTHROPIC_TOKEN: &str = concat!(
    "event: content_block_delta\n",
    r#"data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hi"}}"#,
    "\n\n",
);

const ANTHROPIC_END: &str = concat!(
    "event: message_delta\n",
    r#"data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":3}}"#,
    "\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
);

const ANTHROPIC_ERROR: &str = concat!(
    "event: error\n",
    r#"data: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
    "\n\n",
);

const GEMINI_STREAM: &str = concat!(
    r#"data: {"candidates":[{"content":{"parts":[{"text":"hi"}],"role":"model"},"index":0}]}"#,
    "\r\n\r\n",
    r#"data: {"candidates":[{"content":{"parts":[{"text":" there"}],"role":"model"},"#,
    r#""finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":10,"#,
    r#""candidatesTokenCount":2},"modelVersion":"gemini-2.5-flash","responseId":"r1"}"#,
    "\r\n\r\n",
);

async fn asked(served: JoinHandle<String>) -> String {
    served.await.expect("it was called")
}

fn has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no `{part}` in {text}");
    }
}

/// The texts of a stream, put together.
fn said(body: &str) -> String {
    let data = body.lines().filter_map(|line| line.strip_prefix("data: "));
    let chunks = data.filter_map(|data| serde_json::from_str::<Value>(data).ok());
    let texts = chunks
        .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str().map(str::to_owned));
    texts.collect()
}

#[tokio::test]
async fn anthropic_is_asked_in_its_words_and_its_answer_is_openais() {
    let (addr, served) = provider(anthropic_message("hi there")).await;
    let gateway = gateway(&[(Format::Anthropic, addr)]).await;
    let (head, body) = ask(&gateway, "chat", false).await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    let body: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(body["object"], "chat.completion");
    assert_eq!(body["choices"][0]["message"]["content"], "hi there");
    assert_eq!(body["usage"]["total_tokens"], 13);
    let request = asked(served).await;
    assert!(request.starts_with("post /v1/messages http/1.1"), "{request}");
    has(
        &request,
        &[
            "x-api-key: secret",
            "anthropic-version: 2023-06-01",
            "x-squall-token: squall-7-10-20",
            r#""model":"model-0""#,
            r#""max_tokens":4096"#,
        ],
    );
    assert!(!request.contains("authorization"), "{request}");
}

#[tokio::test]
async fn gemini_is_asked_at_the_path_of_its_model() {
    let (addr, served) = provider(stream(GEMINI_STREAM)).await;
    let gateway = gateway(&[(Format::Gemini, addr)]).await;
    let (_, body) = ask(&gateway, "chat", true).await;
    assert_eq!(said(&body), "hi there");
    assert!(body.ends_with("data: [DONE]\n\n"), "{body}");
    let request = asked(served).await;
    let path = "post /v1beta/models/model-0:streamgeneratecontent?alt=sse http/1.1";
    assert!(request.starts_with(path), "{request}");
    has(&request, &["x-goog-api-key: secret", "x-squall-token: squall-7-10-20"]);
}

#[tokio::test]
async fn azure_is_asked_at_the_path_of_its_deployment_and_version() {
    let (addr, served) = provider(whole("200 OK", COMPLETION)).await;
    let gateway = gateway(&[(Format::Azure, addr)]).await;
    let (_, body) = ask(&gateway, "chat", false).await;
    assert_eq!(body, COMPLETION);
    let request = asked(served).await;
    let path = "post /openai/deployments/model-0/chat/completions?api-version=2024-10-21 http";
    assert!(request.starts_with(path), "{request}");
    has(&request, &["api-key: secret"]);
}

#[tokio::test]
async fn a_base_url_may_name_another_version() {
    let (addr, served) = provider(whole("200 OK", COMPLETION)).await;
    let gateway = gateway_of(&[addr], |setup| {
        setup.upstreams[0].format = Format::Azure;
        setup.upstreams[0].base_url =
            format!("http://{addr}/openai?api-version=2025-04-01-preview");
    })
    .await;
    ask(&gateway, "chat", false).await;
    let request = asked(served).await;
    let path =
        "post /openai/deployments/model-0/chat/completions?api-version=2025-04-01-preview http";
    assert!(request.starts_with(path), "{request}");
}

#[tokio::test]
async fn a_name_that_a_client_chose_stays_one_segment_of_the_path() {
    let (addr, served) = provider(whole("200 OK", COMPLETION)).await;
    let gateway = gateway_of(&[addr], |setup| {
        "g/*".clone_into(&mut setup.router.groups[0].name);
        setup.upstreams[0].format = Format::Azure;
        setup.upstreams[0].base_url = format!("http://{addr}/openai");
        "*".clone_into(&mut setup.upstreams[0].model);
    })
    .await;
    ask(&gateway, "g/../../admin?x=1", false).await;
    let request = asked(served).await;
    let path = "post /openai/deployments/..%2f..%2fadmin%3fx%3d1/chat/completions?api-version";
    assert!(request.starts_with(path), "{request}");
}

#[tokio::test]
async fn a_stream_of_anthropics_comes_as_openais_chunks() {
    let events = [ANTHROPIC_START, ANTHROPIC_TOKEN, ANTHROPIC_END].concat();
    let (addr, served) = provider(stream(&events)).await;
    let gateway = gateway(&[(Format::Anthropic, addr)]).await;
    let (head, body) = ask(&gateway, "chat", true).await;
    assert!(head.contains("text/event-stream"), "{head}");
    assert_eq!(said(&body), "hi");
    has(&body, &["chat.completion.chunk", r#""finish_reason":"stop""#]);
    assert!(body.ends_with("data: [DONE]\n\n"), "{body}");
    for word in ["message_start", "event:", "ping", "\"usage\""] {
        assert!(!body.contains(word), "`{word}` in {body}");
    }
    has(&asked(served).await, &[r#""stream":true"#]);
}

#[tokio::test]
async fn tools_go_there_and_calls_come_back() {
    let message = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-haiku-4-5",
        "content": [{ "type": "tool_use", "id": "toolu_1", "name": "weather", "input": { "city": "Paris" } }],
        "stop_reason": "tool_use", "usage": { "input_tokens": 10, "output_tokens": 3 },
    });
    let (addr, served) = provider(whole("200 OK", &message.to_string())).await;
    let gateway = gateway(&[(Format::Anthropic, addr)]).await;
    let body = json!({
        "model": "chat",
        "messages": [{ "role": "user", "content": "hi" }],
        "tools": [{ "type": "function", "function": { "name": "weather" } }],
        "tool_choice": "required",
    });
    let answer = ask_with(&gateway, "", &body.to_string()).await;
    has(
        &answer,
        &[
            r#""finish_reason":"tool_calls""#,
            r#""name":"weather","arguments":"{\"city\":\"Paris\"}""#,
        ],
    );
    has(&asked(served).await, &[r#""input_schema":{"type":"object""#, r#"{"type":"any"}"#]);
}

#[tokio::test]
async fn an_overloaded_vendor_hands_over_to_another() {
    let error = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    let (ill, _) = provider(whole("529 Overloaded", error)).await;
    let (well, _) = provider(stream(GEMINI_STREAM)).await;
    let gateway = gateway(&[(Format::Anthropic, ill), (Format::Gemini, well)]).await;
    let (head, body) = ask(&gateway, "chat", true).await;
    has(&head, &["x-squall-deployment: d1", "x-squall-attempts: 2"]);
    assert_eq!(said(&body), "hi there");
}

#[tokio::test]
async fn an_error_before_the_first_token_is_another_vendors_to_mend() {
    let (ill, _) = provider(stream(&[ANTHROPIC_START, ANTHROPIC_ERROR].concat())).await;
    let (well, _) = provider(stream(GEMINI_STREAM)).await;
    let gateway = gateway(&[(Format::Anthropic, ill), (Format::Gemini, well)]).await;
    let (head, body) = ask(&gateway, "chat", true).await;
    has(&head, &["x-squall-deployment: d1"]);
    assert_eq!(said(&body), "hi there");
    assert!(!body.contains("msg_1"), "nothing of the first attempt is left: {body}");
}

#[tokio::test]
async fn an_error_after_the_first_token_ends_the_stream_in_openais_words() {
    let first = stream(&[ANTHROPIC_START, ANTHROPIC_TOKEN].concat());
    let (ill, go_on) = pausing_provider(first, ANTHROPIC_ERROR).await;
    let (well, unused) = provider(stream(GEMINI_STREAM)).await;
    let gateway = gateway(&[(Format::Anthropic, ill), (Format::Gemini, well)]).await;
    let mut client = send(&gateway, "chat", true).await;
    let mut read = String::new();
    while !read.contains(r#""content":"hi""#) {
        let mut piece = [0; 1024];
        let length = client.read(&mut piece).await.expect("it is open");
        assert!(length > 0, "it ended after {read}");
        read.push_str(std::str::from_utf8(&piece[..length]).expect("UTF-8"));
    }
    go_on.send(()).expect("it waits");
    client.read_to_string(&mut read).await.expect("text");
    has(&read, &[r#"data: {"error":{"#, r#""code":"server_is_overloaded""#]);
    assert!(!read.contains("[DONE]"), "{read}");
    assert!(!unused.is_finished(), "an answer that has begun cannot be begun again");
}

#[tokio::test]
async fn pings_are_silence() {
    const PING: &str = "event: ping\ndata: {\"type\":\"ping\"}\n\n";
    let first = stream(&[ANTHROPIC_START, ANTHROPIC_TOKEN].concat());
    let addr = repeating_provider(first, PING).await;
    let gateway = gateway_of(&[addr], |setup| {
        setup.router.groups[0].timeouts.between_tokens = Duration::from_millis(200);
        setup.upstreams[0].format = Format::Anthropic;
    })
    .await;
    let asked = tokio::time::timeout(PATIENCE, ask(&gateway, "chat", true));
    let (_, body) = asked.await.expect("it does not wait for as long as there are pings");
    assert_eq!(said(&body), "hi");
    has(&body, &[r#""code":"stalled""#]);
}

#[tokio::test]
async fn a_stream_without_its_end_mark_was_cut() {
    let (addr, _) = provider(stream(&[ANTHROPIC_START, ANTHROPIC_TOKEN].concat())).await;
    let gateway = gateway(&[(Format::Anthropic, addr)]).await;
    let (_, body) = ask(&gateway, "chat", true).await;
    has(&body, &[r#""code":"cut""#]);
    assert!(!body.contains("[DONE]"), "{body}");
}

#[tokio::test]
async fn how_long_to_wait_is_told_to_the_client() {
    let error = json!({ "error": { "code": 429, "message": "quota", "status": "RESOURCE_EXHAUSTED",
        "details": [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "46s" }] } });
    let answer = whole("429 Too Many Requests", &error.to_string());
    let addr = always(answer).await;
    let gateway = gateway_of(&[addr], |setup| {
        setup.router.groups[0].retries = Retries::new(0);
        setup.upstreams[0].format = Format::Gemini;
        setup.upstreams[0].base_url = format!("http://{addr}/v1beta");
    })
    .await;
    let (head, body) = ask(&gateway, "chat", false).await;
    assert!(head.starts_with("http/1.1 429"), "{head}");
    has(&head, &["retry-after: 46"]);
    has(&body, &[r#""code":"rate_limit_exceeded""#]);
    assert!(!body.contains("RESOURCE_EXHAUSTED"), "{body}");
}

#[tokio::test]
async fn a_refusal_is_filtered_as_openai_says_it() {
    let refusal = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-haiku-4-5",
        "content": [], "stop_reason": "refusal", "usage": { "input_tokens": 10, "output_tokens": 0 },
    });
    let (addr, _) = provider(whole("200 OK", &refusal.to_string())).await;
    let gateway = gateway(&[(Format::Anthropic, addr)]).await;
    let (head, body) = ask(&gateway, "chat", false).await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    has(&body, &[r#""finish_reason":"content_filter""#]);
}

const TWO_ANSWERS: &str = r#"{"model":"chat","n":2,"messages":[{"role":"user","content":"hi"}]}"#;

#[tokio::test]
async fn what_a_vendor_has_no_words_for_is_asked_of_another() {
    let (addr, unused) = provider(anthropic_message("hi")).await;
    let (well, served) = provider(whole("200 OK", COMPLETION)).await;
    let gateway = gateway(&[(Format::Anthropic, addr), (Format::OpenAi, well)]).await;
    let answer = ask_with(&gateway, "", TWO_ANSWERS).await;
    has(&answer, &["x-squall-deployment: d1", COMPLETION]);
    has(&asked(served).await, &[r#""n":2"#]);
    assert!(!unused.is_finished(), "nothing is sent that cannot be said");
}

#[tokio::test]
async fn what_nobody_has_words_for_is_refused_by_its_name() {
    let (addr, unused) = provider(anthropic_message("hi")).await;
    let gateway = gateway(&[(Format::Anthropic, addr)]).await;
    let answer = ask_with(&gateway, "", TWO_ANSWERS).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    has(&answer, &[r#""param":"n""#, "`n`: Anthropic gives one answer only"]);
    assert!(!unused.is_finished());
}

#[tokio::test]
async fn checks_ask_each_vendor_for_its_models() {
    for (format, path, key) in [
        (Format::OpenAi, "/v1/models", "authorization: bearer secret"),
        (Format::Azure, "/openai/models?api-version=2024-10-21", "api-key: secret"),
        (Format::Anthropic, "/v1/models", "x-api-key: secret"),
        (Format::Gemini, "/v1beta/models", "x-goog-api-key: secret"),
    ] {
        let (addr, served) = provider(whole("200 OK", r#"{"data":[]}"#)).await;
        let _gateway = gateway_of(&[addr], |setup| {
            let every = Duration::from_millis(20);
            setup.router.health_checks = Some(HealthChecks { every, ..HealthChecks::default() });
            setup.upstreams[0].format = format;
            setup.upstreams[0].base_url = format!("http://{addr}{}", format.base_path());
        })
        .await;
        let request = asked(served).await;
        assert!(request.starts_with(&format!("get {path} http/1.1")), "{request}");
        has(&request, &[key]);
    }
}

#[tokio::test]
async fn a_check_finds_a_wrong_key_by_the_words_of_the_vendor() {
    let error = json!({ "error": { "code": 400, "message": "API key not valid.",
        "status": "INVALID_ARGUMENT", "details": [{ "reason": "API_KEY_INVALID" }] } });
    let ill = always(whole("400 Bad Request", &error.to_string())).await;
    let gateway = gateway_of(&[ill], |setup| {
        let every = Duration::from_millis(20);
        let checks = HealthChecks { every, unhealthy: 1, ..HealthChecks::default() };
        setup.router.health_checks = Some(checks);
        setup.upstreams[0].format = Format::Gemini;
        setup.upstreams[0].base_url = format!("http://{ill}/v1beta");
    })
    .await;
    // Nobody asks for a chat: only checks can tell.
    let told = async {
        let is_ill = |line: &str| {
            line.starts_with("squall_deployment_healthy")
                && line.contains("d0")
                && line.ends_with(" 0")
        };
        while !get(&gateway, "/metrics").await.lines().any(is_ill) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, told).await.expect("the checks tell of it");
}
