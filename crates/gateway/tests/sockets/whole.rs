//! Answers arrive whole, or fail once and say so: whatever their size, their coding and their usage.

use crate::answers::{COMPLETION, EVENTS};
use crate::rig::{
    always, ask, ask_at, ask_with, counting, gateway, gateway_of, hanging_provider, provider,
    repeating_provider, stream, whole,
};
use squall_gateway::Gateway;
use std::sync::atomic::Ordering;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(10);

/// A token, and a reason to end.
const TOKEN: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"}}]}\n\n";
const FINISH: &str =
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
const DONE: &str = "data: [DONE]\n\n";

/// Two deployments of which the second answers well, and the largest answer of both.
async fn limited(first: std::net::SocketAddr, answer_max: usize) -> Gateway {
    let second = always(whole("200 OK", COMPLETION)).await;
    gateway_of(&[first, second], |setup| {
        for upstream in &mut setup.upstreams {
            upstream.answer_max = answer_max;
        }
    })
    .await
}

#[tokio::test]
async fn an_answer_over_the_limit_fails_once_and_is_nobodys_failure() {
    let long = COMPLETION.replace("\"hi\"", &format!("\"{}\"", "a".repeat(9_000)));
    let chunked = format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{long}\r\n0\r\n\r\n",
        long.len()
    );
    let refusal = whole("500 Internal Server Error", &"x".repeat(9_000));
    for (answer, status) in [(whole("200 OK", &long), "502"), (chunked, "502"), (refusal, "502")] {
        let (addr, calls) = counting(answer).await;
        let gateway = limited(addr, 8_000).await;
        let (head, body) = ask(&gateway, "chat", false).await;
        assert!(head.starts_with(&format!("http/1.1 {status}")), "{head}");
        assert!(body.contains("answer_too_large"), "{body}");
        assert_eq!(calls.load(Ordering::Relaxed), 1, "it was not tried again");
        assert!(gateway.view().status().cooling.is_empty());
    }
    let (addr, _) = counting(whole("200 OK", &long)).await;
    let (head, body) = ask(&limited(addr, long.len()).await, "chat", false).await;
    assert!(head.starts_with("http/1.1 200") && body == long, "one byte less than too much passes");
}

#[tokio::test]
async fn a_stream_that_never_says_anything_takes_no_more_memory_than_the_limit() {
    const ROLE: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"}}]}\n\n";
    const ENDLESS: &str =
        "data: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    for again in [ROLE, ENDLESS] {
        let addr = repeating_provider(stream(""), again).await;
        let gateway = limited(addr, 500).await;
        let asked = tokio::time::timeout(PATIENCE, ask(&gateway, "chat", true));
        let (head, body) = asked.await.expect("it ends at the limit");
        assert!(head.starts_with("http/1.1 502"), "{head}");
        assert!(body.contains("answer_too_large"), "{body}");
    }
}

#[tokio::test]
async fn a_whole_stream_is_whole_without_its_end_mark() {
    for events in [[TOKEN, FINISH].concat(), [TOKEN, FINISH.trim_end()].concat()] {
        let gateway = gateway(&[always(stream(&events)).await]).await;
        let (_, body) = ask(&gateway, "chat", true).await;
        assert_eq!(body, [TOKEN, FINISH, DONE].concat());
        assert!(gateway.view().status().cooling.is_empty());
    }
}

#[tokio::test]
async fn a_body_that_goes_on_behind_its_end_mark_does_not_hold_the_client() {
    let (addr, _told) = hanging_provider(stream(EVENTS)).await;
    let gateway = gateway(&[addr]).await;
    let asked = tokio::time::timeout(PATIENCE, ask(&gateway, "chat", true));
    assert_eq!(asked.await.expect("it ends").1, EVENTS);
}

#[tokio::test]
async fn what_no_client_can_read_is_dropped_and_the_answer_goes_on() {
    let broken = "data: {\"choices\":[{\"index\":0,\"del\n\n";
    let gateway = gateway(&[always(stream(&[TOKEN, broken, FINISH, DONE].concat())).await]).await;
    assert_eq!(ask(&gateway, "chat", true).await.1, [TOKEN, FINISH, DONE].concat());
}

