//! Streams that break off and go on at another provider.

use crate::rig::{ask, ask_with, counting, gateway_of, get, provider, stream, whole};
use squall_gateway::Gateway;
use squall_router::MidStream;
use std::net::SocketAddr;

/// An event of an answer.
fn event(id: &str, delta: &str) -> String {
    format!(
        "data: {{\"id\":\"{id}\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"{id}-model\",\
         \"choices\":[{{\"index\":0,\"delta\":{delta},\"finish_reason\":null}}]}}\n\n"
    )
}

const ROLE: &str = r#"{"role":"assistant","content":""}"#;

/// The beginning of an answer, which breaks off.
fn broken() -> String {
    let events = [
        event("one", ROLE),
        event("one", r#"{"content":"Once upon a time "}"#),
        event("one", r#"{"content":"there was"}"#),
    ];
    stream(&events.concat())
}

/// The last words again, and the rest.
const REPEATED: [&str; 2] = ["time there ", "was a fox"];

/// The rest of it in these words, with what it used.
fn rest([one, two]: [&str; 2]) -> String {
    let finish = event("two", "{}").replace("null}]", "\"stop\"}]");
    let usage = "data: {\"id\":\"two\",\"choices\":[],\"usage\":{\"prompt_tokens\":30,\
                 \"completion_tokens\":5,\"total_tokens\":35}}\n\n";
    let events = [
        event("two", ROLE),
        event("two", &format!(r#"{{"content":"{one}"}}"#)),
        event("two", &format!(r#"{{"content":"{two}"}}"#)),
        finish,
        usage.to_owned(),
        "data: [DONE]\n\n".to_owned(),
    ];
    stream(&events.concat())
}

async fn continuing(providers: &[SocketAddr], prefill: bool) -> Gateway {
    gateway_of(providers, |setup| {
        let group = &mut setup.router.groups[0];
        group.mid_stream = MidStream::Continue;
        group.hedge = None;
        if let Some(second) = group.deployments.get_mut(1) {
            second.assistant_prefill = prefill;
        }
    })
    .await
}

/// The chunks that a client got.
fn chunks(body: &str) -> Vec<serde_json::Value> {
    let events =
        body.split("\n\n").filter_map(|event| event.rsplit('\n').next()?.strip_prefix("data: "));
    let chunks = events.filter(|data| *data != "[DONE]");
    chunks.map(|data| serde_json::from_str(data).expect("JSON")).collect()
}

fn text(chunks: &[serde_json::Value]) -> String {
    let texts = chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str());
    texts.collect()
}

#[tokio::test]
async fn a_stream_that_breaks_off_goes_on_as_the_same_stream() {
    for prefill in [false, true] {
        let (first, _) = provider(broken()).await;
        let words = if prefill { [" a", " fox"] } else { REPEATED };
        let (second, asked) = provider(rest(words)).await;
        let gateway = continuing(&[first, second], prefill).await;
        let (head, body) = ask(&gateway, "chat", true).await;
        assert!(head.starts_with("http/1.1 200"), "{head}");
        let seen = chunks(&body);
        assert_eq!(text(&seen), "Once upon a time there was a fox", "{body}");
        assert!(seen.iter().all(|chunk| chunk["id"] == "one"), "{body}");
        assert!(seen.iter().all(|chunk| chunk["model"] == "one-model"), "{body}");
        assert_eq!(body.matches("\"role\"").count(), 1, "{body}");
        assert_eq!(body.matches("[DONE]").count(), 1, "{body}");
        assert!(body.ends_with("data: [DONE]\n\n"), "{body}");
        let by = if prefill { "prefill" } else { "instruction" };
        assert!(
            body.contains(&format!(": squall continued by={by} deployment=d1 attempts=2\n\n")),
            "{body}"
        );
        assert!(!body.contains("usage"), "nobody asked for it: {body}");
        let asked = asked.await.expect("it was called");
        let said = if prefill {
            r#"{"role":"assistant","content":"once upon a time there was","prefix":true}]"#
        } else {
            r"<answer_so_far>\nonce upon a time there was\n</answer_so_far>"
        };
        assert!(asked.contains(said), "{asked}");
        let metrics = get(&gateway, "/metrics").await;
        let line = metrics.lines().find(|line| line.starts_with("squall_streams_continued_total{"));
        let line = line.unwrap_or_else(|| panic!("{metrics}"));
        assert!(line.contains(&format!("by=\"{by}\"")) && line.ends_with(" 1"), "{line}");
        let first_tokens = "squall_time_to_first_token_seconds_count{group=\"chat\"} 1";
        assert!(metrics.contains(first_tokens), "{metrics}");
    }
}

#[tokio::test]
async fn usage_is_that_of_all_attempts() {
    let (first, _) = provider(broken()).await;
    let (second, _) = provider(rest(REPEATED)).await;
    let gateway = continuing(&[first, second], false).await;
    let body = r#"{"model":"chat","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"hi"}]}"#;
    let answer = ask_with(&gateway, "x-squall-token: squall-7-10-20\r\n", body).await;
    // A token of the prompt and 7 of the answer, as estimated; then what the second has counted.
    assert!(answer.contains("\"prompt_tokens\":31"), "{answer}");
    assert!(answer.contains("\"completion_tokens\":12"), "{answer}");
    assert!(answer.contains("\"total_tokens\":43"), "{answer}");
    let metrics = get(&gateway, "/metrics").await;
    for (deployment, kind, tokens) in
        [("d0", "input", 1), ("d0", "output", 7), ("d1", "input", 30), ("d1", "output", 5)]
    {
        let line = metrics.lines().find(|line| {
            line.starts_with("squall_tokens_total{")
                && line.contains(&format!("deployment=\"{deployment}\""))
                && line.contains(&format!("kind=\"{kind}\""))
        });
        let line = line.unwrap_or_else(|| panic!("{metrics}"));
        assert!(line.ends_with(&format!(" {tokens}")), "{line}");
    }
}

#[tokio::test]
async fn where_nobody_goes_on_the_stream_ends_with_what_broke_it() {
    let refusal = r#"{"error":{"message":"This model does not support assistant message prefill.","type":"invalid_request_error","code":"invalid_prefill"}}"#;
    for (prefill, answers) in [
        (true, vec![broken(), whole("400 Bad Request", refusal)]),
        (false, vec![broken()]),
        (false, vec![broken(), whole("200 OK", "{}")]),
    ] {
        let mut providers = Vec::new();
        for answer in answers {
            providers.push(provider(answer).await.0);
        }
        let gateway = continuing(&providers, prefill).await;
        let (head, body) = ask(&gateway, "chat", true).await;
        assert!(head.starts_with("http/1.1 200"), "{head}");
        let last = chunks(&body).pop().expect("an event");
        assert!(last["error"]["message"].is_string(), "{body}");
        assert_eq!(last["error"]["code"], "cut", "{body}");
        assert!(!body.contains("[DONE]"), "{body}");
        assert!(!get(&gateway, "/metrics").await.contains("squall_streams_continued_total{"));
    }
}

#[tokio::test]
async fn behind_more_than_text_nothing_goes_on() {
    for (delta, fields) in [
        (r#"{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{"}}]}"#, ""),
        (r#"{"reasoning_content":"hm"}"#, ""),
        (r#"{"content":"{"}"#, r#","response_format":{"type":"json_object"}"#),
        (r#"{"content":"a"}"#, r#","n":2"#),
    ] {
        let (first, _) = provider(stream(&event("one", delta))).await;
        let (second, asked) = counting(rest(REPEATED)).await;
        let gateway = continuing(&[first, second], false).await;
        let body = format!(
            r#"{{"model":"chat","stream":true,"messages":[{{"role":"user","content":"hi"}}]{fields}}}"#
        );
        let answer = ask_with(&gateway, "", &body).await;
        assert!(answer.contains("\"error\""), "{answer}");
        assert_eq!(asked.load(std::sync::atomic::Ordering::Relaxed), 0, "{delta} {fields}");
    }
}

#[tokio::test]
async fn a_stream_may_break_twice() {
    let (first, _) = provider(broken()).await;
    let middle = [event("two", ROLE), event("two", r#"{"content":" a fox"}"#)];
    let (second, _) = provider(stream(&middle.concat())).await;
    let end = [
        event("three", r#"{"content":" who ran"}"#),
        event("three", "{}").replace("null}]", "\"stop\"}]"),
        "data: [DONE]\n\n".to_owned(),
    ];
    let (third, asked) = provider(stream(&end.concat())).await;
    let gateway = continuing(&[first, second, third], false).await;
    let (_, body) = ask(&gateway, "chat", true).await;
    let seen = chunks(&body);
    assert_eq!(text(&seen), "Once upon a time there was a fox who ran", "{body}");
    assert!(seen.iter().all(|chunk| chunk["id"] == "one"), "{body}");
    assert!(asked.await.expect("it was called").contains("there was a fox\\n"));
}
