//! A chat completion request as a server or a gateway reads it: tolerant of what it does not know, and
//! able to pass every byte of it on.

use super::completion::Completion;
use super::form_request::{FormRequest, WrittenForm};
use super::native::{FrontApi, NativeRequest};
use super::operation::{Bulk, Operation};
use super::text::MeteredText;
use super::unsupported::Unsupported;
use crate::error::ApiError;
use crate::json::{json_string, parse_json};
use crate::{RequestToken, estimate_tokens};
use bytes::Bytes;
use http::HeaderMap;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use squall_failure::Failure;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

/// A chat completion request that has been read. Its bytes are kept as they came.
#[derive(Clone, Debug)]
pub struct ChatRequest {
    /// What it asks for.
    pub operation: Operation,
    /// The model asked for: to a gateway, the model group.
    pub model: String,
    /// Whether tokens are wanted as they come.
    pub stream: bool,
    /// Whether a stream is to end with a usage chunk.
    pub include_usage: bool,
    /// The most tokens wanted (`max_completion_tokens`, or the older `max_tokens`).
    pub max_tokens: Option<u32>,
    /// The tokens of all that the model reads, estimated: messages with their pictures and calls, tools,
    /// instructions and the schema of the answer.
    pub input_tokens: u32,
    /// What it needs of a model beyond chat.
    pub needs: RequiredCapabilities,
    /// The token in `user`, or else at the head of the last user message.
    pub(super) token: Option<RequestToken>,
    body: Bytes,
    /// The body as it is read, where that is not as it came.
    mended: Option<Bytes>,
    pub(super) model_span: Range<usize>,
    stream_options_span: Option<Range<usize>>,
    /// The type of a body in several parts, in which the model's name stands as it is.
    form_type: Option<Arc<str>>,
    /// Its answer is a text, and not JSON.
    answers_text: bool,
    /// Its answer comes as bytes that are no events.
    answers_bytes: bool,
    /// The API of its client, where that is not chats.
    pub(super) front: Option<FrontApi>,
    /// It as that client wrote it.
    pub(super) native: Option<Arc<NativeRequest>>,
}

/// What a request needs of a model beyond chat.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct RequiredCapabilities {
    /// Tool calls: it brings `tools` or the older `functions`.
    pub tools: bool,
    /// Pictures: a message holds an `image_url`.
    pub vision: bool,
    /// An answer held to a schema: `response_format` is of type `json_schema`.
    pub json_schema: bool,
    /// Search in the web: it brings `web_search_options`.
    pub web_search: bool,
}

impl ChatRequest {
    /// Reads a body.
    ///
    /// # Errors
    /// When it is not JSON, lacks a model or messages, or one of the fields above is of a wrong type.
    pub fn parse(body: Bytes) -> Result<Self, RequestError> {
        let mended = mended(&body);
        let read = mended.as_deref().unwrap_or(&body);
        let shape: RequestFields<'_> = parse_json(read).map_err(RequestError::from_json)?;
        let (model, raw_model) = model_of(shape.model)?;
        let messages = shape.messages.as_deref().ok_or(RequestError::NoMessages)?;
        if messages.is_empty() {
            return Err(RequestError::NoMessages);
        }
        let pictures = messages.iter().map(|message| message.content.picture_tokens);
        let pictures = pictures.fold(0, u32::saturating_add);
        let last_user = messages.iter().rfind(|message| matches!(message.role, MessageRole::User));
        let in_user = shape.user.as_deref().and_then(|user| user.parse().ok());
        let options = shape.stream_options;
        Ok(Self {
            operation: Operation::Chat,
            model,
            stream: shape.stream.unwrap_or(false),
            include_usage: options.is_some_and(asks_for_usage),
            max_tokens: shape.max_completion_tokens.or(shape.max_tokens),
            input_tokens: estimate_tokens(shape.bytes()).saturating_add(pictures),
            needs: RequiredCapabilities {
                tools: shape.tools.is_some() || shape.functions.is_some(),
                vision: pictures > 0,
                json_schema: shape.response_format.is_some_and(is_json_schema),
                web_search: shape.web_search_options.is_some(),
            },
            token: in_user.or_else(|| last_user?.content.token),
            model_span: span(read, raw_model),
            stream_options_span: options.map(|raw| span(read, raw)),
            body,
            mended,
            form_type: None,
            answers_text: false,
            answers_bytes: false,
            front: None,
            native: None,
        })
    }

