//! What a server writes, a caller reads: the two halves of each format know nothing of each other.

use super::*;
use crate::call::tests::{read_stream, stamp};
use crate::chat::{ChatRequest, StreamEvent};
use crate::{Format, dialect, server};
use crate::{HeaderGauge, LimitHeaders, word};
use serde_json::{Value, json};
use squall_failure::ProviderLimitKind;
use std::time::Duration;

/// The head of an answer to this request.
fn head(asked: &ParsedRequest) -> AnswerHead {
    AnswerHead {
        provider: 3,
        number: 42,
        created: 1_700_000_000,
        input_tokens: 17,
        says: asked.wants.said(false, 7),
        ..AnswerHead::default()
    }
}

const USAGE: Usage = Usage { input_tokens: 17, output_tokens: 5 };

/// A chat as a client of ours asks, told to the vendor by a caller and read by a server.
fn asked(format: Format, chat: &Value) -> ParsedRequest {
    let chat = ChatRequest::parse(chat.to_string().into()).expect("a request");
    let caller = dialect(format);
    let body = caller.body(&chat, "the-model", true).expect("the vendor has words for it");
    let path = caller.chat_path("the-model", chat.stream);
    let path = format!("{}{path}", format.base_path());
    let (path, query) = path.split_once('?').map_or((&*path, None), |(path, q)| (path, Some(q)));
    let route = server(format).route(path, query).unwrap_or_else(|| panic!("{path} is served"));
    server(format)
        .read(&route, body, Rules::default())
        .unwrap_or_else(|refused| panic!("{format:?}: {refused:?}"))
}

fn chat(more: &Value) -> Value {
    let mut chat = json!({
        "model": "group",
        "messages": [
            { "role": "system", "content": "Be brief." },
            { "role": "user", "content": "squall-7-17-5 How are you?" },
        ],
        "max_tokens": 99,
    });
    let fields = more.as_object().expect("an object").clone();
    chat.as_object_mut().expect("an object").extend(fields);
    chat
}

fn with_tools(stream: bool) -> Value {
    let parameters = json!({
        "type": "object",
        "properties": { "city": { "type": "string" }, "days": { "type": "integer" } },
        "required": ["city", "days"],
    });
    let function = json!({ "name": "weather", "description": "?", "parameters": parameters });
    let tools = json!([{ "type": "function", "function": function }]);
    chat(&json!({ "tools": tools, "tool_choice": "required", "stream": stream }))
}

fn text(tokens: u32) -> String {
    (0..tokens).map(word).collect()
}

fn streamed(
    format: Format,
    asked: &ParsedRequest,
    finish: Result<FinishReason, FailureClass>,
) -> String {
    let mut out = Vec::new();
    let mut writer = server(format).answer_writer(asked, &head(asked));
    writer.begin(&mut out);
    (0..USAGE.output_tokens).for_each(|n| writer.token(&mut out, n));
    match finish {
        Ok(finish) => writer.finish(&mut out, finish, USAGE),
        Err(class) => writer.error(&mut out, class),
    }
    String::from_utf8(out).expect("UTF-8")
}

#[test]
fn a_request_is_read_as_it_was_meant() {
    for format in Format::ALL {
        let asked = asked(format, &chat(&json!({ "stream": true })));
        assert_eq!((asked.stream, asked.max_tokens), (true, Some(99)), "{format:?}");
        assert_eq!(asked.token.map(|token| token.request), Some(7), "{format:?}");
        assert!(asked.input_tokens >= 9, "{format:?}: {} tokens", asked.input_tokens);
        assert_eq!((asked.wants.tools.len(), asked.wants.must_call), (0, false));
        assert_eq!(asked.model, "the-model", "{format:?}");
    }
}

#[test]
fn an_answer_in_one_piece_is_read_with_its_text_its_usage_and_its_reason() {
    for format in Format::ALL {
        let asked = asked(format, &chat(&json!({})));
        for (finish, word) in [(FinishReason::Stop, "stop"), (FinishReason::Length, "length")] {
            let body = server(format).whole(&asked, &head(&asked), USAGE, finish);
            let whole = dialect(format).answer(body, &stamp()).expect("an answer");
            let read: Value = serde_json::from_slice(&whole.body).expect("JSON");
            let choice = &read["choices"][0];
            assert_eq!(choice["message"]["content"], json!(text(5)), "{format:?}");
            assert_eq!(choice["finish_reason"], json!(word), "{format:?}");
            assert_eq!(whole.completion.usage, Some(USAGE), "{format:?}");
        }
    }
}

