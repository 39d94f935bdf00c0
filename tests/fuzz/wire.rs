//! What comes over sockets: requests from clients, answers and streams from upstreams, headers.

use squall_failure::Failure;
use squall_wire::call::Stamp;
use squall_wire::chat::{
    ChatRequest, ChatStream, Completion, FillerCheck, FrontApi, LitellmKeys, Operation,
    StreamEvent, read_completion, with_model,
};
use squall_wire::front::FrontPath;
use squall_wire::serve::Rules;
use squall_wire::{
    Format, LimitHeaders, RequestToken, SseDecoder, dialect, front_format, read_retry_after,
    server, write_retry_after,
};
use std::time::{Duration, SystemTime};

/// A request to the gateway: refused, or told to every vendor in JSON, or not to be told.
pub(crate) fn clients(bytes: &[u8]) {
    let (_, rest) = LitellmKeys::take(bytes.to_vec().into());
    let (keys, again) = LitellmKeys::take(rest.clone());
    assert_eq!((keys, again), (LitellmKeys::default(), rest), "nothing is left of what was taken");
    for operation in Operation::ALL {
        if let Ok(other) = ChatRequest::parse_other(operation, bytes.to_vec().into()) {
            is_json(&other.body_for("m", true));
        }
    }
    let kind = "multipart/form-data; boundary=b";
    for operation in [Operation::Transcription, Operation::ImageEdit] {
        for model in [None, Some("other")] {
            let form = bytes.to_vec().into();
            let Ok(form) = ChatRequest::parse_form(operation, kind, form, model) else { continue };
            assert!(model.is_none_or(|model| form.model == model), "the model of the path");
            let told = form.body_for("m", true);
            let again = ChatRequest::parse_form(operation, kind, told.clone(), None);
            let again = again.expect("what is told is a form");
            assert_eq!((again.model.as_str(), again.input_tokens), ("m", form.input_tokens));
            assert_eq!(again.body_for("m", true), told, "told once more it is the same");
        }
    }
    let path = FrontPath { model: Some("m".to_owned()), stream: true };
    for api in FrontApi::ALL {
        if let Ok(chat) = front_format(api).read(&path, bytes.to_vec().into()) {
            is_json(&chat.native_body("m"));
            is_told(&chat);
        }
    }
    if let Ok(chat) = ChatRequest::parse(bytes.to_vec().into()) {
        is_told(&chat);
        let other = ChatRequest::parse(with_model(bytes.to_vec().into(), "other"));
        assert_eq!(other.map(|chat| chat.model).ok().as_deref(), Some("other"));
    }
}

/// Told to every vendor in JSON, or not to be told.
fn is_told(chat: &ChatRequest) {
    is_json(&chat.body_for("m", true));
    for format in Format::ALL {
        if let Ok(body) = dialect(format).body(chat, "m", true) {
            is_json(&body);
        }
    }
}

/// A request of each API's own.
fn asked(api: FrontApi) -> ChatRequest {
    let body = match api {
        FrontApi::Messages => {
            r#"{"model":"m","max_tokens":2048,"thinking":{"type":"enabled","budget_tokens":1024},"messages":[{"role":"user","content":"a"}]}"#
        }
        FrontApi::Responses => r#"{"model":"m","input":"a"}"#,
        FrontApi::Contents => r#"{"contents":[{"parts":[{"text":"a"}]}]}"#,
    };
    let path = FrontPath { model: Some("m".to_owned()), stream: true };
    front_format(api).read(&path, body.as_bytes().into()).expect("a request")
}