    /// Reads the body of another operation than a chat, as far as a router needs it.
    ///
    /// # Errors
    /// When it is not JSON, lacks a model or its subject, or a field that is read is of a wrong type.
    pub fn parse_other(operation: Operation, body: Bytes) -> Result<Self, RequestError> {
        let mended = mended(&body);
        let read = mended.as_deref().unwrap_or(&body);
        let shape: OtherShape<'_> = parse_json(read).map_err(RequestError::from_json)?;
        let (model, raw_model) = model_of(shape.model)?;
        let subject = match operation {
            Operation::Completion
            | Operation::Image
            | Operation::ImageEdit
            | Operation::ImageVariation => shape.prompt,
            Operation::Chat
            | Operation::Embedding
            | Operation::Response
            | Operation::Speech
            | Operation::Transcription
            | Operation::Translation => shape.input,
        };
        let Some(Bulk(subject)) = subject else {
            return Err(RequestError::NoSubject(operation.subject()));
        };
        let Bulk(instructions) = shape.instructions.unwrap_or_default();
        let bytes = subject + instructions + length(shape.tools) + length(shape.text);
        let options = shape.stream_options;
        // Speech leaves as it is made, whoever asks.
        let speaks = operation == Operation::Speech;
        let answers_bytes = speaks && shape.stream_format.as_deref() != Some("sse");
        Ok(Self {
            operation,
            model,
            stream: speaks || shape.stream.unwrap_or(false),
            include_usage: options.is_some_and(asks_for_usage),
            max_tokens: match operation {
                Operation::Embedding
                | Operation::Image
                | Operation::ImageEdit
                | Operation::ImageVariation
                | Operation::Speech => Some(0),
                Operation::Chat
                | Operation::Completion
                | Operation::Response
                | Operation::Transcription
                | Operation::Translation => shape.max_output_tokens.or(shape.max_tokens),
            },
            input_tokens: estimate_tokens(bytes),
            needs: RequiredCapabilities {
                tools: shape.tools.is_some(),
                ..RequiredCapabilities::default()
            },
            token: shape.user.as_deref().and_then(|user| user.parse().ok()),
            model_span: span(read, raw_model),
            stream_options_span: options.map(|raw| span(read, raw)),
            body,
            mended,
            form_type: None,
            answers_text: false,
            answers_bytes,
            front: None,
            native: None,
        })
    }

    /// A request in a form.
    pub(super) fn of_form(asked: FormRequest, written: WrittenForm, content_type: &str) -> Self {
        let FormRequest { operation, model, stream, input_tokens, token, answers_text } = asked;
        let makes_text = matches!(operation, Operation::Transcription | Operation::Translation);
        Self {
            operation,
            model,
            stream,
            include_usage: false,
            max_tokens: (!makes_text).then_some(0),
            input_tokens,
            needs: RequiredCapabilities::default(),
            token,
            body: written.body,
            mended: None,
            model_span: written.model,
            stream_options_span: None,
            form_type: Some(content_type.into()),
            answers_text,
            answers_bytes: false,
            front: None,
            native: None,
        }
    }

    /// The type of its body, where that is not JSON.
    #[must_use]
    pub fn form_type(&self) -> Option<&str> {
        self.form_type.as_deref()
    }

    /// Whether its answer comes as bytes that are no events, such as sound.
    #[must_use]
    pub const fn answers_bytes(&self) -> bool {
        self.answers_bytes
    }

    /// Reads an answer in one piece to an operation that is no chat.
    ///
    /// # Errors
    /// When it tells an error, or is none.
    pub fn read_other_answer(&self, body: &[u8]) -> Result<Completion, Failure> {
        if self.answers_text { read_text(body) } else { self.operation.read_answer(body) }
    }

