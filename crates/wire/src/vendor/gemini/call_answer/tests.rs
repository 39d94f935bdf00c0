//! Answers as Gemini's documentation shows them, streams split wherever a network may split them.

use super::read_answer;
use crate::call::tests::{StreamView, read_stream, stamp};
use crate::chat::{Chunk, FinishReason, StreamEvent, read_completion};
use crate::{Format, Usage};
use serde_json::{Value, json};
use squall_failure::FailureClass;

fn piece(parts: &Value, finish: Option<&str>) -> Value {
    let mut candidate = json!({ "content": { "parts": parts, "role": "model" }, "index": 0 });
    if let Some(finish) = finish {
        candidate["finishReason"] = finish.into();
    }
    json!({
        "candidates": [candidate],
        "usageMetadata": {
            "promptTokenCount": 100,
            "cachedContentTokenCount": 40,
            "candidatesTokenCount": 7,
            "thoughtsTokenCount": 5,
            "totalTokenCount": 112,
            "promptTokensDetails": [{ "modality": "TEXT", "tokenCount": 100 }],
        },
        "modelVersion": "gemini-2.5-flash",
        "responseId": "mAitaLmkHPPlz7IPvtfUqQ4",
    })
}

fn stream(pieces: &[Value]) -> String {
    pieces.iter().map(|piece| format!("data: {piece}\r\n\r\n")).collect()
}

fn read(pieces: &[Value]) -> StreamView {
    read_stream(Format::Gemini, true, &stream(pieces))
}

#[test]
fn text_and_thoughts_are_told_as_openai_tells_them() {
    let seen = read(&[
        piece(&json!([{ "text": "Hm.", "thought": true }]), None),
        piece(&json!([{ "text": "Hello" }]), None),
        piece(&json!([{ "text": " world", "thoughtSignature": "Eqx" }]), Some("STOP")),
    ]);
    assert!(seen.ended);
    let deltas = [
        json!({ "role": "assistant", "content": "" }),
        json!({ "reasoning_content": "Hm." }),
        json!({ "content": "Hello" }),
        json!({ "content": " world" }),
        json!({}),
    ];
    assert_eq!(seen.deltas(), deltas);
    let chunks = seen.chunks();
    assert_eq!(chunks[0]["id"], "chatcmpl-mAitaLmkHPPlz7IPvtfUqQ4");
    assert_eq!(chunks[0]["model"], "gemini-2.5-flash");
    let usage = json!({
        "prompt_tokens": 100,
        "completion_tokens": 12,
        "total_tokens": 112,
        "prompt_tokens_details": { "cached_tokens": 40 },
        "completion_tokens_details": { "reasoning_tokens": 5 },
    });
    assert_eq!(chunks.last().map(|chunk| &chunk["usage"]), Some(&usage));
    assert!(seen.out.ends_with("data: [DONE]\n\n"));
    let usage = Some(Usage { input_tokens: 100, output_tokens: 12 });
    let known = Chunk { content: true, finish: Some(FinishReason::Stop), usage };
    assert_eq!(seen.known(), known);
    let again = read_stream(Format::OpenAi, true, &seen.out);
    assert_eq!((again.known(), again.ended), (known, true), "it reads as OpenAI's own");
}

#[test]
fn a_call_comes_whole_with_what_the_model_wants_back() {
    let call = json!({ "functionCall": { "name": "weather", "args": { "z": 1, "a": "Paris" } },
        "thoughtSignature": "EsUE" });
    let second = json!({ "functionCall": { "id": "fc1", "name": "now" } });
    let seen = read(&[piece(&json!([call, second]), Some("STOP"))]);
    let expected = [
        json!({ "index": 0, "id": "call_7_0_0", "type": "function",
            "function": { "name": "weather", "arguments": call["functionCall"]["args"].to_string() },
            "extra_content": { "google": { "thought_signature": "EsUE" } } }),
        json!({ "index": 1, "id": "fc1", "type": "function",
            "function": { "name": "now", "arguments": "{}" } }),
    ];
    let deltas = seen.deltas();
    assert_eq!(deltas[1]["tool_calls"], json!([expected[0]]));
    assert_eq!(deltas[2]["tool_calls"], json!([expected[1]]));
    assert_eq!(seen.known().finish, Some(FinishReason::ToolCalls));
}

#[test]
fn without_a_reason_to_end_a_stream_has_not_ended() {
    let seen = read(&[piece(&json!([{ "text": "Hello" }]), None)]);
    assert!(!seen.ended);
    assert!(!seen.out.contains("[DONE]"));
    assert!(!read(&[]).ended, "nothing at all is no end either");
}

#[test]
fn a_prompt_that_is_blocked_is_filtered() {
    let blocked = json!({ "promptFeedback": { "blockReason": "PROHIBITED_CONTENT" },
        "usageMetadata": { "promptTokenCount": 8 } });
    let seen = read(std::slice::from_ref(&blocked));
    assert!(seen.ended);
    assert_eq!(seen.known().finish, Some(FinishReason::ContentFilter));
    assert_eq!(seen.chunks()[0]["model"], "asked-for");
    let whole = read_answer(blocked.to_string().as_bytes(), &stamp()).expect("an answer");
    assert!(whole.completion.is_filtered());
    assert_eq!(read_completion(&whole.body), Some(whole.completion));
}

