//! Responses as they are served: OpenAI's newer API, with an event for each step.

use super::error::ApiError;
use super::serve_chat::forced;
use super::text::Text;
use super::{FinishReason, json_string};
use crate::serve::{
    AnswerHead, AnswerPen, Asked, Refused, Route, ToolCall, choice_of, id, read_json,
};
use crate::{Usage, estimate_tokens, push_text, word};
use bytes::Bytes;
use serde::Deserialize;
use serde::de::IgnoredAny;
use squall_failure::FailureClass;
use std::io::Write as _;

pub(super) fn read(route: &Route, body: Bytes) -> Result<Asked, Refused> {
    #[derive(Deserialize)]
    struct Shape {
        model: Option<String>,
        input: Option<Input>,
        instructions: Option<String>,
        stream: Option<bool>,
        max_output_tokens: Option<u32>,
        user: Option<String>,
        tools: Option<IgnoredAny>,
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Input {
        Items(Vec<Item>),
        Text(Text),
    }
    #[derive(Deserialize)]
    struct Item {
        #[serde(default)]
        content: Text,
    }
    let shape: Shape = read_json(&body)?;
    let model = route.model.clone().or(shape.model).ok_or_else(|| Refused::missing("model"))?;
    let (bytes, token) = match shape.input.ok_or_else(|| Refused::missing("input"))? {
        Input::Text(text) => (text.bytes, text.token),
        Input::Items(items) => crate::serve::count_text(items.into_iter().map(|item| item.content)),
    };
    let in_user = shape.user.and_then(|user| user.parse().ok());
    let tool = if shape.tools.is_some() { choice_of(&body, forced) } else { None };
    Ok(Asked {
        stream: shape.stream.unwrap_or(false),
        max_tokens: shape.max_output_tokens,
        input_tokens: estimate_tokens(bytes + shape.instructions.map_or(0, |text| text.len())),
        tool,
        token: in_user.or(token),
        ..Asked::new(route, model, body)
    })
}

/// A response as it stands: its state, its output and what it used.
fn push_response(out: &mut Vec<u8>, said: &Said, state: State, usage: Option<Usage>) {
    let Said { id, created, model, .. } = said;
    let (status, incomplete) = match state {
        State::InProgress => ("in_progress", "null"),
        State::Completed => ("completed", "null"),
        State::Incomplete => ("incomplete", r#"{"reason":"max_output_tokens"}"#),
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
                    r#"{{"input_tokens":{input},"input_tokens_details":{{"cached_tokens":0}},"#,
                    r#""output_tokens":{output},"output_tokens_details":{{"reasoning_tokens":0}},"#,
                    r#""total_tokens":{total}}}"#
                ),
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
enum State {
    InProgress,
    Completed,
    Incomplete,
}

impl State {
    const fn of(finish: FinishReason) -> Self {
        match finish {
            FinishReason::Length => Self::Incomplete,
            _ => Self::Completed,
        }
    }
}

/// What a response says of itself.
#[derive(Debug)]
struct Said {
    id: String,
    number: u64,
    created: u64,
    /// As JSON.
    model: String,
    tool: Option<ToolCall>,
}

impl Said {
    fn new(asked: &Asked, head: &AnswerHead) -> Self {
        Self {
            id: id("resp_", head),
            number: head.number,
            created: head.created,
            model: json_string(&asked.model),
            tool: asked.tool.clone(),
        }
    }

    fn item_id(&self) -> String {
        let kind = if self.tool.is_some() { "fc" } else { "msg" };
        format!("{kind}_{}", self.number)
    }

    /// The one item of its output: with all of its content, or as it begins.
    fn push_item(&self, out: &mut Vec<u8>, tokens: u32, whole: bool) {
        let (id, status) = (self.item_id(), if whole { "completed" } else { "in_progress" });
        match &self.tool {
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
                    push_part(out, tokens);
                }
                out.extend_from_slice(b"]}");
            }
        }
    }
}

fn push_part(out: &mut Vec<u8>, tokens: u32) {
    out.extend_from_slice(br#"{"type":"output_text","annotations":[],"logprobs":[],"text":""#);
    push_text(out, tokens);
    out.extend_from_slice(br#""}"#);
}

pub(super) fn whole(asked: &Asked, head: &AnswerHead, usage: Usage, finish: FinishReason) -> Bytes {
    let mut out = Vec::with_capacity(1_024 + 4 * usage.output_tokens as usize);
    push_response(&mut out, &Said::new(asked, head), State::of(finish), Some(usage));
    out.into()
}

/// Writes the events of a response.
#[derive(Debug)]
pub(super) struct ResponsePen {
    said: Said,
    model: String,
    sequence: u32,
    tokens: u32,
}

impl ResponsePen {
    pub(super) fn new(asked: &Asked, head: &AnswerHead) -> Self {
        let model = asked.model.clone();
        Self { said: Said::new(asked, head), model, sequence: 0, tokens: 0 }
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

    fn response(&mut self, out: &mut Vec<u8>, kind: &str, state: State, usage: Option<Usage>) {
        self.event(out, kind, |pen, out| {
            out.extend_from_slice(br#""response":"#);
            push_response(out, &pen.said, state, usage);
        });
    }

    fn item(&mut self, out: &mut Vec<u8>, kind: &str, whole: bool) {
        self.event(out, kind, |pen, out| {
            out.extend_from_slice(br#""output_index":0,"item":"#);
            pen.said.push_item(out, pen.tokens, whole);
        });
    }

    /// An event of the content: where it stands, and what is written after it.
    fn content(&mut self, out: &mut Vec<u8>, kind: &str, rest: impl FnOnce(&mut Vec<u8>)) {
        self.event(out, kind, |pen, out| {
            let id = pen.said.item_id();
            let index = if pen.said.tool.is_some() { "" } else { r#""content_index":0,"# };
            write!(out, r#""item_id":"{id}","output_index":0,{index}"#).expect("a Vec takes all");
            rest(out);
        });
    }

    fn arguments(&mut self, out: &mut Vec<u8>, piece: &str) {
        if !piece.is_empty() {
            let piece = json_string(piece);
            self.content(out, "response.function_call_arguments.delta", |out| {
                write!(out, r#""delta":{piece}"#).expect("a Vec takes all");
            });
        }
    }
}

impl AnswerPen for ResponsePen {
    fn begin(&mut self, out: &mut Vec<u8>) {
        self.response(out, "response.created", State::InProgress, None);
        self.response(out, "response.in_progress", State::InProgress, None);
        self.item(out, "response.output_item.added", false);
        if self.said.tool.is_none() {
            self.content(out, "response.content_part.added", |out| {
                out.extend_from_slice(br#""part":"#);
                push_part(out, 0);
            });
        }
    }

    fn token(&mut self, out: &mut Vec<u8>, n: u32) {
        self.tokens = n + 1;
        if let Some(tool) = &self.said.tool {
            let piece = tool.piece(n).to_owned();
            return self.arguments(out, &piece);
        }
        self.content(out, "response.output_text.delta", |out| {
            write!(out, r#""delta":"{}","logprobs":[]"#, word(n)).expect("a Vec takes all");
        });
    }

    fn finish(&mut self, out: &mut Vec<u8>, finish: FinishReason, usage: Usage) {
        let tokens = self.tokens;
        if let Some(tool) = &self.said.tool {
            let (rest, all) = (tool.rest(tokens).to_owned(), json_string(&tool.arguments));
            self.arguments(out, &rest);
            self.content(out, "response.function_call_arguments.done", |out| {
                write!(out, r#""arguments":{all}"#).expect("a Vec takes all");
            });
        } else {
            self.content(out, "response.output_text.done", |out| {
                out.extend_from_slice(br#""logprobs":[],"text":""#);
                push_text(out, tokens);
                out.push(b'"');
            });
            self.content(out, "response.content_part.done", |out| {
                out.extend_from_slice(br#""part":"#);
                push_part(out, tokens);
            });
        }
        self.item(out, "response.output_item.done", true);
        let state = State::of(finish);
        let kind = match state {
            State::Incomplete => "response.incomplete",
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