    /// The token that rides in the request: in its headers, else in `user`, else at the head of the last
    /// user message.
    #[must_use]
    pub fn token(&self, headers: &HeaderMap) -> Option<RequestToken> {
        RequestToken::from_headers(headers).or(self.token)
    }

    /// The token that rides in the body.
    pub(crate) const fn own_token(&self) -> Option<RequestToken> {
        self.token
    }

    /// The body as it came.
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// The body with U+FFFD for each half of a surrogate pair, so that all its texts can be read.
    pub(crate) fn readable_body(&self) -> &Bytes {
        self.mended.as_ref().unwrap_or(&self.body)
    }

    /// The body to send upstream: with `model` in place of its own, and, if it asks for a stream and
    /// `ask_usage`, with `stream_options.include_usage` set, so that what was used is known. Every other
    /// byte stays.
    #[must_use]
    pub fn body_for(&self, model: &str, ask_usage: bool) -> Bytes {
        let name = if self.form_type.is_some() { model.to_owned() } else { json_string(model) };
        let mut edits = vec![(self.model_span.clone(), name)];
        if ask_usage && self.adds_usage() {
            edits.push(self.usage_edit());
        }
        self.edited(edits)
    }

    /// The body with these places of it replaced. Every other byte stays.
    pub(super) fn edited(&self, mut edits: Vec<(Range<usize>, String)>) -> Bytes {
        edits.sort_unstable_by_key(|(span, _)| span.start);
        let added: usize = edits.iter().map(|(_, text)| text.len()).sum();
        let mut out = Vec::with_capacity(self.body.len() + added);
        let mut kept = 0;
        for (span, text) in edits {
            out.extend_from_slice(&self.body[kept..span.start]);
            out.extend_from_slice(text.as_bytes());
            kept = span.end;
        }
        out.extend_from_slice(&self.body[kept..]);
        out.into()
    }

    /// Where a value stands that was read from [`readable_body`](Self::readable_body).
    pub(super) fn span_of(&self, raw: &RawValue) -> Range<usize> {
        span(self.readable_body(), raw)
    }

    /// Whether a stream of it says its usage only if that is added to what the client asked.
    #[must_use]
    pub const fn adds_usage(&self) -> bool {
        self.stream && !self.include_usage && self.operation.asks_for_usage()
    }

    /// Sets `include_usage`, in the options that are there or in new ones before the first field.
    fn usage_edit(&self) -> (Range<usize>, String) {
        let Some(span) = self.stream_options_span.clone() else {
            let brace = self.body.iter().position(|&byte| byte == b'{').unwrap_or(0);
            let text = r#""stream_options":{"include_usage":true},"#;
            return (brace + 1..brace + 1, text.to_owned());
        };
        let mut options: Map<String, Value> =
            serde_json::from_slice(&self.body[span.clone()]).unwrap_or_default();
        options.insert("include_usage".to_owned(), Value::Bool(true));
        (span, Value::Object(options).to_string())
    }
}

/// Why a body is no chat completion request.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// It is not JSON.
    #[error("failed to parse the body as JSON: {0}")]
    NotJson(serde_json::Error),
    /// It is not in several parts.
    #[error("failed to parse the body as multipart/form-data: {0}")]
    NotForm(String),
    /// A field has a wrong type.
    #[error("invalid request: {0}")]
    WrongType(serde_json::Error),
    /// There is no model.
    #[error("you must provide a model parameter")]
    NoModel,
    /// There are no messages.
    #[error("missing required parameter: 'messages'")]
    NoMessages,
    /// There is nothing to answer to, or another field is missing that its vendor demands.
    #[error("missing required parameter: '{0}'")]
    NoSubject(&'static str),
    /// A value of a field is none that its vendor has.
    #[error(transparent)]
    Wrong(Unsupported),
}

impl RequestError {
    /// Reads a body of this shape.
    pub(crate) fn read<'b, T: Deserialize<'b>>(body: &'b [u8]) -> Result<T, Self> {
        parse_json(body).map_err(Self::from_json)
    }