#[tokio::test]
async fn thoughts_are_tokens_and_pings_and_comments_are_not() {
    const THOUGHT: &str =
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"reasoning\":\"hm\"}}]}\n\n";
    let brief = |setup: &mut squall_gateway::GatewaySetup| {
        setup.router.groups[0].timeouts.between_tokens = Duration::from_millis(300);
    };
    // One comes every ten milliseconds, for ever: the client hangs up when it has seen enough.
    let thinking = repeating_provider(stream(TOKEN), THOUGHT).await;
    let gateway = gateway_of(&[thinking], brief).await;
    let endless = tokio::time::timeout(Duration::from_secs(1), ask(&gateway, "chat", true)).await;
    assert!(endless.is_err(), "a model that thinks is not cut: {endless:?}");
    for idle in [": still here\n\n", "data: {\"type\":\"ping\"}\n\n"] {
        let idling = repeating_provider(stream(TOKEN), idle).await;
        let gateway = gateway_of(&[idling], brief).await;
        let asked = tokio::time::timeout(PATIENCE, ask(&gateway, "chat", true));
        let (_, body) = asked.await.expect("silence ends it");
        assert!(body.contains(r#""code":"stalled""#), "{idle}: {body}");
    }
}

#[tokio::test]
async fn errors_with_status_200_are_errors_of_their_own_class() {
    for body in [
        r#"{"error":{"message":"Rate limit exceeded: free-models-per-day","code":429}}"#,
        r#"{"detail":"Rate limit reached"}"#,
    ] {
        for streams in [true, false] {
            let answer = if streams { stream(body) } else { whole("200 OK", body) };
            let gateway = gateway_of(&[always(answer).await], |setup| {
                setup.router.groups[0].retries.max = 0;
            })
            .await;
            let (head, told) = ask(&gateway, "chat", streams).await;
            assert!(head.starts_with("http/1.1 429"), "{body} {streams}: {head} {told}");
        }
    }
}

#[tokio::test]
async fn odd_bytes_pass_as_they_came() {
    for odd in [
        r#"{"choices":[{"index":0,"message":{"content":"so glad \ud83d"},"finish_reason":"length"}],"usage":{"prompt_tokens":-1}}"#,
        r#"{"choices":[{"index":0,"message":{"content":null,"audio":{"data":"UklG"}},"finish_reason":"new_reason","logprobs":{"content":[]}},{"index":1,"message":{"content":"b"}}],"usage":{"total_tokens":11.5},"x":1.50}"#,
        r#"{"message":{"content":"as Ollama has it"},"done":true}"#,
    ] {
        let gateway = gateway(&[always(whole("200 OK", odd)).await]).await;
        let (head, body) = ask(&gateway, "chat", false).await;
        assert!(
            head.starts_with("http/1.1 200") && head.contains("x-squall-attempts: 1"),
            "{head}"
        );
        assert_eq!(body, odd);
    }
}

#[tokio::test]
async fn what_is_no_json_is_tried_elsewhere() {
    for body in ["", "<html>busy</html>"] {
        let bad = always(whole("200 OK", body)).await;
        let good = always(whole("200 OK", COMPLETION)).await;
        let (head, told) = ask(&gateway(&[bad, good]).await, "chat", false).await;
        assert!(head.contains("x-squall-deployment: d1"), "{body}: {head}");
        assert_eq!(told, COMPLETION);
    }
}

#[tokio::test]
async fn usage_that_nobody_asked_for_is_taken_out_and_usage_that_was_asked_for_stays() {
    let usage =
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\n";
    let addr = always(stream(&[TOKEN, FINISH, usage, DONE].concat())).await;
    let gateway = gateway(&[addr]).await;
    assert_eq!(ask(&gateway, "chat", true).await.1, [TOKEN, FINISH, DONE].concat());
    let asks = r#"{"model":"chat","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"hi"}]}"#;
    assert!(ask_with(&gateway, "", asks).await.contains("\"choices\":[],"));
}

#[tokio::test]
async fn a_provider_that_refuses_stream_options_is_asked_without_them_from_then_on() {
    let (addr, seen) = crate::rig::picky(
        "stream_options",
        whole(
            "400 Bad Request",
            r#"{"error":{"message":"Extra inputs are not permitted: stream_options"}}"#,
        ),
        stream(EVENTS),
    )
    .await;
    let gateway = gateway(&[addr]).await;
    for _ in 0..3 {
        let (head, body) = ask(&gateway, "chat", true).await;
        assert!(head.contains("x-squall-attempts: 1"), "{head}");
        assert_eq!(body, EVENTS);
    }
    assert_eq!(seen.load(Ordering::Relaxed), 4, "the first was sent twice, the others once");
}

#[tokio::test]
async fn the_reason_of_a_refusal_reaches_the_client() {
    let refusal = r#"{"error":{"message":"Invalid schema for function 'pay'","type":"invalid_request_error","param":"tools[0]","code":"invalid_function_parameters"}}"#;
    let gateway = gateway(&[always(whole("400 Bad Request", refusal)).await]).await;
    let (head, body) = ask(&gateway, "chat", false).await;
    assert!(head.starts_with("http/1.1 400"), "{head}");
    assert_eq!(body, refusal);
}

#[tokio::test]
async fn a_wrong_key_is_the_gateways_and_never_shown() {
    let refusal = r#"{"error":{"message":"Incorrect API key provided: sk-abcdefgh12345678.","code":"invalid_api_key"}}"#;
    let gateway = gateway(&[always(whole("401 Unauthorized", refusal)).await]).await;
    let (head, body) = ask(&gateway, "chat", false).await;
    assert!(head.starts_with("http/1.1 401"), "{head}");
    assert!(body.contains("the gateway's key for deployment `d0` was refused"), "{body}");
    assert!(!body.contains("abcdefgh"), "{body}");
}

#[tokio::test]
async fn a_connection_that_was_closed_while_it_lay_idle_costs_no_attempt() {
    let (addr, calls) = crate::rig::closing_after_one(whole("200 OK", COMPLETION)).await;
    let gateway = gateway(&[addr]).await;
    for _ in 0..6 {
        let (head, body) = ask(&gateway, "chat", false).await;
        assert!(head.contains("x-squall-attempts: 1"), "{head}");
        assert_eq!(body, COMPLETION);
    }
    assert!(calls.load(Ordering::Relaxed) >= 6);
    assert!(gateway.view().status().cooling.is_empty());
}

#[tokio::test]
async fn a_fresh_connection_that_is_reset_is_a_failure() {
    let (cut, _) = provider(String::new()).await;
    let good = always(whole("200 OK", COMPLETION)).await;
    let (head, _) = ask(&gateway(&[cut, good]).await, "chat", false).await;
    assert!(head.contains("x-squall-attempts: 2"), "{head}");
}

#[tokio::test]
async fn compressed_answers_streams_and_errors_are_made_plain() {
    for (plain, status, streams) in [
        (COMPLETION, "200 OK", false),
        (EVENTS, "200 OK", true),
        (
            r#"{"error":{"message":"so why","code":"context_length_exceeded"}}"#,
            "400 Bad Request",
            false,
        ),
    ] {
        let kind = if streams { "text/event-stream" } else { "application/json" };
        let (addr, _) = crate::rig::gzipping(status, kind, plain).await;
        let gateway = gateway(&[addr]).await;
        let (head, body) = ask(&gateway, "chat", streams).await;
        assert!(!head.contains("content-encoding"), "{head}");
        assert!(head.starts_with(&format!("http/1.1 {}", &status[..3])), "{head} {body}");
        if status.starts_with("200") {
            assert_eq!(body, plain);
        } else {
            assert!(body.contains("so why"), "{body}");
        }
    }
}

#[tokio::test]
async fn vectors_with_half_a_usage_come_through() {
    let vectors = r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.1]}],"usage":{"total_tokens":8}}"#;
    let gateway = gateway(&[always(whole("200 OK", vectors)).await]).await;
    let answer = ask_at(&gateway, "/v1/embeddings", "", r#"{"model":"chat","input":"x"}"#).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with(vectors), "{answer}");
}
