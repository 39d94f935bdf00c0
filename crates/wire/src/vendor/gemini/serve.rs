//! Gemini contents to their clients.

use super::serve_arguments::wants;
use super::serve_error::{error_body, status_of};
use crate::chat::{FinishReason, MeteredText, PriorAnswer, prior_answer};
use crate::json::json_string;
use crate::serve::{
    AnswerHead, AnswerWriter, ApiEndpoint, GeneratedToolCall, HeaderLimits, ParsedRequest, Refused,
    ResponseHeaderData, Route, Rules, ServerFormat, TOKEN_BYTES, VendorError, bearer, count_text,
    header, id, push_escaped, read_json,
};
use crate::{Usage, estimate_tokens, push_text, word};
use bytes::Bytes;
use http::HeaderMap;
use serde::Deserialize;
use squall_failure::FailureClass;
use std::io::Write as _;

/// Gemini.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GeminiServer;

impl ServerFormat for GeminiServer {
    fn route(&self, path: &str, query: Option<&str>) -> Option<Route> {
        let (model, method) = below_version(path)?.strip_prefix("/models/")?.rsplit_once(':')?;
        let stream = match method {
            "generateContent" => false,
            "streamGenerateContent" => true,
            _ => return None,
        };
        let events = query.is_some_and(|query| query.split('&').any(|pair| pair == "alt=sse"));
        Some(Route {
            endpoint: ApiEndpoint::Generate,
            model: Some(model.to_owned()),
            stream: Some(stream),
            events,
        })
    }

    fn lists_models(&self, path: &str) -> bool {
        below_version(path) == Some("/models")
    }

