//! What a request wants of its answer beside text: objects that fit, calls at a share, stops, and what is refused.

use crate::client::Client;
use crate::setup::{quick, setup};
use serde_json::{Value, json};
use squall_determinism::{Distribution, Share};
use squall_mock_provider::{MockProvider, MockSetup, Rules};
use squall_provider::{Prefill, PromptCache, ProviderConfig};
use std::time::Duration;

const CHAT: &str = "/v1/chat/completions";

async fn ask(setup: MockSetup, bodies: &[Value]) -> Vec<(u16, Value)> {
    let mock = MockProvider::start(setup).expect("a free port");
    let mut client = Client::connect(mock.addr()).await.expect("it listens");
    let mut answers = Vec::new();
    for body in bodies {
        let answer = client.post(CHAT, &body.to_string()).await;
        answers.push((answer.status, serde_json::from_slice(&answer.body).expect("JSON")));
    }
    mock.shutdown().await;
    answers
}

fn chat(more: &Value) -> Value {
    let mut body =
        json!({ "model": "gpt-us", "messages": [{ "role": "user", "content": "JSON?" }] });
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    body
}

#[tokio::test]
async fn an_object_fits_its_schema_and_is_another_for_each_request() {
    let schema = json!({
        "type": "object",
        "properties": { "age": { "type": "integer", "minimum": 18, "maximum": 99 }, "name": { "type": "string" } },
        "required": ["age", "name"],
        "additionalProperties": false,
    });
    let format =
        json!({ "type": "json_schema", "json_schema": { "name": "person", "schema": schema } });
    let bodies: Vec<_> = (0..20).map(|_| chat(&json!({ "response_format": format }))).collect();
    let mut seen = Vec::new();
    for (status, answer) in ask(setup(quick()), &bodies).await {
        assert_eq!(status, 200, "{answer}");
        let text = answer["choices"][0]["message"]["content"].as_str().expect("a text").to_owned();
        let said: Value = serde_json::from_str(&text).expect("JSON");
        let age = said["age"].as_i64().expect("an integer");
        assert!((18..=99).contains(&age) && said["name"].is_string(), "{said}");
        let tokens = answer["usage"]["completion_tokens"].as_u64().expect("a count");
        assert_eq!(tokens, text.len().div_ceil(4) as u64, "its tokens are those of its text");
        seen.push(text);
    }
    seen.sort_unstable();
    seen.dedup();
    assert!(seen.len() > 10, "{seen:?}");
    let cut = chat(&json!({ "response_format": format, "max_tokens": 2 }));
    let (_, cut) = ask(setup(quick()), &[cut]).await.remove(0);
    assert_eq!(cut["choices"][0]["finish_reason"], "length");
    let text = cut["choices"][0]["message"]["content"].as_str().expect("a text");
    assert!(serde_json::from_str::<Value>(text).is_err(), "cut in the middle: {text}");
}

#[tokio::test]
async fn a_tool_that_may_be_called_is_at_the_share_of_the_file() {
    let tools = json!([{ "type": "function", "function": { "name": "f", "parameters": {
        "type": "object", "properties": { "n": { "type": "integer", "minimum": 3, "maximum": 4 } }, "required": ["n"],
    } } }]);
    let with = |choice: &str| {
        let body = chat(&json!({ "tools": tools, "tool_choice": choice }));
        (0..60).map(|_| body.clone()).collect::<Vec<_>>()
    };
    let calls = |answers: Vec<(u16, Value)>| {
        let calls = answers.iter().map(|(_, answer)| &answer["choices"][0]);
        calls.filter(|choice| choice["finish_reason"] == "tool_calls").count()
    };
    let often = ProviderConfig { tool_calls: Share::percent(50), ..quick() };
    let some = calls(ask(setup(often.clone()), &with("auto")).await);
    assert!((15..=45).contains(&some), "{some} of 60 at 50 %");
    assert_eq!(calls(ask(setup(quick()), &with("auto")).await), 0, "none unless the file says");
    assert_eq!(calls(ask(setup(quick()), &with("required")).await), 60);
    assert_eq!(calls(ask(setup(often), &with("none")).await), 0);
}

#[tokio::test]
async fn a_text_stops_before_its_sequence_and_there_are_as_many_as_were_asked_for() {
    let body = chat(&json!({ "stop": ["hot"], "n": 3, "logprobs": true, "top_logprobs": 2 }));
    let (status, answer) = ask(setup(quick()), &[body]).await.remove(0);
    assert_eq!(status, 200, "{answer}");
    let choices = answer["choices"].as_array().expect("choices");
    assert_eq!(choices.len(), 3);
    for choice in choices {
        assert_eq!(choice["message"]["content"], " the sea was ");
        assert_eq!(choice["finish_reason"], "stop");
        let tokens = choice["logprobs"]["content"].as_array().expect("probabilities");
        let text: String = tokens.iter().filter_map(|token| token["token"].as_str()).collect();
        assert_eq!(text, " the sea was ");
        assert!(
            tokens
                .iter()
                .all(|token| token["top_logprobs"].as_array().is_some_and(|top| top.len() == 2))
        );
    }
    assert_eq!(answer["usage"]["completion_tokens"], 12, "four each");
}

