//! Answers to chats as Anthropic's messages, whole and as a stream of events.

use crate::call::{RequestedCall, TokenCounts};
use crate::chat::{ChatRequest, FinishReason};
use crate::front::{FrontWriter, NeutralAnswer, NeutralChunk};
use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// An answer in one piece.
pub(super) fn message_body(answer: &NeutralAnswer, chat: &ChatRequest) -> Bytes {
    let none = crate::call::Reply::default();
    let reply = answer.replies.first().unwrap_or(&none);
    let mut content = Vec::new();
    if chat.shows_thoughts() && !reply.reasoning.is_empty() {
        content.push(AnswerBlock::Thinking { thinking: &reply.reasoning, signature: "" });
    }
    if !reply.text.is_empty() {
        content.push(AnswerBlock::Text { text: &reply.text });
    }
    for call in &reply.calls {
        let (id, name, input) = (&call.id, &call.name, arguments(&call.arguments));
        content.push(AnswerBlock::ToolUse { id, name, input });
    }
    let message = AnswerMessage {
        id: message_id(&answer.id),
        kind: "message",
        role: "assistant",
        model: &answer.model,
        content,
        stop_reason: stop_reason(reply.finish, !reply.calls.is_empty()),
        stop_sequence: None,
        usage: usage(answer.counts.unwrap_or_default()),
    };
    serde_json::to_vec(&message).expect("texts, numbers and JSON are always JSON").into()
}

/// What writes the events of a stream.
pub(super) fn message_writer(chat: &ChatRequest) -> Box<dyn FrontWriter> {
    Box::new(MessageStream {
        shows_thoughts: chat.shows_thoughts(),
        begun: false,
        open: None,
        blocks: 0,
        calls: Vec::new(),
        finish: None,
        counts: None,
        done: false,
    })
}

#[derive(Serialize)]
struct AnswerMessage<'a> {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    role: &'static str,
    model: &'a str,
    content: Vec<AnswerBlock<'a>>,
    stop_reason: &'static str,
    stop_sequence: Option<&'a str>,
    usage: Value,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case", tag = "type")]
enum AnswerBlock<'a> {
    Thinking { thinking: &'a str, signature: &'a str },
    Text { text: &'a str },
    ToolUse { id: &'a str, name: &'a str, input: Box<RawValue> },
}

/// Arguments as JSON; those that are none, of a model that was cut off, are an empty object.
fn arguments(text: &str) -> Box<RawValue> {
    let object = |text: &str| {
        RawValue::from_string(text.to_owned()).ok().filter(|raw| raw.get().starts_with('{'))
    };
    object(text.trim()).or_else(|| object("{}")).expect("an empty object is JSON")
}

fn message_id(id: &str) -> String {
    if id.starts_with("msg_") { id.to_owned() } else { format!("msg_{id}") }
}

const fn stop_reason(finish: Option<FinishReason>, calls: bool) -> &'static str {
    match finish {
        Some(FinishReason::Length) => "max_tokens",
        Some(FinishReason::ContentFilter) => "refusal",
        _ if calls => "tool_use",
        Some(FinishReason::ToolCalls | FinishReason::Stop | FinishReason::Other) | None => {
            "end_turn"
        }
    }
}

/// What a cache had is told apart.
fn usage(counts: TokenCounts) -> Value {
    json!({
        "input_tokens": counts.input.saturating_sub(counts.cached),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": counts.cached,
        "output_tokens": counts.output,
    })
}

/// Writes the events of a message: one block after the other.
#[derive(Debug)]
struct MessageStream {
    shows_thoughts: bool,
    begun: bool,
    open: Option<OpenBlock>,
    /// Blocks that have begun.
    blocks: u32,
    /// The block of each call that has begun, by its place among the calls.
    calls: Vec<(u32, u32)>,
    finish: Option<FinishReason>,
    counts: Option<TokenCounts>,
    done: bool,
}