#[test]
fn each_reason_has_its_word_and_a_broken_call_is_a_failure() {
    for (reason, finish) in [
        ("STOP", FinishReason::Stop),
        ("MAX_TOKENS", FinishReason::Length),
        ("SAFETY", FinishReason::ContentFilter),
        ("RECITATION", FinishReason::ContentFilter),
        ("OTHER", FinishReason::Stop),
    ] {
        let body = piece(&json!([{ "text": "a" }]), Some(reason));
        let whole = read_answer(body.to_string().as_bytes(), &stamp()).expect("an answer");
        assert_eq!(whole.completion.finish, Some(finish), "{reason}");
        assert_eq!(read(&[body]).known().finish, Some(finish), "{reason}");
    }
    let broken =
        json!({ "candidates": [{ "content": {}, "finishReason": "MALFORMED_FUNCTION_CALL" }] });
    let failure = read_answer(broken.to_string().as_bytes(), &stamp()).expect_err("a failure");
    assert_eq!(failure.class, FailureClass::Server);
    assert_eq!(read(&[broken]).events, [StreamEvent::Error(failure)]);
}

#[test]
fn an_error_in_a_stream_is_a_failure() {
    let error = json!({ "error": { "code": 503, "message": "The model is overloaded.",
        "status": "UNAVAILABLE" } });
    let seen = read(&[piece(&json!([{ "text": "Hello" }]), None), error]);
    let Some(StreamEvent::Error(failure)) = seen.events.last() else { panic!("{seen:?}") };
    assert_eq!((failure.class, failure.status), (FailureClass::Overloaded, 503));
}

#[test]
fn answers_side_by_side_keep_apart_and_all_must_end() {
    let of = |index: u32, text: &str, finish: Option<&str>| {
        let mut candidate = json!({ "content": { "parts": [{ "text": text }] }, "index": index });
        if let Some(finish) = finish {
            candidate["finishReason"] = finish.into();
        }
        candidate
    };
    let first = json!({ "candidates": [of(0, "a", Some("STOP")), of(1, "b", None)] });
    assert!(!read(std::slice::from_ref(&first)).ended);
    let seen = read(&[first, json!({ "candidates": [of(1, "c", Some("STOP"))] })]);
    assert!(seen.ended);
    let of_second: Vec<_> = seen
        .chunks()
        .iter()
        .filter(|chunk| chunk["choices"][0]["index"] == 1)
        .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(of_second.concat(), "bc");
    let far = json!({ "candidates": [of(u32::MAX, "x", None)] });
    assert_eq!(read(&[far]).out, "", "an index takes no memory");
}

#[test]
fn a_whole_answer_is_told_as_openai_tells_it() {
    let body = piece(&json!([{ "text": "Hm.", "thought": true }, { "text": "Hi" }]), Some("STOP"));
    let whole = read_answer(body.to_string().as_bytes(), &stamp()).expect("an answer");
    assert_eq!(read_completion(&whole.body), Some(whole.completion), "it reads as OpenAI's own");
    let told: Value = serde_json::from_slice(&whole.body).expect("JSON");
    assert_eq!(told["object"], "chat.completion");
    let message = json!({ "role": "assistant", "content": "Hi", "reasoning_content": "Hm.", "refusal": null });
    assert_eq!(told["choices"][0]["message"], message);
    assert_eq!(told["usage"]["completion_tokens_details"]["reasoning_tokens"], 5);
}

#[test]
fn what_is_no_answer_says_what_it_is_instead() {
    let unfinished = piece(&json!([{ "text": "Hi" }]), None).to_string();
    for (body, class) in [
        ("", FailureClass::Malformed),
        ("<html>", FailureClass::Malformed),
        ("{}", FailureClass::Malformed),
        ("[]", FailureClass::Malformed),
        (r#"{"candidates":[]}"#, FailureClass::Malformed),
        (r#"{"candidates":[{"con"#, FailureClass::Cut),
        (&unfinished, FailureClass::Cut),
        (
            r#"{"error":{"code":429,"message":"?","status":"RESOURCE_EXHAUSTED"}}"#,
            FailureClass::Throttled,
        ),
        (
            r#"[{"error":{"code":503,"message":"?","status":"UNAVAILABLE"}}]"#,
            FailureClass::Overloaded,
        ),
    ] {
        let failure = read_answer(body.as_bytes(), &stamp()).expect_err("no answer");
        assert_eq!(failure.class, class, "{body}");
    }
}

#[test]
fn odd_usage_and_half_a_surrogate_are_no_reason_to_lose_an_answer() {
    for usage in ["null", "-1", "[]", r#"{"promptTokenCount":null,"candidatesTokenCount":-3}"#] {
        let body = format!(
            r#"{{"candidates":[{{"content":{{"parts":[{{"text":"so \ud83d"}}]}},"finishReason":"STOP"}}],"usageMetadata":{usage}}}"#
        );
        let whole = read_answer(body.as_bytes(), &stamp()).expect("an answer");
        assert_eq!(whole.completion.usage, None, "{usage}");
        let told: Value = serde_json::from_slice(&whole.body).expect("JSON");
        assert_eq!(told["choices"][0]["message"]["content"], "so \u{fffd}");
        let seen = read_stream(Format::Gemini, true, &format!("data: {body}\n\n"));
        assert!(seen.ended, "{usage}");
        assert_eq!(seen.known().usage, None, "{usage}");
    }
}

#[test]
fn a_picture_that_the_model_made_is_passed_on() {
    let parts = json!([{ "inlineData": { "mimeType": "image/png", "data": "iVBO" } }]);
    let image =
        json!({ "type": "image_url", "image_url": { "url": "data:image/png;base64,iVBO" } });
    let seen = read(&[piece(&parts, Some("STOP"))]);
    assert_eq!(seen.deltas()[1]["images"][0]["image_url"], image["image_url"]);
    let body = piece(&parts, Some("STOP")).to_string();
    let whole = read_answer(body.as_bytes(), &stamp()).expect("an answer");
    let told: Value = serde_json::from_slice(&whole.body).expect("JSON");
    assert_eq!(told["choices"][0]["message"]["images"], json!([image]));
}
