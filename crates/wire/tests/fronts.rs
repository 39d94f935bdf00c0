//! Requests of clients that do not speak OpenAI's chats, and answers to them.

use serde_json::{Value, json};
use squall_wire::call::{Stamp, Whole};
use squall_wire::chat::{ChatRequest, Completion, FrontApi, RequestError};
use squall_wire::client_error::FrontError;
use squall_wire::error::ApiError;
use squall_wire::front::FrontPath;
use squall_wire::{Format, front_format};

fn read(api: FrontApi, body: &Value) -> Result<ChatRequest, RequestError> {
    let path = FrontPath { model: Some("group".to_owned()), stream: false };
    front_format(api).read(&path, body.to_string().into())
}

/// The chat that a request is told as.
fn chat(api: FrontApi, body: &Value) -> Value {
    let asked = read(api, body).expect("a request");
    assert_eq!(asked.only_native().map(ToString::to_string), None);
    serde_json::from_slice(asked.body()).expect("JSON")
}

/// The field that only deployments of the client's own format can be told.
fn native_only(api: FrontApi, body: &Value) -> String {
    read(api, body).expect("a request").only_native().expect("it is native only").param.clone()
}

const ANSWER: &str = r#"{"id":"chatcmpl-7","created":5,"model":"gpt","choices":[{"index":0,"message":
    {"role":"assistant","content":"Hi","reasoning_content":"hm","tool_calls":[{"id":"c1","type":"function",
    "function":{"name":"f","arguments":"{\"b\":1,\"a\":[2]}"}}]},"finish_reason":"tool_calls"}],
    "usage":{"prompt_tokens":10,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":3},
    "completion_tokens_details":{"reasoning_tokens":1}}}"#;

fn stamp() -> Stamp {
    Stamp { created: 1, number: 2, model: "m".to_owned() }
}

fn answered(api: FrontApi, body: &Value, answer: &'static str) -> Option<Value> {
    let completion = Completion { finish: None, usage: None };
    let whole = Whole { body: answer.as_bytes().into(), completion };
    let told = front_format(api).whole(&whole, &read(api, body).expect("a request"), &stamp());
    Some(serde_json::from_slice(&told.ok()?.body).expect("JSON"))
}

/// The events of a stream of these deltas, as JSON.
fn streamed(api: FrontApi, body: &Value, deltas: &[&str]) -> Vec<Value> {
    let mut stream = front_format(api).stream(&read(api, body).expect("a request"));
    let mut out = String::new();
    for delta in deltas {
        let chunk = format!(
            "data: {{\"id\":\"chatcmpl-7\",\"model\":\"gpt\",\"created\":5,\"choices\":[{{\"index\":0,{delta}}}]}}\n\n"
        );
        out += std::str::from_utf8(&stream.write(chunk.as_bytes())).expect("UTF-8");
    }
    let end = concat!(
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":4}}\n\n",
        "data: [DONE]\n\n"
    );
    out += std::str::from_utf8(&stream.write(end.as_bytes())).expect("UTF-8");
    let data = out.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|data| serde_json::from_str(data).expect("JSON")).collect()
}

fn messages(more: &Value) -> Value {
    let mut body = json!({ "model": "group", "max_tokens": 9, "messages": [{ "role": "user", "content": "hi" }] });
    for (key, value) in more.as_object().expect("fields") {
        body[key] = value.clone();
    }
    body
}

