//! Responses as they are served: OpenAI's newer API, with an event for each step.

use super::serve_arguments::wants;
use super::serve_chat::spoken;
use crate::chat::{FinishReason, MeteredText};
use crate::error::ApiError;
use crate::json::json_string;
use crate::serve::{
    AnswerHead, AnswerWriter, ApiEndpoint, ParsedRequest, Refused, Route, Rules, id, push_escaped,
    read_json,
};
use crate::{Usage, estimate_tokens};
use bytes::Bytes;
use serde::Deserialize;
use squall_failure::FailureClass;
use std::io::Write as _;

pub(super) fn read(route: &Route, body: Bytes, rules: Rules) -> Result<ParsedRequest, Refused> {
    #[derive(Deserialize)]
    struct ResponsesBody {
        model: Option<String>,
        input: Option<ResponsesInput>,
        instructions: Option<String>,
        stream: Option<bool>,
        max_output_tokens: Option<u32>,
        user: Option<String>,
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum ResponsesInput {
        Items(Vec<InputItem>),
        Text(MeteredText),
    }
    #[derive(Deserialize)]
    struct InputItem {
        #[serde(default)]
        content: MeteredText,
    }
    let shape: ResponsesBody = read_json(&body)?;
    let model = route.model.clone().or(shape.model).ok_or_else(|| Refused::missing("model"))?;
    let (bytes, token) = match shape.input.ok_or_else(|| Refused::missing("input"))? {
        ResponsesInput::Text(text) => (text.bytes, text.token),
        ResponsesInput::Items(items) => {
            crate::serve::count_text(items.into_iter().map(|item| item.content))
        }
    };
    let in_user = shape.user.and_then(|user| user.parse().ok());
    let wants = wants(ApiEndpoint::Responses, &body, rules)?;
    Ok(ParsedRequest {
        stream: shape.stream.unwrap_or(false),
        max_tokens: shape.max_output_tokens,
        input_tokens: estimate_tokens(bytes + shape.instructions.map_or(0, |text| text.len())),
        wants,
        token: in_user.or(token),
        ..ParsedRequest::new(route, model, body)
    })
}

/// A response as it stands: its state, its output and what it used.
fn push_response(
    out: &mut Vec<u8>,
    said: &ResponseFields,
    state: ResponseState,
    usage: Option<Usage>,
) {
    let ResponseFields { id, created, model, .. } = said;
    let (status, incomplete) = match state {
        ResponseState::InProgress => ("in_progress", "null"),
        ResponseState::Completed => ("completed", "null"),
        ResponseState::Incomplete => ("incomplete", r#"{"reason":"max_output_tokens"}"#),
    };
    write!(
        out,
        concat!(
            r#"{{"id":"{id}","object":"response","created_at":{created},"status":"{status}","#,
            r#""error":null,"incomplete_details":{incomplete},"instructions":null,"metadata":{{}},"#,
            r#""model":{model},"parallel_tool_calls":true,"temperature":1.0,"tool_choice":"auto","#,
            r#""tools":[],"top_p":1.0,"output":["#
        ),
        id = id,
        created = created,
        status = status,
        incomplete = incomplete,
        model = model,
    )
    .expect("a Vec takes all");
    if let Some(usage) = usage {
        said.push_item(out, usage.output_tokens, true);
    }
    out.extend_from_slice(br#"],"usage":"#);
    match usage {
        None => out.extend_from_slice(b"null"),
        Some(Usage { input_tokens, output_tokens }) => {
            let total = u64::from(input_tokens) + u64::from(output_tokens);
            write!(
                out,
                concat!(
                    r#"{{"input_tokens":{input},"input_tokens_details":{{"cached_tokens":{cached}}},"#,
                    r#""output_tokens":{output},"output_tokens_details":{{"reasoning_tokens":{reasoning}}},"#,
                    r#""total_tokens":{total}}}"#
                ),
                cached = said.head.cached_tokens,
                reasoning = said.head.reasoning_tokens.min(output_tokens),
                input = input_tokens,
                output = output_tokens,
                total = total,
            )
            .expect("a Vec takes all");
        }
    }
    out.push(b'}');
}

#[derive(Clone, Copy, Debug)]
enum ResponseState {
    InProgress,
    Completed,
    Incomplete,
}

impl ResponseState {
    const fn of(finish: FinishReason) -> Self {
        match finish {
            FinishReason::Length => Self::Incomplete,
            _ => Self::Completed,
        }
    }
}

/// What a response says of itself.
#[derive(Debug)]
struct ResponseFields {
    id: String,
    number: u64,
    created: u64,
    /// As JSON.
    model: String,
    head: AnswerHead,
    /// Whether it ended before its end.
    cut: bool,
}

impl ResponseFields {
    fn new(asked: &ParsedRequest, head: &AnswerHead) -> Self {
        Self {
            id: id("resp_", head),
            number: head.number,
            created: head.created,
            model: json_string(&asked.model),
            head: head.clone(),
            cut: false,
        }
    }

    fn item_id(&self) -> String {
        let kind = if self.head.says.call().is_some() { "fc" } else { "msg" };
        format!("{kind}_{}", self.number)
    }

    fn push_part(&self, out: &mut Vec<u8>, tokens: u32) {
        out.extend_from_slice(br#"{"type":"output_text","annotations":[],"logprobs":[],"text":""#);
        self.head.says.push_text(out, spoken(&self.head, tokens), !self.cut);
        out.extend_from_slice(br#""}"#);
    }

    /// The one item of its output: with all of its content, or as it begins.
    fn push_item(&self, out: &mut Vec<u8>, tokens: u32, whole: bool) {
        let (id, status) = (self.item_id(), if whole { "completed" } else { "in_progress" });
        match self.head.says.call() {
            Some(tool) => {
                let name = json_string(&tool.name);
                let arguments = json_string(if whole { &tool.arguments } else { "" });
                write!(
                    out,
                    r#"{{"id":"{id}","type":"function_call","status":"{status}","call_id":"call_{}","name":{name},"arguments":{arguments}}}"#,
                    self.number
                )
                .expect("a Vec takes all");
            }
            None => {
                write!(
                    out,
                    r#"{{"id":"{id}","type":"message","status":"{status}","role":"assistant","content":["#
                )
                .expect("a Vec takes all");
                if whole {
                    self.push_part(out, tokens);
                }
                out.extend_from_slice(b"]}");
            }
        }
    }
}

pub(super) fn whole(
    asked: &ParsedRequest,
    head: &AnswerHead,
    usage: Usage,
    finish: FinishReason,
) -> Bytes {
    let mut out = Vec::with_capacity(1_024 + 4 * usage.output_tokens as usize);
    let said =
        ResponseFields { cut: finish == FinishReason::Length, ..ResponseFields::new(asked, head) };
    push_response(&mut out, &said, ResponseState::of(finish), Some(usage));
    out.into()
}

/// Writes the events of a response.
#[derive(Debug)]
pub(super) struct ResponseWriter {
    said: ResponseFields,
    model: String,
    sequence: u32,
    tokens: u32,
}

impl ResponseWriter {
    pub(super) fn new(asked: &ParsedRequest, head: &AnswerHead) -> Self {
        let model = asked.model.clone();
        Self { said: ResponseFields::new(asked, head), model, sequence: 0, tokens: 0 }
    }

    /// An event: its type, its number, and what `fields` write.
    fn event(&mut self, out: &mut Vec<u8>, kind: &str, fields: impl FnOnce(&Self, &mut Vec<u8>)) {
        let sequence = self.sequence;
        self.sequence += 1;
        write!(out, "event: {kind}\ndata: {{\"type\":\"{kind}\",\"sequence_number\":{sequence},")
            .expect("a Vec takes all");
        fields(self, out);
        out.extend_from_slice(b"}\n\n");
    }

    fn response(
        &mut self,
        out: &mut Vec<u8>,
        kind: &str,
        state: ResponseState,
        usage: Option<Usage>,
    ) {
        self.event(out, kind, |writer, out| {
            out.extend_from_slice(br#""response":"#);
            push_response(out, &writer.said, state, usage);
        });
    }

    fn item(&mut self, out: &mut Vec<u8>, kind: &str, whole: bool) {
        self.event(out, kind, |writer, out| {
            out.extend_from_slice(br#""output_index":0,"item":"#);
            writer.said.push_item(out, writer.tokens, whole);
        });
    }

    /// An event of the content: where it stands, and what is written after it.
    fn content(
        &mut self,
        out: &mut Vec<u8>,
        kind: &str,
        rest: impl FnOnce(&ResponseFields, &mut Vec<u8>),
    ) {
        self.event(out, kind, |writer, out| {
            let id = writer.said.item_id();
            let is_call = writer.said.head.says.call().is_some();
            let index = if is_call { "" } else { r#""content_index":0,"# };
            write!(out, r#""item_id":"{id}","output_index":0,{index}"#).expect("a Vec takes all");
            rest(&writer.said, out);
        });
    }

    /// A part of the text, or of the arguments of a call.
    fn part(&mut self, out: &mut Vec<u8>, part: &str) {
        if part.is_empty() {
            return;
        }
        let is_call = self.said.head.says.call().is_some();
        let kind = if is_call {
            "response.function_call_arguments.delta"
        } else {
            "response.output_text.delta"
        };
        self.content(out, kind, |_, out| {
            out.extend_from_slice(br#""delta":""#);
            push_escaped(out, part);
            out.extend_from_slice(if is_call { b"\"".as_slice() } else { br#"","logprobs":[]"# });
        });
    }
}

impl AnswerWriter for ResponseWriter {
    fn begin(&mut self, out: &mut Vec<u8>) {
        self.response(out, "response.created", ResponseState::InProgress, None);
        self.response(out, "response.in_progress", ResponseState::InProgress, None);
        self.item(out, "response.output_item.added", false);
        if self.said.head.says.call().is_none() {
            self.content(out, "response.content_part.added", |_, out| {
                out.extend_from_slice(
                    br#""part":{"type":"output_text","annotations":[],"logprobs":[],"text":""}"#,
                );
            });
        }
    }

    fn token(&mut self, out: &mut Vec<u8>, n: u32) {
        self.tokens = n + 1;
        // Thoughts are counted, and not shown.
        let Some(n) = n.checked_sub(self.said.head.reasoning_tokens) else { return };
        let piece = self.said.head.says.piece(n).to_owned();
        self.part(out, &piece);
    }

    fn finish(&mut self, out: &mut Vec<u8>, finish: FinishReason, usage: Usage) {
        let tokens = self.tokens;
        self.said.cut = finish == FinishReason::Length;
        if !self.said.cut {
            let rest = self.said.head.says.rest(spoken(&self.said.head, tokens)).to_owned();
            self.part(out, &rest);
        }
        if let Some(call) = self.said.head.says.call() {
            let all = json_string(&call.arguments);
            self.content(out, "response.function_call_arguments.done", |_, out| {
                write!(out, r#""arguments":{all}"#).expect("a Vec takes all");
            });
        } else {
            self.content(out, "response.output_text.done", |said, out| {
                out.extend_from_slice(br#""logprobs":[],"text":""#);
                said.head.says.push_text(out, spoken(&said.head, tokens), !said.cut);
                out.push(b'"');
            });
            self.content(out, "response.content_part.done", |said, out| {
                out.extend_from_slice(br#""part":"#);
                said.push_part(out, tokens);
            });
        }
        self.item(out, "response.output_item.done", true);
        let state = ResponseState::of(finish);
        let kind = match state {
            ResponseState::Incomplete => "response.incomplete",
            _ => "response.completed",
        };
        self.response(out, kind, state, Some(usage));
    }

    fn error(&mut self, out: &mut Vec<u8>, class: FailureClass) {
        let error = ApiError::of(class, &self.model);
        let code = error.code.as_deref().unwrap_or(&error.kind).to_owned();
        self.event(out, "error", |_, out| {
            let (code, message) = (json_string(&code), json_string(&error.message));
            write!(out, r#""code":{code},"message":{message},"param":null"#)
                .expect("a Vec takes all");
        });
    }
}