    fn key<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        bearer(headers).or_else(|| header(headers, "x-goog-api-key"))
    }

    fn asks_of_model<'a>(&self, path: &'a str) -> Option<&'a str> {
        below_version(path)?.strip_prefix("/models/")
    }

    fn model(&self, model: &str, _created: u64) -> Bytes {
        let mut out = Vec::new();
        push_model(&mut out, model);
        out.into()
    }

    fn models(&self, models: &mut dyn Iterator<Item = &str>, _created: u64) -> Bytes {
        let mut out = br#"{"models":["#.to_vec();
        for (n, model) in models.enumerate() {
            out.extend_from_slice(if n == 0 { b"" } else { b"," });
            push_model(&mut out, model);
        }
        out.extend_from_slice(b"]}");
        out.into()
    }

    fn read(&self, route: &Route, body: Bytes, rules: Rules) -> Result<ParsedRequest, Refused> {
        read(route, body, rules)
    }

    fn whole(
        &self,
        asked: &ParsedRequest,
        head: &AnswerHead,
        usage: Usage,
        finish: FinishReason,
    ) -> Bytes {
        let mut out = Vec::with_capacity(512 + TOKEN_BYTES * usage.output_tokens as usize);
        let said = ChunkFields::new(asked, head);
        let thoughts = head.reasoning_tokens.min(usage.output_tokens);
        let mut parts = Vec::new();
        if thoughts > 0 && said.shows_thoughts {
            parts.extend_from_slice(br#"{"text":""#);
            push_text(&mut parts, thoughts);
            parts.extend_from_slice(br#"","thought":true},"#);
        }
        match head.says.call() {
            Some(call) => push_call(&mut parts, call),
            None => {
                parts.extend_from_slice(br#"{"text":""#);
                let is_whole = finish != FinishReason::Length;
                head.says.push_text(&mut parts, usage.output_tokens - thoughts, is_whole);
                parts.extend_from_slice(br#""}"#);
            }
        }
        said.push_chunk(&mut out, &parts, Some(finish), usage.output_tokens);
        out.into()
    }

    fn answer_writer(&self, asked: &ParsedRequest, head: &AnswerHead) -> Box<dyn AnswerWriter> {
        Box::new(ContentWriter {
            said: ChunkFields::new(asked, head),
            events: asked.events,
            begun: false,
            tokens: 0,
        })
    }

    fn status(&self, class: FailureClass) -> u16 {
        status_of(class)
    }

    fn error(&self, told: &VendorError<'_>) -> Bytes {
        error_body(told).into()
    }

    fn headers(&self, _headers: &mut HeaderMap, _told: &ResponseHeaderData<'_>) {}

    fn has_retry_after(&self) -> bool {
        false
    }
}

fn push_model(out: &mut Vec<u8>, model: &str) {
    let (name, display) = (json_string(&format!("models/{model}")), json_string(model));
    write!(
        out,
        concat!(
            r#"{{"name":{},"version":"001","displayName":{},"inputTokenLimit":1048576,"#,
            r#""outputTokenLimit":65536,"supportedGenerationMethods":["generateContent"]}}"#
        ),
        name, display
    )
    .expect("a Vec takes all");
}

/// A path below the version; its own client asks the stable one.
fn below_version(path: &str) -> Option<&str> {
    path.strip_prefix("/v1beta").or_else(|| path.strip_prefix("/v1"))
}

/// What is asked for.
fn read(route: &Route, body: Bytes, rules: Rules) -> Result<ParsedRequest, Refused> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct GenerateBody {
        contents: Option<Vec<Contents>>,
        #[serde(alias = "system_instruction")]
        system_instruction: Option<Contents>,
        #[serde(alias = "generation_config")]
        generation_config: Option<Generation>,
    }
    #[derive(Deserialize)]
    struct Contents {
        #[serde(default)]
        parts: MeteredText,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Generation {
        #[serde(alias = "max_output_tokens")]
        max_output_tokens: Option<u32>,
    }
    let shape: GenerateBody = read_json(&body)?;
    let contents = shape.contents.filter(|contents| !contents.is_empty());
    let contents = contents.ok_or_else(|| {
        let message = "* GenerateContentRequest.contents: contents is not specified";
        Refused::new(message, Some("contents"))
    })?;
    let (bytes, token) = count_text(contents.into_iter().map(|content| content.parts));
    let system = shape.system_instruction.map_or(0, |system| system.parts.bytes);
    let PriorAnswer { prefill, quoted } = prior_answer(&body);
    Ok(ParsedRequest {
        prefill,
        quoted,
        max_tokens: shape.generation_config.and_then(|config| config.max_output_tokens),
        input_tokens: estimate_tokens(bytes + system),
        wants: wants(&body, rules)?,
        token,
        ..ParsedRequest::new(route, route.model.clone().unwrap_or_default(), body)
    })
}

/// The part that is a call.
fn push_call(out: &mut Vec<u8>, GeneratedToolCall { name, arguments }: &GeneratedToolCall) {
    let name = json_string(name);
    write!(out, r#"{{"functionCall":{{"name":{name},"args":{arguments}}}}}"#)
        .expect("a Vec takes all");
}

/// What every chunk says.
#[derive(Debug)]
struct ChunkFields {
    id: String,
    /// As JSON.
    model: String,
    head: AnswerHead,
    choices: u32,
    shows_thoughts: bool,
}

impl ChunkFields {
    fn new(asked: &ParsedRequest, head: &AnswerHead) -> Self {
        Self {
            id: id("r", head),
            model: json_string(&asked.model),
            head: head.clone(),
            choices: asked.wants.choices.max(1),
            shows_thoughts: asked.wants.thoughts == Some(true),
        }
    }

    /// A chunk with these parts, after so many tokens.
    fn push_chunk(
        &self,
        out: &mut Vec<u8>,
        parts: &[u8],
        finish: Option<FinishReason>,
        tokens: u32,
    ) {
        out.extend_from_slice(br#"{"candidates":["#);
        for index in 0..self.choices {
            out.extend_from_slice(if index == 0 { b"" } else { b"," });
            out.extend_from_slice(br#"{"content":{"parts":["#);
            out.extend_from_slice(parts);
            out.extend_from_slice(br#"],"role":"model"},"#);
            if let Some(finish) = finish {
                let reason = match finish {
                    FinishReason::Length => "MAX_TOKENS",
                    FinishReason::ContentFilter => "SAFETY",
                    _ => "STOP",
                };
                write!(out, r#""finishReason":"{reason}","#).expect("a Vec takes all");
            }
            write!(out, r#""index":{index}}}"#).expect("a Vec takes all");
        }
        let Self { id, model, head, .. } = self;
        let thoughts = u64::from(head.reasoning_tokens.min(tokens)) * u64::from(self.choices);
        let spoken = u64::from(tokens) * u64::from(self.choices) - thoughts;
        let total = u64::from(head.input_tokens) + spoken + thoughts;
        let input = head.input_tokens;
        write!(
            out,
            r#"],"usageMetadata":{{"promptTokenCount":{input},"candidatesTokenCount":{spoken},"totalTokenCount":{total}"#
        )
        .expect("a Vec takes all");
        for (name, count) in [
            ("thoughtsTokenCount", thoughts),
            ("cachedContentTokenCount", head.cached_tokens.into()),
        ] {
            if count > 0 {
                write!(out, r#","{name}":{count}"#).expect("a Vec takes all");
            }
        }
        write!(out, r#"}},"modelVersion":{model},"responseId":"{id}"}}"#).expect("a Vec takes all");
    }
}

/// Writes the chunks of contents: as events, or as one JSON list.
#[derive(Debug)]
struct ContentWriter {
    said: ChunkFields,
    events: bool,
    begun: bool,
    tokens: u32,
}

impl ContentWriter {
    fn before(&mut self, out: &mut Vec<u8>) {
        let begun = std::mem::replace(&mut self.begun, true);
        out.extend_from_slice(match (self.events, begun) {
            (true, _) => b"data: ".as_slice(),
            (false, false) => b"[",
            (false, true) => b",\r\n",
        });
    }

    fn after(&self, out: &mut Vec<u8>) {
        if self.events {
            out.extend_from_slice(b"\r\n\r\n");
        }
    }
}

impl AnswerWriter for ContentWriter {
    fn begin(&mut self, _out: &mut Vec<u8>) {}

    fn token(&mut self, out: &mut Vec<u8>, n: u32) {
        self.tokens = n + 1;
        let head = &self.said.head;
        let mut part = br#"{"text":""#.to_vec();
        match n.checked_sub(head.reasoning_tokens) {
            None if !self.said.shows_thoughts => return,
            None => {
                part.extend_from_slice(word(n).as_bytes());
                part.extend_from_slice(br#"","thought":true}"#);
            }
            // A call comes whole, in the last chunk.
            Some(_) if head.says.call().is_some() => return,
            Some(n) => {
                head.says.push_piece(&mut part, n);
                part.extend_from_slice(br#""}"#);
            }
        }
        self.before(out);
        self.said.push_chunk(out, &part, None, n + 1);
        self.after(out);
    }

    fn finish(&mut self, out: &mut Vec<u8>, finish: FinishReason, usage: Usage) {
        self.before(out);
        let says = &self.said.head.says;
        let mut part = Vec::new();
        match says.call() {
            Some(call) => push_call(&mut part, call),
            None => {
                part.extend_from_slice(br#"{"text":""#);
                if finish != FinishReason::Length {
                    let spoken = self.tokens.saturating_sub(self.said.head.reasoning_tokens);
                    push_escaped(&mut part, says.rest(spoken));
                }
                part.extend_from_slice(br#""}"#);
            }
        }
        self.said.push_chunk(out, &part, Some(finish), usage.output_tokens);
        self.after(out);
        if !self.events {
            out.push(b']');
        }
    }

    fn error(&mut self, out: &mut Vec<u8>, class: FailureClass) {
        self.before(out);
        // A stream that has begun is not answered after all.
        let status = match status_of(class) {
            200 => 400,
            status => status,
        };
        let limits = HeaderLimits::default();
        out.extend_from_slice(&error_body(&VendorError::new(class, status, &limits)));
        self.after(out);
        if !self.events {
            out.push(b']');
        }
    }
}
