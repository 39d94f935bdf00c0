//! What Anthropic is told for what OpenAI is told.

use crate::Format;
use crate::chat::{ChatRequest, Unsupported};
use crate::dialect;
use serde_json::{Value, json};
use squall_failure::Retryable;

/// The body for these fields, beside a model and the message "hi" where there is none.
fn told(fields: &Value) -> Result<Value, Unsupported> {
    let mut request = json!({ "model": "chat", "messages": [{ "role": "user", "content": "hi" }] });
    let fields = fields.as_object().expect("fields").clone();
    request.as_object_mut().expect("an object").extend(fields);
    let chat = ChatRequest::parse(request.to_string().into()).expect("a request");
    let body = dialect(Format::Anthropic).body(&chat, "claude-haiku-4-5", true)?;
    Ok(serde_json::from_slice(&body).expect("JSON"))
}

fn check(fields: &Value, expected: &Value) {
    let body = told(fields).expect("it can be told");
    for (name, value) in expected.as_object().expect("fields") {
        assert_eq!(&body[name], value, "`{name}` of {body}");
    }
}

fn refused(fields: &Value, param: &str) {
    assert_eq!(told(fields).expect_err("it cannot be told").param, param);
}

#[test]
fn the_least_request_has_what_anthropic_demands() {
    let expected = json!({
        "model": "claude-haiku-4-5",
        "max_tokens": 4096,
        "messages": [{ "role": "user", "content": [{ "type": "text", "text": "hi" }] }],
    });
    assert_eq!(told(&json!({})).expect("told"), expected);
}

#[test]
fn settings_have_their_names_and_bounds() {
    check(
        &json!({ "max_completion_tokens": 9, "temperature": 1.7, "stop": "END", "user": "u1",
                 "stream": true, "seed": 3, "presence_penalty": 0.5 }),
        &json!({ "max_tokens": 9, "temperature": 1.0, "stop_sequences": ["END"],
                 "metadata": { "user_id": "u1" }, "stream": true, "seed": null }),
    );
    check(
        &json!({ "top_p": 0.9, "stop": ["a", "\n", "b"] }),
        &json!({ "top_p": 0.9, "stop_sequences": ["a", "b"] }),
    );
    check(&json!({ "top_p": 0.9, "temperature": 0.5 }), &json!({ "top_p": null }));
}

#[test]
fn system_and_developer_messages_stand_apart_in_their_order() {
    check(
        &json!({ "messages": [
            { "role": "system", "content": "one" },
            { "role": "user", "content": "hi" },
            { "role": "developer", "content": [{ "type": "text", "text": "two" }] },
        ] }),
        &json!({
            "system": [{ "type": "text", "text": "one" }, { "type": "text", "text": "two" }],
            "messages": [{ "role": "user", "content": [{ "type": "text", "text": "hi" }] }],
        }),
    );
    check(
        &json!({ "messages": [{ "role": "system", "content": "alone" }] }),
        &json!({
            "system": null,
            "messages": [{ "role": "user", "content": [{ "type": "text", "text": "alone" }] }],
        }),
    );
}

#[test]
fn calls_and_their_results_are_turns_that_alternate() {
    let call = |id: &str, arguments: &str| json!({ "id": id, "type": "function", "function": { "name": "f", "arguments": arguments } });
    check(
        &json!({ "messages": [
            { "role": "user", "content": "hi" },
            { "role": "assistant", "content": null, "tool_calls": [call("a", "{\"x\":1}"), call("b", "")] },
            { "role": "tool", "tool_call_id": "a", "content": "one" },
            { "role": "tool", "tool_call_id": "b", "content": "" },
            { "role": "user", "content": "and?" },
        ] }),
        &json!({ "messages": [
            { "role": "user", "content": [{ "type": "text", "text": "hi" }] },
            { "role": "assistant", "content": [
                { "type": "tool_use", "id": "a", "name": "f", "input": { "x": 1 } },
                { "type": "tool_use", "id": "b", "name": "f", "input": {} },
            ] },
            { "role": "user", "content": [
                { "type": "tool_result", "tool_use_id": "a", "content": [{ "type": "text", "text": "one" }] },
                { "type": "tool_result", "tool_use_id": "b" },
                { "type": "text", "text": "and?" },
            ] },
        ] }),
    );
}

#[test]
fn pictures_and_files_are_sent_where_they_are() {
    let parts = json!([
        { "type": "image_url", "image_url": { "url": "data:image/png;base64,iVBOR", "detail": "low" } },
        { "type": "image_url", "image_url": { "url": "https://example.com/a.jpg" } },
        { "type": "file", "file": { "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE" } },
    ]);
    check(
        &json!({ "messages": [{ "role": "user", "content": parts }] }),
        &json!({ "messages": [{ "role": "user", "content": [
            { "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": "iVBOR" } },
            { "type": "image", "source": { "type": "url", "url": "https://example.com/a.jpg" } },
            { "type": "document", "title": "a.pdf",
              "source": { "type": "base64", "media_type": "application/pdf", "data": "JVBE" } },
        ] }] }),
    );
}