#[test]
fn a_stream_is_read_with_its_tokens_its_usage_and_its_end() {
    for format in Format::ALL {
        let stream = json!({ "stream": true, "stream_options": { "include_usage": true } });
        let asked = asked(format, &chat(&stream));
        let seen = read_stream(format, true, &streamed(format, &asked, Ok(FinishReason::Length)));
        assert!(seen.ended, "{format:?}");
        let known = seen.known();
        assert_eq!(
            (known.usage, known.finish),
            (Some(USAGE), Some(FinishReason::Length)),
            "{format:?}"
        );
        if !matches!(format, Format::OpenAi | Format::Azure) {
            let content: String =
                seen.deltas().iter().filter_map(|delta| delta["content"].as_str()).collect();
            assert_eq!(content, text(5), "{format:?}");
        }
    }
}

#[test]
fn a_tool_that_is_insisted_on_is_called_with_arguments_that_fit() {
    let fits = |arguments: &Value| arguments["city"].is_string() && arguments["days"].is_i64();
    for format in Format::ALL {
        let asked = asked(format, &with_tools(false));
        assert!(asked.wants.must_call, "{format:?}");
        let body = server(format).whole(&asked, &head(&asked), USAGE, FinishReason::Stop);
        let whole = dialect(format).answer(body, &stamp()).expect("an answer");
        let read: Value = serde_json::from_slice(&whole.body).expect("JSON");
        let call = &read["choices"][0]["message"]["tool_calls"][0]["function"];
        let told: Value =
            serde_json::from_str(call["arguments"].as_str().expect("text")).expect("JSON");
        assert!(call["name"] == "weather" && fits(&told), "{format:?}: {call}");
        assert_eq!(read["choices"][0]["finish_reason"], json!("tool_calls"), "{format:?}");

        let asked = self::asked(format, &with_tools(true));
        let stream = streamed(format, &asked, Ok(FinishReason::Stop));
        let seen = read_stream(format, false, &stream);
        assert_eq!(seen.known().finish, Some(FinishReason::ToolCalls), "{format:?}");
        if !matches!(format, Format::OpenAi | Format::Azure) {
            let pieces: String = seen
                .deltas()
                .iter()
                .filter_map(|delta| {
                    delta["tool_calls"][0]["function"]["arguments"].as_str().map(str::to_owned)
                })
                .collect();
            let told: Value = serde_json::from_str(&pieces).expect("JSON");
            assert!(fits(&told), "{format:?}: {told}");
        }
    }
}

#[test]
fn an_error_in_a_stream_is_read_as_its_class() {
    for format in Format::ALL {
        let asked = asked(format, &chat(&json!({ "stream": true })));
        for class in [FailureClass::Server, FailureClass::Overloaded, FailureClass::Throttled] {
            let seen = read_stream(format, false, &streamed(format, &asked, Err(class)));
            let last = seen.events.last().expect("events");
            let StreamEvent::Error(failure) = last else { panic!("{format:?}: {last:?}") };
            assert_eq!(failure.class, class, "{format:?}");
        }
    }
}

fn told(format: Format, class: FailureClass, limits: &HeaderLimits) -> VendorError<'_> {
    VendorError {
        key: Some("sk-abcdefghijklmnop"),
        request_id: "req_1",
        ..VendorError::new(class, server(format).status(class), limits)
    }
}