    /// The model that a body names, and where it stands.
    pub(crate) fn model_of(raw: Option<&RawValue>) -> Result<(String, &RawValue), Self> {
        model_of(raw)
    }

    fn from_json(error: serde_json::Error) -> Self {
        if error.is_data() { Self::WrongType(error) } else { Self::NotJson(error) }
    }

    /// OpenAI's 400 for it.
    #[must_use]
    pub fn to_api_error(&self) -> ApiError {
        let (param, code) = match self {
            Self::NotJson(_) | Self::NotForm(_) => (None, None),
            Self::WrongType(_) => (None, Some("invalid_type")),
            Self::NoModel => (Some("model"), Some("missing_required_parameter")),
            Self::NoMessages => (Some("messages"), Some("missing_required_parameter")),
            Self::NoSubject(field) => (Some(*field), Some("missing_required_parameter")),
            Self::Wrong(unsupported) => return unsupported.to_api_error(),
        };
        ApiError {
            message: self.to_string(),
            kind: "invalid_request_error".to_owned(),
            param: param.map(str::to_owned),
            code: code.map(str::to_owned),
        }
    }
}

/// The fields that are read. Raw values keep their place in the body.
#[derive(Deserialize)]
struct RequestFields<'a> {
    #[serde(borrow)]
    model: Option<&'a RawValue>,
    messages: Option<Vec<MessageFields>>,
    stream: Option<bool>,
    // A null is kept too: it must be replaced, since a second field of that name would be refused.
    #[serde(borrow, default, deserialize_with = "present")]
    stream_options: Option<&'a RawValue>,
    max_tokens: Option<u32>,
    max_completion_tokens: Option<u32>,
    user: Option<String>,
    #[serde(borrow)]
    tools: Option<&'a RawValue>,
    #[serde(borrow)]
    functions: Option<&'a RawValue>,
    web_search_options: Option<IgnoredAny>,
    #[serde(borrow)]
    response_format: Option<&'a RawValue>,
}

impl RequestFields<'_> {
    /// How much there is to read, in bytes, pictures apart. A schema is read by its names as well as by its
    /// texts, so that all of it counts.
    fn bytes(&self) -> usize {
        let messages = self.messages.iter().flatten().map(MessageFields::bytes).sum::<usize>();
        let schema = self.response_format.filter(|format| is_json_schema(format));
        messages + length(self.tools) + length(self.functions) + length(schema)
    }
}

/// The fields that are read of an operation that is no chat.
#[derive(Deserialize)]
struct OtherShape<'a> {
    #[serde(borrow)]
    model: Option<&'a RawValue>,
    input: Option<Bulk>,
    prompt: Option<Bulk>,
    stream: Option<bool>,
    #[serde(borrow, default, deserialize_with = "present")]
    stream_options: Option<&'a RawValue>,
    max_tokens: Option<u32>,
    max_output_tokens: Option<u32>,
    user: Option<String>,
    instructions: Option<Bulk>,
    #[serde(borrow)]
    tools: Option<&'a RawValue>,
    /// Where a response says of which form its text is to be.
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    /// Of speech: as bytes, or as events.
    stream_format: Option<Cow<'a, str>>,
}

/// Reads an answer that is a text: a transcript. What tells an error, or is a page, is none.
fn read_text(body: &[u8]) -> Result<Completion, Failure> {
    let start = body.trim_ascii_start();
    let looks_else = start.starts_with(b"{") || start.starts_with(b"<") || start.is_empty();
    if looks_else || std::str::from_utf8(body).is_err() {
        Operation::Transcription.read_answer(body)
    } else {
        Ok(Completion { finish: None, usage: None })
    }
}

/// Whether an answer of this format is held to a schema.
fn is_json_schema(format: &RawValue) -> bool {
    #[derive(Deserialize)]
    struct ResponseFormat<'a> {
        #[serde(borrow, rename = "type")]
        kind: Option<Cow<'a, str>>,
    }
    serde_json::from_str(format.get())
        .is_ok_and(|format: ResponseFormat<'_>| format.kind.as_deref() == Some("json_schema"))
}

