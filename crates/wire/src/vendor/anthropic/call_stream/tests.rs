//! Streams as Anthropic's documentation shows them, split wherever a network may split them.

use crate::call::tests::read_stream;
use crate::chat::{Chunk, FinishReason, StreamEvent};
use crate::{Format, Usage};
use serde_json::json;
use squall_failure::FailureClass;

const START: &str = concat!(
    "event: message_start\n",
    r#"data: {"type":"message_start","message":{"id":"msg_01XFDUDYJgAACzvnptvVoYEL","type":"message","#,
    r#""role":"assistant","model":"claude-sonnet-4-5-20250929","content":[],"stop_reason":null,"#,
    r#""stop_sequence":null,"usage":{"input_tokens":25,"cache_creation_input_tokens":10,"#,
    r#""cache_read_input_tokens":100,"output_tokens":1}}}"#,
    "\n\n",
);

const PING: &str = "event: ping\ndata: {\"type\": \"ping\"}\n\n";

const STOP: &str = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

fn event(data: &serde_json::Value) -> String {
    format!("event: {}\ndata: {data}\n\n", data["type"].as_str().expect("a name"))
}

fn delta(index: u32, delta: &serde_json::Value) -> String {
    event(&json!({ "type": "content_block_delta", "index": index, "delta": delta }))
}

fn block(index: u32, block: &serde_json::Value) -> String {
    event(&json!({ "type": "content_block_start", "index": index, "content_block": block }))
}

fn block_stop(index: u32) -> String {
    event(&json!({ "type": "content_block_stop", "index": index }))
}

fn end(stop_reason: &str) -> String {
    event(&json!({
        "type": "message_delta",
        "delta": { "stop_reason": stop_reason, "stop_sequence": null },
        "usage": { "output_tokens": 15 },
    }))
}

fn text() -> String {
    [
        START.to_owned(),
        block(0, &json!({ "type": "text", "text": "" })),
        PING.to_owned(),
        delta(0, &json!({ "type": "text_delta", "text": "Hello" })),
        delta(0, &json!({ "type": "text_delta", "text": ", \"wörld\"\n" })),
        block_stop(0),
        end("end_turn"),
        STOP.to_owned(),
    ]
    .concat()
}

