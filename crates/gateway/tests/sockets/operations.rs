//! Other operations than chats: passed on to those who have them.

use crate::answers::COMPLETION;
use crate::rig::{ask_at, gateway, gateway_of, provider, stream, whole};
use squall_wire::Format;

const VECTORS: &str = r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5]}],"model":"m","usage":{"prompt_tokens":2,"total_tokens":2}}"#;

const RESPONSE: &str = concat!(
    "event: response.output_text.delta\n",
    "data: {\"type\":\"response.output_text.delta\",\"delta\":\"Hi\"}\n\n",
    "event: response.completed\n",
    "data: {\"type\":\"response.completed\",\"response\":{\"object\":\"response\",",
    "\"usage\":{\"input_tokens\":3,\"output_tokens\":4}}}\n\n",
);

#[tokio::test]
async fn vectors_come_through_and_fail_over() {
    let (ill, _) = provider(whole("503 Service Unavailable", "{}")).await;
    let (well, served) = provider(whole("200 OK", VECTORS)).await;
    let gateway = gateway(&[ill, well]).await;
    let body = r#"{"model":"chat","input":["a","b"]}"#;
    let answer = ask_at(&gateway, "/v1/embeddings", "", body).await;
    assert!(answer.contains("x-squall-deployment: d1"), "{answer}");
    assert!(answer.ends_with(VECTORS), "{answer}");
    let request = served.await.expect("it was called");
    assert!(request.starts_with("post /v1/embeddings"), "{request}");
    assert!(request.ends_with(r#"{"model":"model-1","input":["a","b"]}"#), "{request}");
}

#[tokio::test]
async fn azure_has_vectors_at_its_deployments() {
    let (addr, served) = provider(whole("200 OK", VECTORS)).await;
    let gateway = gateway_of(&[addr], |setup| {
        setup.upstreams[0].format = Format::Azure;
        setup.upstreams[0].base_url = format!("http://{addr}/openai");
    })
    .await;
    let body = r#"{"model":"chat","input":"a"}"#;
    let answer = ask_at(&gateway, "/v1/embeddings", "", body).await;
    assert!(answer.ends_with(VECTORS), "{answer}");
    let path = "post /openai/deployments/model-0/embeddings?api-version=2024-10-21";
    assert!(served.await.expect("it was called").starts_with(path));
}

#[tokio::test]
async fn a_response_comes_through_byte_for_byte() {
    let (addr, served) = provider(stream(RESPONSE)).await;
    let gateway = gateway(&[addr]).await;
    let body = r#"{"model":"chat","input":"hi","stream":true}"#;
    let answer = ask_at(&gateway, "/v1/responses", "", body).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    for line in RESPONSE.lines() {
        assert!(answer.contains(line), "no `{line}` in {answer}");
    }
    assert!(!answer.contains("\"error\""), "it ended as it should: {answer}");
    assert!(served.await.expect("it was called").starts_with("post /v1/responses"));
}

/// The event of a response that has this name, as JSON.
fn event_of(answer: &str, name: &str) -> serde_json::Value {
    let head = format!("event: {name}\ndata: ");
    let data = answer.split_once(&head).and_then(|(_, rest)| rest.split_once("\n\n"));
    let (data, _) = data.unwrap_or_else(|| panic!("no `{name}` in {answer}"));
    serde_json::from_str(data).expect("JSON")
}

#[tokio::test]
async fn a_response_that_breaks_off_or_fails_ends_with_an_event_of_its_own_api() {
    const DELTA: &str = "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":4,\"delta\":\"Hi\"}\n\n";
    const FAILED: &str = "event: response.failed\ndata: {\"type\":\"response.failed\",\"sequence_number\":5,\"response\":{\"object\":\"response\",\"status\":\"failed\",\"error\":{\"code\":\"rate_limit_exceeded\",\"message\":\"too many tokens\"}}}\n\n";
    let body = r#"{"model":"chat","input":"hi","stream":true}"#;
    for (rest, message) in [("", None), (FAILED, Some("too many tokens"))] {
        let (addr, _) = provider(stream(&[DELTA, rest].concat())).await;
        let gateway = gateway(&[addr]).await;
        let answer = ask_at(&gateway, "/v1/responses", "", body).await;
        assert!(answer.contains("response.output_text.delta"), "{answer}");
        let event = event_of(&answer, "error");
        assert_eq!(event["type"], "error", "{event}");
        assert_eq!(event["sequence_number"], 5, "behind what went out: {event}");
        assert!(event["code"].is_string() && event["param"].is_null(), "{event}");
        let said = event["message"].as_str().expect("text");
        assert!(message.is_none_or(|message| said.contains(message)), "{event}");
        assert!(!answer.contains("{\"error\""), "a chat's error is none here: {answer}");
    }
}

#[tokio::test]
async fn a_completion_of_the_older_kind_comes_through() {
    const TEXT: &str = r#"{"object":"text_completion","choices":[{"text":"hi","index":0,"finish_reason":"stop"}]}"#;
    let (addr, served) = provider(whole("200 OK", TEXT)).await;
    let gateway = gateway(&[addr]).await;
    let body = r#"{"model":"chat","prompt":"say"}"#;
    let answer = ask_at(&gateway, "/v1/completions", "", body).await;
    assert!(answer.ends_with(TEXT), "{answer}");
    assert!(served.await.expect("it was called").starts_with("post /v1/completions"));
}

#[tokio::test]
async fn who_has_not_the_operation_is_not_asked() {
    let (addr, unused) = provider(whole("200 OK", COMPLETION)).await;
    let gateway = gateway_of(&[addr], |setup| {
        setup.upstreams[0].format = Format::Anthropic;
    })
    .await;
    let answer = ask_at(&gateway, "/v1/embeddings", "", r#"{"model":"chat","input":"a"}"#).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(answer.contains("`model`: its deployment has no `/"), "{answer}");
    assert!(!unused.is_finished());
}

#[tokio::test]
async fn a_request_without_its_subject_is_refused() {
    let (addr, unused) = provider(whole("200 OK", VECTORS)).await;
    let gateway = gateway(&[addr]).await;
    let answer = ask_at(&gateway, "/v1/embeddings", "", r#"{"model":"chat"}"#).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(answer.contains("missing required parameter: 'input'"), "{answer}");
    assert!(!unused.is_finished());
}

const PICTURES: &str = r#"{"created":1,"data":[{"b64_json":"aa"}],"usage":{"input_tokens":6,"output_tokens":90,"total_tokens":96}}"#;

#[tokio::test]
async fn pictures_come_through_and_fail_over() {
    let (ill, _) = provider(whole("503 Service Unavailable", "{}")).await;
    let (well, served) = provider(whole("200 OK", PICTURES)).await;
    let gateway = gateway(&[ill, well]).await;
    let body = r#"{"model":"chat","prompt":"a fox","size":"64x64"}"#;
    let answer = ask_at(&gateway, "/v1/images/generations", "", body).await;
    assert!(answer.contains("x-squall-deployment: d1"), "{answer}");
    assert!(answer.ends_with(PICTURES), "{answer}");
    let request = served.await.expect("it was called");
    assert!(request.starts_with("post /v1/images/generations"), "{request}");
    assert!(
        request.ends_with(r#"{"model":"model-1","prompt":"a fox","size":"64x64"}"#),
        "{request}"
    );
}

#[tokio::test]
async fn a_stream_of_pictures_ends_with_the_last_one() {
    const EVENTS: &str = concat!(
        "event: image_generation.partial_image\n",
        "data: {\"type\":\"image_generation.partial_image\",\"b64_json\":\"a\"}\n\n",
        "event: image_generation.completed\n",
        "data: {\"type\":\"image_generation.completed\",\"b64_json\":\"aa\"}\n\n",
    );
    let (addr, _) = provider(stream(EVENTS)).await;
    let gateway = gateway(&[addr]).await;
    let body = r#"{"model":"chat","prompt":"a fox","stream":true}"#;
    let answer = ask_at(&gateway, "/v1/images/generations", "", body).await;
    assert!(EVENTS.lines().all(|line| answer.contains(line)), "{answer}");
    assert!(!answer.contains("\"error\""), "it ended as it should: {answer}");
}