#[test]
fn a_message_is_told_as_a_chat_with_its_calls_results_and_pictures() {
    let body = messages(&json!({
        "system": [{ "type": "text", "text": "be" }, { "type": "text", "text": "brief" }],
        "stop_sequences": ["x"],
        "metadata": { "user_id": "u" },
        "thinking": { "type": "enabled", "budget_tokens": 2048 },
        "tools": [{ "name": "f", "input_schema": { "type": "object" } }],
        "tool_choice": { "type": "any", "disable_parallel_tool_use": true },
        "top_k": 5,
        "messages": [
            { "role": "user", "content": "hi" },
            { "role": "assistant", "content": [
                { "type": "thinking", "thinking": "hm", "signature": "s" },
                { "type": "text", "text": "so" },
                { "type": "tool_use", "id": "t1", "name": "f", "input": { "a": 1 } },
            ] },
            { "role": "user", "content": [
                { "type": "tool_result", "tool_use_id": "t1", "content": [{ "type": "text", "text": "42" }] },
                { "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": "aa" } },
            ] },
        ],
    }));
    let told = chat(FrontApi::Messages, &body);
    assert_eq!(
        told["messages"],
        json!([
            { "role": "system", "content": "be\n\nbrief" },
            { "role": "user", "content": "hi" },
            { "role": "assistant", "content": "so", "tool_calls": [
                { "id": "t1", "type": "function", "function": { "name": "f", "arguments": "{\"a\":1}" } }
            ] },
            { "role": "tool", "tool_call_id": "t1", "content": "42" },
            { "role": "user", "content": [
                { "type": "image_url", "image_url": { "url": "data:image/png;base64,aa" } }
            ] },
        ])
    );
    assert_eq!(told["tool_choice"], "required");
    assert_eq!(told["parallel_tool_calls"], false);
    assert_eq!((&told["max_completion_tokens"], &told["stop"]), (&json!(9), &json!(["x"])));
    assert_eq!((&told["reasoning_effort"], &told["user"]), (&json!("medium"), &json!("u")));
    assert_eq!(told.get("top_k"), None, "a hint that no chat has");
}

#[test]
fn what_only_its_vendor_has_is_named_and_goes_to_its_vendor_unchanged() {
    let own = messages(
        &json!({ "tools": [{ "type": "web_search_20250305", "name": "web_search" }], "new": [1.50] }),
    );
    assert_eq!(native_only(FrontApi::Messages, &own), "tools");
    let native = read(FrontApi::Messages, &own).expect("a request").native_body("claude");
    let native: Value = serde_json::from_slice(&native).expect("JSON");
    assert_eq!(
        (&native["model"], &native["new"], &native["tools"]),
        (&json!("claude"), &own["new"], &own["tools"])
    );
    for (more, param) in [
        (json!({ "previous_response_id": "r" }), "previous_response_id"),
        (json!({ "store": true }), "store"),
        (json!({ "tools": [{ "type": "web_search" }] }), "tools"),
        (json!({ "input": [{ "type": "item_reference", "id": "i" }] }), "input[0]"),
        (
            json!({ "input": [{ "role": "user", "content": [{ "type": "input_image", "file_id": "f" }] }] }),
            "input[0]",
        ),
    ] {
        let mut body = json!({ "model": "group", "input": "hi" });
        body.as_object_mut().expect("fields").extend(more.as_object().expect("fields").clone());
        assert_eq!(native_only(FrontApi::Responses, &body), param);
    }
    let contents =
        json!({ "contents": [{ "parts": [{ "text": "hi" }] }], "tools": [{ "googleSearch": {} }] });
    assert_eq!(native_only(FrontApi::Contents, &contents), "tools");
}

#[test]
fn thoughts_that_nobody_signed_do_not_go_to_anthropic() {
    let history = |signature: &str| {
        messages(&json!({ "messages": [
            { "role": "user", "content": "hi" },
            { "role": "assistant", "content": [
                { "type": "thinking", "thinking": "hm", "signature": signature },
                { "type": "text", "text": "so" },
            ] },
            { "role": "user", "content": "and" },
        ] }))
    };
    let blocks = |signature| {
        let native =
            read(FrontApi::Messages, &history(signature)).expect("a request").native_body("m");
        let native: Value = serde_json::from_slice(&native).expect("JSON");
        native["messages"][1]["content"].as_array().expect("blocks").len()
    };
    assert_eq!((blocks("signed"), blocks("")), (2, 1));
}