#[tokio::test]
async fn what_openai_refuses_is_refused_in_its_words() {
    let strict = MockSetup {
        rules: Rules { strict: true, max_output_tokens: Some(4_096) },
        ..setup(quick())
    };
    for (more, param, code, says) in [
        (json!({ "temperature": 200 }), "temperature", Some("decimal_above_max_value"), "<= 2"),
        (json!({ "temperature": "hot" }), "temperature", Some("invalid_type"), "a string"),
        (json!({ "top_p": -0.1 }), "top_p", Some("decimal_below_min_value"), ">= 0"),
        (json!({ "n": 129 }), "n", Some("integer_above_max_value"), "<= 128"),
        (json!({ "max_tokens": 5_000 }), "max_tokens", Some("invalid_value"), "at most 4096"),
        (json!({ "stream_options": {} }), "stream_options", None, "'stream' is enabled"),
        (json!({ "foo": 1 }), "foo", Some("unknown_parameter"), "Unknown parameter: 'foo'."),
        (
            json!({ "stop": ["a", "b", "c", "d", "e"] }),
            "stop",
            Some("array_above_max_length"),
            "length 5",
        ),
        (json!({ "tool_choice": "required" }), "tool_choice", None, "'tools' are specified"),
        (
            json!({ "response_format": { "type": "json_schema" } }),
            "response_format.json_schema",
            Some("missing_required_parameter"),
            "Missing",
        ),
        (
            json!({ "response_format": { "type": "xml" } }),
            "response_format.type",
            Some("invalid_value"),
            "Supported",
        ),
    ] {
        let (status, answer) = ask(strict.clone(), &[chat(&more)]).await.remove(0);
        let error = &answer["error"];
        assert_eq!((status, error["param"].as_str()), (400, Some(param)), "{more}: {answer}");
        assert_eq!(error["code"].as_str(), code, "{more}: {answer}");
        assert!(
            error["message"].as_str().is_some_and(|text| text.contains(says)),
            "{more}: {answer}"
        );
    }
    let (status, _) = ask(setup(quick()), &[chat(&json!({ "foo": 1 }))]).await.remove(0);
    assert_eq!(status, 200, "not strict unless the file says");
}

#[tokio::test]
async fn thoughts_come_first_and_are_counted_and_so_is_what_a_cache_has() {
    let cache =
        PromptCache { share: Share::percent(50), warm_after: 1, lasts: Duration::from_secs(600) };
    let prefill = Prefill { per_token: Duration::ZERO, cache: Some(cache) };
    let thinks = ProviderConfig { reasoning: Distribution::Fixed { value: 7 }, prefill, ..quick() };
    let long = "word ".repeat(40);
    let body = json!({ "model": "m", "messages": [{ "role": "user", "content": long }] });
    let answers = ask(setup(thinks.clone()), &[body.clone(), body]).await;
    let usage = &answers[1].1["usage"];
    assert_eq!(usage["completion_tokens"], 27);
    assert_eq!(usage["completion_tokens_details"]["reasoning_tokens"], 7);
    assert_eq!(answers[0].1["usage"]["prompt_tokens_details"]["cached_tokens"], 0, "cold");
    let prompt = usage["prompt_tokens"].as_u64().expect("a count");
    assert_eq!(usage["prompt_tokens_details"]["cached_tokens"], prompt / 2);
    let message = &answers[1].1["choices"][0]["message"];
    let words = |name: &str| message[name].as_str().expect("a text").split_whitespace().count();
    assert_eq!((words("reasoning_content"), words("content")), (7, 20));
    // A limit that is spent on thoughts leaves no answer.
    let short = chat(&json!({ "max_tokens": 5 }));
    let (_, short) = ask(setup(thinks), &[short]).await.remove(0);
    assert_eq!(short["choices"][0]["finish_reason"], "length");
    assert_eq!(short["choices"][0]["message"]["content"], "");
}

#[tokio::test]
async fn models_are_listed_told_one_by_one_and_others_refused_where_the_file_names_them() {
    let mock =
        MockProvider::start(MockSetup { only_listed: true, ..setup(quick()) }).expect("a port");
    let mut client = Client::connect(mock.addr()).await.expect("it listens");
    assert_eq!(client.get("/v1/models/gpt-eu").await.status, 200);
    let missing = client.get("/v1/models/gpt-9").await;
    assert_eq!(missing.status, 404);
    assert!(missing.text().contains("model_not_found"), "{}", missing.text());
    let mut other = chat(&json!({}));
    other["model"] = json!("gpt-9");
    let refused = client.post(CHAT, &other.to_string()).await;
    assert_eq!(refused.status, 404);
    assert!(refused.text().contains("The model `gpt-9` does not exist"), "{}", refused.text());
    assert_eq!(client.post(CHAT, &chat(&json!({})).to_string()).await.status, 200);
    let metrics = client.get("/metrics").await;
    assert_eq!(metrics.status, 200);
    let line = r#"squall_mock_attempts_total{provider="openai-eu",outcome="succeeded",fault=""} 1"#;
    assert!(metrics.text().contains(line), "{}", metrics.text());
    mock.shutdown().await;
}
