//! What Gemini is told for what OpenAI is told.

use crate::Format;
use crate::chat::{ChatRequest, Unsupported};
use crate::dialect;
use serde_json::{Value, json};

fn told_to(model: &str, fields: &Value) -> Result<Value, Unsupported> {
    let mut request = json!({ "model": "chat", "messages": [{ "role": "user", "content": "hi" }] });
    let fields = fields.as_object().expect("fields").clone();
    request.as_object_mut().expect("an object").extend(fields);
    let chat = ChatRequest::parse(request.to_string().into()).expect("a request");
    let body = dialect(Format::Gemini).body(&chat, model, true)?;
    Ok(serde_json::from_slice(&body).expect("JSON"))
}

fn check(fields: &Value, expected: &Value) {
    let body = told_to("gemini-2.5-flash", fields).expect("it can be told");
    for (name, value) in expected.as_object().expect("fields") {
        assert_eq!(&body[name], value, "`{name}` of {body}");
    }
}

fn refused(fields: &Value, param: &str) {
    let untold = told_to("gemini-2.5-flash", fields).expect_err("it cannot be told");
    assert_eq!(untold.param, param);
}

#[test]
fn the_model_and_the_manner_stand_in_the_path() {
    let path = |model, stream| dialect(Format::Gemini).chat_path(model, stream).into_owned();
    assert_eq!(path("gemini-2.5-flash", false), "/models/gemini-2.5-flash:generateContent");
    assert_eq!(path("tunedModels/a", true), "/tunedModels/a:streamGenerateContent?alt=sse");
    assert_eq!(path("../x?key=1", false), "/models/..%2Fx%3Fkey%3D1:generateContent");
}

#[test]
fn settings_have_their_names() {
    check(&json!({ "seed": -1 }), &json!({ "generationConfig": { "seed": 2_147_483_647 } }));
    check(
        &json!({ "max_tokens": 9, "temperature": 1.7, "top_p": 0.5, "stop": ["a", "b"], "seed": 3,
                 "n": 2, "presence_penalty": 0.5, "frequency_penalty": -0.5, "user": "u1",
                 "messages": [{ "role": "system", "content": "be brief" },
                              { "role": "user", "content": "hi" }] }),
        &json!({
            "systemInstruction": { "parts": [{ "text": "be brief" }] },
            "contents": [{ "role": "user", "parts": [{ "text": "hi" }] }],
            "generationConfig": { "maxOutputTokens": 9, "temperature": 1.7, "topP": 0.5,
                "stopSequences": ["a", "b"], "seed": 3, "candidateCount": 2,
                "presencePenalty": 0.5, "frequencyPenalty": -0.5 },
        }),
    );
}

#[test]
fn calls_and_their_results_are_turns_that_alternate() {
    let call = |id: &str| json!({ "id": id, "type": "function", "function": { "name": "f", "arguments": "{\"x\":1}" } });
    let history = json!({ "messages": [
        { "role": "user", "content": "hi" },
        { "role": "assistant", "content": "", "tool_calls": [call("a"), call("b")] },
        { "role": "tool", "tool_call_id": "a", "content": "{\"y\": 2}" },
        { "role": "tool", "tool_call_id": "b", "content": "two" },
    ] });
    let function_call = json!({ "functionCall": { "name": "f", "args": { "x": 1 } } });
    let contents = json!([
        { "role": "user", "parts": [{ "text": "hi" }] },
        { "role": "model", "parts": [function_call, function_call] },
        { "role": "user", "parts": [
            { "functionResponse": { "name": "f", "response": { "y": 2 } } },
            { "functionResponse": { "name": "f", "response": { "result": "two" } } },
        ] },
    ]);
    check(&history, &json!({ "contents": contents }));
    let body = told_to("gemini-3-pro", &history).expect("told");
    let parts = &body["contents"][1]["parts"];
    assert_eq!(parts[0]["thoughtSignature"], "skip_thought_signature_validator");
    assert_eq!(parts[1], function_call);
    let stray = json!([{ "role": "tool", "tool_call_id": "a", "content": "one" }]);
    refused(&json!({ "messages": stray }), "messages.tool_call_id");
}