#[test]
fn a_request_without_what_its_vendor_demands_is_refused() {
    for (api, body) in [
        (
            FrontApi::Messages,
            json!({ "model": "m", "messages": [{ "role": "user", "content": "a" }] }),
        ),
        (FrontApi::Messages, json!({ "model": "m", "max_tokens": 1, "messages": [] })),
        (
            FrontApi::Messages,
            messages(&json!({ "messages": [{ "role": "user", "content": null }] })),
        ),
        (
            FrontApi::Messages,
            messages(&json!({ "tools": [{ "name": "f" }], "tool_choice": { "type": "tool" } })),
        ),
        (FrontApi::Responses, json!({ "model": "m" })),
        (FrontApi::Responses, json!({ "input": "a" })),
        (FrontApi::Contents, json!({ "contents": [] })),
        (FrontApi::Contents, json!({ "contents": [{ "parts": 7 }] })),
    ] {
        assert!(read(api, &body).is_err(), "{api:?}: {body}");
    }
}

#[test]
fn a_response_is_told_as_a_chat_item_by_item() {
    let body = json!({
        "model": "group",
        "instructions": "be brief",
        "max_output_tokens": 7,
        "reasoning": { "effort": "high" },
        "text": { "format": { "type": "json_object" } },
        "input": [
            { "role": "user", "content": [{ "type": "input_text", "text": "hi" }] },
            { "type": "reasoning", "id": "r", "summary": [] },
            { "type": "message", "role": "assistant", "content": [{ "type": "output_text", "text": "so" }] },
            { "type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}" },
            { "type": "function_call", "call_id": "c2", "name": "g", "arguments": "{}" },
            { "type": "function_call_output", "call_id": "c1", "output": "42" },
        ],
    });
    let told = chat(FrontApi::Responses, &body);
    let turns = told["messages"].as_array().expect("messages");
    let roles: Vec<_> = turns.iter().map(|turn| turn["role"].as_str().expect("a role")).collect();
    assert_eq!(roles, ["system", "user", "assistant", "tool"]);
    assert_eq!(turns[2]["content"], "so");
    assert_eq!(turns[2]["tool_calls"].as_array().expect("calls").len(), 2);
    assert_eq!(told["response_format"], json!({ "type": "json_object" }));
    assert_eq!(
        (&told["reasoning_effort"], &told["max_completion_tokens"]),
        (&json!("high"), &json!(7))
    );
}