#[derive(Deserialize)]
struct MessageFields {
    #[serde(default)]
    role: MessageRole,
    #[serde(default)]
    content: MeteredText,
    /// What the model said it would call, which it reads again.
    tool_calls: Option<Bulk>,
    function_call: Option<Bulk>,
}

impl MessageFields {
    fn bytes(&self) -> usize {
        let calls = [self.tool_calls, self.function_call].into_iter().flatten();
        self.content.bytes + calls.map(|Bulk(bytes)| bytes).sum::<usize>()
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum MessageRole {
    User,
    #[default]
    #[serde(other)]
    Other,
}

/// The name, and where it stands.
fn model_of(raw: Option<&RawValue>) -> Result<(String, &RawValue), RequestError> {
    let raw = raw.ok_or(RequestError::NoModel)?;
    let name: String = serde_json::from_str(raw.get()).map_err(|_| RequestError::NoModel)?;
    if name.is_empty() { Err(RequestError::NoModel) } else { Ok((name, raw)) }
}

pub(super) fn present<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<&'de RawValue>, D::Error> {
    Deserialize::deserialize(deserializer).map(Some)
}

fn asks_for_usage(options: &RawValue) -> bool {
    #[derive(Deserialize)]
    struct Options {
        include_usage: Option<bool>,
    }
    let options: Option<Options> = serde_json::from_str(options.get()).unwrap_or_default();
    options.and_then(|options| options.include_usage).unwrap_or(false)
}

/// A body with halves of surrogate pairs, which JSON's grammar allows and no text can hold, as it is read:
/// each half replaced by as many bytes, so that every place stays. What is passed on are the bytes as they
/// came. `None` if there is nothing to mend.
pub(super) fn mended(body: &Bytes) -> Option<Bytes> {
    // Whether there is one is only looked at where an escape of that range stands.
    let mut escapes = memchr::memchr_iter(b'\\', body);
    let escaped = escapes.any(|at| matches!(body.get(at + 1..at + 3), Some([b'u', b'd' | b'D'])));
    let mended = if escaped { crate::json::mended(body) } else { None };
    mended.filter(|mended| mended.len() == body.len()).map(Bytes::from)
}

fn length(raw: Option<&RawValue>) -> usize {
    raw.map_or(0, |raw| raw.get().len())
}

/// Where a raw value stands in the body that it borrows from.
pub(super) fn span(body: &[u8], raw: &RawValue) -> Range<usize> {
    let start = raw.get().as_ptr().addr() - body.as_ptr().addr();
    start..start + raw.get().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &'static str) -> ChatRequest {
        ChatRequest::parse(Bytes::from_static(body.as_bytes())).expect("a request")
    }

    fn rewritten(body: &'static str) -> String {
        String::from_utf8(parse(body).body_for("gpt \"x\"", true).to_vec()).expect("UTF-8")
    }

