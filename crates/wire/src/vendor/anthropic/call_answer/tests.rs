//! Whole answers as Anthropic's documentation shows them.

use super::read_answer;
use crate::Usage;
use crate::call::tests::stamp;
use crate::chat::{Completion, FinishReason, read_completion};
use serde_json::{Value, json};
use squall_failure::FailureClass;

fn read(content: &Value, stop_reason: &str) -> (Value, Completion) {
    let body = json!({
        "id": "msg_013Zva2CMHLNnXjNJJKqJ2EF",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5-20250929",
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": null,
        "usage": {
            "input_tokens": 2095,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 5,
            "output_tokens": 503,
            "service_tier": "standard",
        },
    });
    let whole = read_answer(body.to_string().as_bytes(), &stamp()).expect("an answer");
    assert_eq!(read_completion(&whole.body), Some(whole.completion), "it reads as OpenAI's own");
    (serde_json::from_slice(&whole.body).expect("JSON"), whole.completion)
}

#[test]
fn an_answer_is_told_as_openai_tells_it() {
    let (body, completion) = read(&json!([{ "type": "text", "text": "Hi!" }]), "end_turn");
    let expected = json!({
        "id": "chatcmpl-msg_013Zva2CMHLNnXjNJJKqJ2EF",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "claude-sonnet-4-5-20250929",
        "choices": [{
            "index": 0,
            "message": { "role": "assistant", "content": "Hi!", "refusal": null },
            "logprobs": null,
            "finish_reason": "stop",
        }],
        "usage": {
            "prompt_tokens": 2100,
            "completion_tokens": 503,
            "total_tokens": 2603,
            "prompt_tokens_details": { "cached_tokens": 5 },
            "completion_tokens_details": { "reasoning_tokens": 0 },
        },
    });
    assert_eq!(body, expected);
    let usage = Some(Usage { input_tokens: 2100, output_tokens: 503 });
    assert_eq!(completion, Completion { finish: Some(FinishReason::Stop), usage });
}

#[test]
fn calls_keep_their_arguments_byte_for_byte() {
    let raw = concat!(
        r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude","content":["#,
        r#"{"type":"thinking","thinking":"Hm.","signature":"x"},"#,
        r#"{"type":"tool_use","id":"toolu_1","name":"f","input":{"z": 1, "a": [1.50, "é"]}}],"#,
        r#""stop_reason":"tool_use","usage":{"input_tokens":1,"output_tokens":2}}"#,
    );
    let whole = read_answer(raw.as_bytes(), &stamp()).expect("an answer");
    let body: Value = serde_json::from_slice(&whole.body).expect("JSON");
    let message = &body["choices"][0]["message"];
    assert_eq!(message["content"], Value::Null);
    assert_eq!(message["reasoning_content"], "Hm.");
    let call = &message["tool_calls"][0];
    assert_eq!(call["function"]["arguments"], r#"{"z": 1, "a": [1.50, "é"]}"#);
    assert_eq!((&call["id"], &call["type"]), (&json!("toolu_1"), &json!("function")));
    assert_eq!(whole.completion.finish, Some(FinishReason::ToolCalls));
}

#[test]
fn a_refusal_is_an_answer_that_was_filtered() {
    let (body, completion) = read(&json!([]), "refusal");
    assert_eq!(body["choices"][0]["finish_reason"], "content_filter");
    assert!(completion.is_filtered());
}

#[test]
fn what_is_no_answer_says_what_it_is_instead() {
    for (body, class) in [
        ("", FailureClass::Malformed),
        ("<html>", FailureClass::Malformed),
        ("{}", FailureClass::Malformed),
        (r#"{"id":"msg_1","model":"m","content":[{}]}"#, FailureClass::Malformed),
        (r#"{"id":"msg_1","model":"m","cont"#, FailureClass::Cut),
        (
            r#"{"type":"error","error":{"type":"rate_limit_error","message":"?"}}"#,
            FailureClass::Throttled,
        ),
    ] {
        let failure = read_answer(body.as_bytes(), &stamp()).expect_err("no answer");
        assert_eq!((failure.class, failure.status), (class, 200), "{body}");
    }
}

#[test]
fn odd_usage_and_half_a_surrogate_are_no_reason_to_lose_an_answer() {
    for usage in ["null", "-1", "{}", r#"{"input_tokens":null,"output_tokens":-3}"#] {
        let body = format!(
            r#"{{"content":[{{"type":"text","text":"so \ud83d"}}],"stop_reason":"max_tokens","usage":{usage}}}"#
        );
        let whole = read_answer(body.as_bytes(), &stamp()).expect("an answer");
        assert_eq!(whole.completion.usage, None, "{usage}");
        let told: Value = serde_json::from_slice(&whole.body).expect("JSON");
        assert_eq!(told["choices"][0]["message"]["content"], "so \u{fffd}");
        assert_eq!(told.get("usage"), None);
    }
}