#[test]
fn tools_and_the_choice_among_them_are_told() {
    let tools = json!([
        { "type": "function", "function": { "name": "f", "description": "does", "strict": true,
            "parameters": { "type": "object", "properties": { "x": { "type": "integer" } } } } },
        { "type": "function", "function": { "name": "g" } },
    ]);
    check(
        &json!({ "tools": tools }),
        &json!({ "tool_choice": null, "tools": [
            { "name": "f", "description": "does", "strict": true,
              "input_schema": { "type": "object", "properties": { "x": { "type": "integer" } } } },
            { "name": "g", "input_schema": { "type": "object", "properties": {} } },
        ] }),
    );
    for (choice, parallel, expected) in [
        (json!("auto"), true, json!({ "type": "auto" })),
        (json!("none"), false, json!({ "type": "none" })),
        (json!("required"), false, json!({ "type": "any", "disable_parallel_tool_use": true })),
        (Value::Null, false, json!({ "type": "auto", "disable_parallel_tool_use": true })),
        (
            json!({ "type": "function", "function": { "name": "f" } }),
            true,
            json!({ "type": "tool", "name": "f" }),
        ),
    ] {
        check(
            &json!({ "tools": tools, "tool_choice": choice, "parallel_tool_calls": parallel }),
            &json!({ "tool_choice": expected }),
        );
    }
}

#[test]
fn a_schema_is_told_and_json_of_any_form_is_asked_for() {
    let schema = json!({ "type": "object", "additionalProperties": false });
    check(
        &json!({ "response_format": { "type": "json_schema", "json_schema": { "name": "x", "schema": schema } } }),
        &json!({ "output_config": { "format": { "type": "json_schema", "schema": schema } } }),
    );
    let asked = told(&json!({ "response_format": { "type": "json_object" } })).expect("told");
    assert!(asked["system"][0]["text"].as_str().is_some_and(|text| text.contains("JSON")));
}

#[test]
fn effort_is_room_for_thoughts_where_anthropic_allows_them() {
    check(
        &json!({ "reasoning_effort": "medium", "temperature": 0.2 }),
        &json!({ "thinking": { "type": "enabled", "budget_tokens": 2048 }, "max_tokens": 6144,
                 "temperature": null }),
    );
    check(
        &json!({ "reasoning_effort": "high", "max_tokens": 3000 }),
        &json!({ "thinking": { "type": "enabled", "budget_tokens": 1500 }, "max_tokens": 3000 }),
    );
    let tools = json!([{ "type": "function", "function": { "name": "f" } }]);
    for fields in [
        json!({ "reasoning_effort": "none" }),
        json!({ "reasoning_effort": "high", "max_tokens": 2047 }),
        json!({ "reasoning_effort": "high", "tools": tools, "tool_choice": "required" }),
        json!({ "reasoning_effort": "high", "messages": [
            { "role": "user", "content": "hi" },
            { "role": "assistant", "tool_calls": [{ "id": "a", "type": "function",
                "function": { "name": "f", "arguments": "{}" } }] },
            { "role": "tool", "tool_call_id": "a", "content": "one" },
        ] }),
    ] {
        check(&fields, &json!({ "thinking": null }));
    }
}

#[test]
fn what_it_has_no_words_for_is_refused_by_name() {
    refused(&json!({ "n": 2 }), "n");
    refused(&json!({ "logprobs": true }), "logprobs");
    refused(&json!({ "logit_bias": { "50256": -100 } }), "logit_bias");
    refused(&json!({ "modalities": ["text", "audio"], "audio": {} }), "modalities");
    refused(&json!({ "functions": [] }), "functions");
    refused(&json!({ "web_search_options": {} }), "web_search_options");
    refused(&json!({ "tools": [{ "type": "custom", "custom": { "name": "x" } }] }), "tools");
    let sound =
        json!([{ "type": "input_audio", "input_audio": { "data": "UklG", "format": "wav" } }]);
    refused(&json!({ "messages": [{ "role": "user", "content": sound }] }), "messages");
    for fields in [
        json!({ "n": 1, "logprobs": false, "logit_bias": {}, "modalities": ["text"] }),
        json!({ "tools": null, "stop": null, "response_format": { "type": "text" }, "n": null }),
    ] {
        assert!(told(&fields).is_ok(), "{fields}");
    }
}

#[test]
fn what_is_wrong_anywhere_is_said_to_be() {
    for (fields, param) in [
        (json!({ "messages": [{ "role": "ghost", "content": "boo" }] }), "body"),
        (json!({ "messages": [{ "role": "tool", "content": "x" }] }), "messages[0].tool_call_id"),
        (json!({ "stop": 3 }), "stop"),
        (json!({ "n": 0 }), "n"),
        (json!({ "response_format": { "type": "json_schema" } }), "response_format"),
    ] {
        let untold = told(&fields).expect_err("it is wrong");
        assert_eq!(untold.param, param, "{fields}");
        assert_eq!(untold.failure().retryable, Retryable::Nowhere, "{fields}");
    }
    let only_here = told(&json!({ "n": 2 })).expect_err("it cannot be told");
    assert_eq!(only_here.failure().retryable, Retryable::OtherDeployment);
}