#[test]
fn text_is_told_as_openai_tells_it() {
    let seen = read_stream(Format::Anthropic, true, &text());
    assert!(seen.ended);
    let head = concat!(
        r#"data: {"id":"chatcmpl-msg_01XFDUDYJgAACzvnptvVoYEL","object":"chat.completion.chunk","#,
        r#""created":1700000000,"model":"claude-sonnet-4-5-20250929","choices":["#,
    );
    let chunk = |choice: &str| format!("{head}{choice}],\"usage\":null}}\n\n");
    let expected = [
        chunk(
            r#"{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}"#,
        ),
        chunk(r#"{"index":0,"delta":{"content":"Hello"},"logprobs":null,"finish_reason":null}"#),
        chunk(
            r#"{"index":0,"delta":{"content":", \"wörld\"\n"},"logprobs":null,"finish_reason":null}"#,
        ),
        chunk(r#"{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}"#),
        format!(
            concat!(
                r#"{}],"usage":{{"prompt_tokens":135,"completion_tokens":15,"total_tokens":150,"#,
                r#""prompt_tokens_details":{{"cached_tokens":100}},"#,
                r#""completion_tokens_details":{{"reasoning_tokens":0}}}}}}"#,
            ),
            head
        ) + "\n\n",
        "data: [DONE]\n\n".to_owned(),
    ];
    assert_eq!(seen.out, expected.concat());
    let usage = Some(Usage { input_tokens: 135, output_tokens: 15 });
    assert_eq!(seen.known(), Chunk { content: true, finish: Some(FinishReason::Stop), usage });
}

#[test]
fn what_a_client_gets_reads_as_openais_own() {
    let seen = read_stream(Format::Anthropic, true, &text());
    let again = read_stream(Format::OpenAi, true, &seen.out);
    assert!(again.ended);
    assert_eq!(again.known(), seen.known());
}

#[test]
fn a_client_that_wants_no_usage_gets_none() {
    let seen = read_stream(Format::Anthropic, false, &text());
    assert!(!seen.out.contains("usage"), "{}", seen.out);
    assert!(seen.known().usage.is_some(), "the router wants it all the same");
}

#[test]
fn thoughts_and_calls_have_their_places() {
    let stream = [
        START.to_owned(),
        block(0, &json!({ "type": "thinking", "thinking": "", "signature": "" })),
        delta(0, &json!({ "type": "thinking_delta", "thinking": "Hm." })),
        delta(
            0,
            &json!({ "type": "signature_delta", "signature": "EqQBCgIYAhIM1gbcDa9GJwZA2b3h" }),
        ),
        block_stop(0),
        block(1, &json!({ "type": "tool_use", "id": "toolu_1", "name": "weather", "input": {} })),
        delta(1, &json!({ "type": "input_json_delta", "partial_json": "" })),
        delta(1, &json!({ "type": "input_json_delta", "partial_json": "{\"location\":" })),
        delta(1, &json!({ "type": "input_json_delta", "partial_json": " \"Paris\"}" })),
        block_stop(1),
        block(2, &json!({ "type": "tool_use", "id": "toolu_2", "name": "now", "input": {} })),
        block_stop(2),
        end("tool_use"),
        STOP.to_owned(),
    ]
    .concat();
    let seen = read_stream(Format::Anthropic, false, &stream);
    let deltas = [
        json!({ "role": "assistant", "content": "" }),
        json!({ "reasoning_content": "Hm." }),
        json!({ "tool_calls": [{ "index": 0, "id": "toolu_1", "type": "function",
            "function": { "name": "weather", "arguments": "" } }] }),
        json!({ "tool_calls": [{ "index": 0, "function": { "arguments": "{\"location\":" } }] }),
        json!({ "tool_calls": [{ "index": 0, "function": { "arguments": " \"Paris\"}" } }] }),
        json!({ "tool_calls": [{ "index": 1, "id": "toolu_2", "type": "function",
            "function": { "name": "now", "arguments": "" } }] }),
        json!({ "tool_calls": [{ "index": 1, "function": { "arguments": "{}" } }] }),
        json!({}),
    ];
    assert_eq!(seen.deltas(), deltas);
    assert_eq!(seen.known().finish, Some(FinishReason::ToolCalls));
}

#[test]
fn arguments_of_a_tool_that_the_vendor_runs_are_no_clients_business() {
    let stream = [
        START.to_owned(),
        block(0, &json!({ "type": "tool_use", "id": "toolu_1", "name": "now", "input": {} })),
        block_stop(0),
        block(1, &json!({ "type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search" })),
        delta(1, &json!({ "type": "input_json_delta", "partial_json": "{\"query\":1}" })),
        block_stop(1),
    ]
    .concat();
    let seen = read_stream(Format::Anthropic, false, &stream);
    assert!(!seen.out.contains("query"), "{}", seen.out);
}

#[test]
fn each_stop_reason_has_its_word() {
    for (reason, finish) in [
        ("end_turn", FinishReason::Stop),
        ("stop_sequence", FinishReason::Stop),
        ("pause_turn", FinishReason::Stop),
        ("max_tokens", FinishReason::Length),
        ("model_context_window_exceeded", FinishReason::Length),
        ("tool_use", FinishReason::ToolCalls),
        ("refusal", FinishReason::ContentFilter),
    ] {
        let stream = [START, &end(reason), STOP].concat();
        let seen = read_stream(Format::Anthropic, false, &stream);
        assert_eq!(seen.known().finish, Some(finish), "{reason}");
    }
}

#[test]
fn a_stream_that_said_why_it_ends_is_whole_without_its_end_mark_and_no_other_is() {
    let whole = text();
    let unmarked = whole.strip_suffix(STOP).expect("it ends so");
    let seen = read_stream(Format::Anthropic, true, unmarked);
    assert!(seen.ended);
    assert_eq!(seen.out, read_stream(Format::Anthropic, true, &whole).out);
    let cut = unmarked.strip_suffix(&end("end_turn")).expect("it ends so");
    let seen = read_stream(Format::Anthropic, false, cut);
    assert!(!seen.ended);
    assert!(!seen.out.contains("[DONE]"));
}

#[test]
fn arguments_that_come_whole_when_a_block_begins_are_kept_and_never_told_twice() {
    let input = json!({ "city": "Oslo" });
    let begun = |index, input: &serde_json::Value| {
        let id = format!("t{index}");
        block(index, &json!({ "type": "tool_use", "id": id, "name": "f", "input": input }))
    };
    let more =
        delta(1, &json!({ "type": "input_json_delta", "partial_json": "{\"city\":\"Rome\"}" }));
    // The second is told by deltas as well; of the third, neither block nor message says that it ends.
    let stream = [
        START,
        &begun(0, &input),
        &begun(1, &input),
        &more,
        &block_stop(0),
        &begun(2, &input),
        &end("tool_use"),
    ];
    let seen = read_stream(Format::Anthropic, false, &stream.concat());
    let mut arguments = [String::new(), String::new(), String::new()];
    for delta in seen.deltas() {
        for call in delta["tool_calls"].as_array().into_iter().flatten() {
            let place = call["index"].as_u64().expect("a place") as usize;
            arguments[place] += call["function"]["arguments"].as_str().unwrap_or_default();
        }
    }
    let oslo = "{\"city\":\"Oslo\"}".to_owned();
    assert_eq!(arguments, [oslo.clone(), "{\"city\":\"Rome\"}".to_owned(), oslo]);
    assert!(seen.ended);
}

#[test]
fn whatever_the_model_does_counts_as_a_token_and_a_ping_does_not() {
    let is_content = |event: String| {
        let seen = read_stream(Format::Anthropic, false, &[START, &event].concat());
        matches!(seen.events.last(), Some(StreamEvent::Chunk(Chunk { content: true, .. })))
    };
    for event in [
        block(0, &json!({ "type": "thinking", "thinking": "Hm", "signature": "" })),
        block(0, &json!({ "type": "redacted_thinking", "data": "x" })),
        block(0, &json!({ "type": "server_tool_use", "id": "s", "name": "web_search" })),
        delta(0, &json!({ "type": "thinking_delta", "thinking": "Hm" })),
        delta(0, &json!({ "type": "signature_delta", "signature": "EqQ" })),
        delta(0, &json!({ "type": "input_json_delta", "partial_json": "{" })),
        delta(0, &json!({ "type": "text_delta", "text": "a" })),
    ] {
        assert!(is_content(event.clone()), "{event}");
    }
    for event in [PING.to_owned(), block_stop(0), block(0, &json!({ "type": "text", "text": "" }))]
    {
        assert!(!is_content(event.clone()), "{event}");
    }
    let thought = block(0, &json!({ "type": "thinking", "thinking": "Hm", "signature": "" }));
    let seen = read_stream(Format::Anthropic, false, &[START, &thought].concat());
    assert_eq!(seen.deltas()[1], json!({ "reasoning_content": "Hm" }));
}

#[test]
fn an_error_event_is_a_failure_and_a_ping_is_nothing() {
    let error = concat!(
        "event: error\n",
        r#"data: {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}"#,
        "\n\n",
    );
    let seen = read_stream(Format::Anthropic, false, &[START, PING, error].concat());
    let [StreamEvent::Chunk(_), StreamEvent::Unreadable, StreamEvent::Error(failure)] =
        seen.events[..]
    else {
        panic!("{:?}", seen.events)
    };
    assert_eq!((failure.class, failure.status), (FailureClass::Overloaded, 200));
}

#[test]
fn what_makes_no_sense_says_nothing() {
    for data in ["[DONE]", "{}", "{\"type\":\"new\"}", "{\"type\":\"content_block_stop\"}", "\u{0}"]
    {
        let seen = read_stream(Format::Anthropic, true, &format!("data: {data}\n\n{STOP}"));
        assert_eq!(seen.out, "", "{data}");
        assert!(!seen.ended, "{data}");
    }
}