#[test]
fn every_class_of_failure_survives_the_way_over_every_wire() {
    let none = HeaderLimits::default();
    let now = std::time::SystemTime::UNIX_EPOCH;
    for format in Format::ALL {
        for class in [
            FailureClass::Throttled,
            FailureClass::Overloaded,
            FailureClass::Server,
            FailureClass::Timeout,
            FailureClass::Auth,
            FailureClass::NotFound,
            FailureClass::ContextWindow,
            FailureClass::ContentPolicy,
            FailureClass::BadRequest,
            FailureClass::QuotaSpent,
        ] {
            let told = told(format, class, &none);
            let (status, body) = (told.status, server(format).error(&told));
            let failure = if status == 200 {
                // Gemini answers a prompt that policy refuses.
                let whole = dialect(format).answer(body, &stamp()).expect("an answer");
                assert!(whole.completion.is_filtered(), "{format:?}");
                continue;
            } else {
                dialect(format).failure(status, &HeaderMap::new(), &body, now)
            };
            assert_eq!((failure.class, failure.status), (class, status), "{format:?}");
        }
    }
}

#[test]
fn a_refusal_tells_how_long_to_wait_and_which_limit_it_was() {
    let limits = HeaderLimits::default();
    let wait = Some(Duration::from_millis(12_500));
    // A day's requests are a spent quota to callers of Gemini, as Google says it.
    let within_a_day = |limit: &ProviderLimitKind| *limit != ProviderLimitKind::Day;
    for exceeded in ProviderLimitKind::ALL.into_iter().filter(within_a_day) {
        for format in Format::ALL {
            let throttled = told(format, FailureClass::Throttled, &limits);
            let told = VendorError { exceeded: Some(exceeded), wait, ..throttled };
            let (status, body) = (told.status, server(format).error(&told));
            assert_eq!(status, 429);
            let now = std::time::SystemTime::UNIX_EPOCH;
            let failure = dialect(format).failure(status, &HeaderMap::new(), &body, now);
            assert_eq!(failure.class, FailureClass::Throttled, "{format:?}, {exceeded:?}");
            if !server(format).has_retry_after() {
                assert_eq!(failure.retry_after, wait, "{format:?}: in the body");
            }
        }
    }
    let body = server(Format::OpenAi).error(&VendorError {
        exceeded: Some(ProviderLimitKind::Growth),
        ..told(Format::OpenAi, FailureClass::Throttled, &limits)
    });
    assert!(String::from_utf8_lossy(&body).contains(r#""code":"slow_down""#));
}

#[test]
fn limits_stand_in_the_headers_of_their_vendor() {
    let gauge = |limit, remaining| HeaderGauge {
        limit: Some(limit),
        remaining: Some(remaining),
        reset: Some(Duration::from_secs(30)),
    };
    let both = LimitHeaders { requests: gauge(60, 59), tokens: gauge(1_000, 900) };
    let limits = HeaderLimits { both, input: gauge(800, 10), output: HeaderGauge::default() };
    let headers = |format| {
        let mut headers = HeaderMap::new();
        let told = ResponseHeaderData {
            request_id: "req_1",
            limits: &limits,
            unix: Duration::from_secs(1_700_000_000),
            took: Duration::from_millis(7),
        };
        server(format).headers(&mut headers, &told);
        headers
    };
    let is = |headers: &HeaderMap, name: &str, value: &str| {
        assert_eq!(headers.get(name).and_then(|value| value.to_str().ok()), Some(value), "{name}");
    };
    let openai = headers(Format::OpenAi);
    is(&openai, "x-ratelimit-limit-requests", "60");
    is(&openai, "x-ratelimit-reset-tokens", "30s");
    is(&openai, "x-request-id", "req_1");
    let anthropic = headers(Format::Anthropic);
    is(&anthropic, "anthropic-ratelimit-requests-remaining", "59");
    is(&anthropic, "anthropic-ratelimit-input-tokens-limit", "800");
    is(&anthropic, "anthropic-ratelimit-tokens-remaining", "10");
    is(&anthropic, "anthropic-ratelimit-requests-reset", "2023-11-14T22:13:50Z");
    is(&anthropic, "request-id", "req_1");
    let azure = headers(Format::Azure);
    is(&azure, "x-ratelimit-remaining-tokens", "900");
    is(&azure, "apim-request-id", "req_1");
    assert!(azure.get("x-ratelimit-limit-requests").is_none());
    assert!(headers(Format::Gemini).is_empty());
}

#[test]
fn the_other_endpoints_of_openai_read_and_answer() {
    let server = server(Format::OpenAi);
    let read = |path: &str, body: Value| {
        let route = server.route(path, None).expect("a path");
        server.read(&route, body.to_string().into(), Rules::default()).expect("a request")
    };
    let completion = read("/v1/completions", json!({ "model": "m", "prompt": ["a b", "c"] }));
    assert_eq!((completion.max_tokens, completion.input_tokens), (Some(16), 1));
    let body = server.whole(&completion, &head(&completion), USAGE, FinishReason::Stop);
    let body: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(body["choices"][0]["text"], json!(text(5)));

    let wanted = json!({ "model": "m", "input": ["a", "b"], "dimensions": 4 });
    let vectors = read("/v1/embeddings", wanted);
    let body = server.whole(
        &vectors,
        &head(&vectors),
        Usage { output_tokens: 0, ..USAGE },
        FinishReason::Stop,
    );
    let body: Value = serde_json::from_slice(&body).expect("JSON");
    let all = body["data"].as_array().expect("a list");
    assert_eq!(all.len(), 2);
    for vector in all {
        let numbers = vector["embedding"].as_array().expect("numbers");
        let length: f64 = numbers.iter().map(|n| n.as_f64().expect("a number").powi(2)).sum();
        assert!(numbers.len() == 4 && (length - 1.0).abs() < 1e-6, "{numbers:?}");
    }
    assert_eq!(body["usage"], json!({ "prompt_tokens": 17, "total_tokens": 17 }));

    let response = read("/v1/responses", json!({ "model": "m", "input": "hi", "stream": true }));
    let stream = streamed(Format::OpenAi, &response, Ok(FinishReason::Stop));
    let events: Vec<&str> =
        stream.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    assert_eq!((events[0], events[4]), ("response.created", "response.output_text.delta"));
    assert_eq!(events.last(), Some(&"response.completed"));
    for data in stream.lines().filter_map(|line| line.strip_prefix("data: ")) {
        serde_json::from_str::<Value>(data).unwrap_or_else(|error| panic!("{error}: {data}"));
    }
}

#[test]
fn at_a_deployment_of_azures_a_body_need_not_name_a_model() {
    let azure = server(Format::Azure);
    let route = azure.route("/openai/deployments/gpt-eu/chat/completions", None).expect("a path");
    for model in ["", r#""model":null,"#, r#""model":"other","#] {
        let body = format!(r#"{{{model}"messages":[{{"role":"user","content":"?"}}]}}"#);
        let asked = azure.read(&route, body.into(), Rules::default()).expect("a request");
        assert_eq!(asked.model, "gpt-eu", "{model}");
    }
}

#[test]
fn what_is_no_request_is_refused_and_the_field_is_named() {
    let refused = |format, path: &str, body: &'static str| {
        let route = server(format).route(path, None).expect("a path");
        server(format)
            .read(&route, Bytes::from_static(body.as_bytes()), Rules::default())
            .expect_err("no request")
    };
    let generate = "/v1beta/models/m:generateContent";
    assert_eq!(refused(Format::Gemini, generate, "{}").param.as_deref(), Some("contents"));
    let messages = |body| refused(Format::Anthropic, "/v1/messages", body).param.map(String::from);
    assert_eq!(
        messages(r#"{"model":"m","messages":[{"role":"user","content":"?"}]}"#),
        Some("max_tokens".to_owned())
    );
    assert_eq!(messages(r#"{"messages":[],"max_tokens":1}"#).as_deref(), Some("model"));
    let azure = "/openai/deployments/d/embeddings";
    assert_eq!(refused(Format::Azure, azure, r#"{"input":[]}"#).param.as_deref(), Some("input"));
    for (format, path) in [
        (Format::OpenAi, "/v1/chat/completions"),
        (Format::OpenAi, "/v1/responses"),
        (Format::Anthropic, "/v1/messages"),
        (Format::Gemini, generate),
    ] {
        for garbage in ["", "{", "[]", "\u{0}", r#"{"model":3}"#, r#"{"contents":"?"}"#] {
            assert!(!refused(format, path, garbage).message.is_empty());
        }
    }
    assert_eq!(server(Format::Gemini).route("/v1beta/models/m:countTokens", None), None);
    assert_eq!(server(Format::Azure).route("/v1/chat/completions", None), None);
}