#[test]
fn results_of_functions_find_the_calls_of_their_names() {
    let call = |name| json!({ "functionCall": { "name": name, "args": {} } });
    let result = |name| json!({ "functionResponse": { "name": name, "response": { "n": 1 } } });
    let body = json!({ "contents": [
        { "role": "user", "parts": { "text": "hi" } },
        { "role": "model", "parts": [call("f"), call("g"), call("f")] },
        { "role": "user", "parts": [result("f"), result("f"), result("g")] },
    ] });
    let told = chat(FrontApi::Contents, &body);
    let turns = told["messages"].as_array().expect("messages");
    let made: Vec<_> =
        (0..3).map(|place| turns[1]["tool_calls"][place]["id"].as_str().expect("an id")).collect();
    let back: Vec<_> =
        turns[2..].iter().map(|turn| turn["tool_call_id"].as_str().expect("an id")).collect();
    assert_eq!(back, [made[0], made[2], made[1]]);
    assert_eq!(turns[2]["content"], r#"{"n":1}"#);
}

#[test]
fn an_answer_has_its_text_calls_and_usage_in_each_vendors_words() {
    let message = answered(FrontApi::Messages, &messages(&json!({})), ANSWER).expect("an answer");
    assert_eq!(
        message["content"],
        json!([
            { "type": "text", "text": "Hi" },
            { "type": "tool_use", "id": "c1", "name": "f", "input": { "b": 1, "a": [2] } },
        ])
    );
    assert_eq!((&message["id"], &message["stop_reason"]), (&json!("msg_7"), &json!("tool_use")));
    assert_eq!(message["usage"]["input_tokens"], 7, "what the cache had is apart");
    let response = answered(FrontApi::Responses, &json!({ "model": "m", "input": "a" }), ANSWER)
        .expect("an answer");
    assert_eq!(response["output"][1]["arguments"], r#"{"b":1,"a":[2]}"#);
    assert_eq!(response["usage"]["total_tokens"], 14);
    let thinks = json!({ "contents": [{ "parts": [{ "text": "hi" }] }],
        "generationConfig": { "thinkingConfig": { "includeThoughts": true } } });
    let content = answered(FrontApi::Contents, &thinks, ANSWER).expect("an answer");
    let parts = &content["candidates"][0]["content"]["parts"];
    assert_eq!((&parts[0]["thought"], &parts[1]["text"]), (&json!(true), &json!("Hi")));
    assert_eq!(parts[2]["functionCall"]["args"], json!({ "b": 1, "a": [2] }));
    assert_eq!(content["usageMetadata"]["thoughtsTokenCount"], 1);
}

#[test]
fn what_is_no_answer_is_none_in_any_words() {
    for body in [r#"{"choices":[]}"#, r#"{"choices":7}"#, r#"{"choices":[{"message":7}]}"#] {
        assert_eq!(answered(FrontApi::Messages, &messages(&json!({})), body), None, "{body}");
    }
}

const DELTAS: [&str; 5] = [
    r#""delta":{"role":"assistant","content":""}"#,
    r#""delta":{"content":"Hi"}"#,
    r#""delta":{"tool_calls":[{"index":0,"id":"c1","function":{"name":"f","arguments":"{\"a\""}}]}"#,
    r#""delta":{"tool_calls":[{"index":0,"function":{"arguments":":1}"}}]}"#,
    r#""delta":{},"finish_reason":"tool_calls""#,
];

#[test]
fn the_events_of_a_stream_come_in_each_vendors_order() {
    let kinds = |events: &[Value]| -> Vec<String> {
        events.iter().map(|event| event["type"].as_str().unwrap_or_default().to_owned()).collect()
    };
    let events = streamed(FrontApi::Messages, &messages(&json!({})), &DELTAS);
    assert_eq!(
        kinds(&events),
        [
            "message_start",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "content_block_start",
            "content_block_delta",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ]
    );
    assert_eq!(events[8]["usage"]["output_tokens"], 4);
    let events = streamed(FrontApi::Responses, &json!({ "model": "m", "input": "a" }), &DELTAS);
    let numbers: Vec<_> = events.iter().map(|event| event["sequence_number"].as_u64()).collect();
    assert_eq!(numbers, (0..events.len() as u64).map(Some).collect::<Vec<_>>());
    let last = events.last().expect("an end");
    assert_eq!(last["type"], "response.completed");
    assert_eq!(last["response"]["output"][1]["arguments"], r#"{"a":1}"#);
    let body = json!({ "contents": [{ "parts": [{ "text": "hi" }] }] });
    let chunks = streamed(FrontApi::Contents, &body, &DELTAS);
    assert_eq!(chunks.len(), 2, "a call comes whole: {chunks:?}");
    let call = &chunks[1]["candidates"][0]["content"]["parts"][0]["functionCall"];
    assert_eq!(call["args"], json!({ "a": 1 }));
    assert_eq!(chunks[1]["usageMetadata"]["candidatesTokenCount"], 4);
}

#[test]
fn errors_come_in_each_vendors_form_and_number() {
    let told = |format, status: u16, error: &ApiError| {
        let told = FrontError { format, status, error, wait: None, request_id: "r1" }.told();
        (told.0, serde_json::from_slice::<Value>(&told.1).expect("JSON"))
    };
    let busy = ApiError {
        message: "no deployment".to_owned(),
        kind: "service_unavailable_error".to_owned(),
        param: None,
        code: Some("server_is_overloaded".to_owned()),
    };
    let (status, body) = told(Format::Anthropic, 503, &busy);
    assert_eq!((status, &body["error"]["type"]), (529, &json!("overloaded_error")));
    assert_eq!(
        (&body["error"]["message"], &body["request_id"]),
        (&json!("no deployment"), &json!("r1"))
    );
    let (status, body) = told(Format::Gemini, 503, &busy);
    assert_eq!((status, &body["error"]["status"]), (503, &json!("UNAVAILABLE")));
    assert_eq!(told(Format::OpenAi, 503, &busy).1["error"]["code"], "server_is_overloaded");
}