/// A request to the mock, at each path of each vendor: read, or refused in that vendor's words.
pub(crate) fn vendors(bytes: &[u8]) {
    const PATHS: [&str; 9] = [
        "/v1/chat/completions",
        "/v1/completions",
        "/v1/embeddings",
        "/v1/responses",
        "/openai/deployments/m/chat/completions",
        "/openai/deployments/m/embeddings",
        "/v1/messages",
        "/v1beta/models/m:generateContent",
        "/v1beta/models/m:streamGenerateContent",
    ];
    for format in Format::ALL {
        let server = server(format);
        for path in PATHS {
            if let Some(route) = server.route(path, None) {
                // A refusal is data too: whether there is one is not the question.
                let strict = Rules { strict: true, max_output_tokens: Some(4_096) };
                let _ = server.read(&route, bytes.to_vec().into(), strict);
                if let Ok(asked) = server.read(&route, bytes.to_vec().into(), Rules::default()) {
                    // Whatever schema it brings, there is an answer.
                    let _ = asked.wants.said(true, 7).tokens();
                }
            }
        }
    }
}

/// A whole answer of an upstream, with a status that its first two bytes choose: an answer in JSON, or a
/// failure.
pub(crate) fn answers(bytes: &[u8]) {
    let Some((status, body)) = bytes.split_at_checked(2) else { return };
    let status = 100 + u16::from_le_bytes([status[0], status[1]]) % 500;
    for format in Format::ALL {
        let dialect = dialect(format);
        // Where front and back speak the same format, what came is passed on, whatever it is.
        if let Ok(whole) = dialect.answer(body.to_vec().into(), &stamp())
            && whole.body != body
        {
            is_json(&whole.body);
        }
        for api in FrontApi::ALL {
            if let Ok(whole) = dialect.answer(body.to_vec().into(), &stamp())
                && let Ok(told) = front_format(api).whole(&whole, &asked(api), &stamp())
            {
                is_json(&told.body);
            }
        }
        let headers = http::HeaderMap::new();
        let failure: Failure = dialect.failure(status, &headers, body, SystemTime::UNIX_EPOCH);
        assert_eq!(failure.status, status, "{format:?}");
    }
    let _: Option<Completion> = read_completion(body);
}

/// What a client gets of a stream.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    out: Vec<u8>,
    events: Vec<StreamEvent>,
    gave_up: bool,
    ended: bool,
}

/// A stream of an upstream, whole and in pieces whose sizes its own bytes choose: it reads the same, and what a client
/// gets are whole events of JSON.
pub(crate) fn streams(bytes: &[u8]) {
    let sizes: Vec<usize> = bytes.iter().take(64).map(|byte| usize::from(byte % 23) + 1).collect();
    for format in Format::ALL {
        for include_usage in [false, true] {
            let whole = read(format, include_usage, [bytes]);
            assert_eq!(read(format, include_usage, bytes.chunks(1)), whole, "{format:?}, by bytes");
            let drawn = read(format, include_usage, pieces(bytes, &sizes));
            assert_eq!(drawn, whole, "{format:?}, in pieces");
            are_events(&whole.out);
            for api in FrontApi::ALL {
                let mut stream = front_format(api).stream(&asked(api));
                are_events(&stream.write(&whole.out));
            }
        }
    }
    remembers_nothing_wrong(bytes);
    for operation in Operation::ALL {
        let mut decoder = SseDecoder::new();
        let mut reader = operation.reader(false);
        let mut out = Vec::new();
        decoder.push(bytes);
        while let Ok(Some(event)) = decoder.next_event() {
            reader.read(event, &mut out);
        }
        reader.end(&mut out);
    }
}

/// What a stream knows of a chunk by those before it is what it says by itself.
fn remembers_nothing_wrong(bytes: &[u8]) {
    let mut decoder = SseDecoder::new();
    let mut stream = ChatStream::default();
    let (mut parsed, mut known) = (FillerCheck::default(), FillerCheck::default());
    decoder.push(bytes);
    while let Ok(Some(event)) = decoder.next_event() {
        let alone = ChatStream::default().read(&event);
        assert_eq!(stream.read(&event), alone, "{}", shown(event.data));
        parsed.read(event.data);
        match stream.text(&event) {
            Some(text) => known.push(text),
            None => known.read(event.data),
        }
        assert_eq!(format!("{known:?}"), format!("{parsed:?}"), "{}", shown(event.data));
    }
}