#[test]
fn a_signature_goes_back_with_its_call() {
    let call = json!({ "id": "a", "type": "function", "function": { "name": "f", "arguments": "{}" },
        "extra_content": { "google": { "thought_signature": "EsUE/+=" } } });
    check(
        &json!({ "messages": [{ "role": "assistant", "tool_calls": [call] }] }),
        &json!({ "contents": [{ "role": "model", "parts": [
            { "functionCall": { "name": "f", "args": {} }, "thoughtSignature": "EsUE/+=" }] }] }),
    );
}

#[test]
fn pictures_sound_and_files_are_sent_where_they_are() {
    let parts = json!([
        { "type": "image_url", "image_url": { "url": "data:image/png;base64,iVBOR" } },
        { "type": "image_url", "image_url": { "url": "https://example.com/a.JPG?size=2" } },
        { "type": "input_audio", "input_audio": { "data": "UklG", "format": "wav" } },
        { "type": "file", "file": { "file_data": "data:application/pdf;base64,JVBE" } },
    ]);
    check(
        &json!({ "messages": [{ "role": "user", "content": parts }] }),
        &json!({ "contents": [{ "role": "user", "parts": [
            { "inlineData": { "mimeType": "image/png", "data": "iVBOR" } },
            { "fileData": { "mimeType": "image/jpeg", "fileUri": "https://example.com/a.JPG?size=2" } },
            { "inlineData": { "mimeType": "audio/wav", "data": "UklG" } },
            { "inlineData": { "mimeType": "application/pdf", "data": "JVBE" } },
        ] }] }),
    );
    let unknown = json!([{ "type": "image_url", "image_url": { "url": "https://example.com/a" } }]);
    refused(&json!({ "messages": [{ "role": "user", "content": unknown }] }), "messages.content");
}

#[test]
fn tools_and_the_choice_among_them_are_told() {
    let parameters = json!({ "type": "object", "additionalProperties": false });
    let tools = json!([
        { "type": "function", "function": { "name": "f", "description": "does", "parameters": parameters } },
        { "type": "function", "function": { "name": "g" } },
    ]);
    let declarations = json!([
        { "name": "f", "description": "does", "parametersJsonSchema": parameters },
        { "name": "g" },
    ]);
    check(
        &json!({ "tools": tools }),
        &json!({ "tools": [{ "functionDeclarations": declarations }], "toolConfig": null }),
    );
    for (choice, expected) in [
        (json!("auto"), json!({ "mode": "AUTO" })),
        (json!("none"), json!({ "mode": "NONE" })),
        (json!("required"), json!({ "mode": "ANY" })),
        (
            json!({ "type": "function", "function": { "name": "f" } }),
            json!({ "mode": "ANY", "allowedFunctionNames": ["f"] }),
        ),
    ] {
        check(
            &json!({ "tools": tools, "tool_choice": choice }),
            &json!({ "toolConfig": { "functionCallingConfig": expected } }),
        );
    }
    // What it cannot promise is no reason to refuse: clients send it with every request.
    let fields = json!({ "tools": tools, "parallel_tool_calls": false });
    assert_eq!(told_to("g", &fields), told_to("g", &json!({ "tools": tools })));
}

#[test]
fn forms_and_effort_are_told() {
    let schema = json!({ "type": "object" });
    check(
        &json!({ "response_format": { "type": "json_schema", "json_schema": { "name": "x", "schema": schema } } }),
        &json!({ "generationConfig": { "responseMimeType": "application/json", "responseJsonSchema": schema } }),
    );
    check(
        &json!({ "response_format": { "type": "json_object" } }),
        &json!({ "generationConfig": { "responseMimeType": "application/json" } }),
    );
    for (word, budget, thoughts) in
        [("none", 0, false), ("low", 1_024, true), ("medium", 8_192, true), ("high", 24_576, true)]
    {
        let thinking = json!({ "thinkingBudget": budget, "includeThoughts": thoughts });
        check(
            &json!({ "reasoning_effort": word }),
            &json!({ "generationConfig": { "thinkingConfig": thinking } }),
        );
    }
}