/// The block that is open: always the last.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum OpenBlock {
    Thinking,
    Text,
    Call(u32),
}

impl MessageStream {
    fn begin(&mut self, chunk: &NeutralChunk, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        let message = json!({
            "id": message_id(chunk.id.as_deref().unwrap_or("0")),
            "type": "message",
            "role": "assistant",
            "model": chunk.model.as_deref().unwrap_or_default(),
            "content": [],
            "stop_reason": null,
            "stop_sequence": null,
            // How many there are is known at the end.
            "usage": usage(TokenCounts::default()),
        });
        event(out, "message_start", json!({ "message": message }));
    }

    fn open(&mut self, block: OpenBlock, content: &Value, out: &mut Vec<u8>) {
        if self.open == Some(block) {
            return;
        }
        self.close(out);
        let index = self.blocks;
        self.blocks += 1;
        self.open = Some(block);
        event(out, "content_block_start", json!({ "index": index, "content_block": content }));
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        if self.open.take().is_some() {
            event(out, "content_block_stop", json!({ "index": self.blocks - 1 }));
        }
    }

    fn call(&mut self, place: u32, call: &RequestedCall, out: &mut Vec<u8>) {
        let known = self.calls.iter().find(|(known, _)| *known == place).map(|(_, block)| *block);
        let block = known.unwrap_or_else(|| {
            let id = match call.id.as_str() {
                "" => format!("toolu_{place}"),
                id => id.to_owned(),
            };
            let content = json!({ "type": "tool_use", "id": id, "name": call.name, "input": {} });
            self.open(OpenBlock::Call(place), &content, out);
            self.calls.push((place, self.blocks - 1));
            self.blocks - 1
        });
        if !call.arguments.is_empty() {
            delta(
                out,
                block,
                &json!({ "type": "input_json_delta", "partial_json": call.arguments }),
            );
        }
    }
}

impl FrontWriter for MessageStream {
    fn chunk(&mut self, mut chunk: NeutralChunk, out: &mut Vec<u8>) {
        self.counts = chunk.counts.or(self.counts);
        let Some(place) = chunk.deltas.iter().position(|delta| delta.index == 0) else { return };
        let said = chunk.deltas.swap_remove(place);
        self.begin(&chunk, out);
        if self.shows_thoughts && !said.reasoning.is_empty() {
            let block = json!({ "type": "thinking", "thinking": "", "signature": "" });
            self.open(OpenBlock::Thinking, &block, out);
            let thinking = json!({ "type": "thinking_delta", "thinking": said.reasoning });
            delta(out, self.blocks - 1, &thinking);
        }
        if !said.text.is_empty() {
            self.open(OpenBlock::Text, &json!({ "type": "text", "text": "" }), out);
            delta(out, self.blocks - 1, &json!({ "type": "text_delta", "text": said.text }));
        }
        for (place, call) in &said.calls {
            self.call(*place, call, out);
        }
        self.finish = said.finish.or(self.finish);
    }

    fn done(&mut self, out: &mut Vec<u8>) {
        if !self.begun || std::mem::replace(&mut self.done, true) {
            return;
        }
        self.close(out);
        let stop_reason = stop_reason(self.finish, !self.calls.is_empty());
        let end = json!({ "stop_reason": stop_reason, "stop_sequence": null });
        let usage = usage(self.counts.unwrap_or_default());
        event(out, "message_delta", json!({ "delta": end, "usage": usage }));
        event(out, "message_stop", json!({}));
    }
}

fn delta(out: &mut Vec<u8>, index: u32, delta: &Value) {
    event(out, "content_block_delta", json!({ "index": index, "delta": delta }));
}

/// An event: its data repeats its name.
fn event(out: &mut Vec<u8>, name: &str, mut data: Value) {
    data["type"] = Value::from(name);
    out.extend_from_slice(format!("event: {name}\ndata: {data}\n\n").as_bytes());
}