fn pieces<'a>(mut bytes: &'a [u8], sizes: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    let mut sizes = sizes.iter().cycle();
    while let Some(size) = sizes.next().filter(|_| !bytes.is_empty()) {
        let (piece, rest) = bytes.split_at((*size).min(bytes.len()));
        pieces.push(piece);
        bytes = rest;
    }
    pieces
}

/// As the gateway reads: what is decoded goes to the format's reader, an event that is too large ends it.
fn read<'a>(
    format: Format,
    include_usage: bool,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Seen {
    let mut decoder = SseDecoder::new();
    let mut reader = dialect(format).stream(stamp(), include_usage);
    let mut seen = Seen::default();
    for piece in pieces {
        decoder.push(piece);
        loop {
            match decoder.next_event() {
                Ok(Some(event)) => seen.events.push(reader.read(event, &mut seen.out)),
                Ok(None) => break,
                Err(_) => {
                    seen.gave_up = true;
                    return seen;
                }
            }
        }
    }
    seen.ended = reader.end(&mut seen.out);
    seen
}

/// Nothing, or events one after the other: each is JSON, or the end mark.
fn are_events(out: &[u8]) {
    // Each of the line ends that a server may write.
    let ends = [&b"\n\n"[..], b"\r\n\r\n", b"\r\r"];
    let whole = out.is_empty() || ends.iter().any(|end| out.ends_with(end));
    assert!(whole, "half an event: {}", shown(out));
    let mut decoder = SseDecoder::new();
    decoder.push(out);
    while let Some(event) = decoder.next_event().expect("what we write is short") {
        if event.data != b"[DONE]" {
            is_json(event.data);
        }
    }
}

/// Headers of an upstream and of a client, a line each: read or passed over, and what is read is written back.
pub(crate) fn headers(bytes: &[u8]) {
    let mut headers = http::HeaderMap::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let mut halves = line.splitn(2, |byte| *byte == b':');
        let (Some(name), Some(value)) = (halves.next(), halves.next()) else { continue };
        if let (Ok(name), Ok(value)) =
            (http::HeaderName::from_bytes(name), http::HeaderValue::from_bytes(value))
        {
            headers.insert(name, value);
        }
    }
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    if let Some(wait) = read_retry_after(&headers, now) {
        let mut written = http::HeaderMap::new();
        write_retry_after(&mut written, wait);
        let again = read_retry_after(&written, now).expect("it was written");
        // Both go through a double.
        let tolerance = wait.as_secs_f64() * 1e-9 + 1e-6;
        assert!(
            (again.as_secs_f64() - wait.as_secs_f64()).abs() <= tolerance,
            "{wait:?} {again:?}"
        );
    }
    let limits = LimitHeaders::read(&headers);
    let mut written = http::HeaderMap::new();
    limits.write(&mut written);
    let again = LimitHeaders::read(&written);
    assert_eq!(again.requests.limit, limits.requests.limit);
    assert_eq!(again.tokens.remaining, limits.tokens.remaining);
    if let Some(token) = RequestToken::from_headers(&headers) {
        written.insert(squall_wire::TOKEN_HEADER, token.header_value());
        assert_eq!(RequestToken::from_headers(&written), Some(token));
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Some(token) = RequestToken::from_prompt(text)
    {
        assert_eq!(token.to_string().parse(), Ok(token));
    }
    for format in Format::ALL {
        dialect(format).failure(429, &headers, b"{}", now);
    }
}

fn stamp() -> Stamp {
    Stamp { created: 1_700_000_000, number: 7, model: "m".to_owned() }
}

/// By its grammar: half a surrogate that came is passed on, and is none of ours to judge.
fn is_json(bytes: &[u8]) {
    let json: Result<serde::de::IgnoredAny, _> = serde_json::from_slice(bytes);
    assert!(json.is_ok(), "no JSON: {}", shown(bytes));
}

fn shown(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(&bytes[..bytes.len().min(2_000)])
}