    #[test]
    fn half_a_surrogate_is_passed_on_as_it_came_and_read_as_a_replacement() {
        let body = r#"{"model":"chat","messages":[{"role":"user","content":"so glad \ud83d"}]}"#;
        let request = parse(body);
        assert_eq!(request.model, "chat");
        assert!(rewritten(body).contains(r#""content":"so glad \ud83d""#));
        let readable: Value = serde_json::from_slice(request.readable_body()).expect("JSON");
        assert_eq!(readable["messages"][0]["content"], "so glad \u{fffd}");
        let whole = parse(r#"{"model":"chat","messages":[{"content":"\ud83d\ude00"}]}"#);
        assert_eq!(whole.readable_body(), whole.body(), "a pair is no half");
    }

    #[test]
    fn all_that_a_model_reads_has_a_weight() {
        let weight = |more: &str| {
            let body = format!(r#"{{"model":"m","messages":[{{"content":"hi"{more}}}"#);
            ChatRequest::parse(body.into()).expect("a request").input_tokens
        };
        let plain = weight("}]");
        assert_eq!(plain, 1);
        let text = "x".repeat(400);
        for (what, more) in [
            ("tools", format!(r#"}}],"tools":[{{"function":{{"name":"{text}"}}}}]"#)),
            ("functions", format!(r#"}}],"functions":[{{"name":"{text}"}}]"#)),
            ("names in a schema", format!(r#"}}],"tools":[{{"parameters":{{"{text}":{{}}}}}}]"#)),
            ("calls", format!(r#","tool_calls":[{{"function":{{"arguments":"{text}"}}}}]}}]"#)),
            ("a call", format!(r#","function_call":{{"arguments":"{text}"}}}}]"#)),
            (
                "a schema",
                format!(
                    r#"}}],"response_format":{{"type":"json_schema","json_schema":{{"{text}":1}}}}"#
                ),
            ),
        ] {
            let weight = weight(&more);
            assert!((plain + 100..plain + 130).contains(&weight), "{what}: {weight}");
        }
        let response = |more: &str| {
            let body = format!(r#"{{"model":"m","input":"hi"{more}}}"#);
            let request = ChatRequest::parse_other(Operation::Response, body.into());
            request.expect("a request").input_tokens
        };
        assert_eq!(response(&format!(r#","instructions":"{text}""#)), 101);
        assert!(response(&format!(r#","tools":[{{"name":"{text}"}}]"#)) > 100);
        let picture = r#","input":[{"content":[{"type":"input_image","image_url":"data:image/png;base64,x"}]}]"#;
        let body = format!(r#"{{"model":"m"{picture}}}"#);
        let request = ChatRequest::parse_other(Operation::Response, body.into()).expect("one");
        assert!((765..780).contains(&request.input_tokens), "{}", request.input_tokens);
    }

    #[test]
    fn what_matters_is_read_and_the_rest_is_ignored() {
        let request = parse(
            r#"{"temperature":0.2,"model":"chat","messages":[{"role":"system","content":"be brief"},
            {"role":"user","content":"why?","name":"x"}],"stream":true,"max_tokens":9,
            "stream_options":{"include_usage":true,"x":1},"tools":[{}]}"#,
        );
        assert_eq!(request.model, "chat");
        assert!(request.stream && request.include_usage);
        assert_eq!(request.max_tokens, Some(9));
        assert_eq!(request.input_tokens, 4, "12 bytes of text and 4 of tools");
        assert_eq!(request.token(&HeaderMap::new()), None);
    }

    #[test]
    fn the_token_is_taken_from_header_then_user_then_the_last_user_message() {
        let mut headers = HeaderMap::new();
        let of = |body, headers: &HeaderMap| parse(body).token(headers).map(|token| token.request);
        let in_prompt = r#"{"model":"m","messages":[{"role":"user","content":"squall-9-1-1"},
            {"role":"user","content":"squall-3-1-1 why"},{"role":"assistant","content":"a"}]}"#;
        assert_eq!(of(in_prompt, &headers), Some(3));
        let in_user = r#"{"model":"m","user":"squall-2-1-1",
            "messages":[{"role":"user","content":"squall-3-1-1 why"}]}"#;
        assert_eq!(of(in_user, &headers), Some(2));
        let token = RequestToken { request: 1, input_tokens: 1, output_tokens: 1, session: None };
        headers.insert(crate::TOKEN_HEADER, token.header_value());
        assert_eq!(of(in_user, &headers), Some(1));
    }

    #[test]
    fn what_it_needs_of_a_model_is_seen() {
        let needs = |rest: &str| {
            let body =
                format!(r#"{{"model":"m","messages":[{{"role":"user","content":"a"}}]{rest}}}"#);
            ChatRequest::parse(body.into()).expect("a request").needs
        };
        assert_eq!(needs(""), RequiredCapabilities::default());
        assert!(needs(r#","tools":[{"type":"function"}]"#).tools);
        assert!(needs(r#","functions":[]"#).tools);
        assert!(!needs(r#","tools":null"#).tools);
        assert!(needs(r#","response_format":{"type":"json_schema","json_schema":{}}"#).json_schema);
        assert!(!needs(r#","response_format":{"type":"json_object"}"#).json_schema);
        assert!(needs(r#","web_search_options":{}"#).web_search);
        let picture = r#"{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"a"},
            {"type":"image_url","image_url":{"url":"data:x"}}]}]}"#;
        assert!(parse(picture).needs.vision);
    }

    #[test]
    fn only_the_model_changes_when_nothing_is_streamed() {
        assert_eq!(
            rewritten(r#" {"a" : 1.50,"model": "chat" ,"messages":[{}], "z":"é"} "#),
            r#" {"a" : 1.50,"model": "gpt \"x\"" ,"messages":[{}], "z":"é"} "#,
        );
    }

    #[test]
    fn a_stream_is_made_to_tell_its_usage() {
        let usage = r#""stream_options":{"include_usage":true}"#;
        let body = r#"{"model":"c","messages":[{}],"stream":true}"#;
        let expected =
            format!(r#"{{{usage},"model":"gpt \"x\"","messages":[{{}}],"stream":true}}"#);
        assert_eq!(rewritten(body), expected);
        for options in ["null", "{}", r#"{"include_usage":false}"#] {
            let body = format!(
                r#"{{"stream_options":{options},"model":"c","messages":[{{}}],"stream":true}}"#
            );
            assert_eq!(rewritten(Box::leak(body.into_boxed_str())), expected, "{options}");
        }
        let kept = r#"{"model":"c","messages":[{}],"stream":true,"stream_options":{"x":1}}"#;
        let again = parse(Box::leak(rewritten(kept).into_boxed_str()));
        assert!(again.include_usage);
        assert!(again.body().windows(5).any(|bytes| bytes == b"\"x\":1"));
    }

    #[test]
    fn other_operations_are_read_for_what_a_router_needs() {
        let body = Bytes::from_static(
            br#"{"input":["four","four"],"model":"vectors","user":"squall-2-1-1","stream_options":null}"#,
        );
        let request = ChatRequest::parse_other(Operation::Embedding, body).expect("a request");
        assert_eq!((request.model.as_str(), request.input_tokens), ("vectors", 2));
        assert_eq!(request.max_tokens, Some(0), "vectors are no tokens");
        assert!(request.token(&HeaderMap::new()).is_some());
        let body = Bytes::from_static(
            br#"{"model":"r","input":"hi","stream":true,"max_output_tokens":9,"tools":[]}"#,
        );
        let request = ChatRequest::parse_other(Operation::Response, body).expect("a request");
        assert_eq!(request.max_tokens, Some(9));
        assert!(request.stream && request.needs.tools);
        assert_eq!(
            request.body_for("gpt", true),
            r#"{"model":"gpt","input":"hi","stream":true,"max_output_tokens":9,"tools":[]}"#,
            "a response tells its usage unasked"
        );
        for (operation, param) in
            [(Operation::Completion, "prompt"), (Operation::Response, "input")]
        {
            let body = Bytes::from_static(br#"{"model":"m","prompts":"hi"}"#);
            let error = ChatRequest::parse_other(operation, body).expect_err("no request");
            assert_eq!(error.to_api_error().param.as_deref(), Some(param));
        }
    }

    #[test]
    fn what_cannot_be_read_becomes_a_400_that_says_why() {
        let error = |body: &'static str| {
            ChatRequest::parse(Bytes::from_static(body.as_bytes()))
                .expect_err("no request")
                .to_api_error()
        };
        assert!(error("{").message.starts_with("failed to parse the body as JSON"));
        assert!(error("[]").message.starts_with("invalid request"));
        assert!(error(r#"{"model":"m","messages":"hi"}"#).message.contains("expected a sequence"));
        for body in [r#"{"messages":[{}]}"#, r#"{"model":"","messages":[{}]}"#, r#"{"model":3}"#] {
            assert_eq!(error(body).param.as_deref(), Some("model"), "{body}");
        }
        for body in [r#"{"model":"m"}"#, r#"{"model":"m","messages":[]}"#] {
            assert_eq!(error(body).param.as_deref(), Some("messages"), "{body}");
        }
    }
}
