//! Answers to chats as Gemini's contents, whole and as a stream of chunks.

use crate::call::{Image, Reply, RequestedCall, TokenCounts};
use crate::chat::{ChatRequest, FinishReason};
use crate::front::{FrontWriter, NeutralAnswer, NeutralChunk, NeutralDelta};
use crate::push_event;
use bytes::Bytes;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// An answer in one piece.
pub(super) fn content_body(answer: &NeutralAnswer, chat: &ChatRequest) -> Bytes {
    let candidates = answer.replies.iter().zip(0..).map(|(reply, index)| {
        let mut parts =
            parts_of(&reply.text, &reply.reasoning, &reply.images, chat.shows_thoughts());
        parts.extend(reply.calls.iter().map(call_part));
        candidate(index, &parts, Some(reply.finish))
    });
    let head = ContentHead { id: answer.id.clone(), model: answer.model.clone() };
    head.chunk(&candidates.collect::<Vec<_>>(), answer.counts).to_string().into()
}

/// What writes the chunks of a stream.
pub(super) fn content_writer(chat: &ChatRequest) -> Box<dyn FrontWriter> {
    Box::new(ContentStream {
        shows_thoughts: chat.shows_thoughts(),
        head: ContentHead { id: String::new(), model: chat.model.clone() },
        candidates: Vec::new(),
        counts: None,
        done: false,
    })
}

/// What every chunk says of its answer.
#[derive(Debug)]
struct ContentHead {
    id: String,
    model: String,
}

impl ContentHead {
    fn chunk(&self, candidates: &[Value], counts: Option<TokenCounts>) -> Value {
        let mut chunk = json!({
            "candidates": candidates,
            "modelVersion": self.model,
            "responseId": self.id,
        });
        if let Some(counts) = counts {
            chunk["usageMetadata"] = usage(counts);
        }
        chunk
    }
}

/// Thoughts are told apart from the answer.
fn usage(counts: TokenCounts) -> Value {
    let mut usage = json!({
        "promptTokenCount": counts.input,
        "candidatesTokenCount": counts.output.saturating_sub(counts.reasoning),
        "totalTokenCount": u64::from(counts.input) + u64::from(counts.output),
    });
    for (name, count) in
        [("thoughtsTokenCount", counts.reasoning), ("cachedContentTokenCount", counts.cached)]
    {
        if count > 0 {
            usage[name] = Value::from(count);
        }
    }
    usage
}

/// A candidate; with why it ended, if it did.
fn candidate(index: u32, parts: &[Value], end: Option<Option<FinishReason>>) -> Value {
    let mut candidate = json!({ "content": { "parts": parts, "role": "model" }, "index": index });
    if let Some(finish) = end {
        candidate["finishReason"] = Value::from(match finish {
            Some(FinishReason::Length) => "MAX_TOKENS",
            Some(FinishReason::ContentFilter) => "SAFETY",
            Some(FinishReason::Stop | FinishReason::ToolCalls | FinishReason::Other) | None => {
                "STOP"
            }
        });
    }
    candidate
}

fn parts_of(text: &str, reasoning: &str, images: &[Image], shows_thoughts: bool) -> Vec<Value> {
    let mut parts = Vec::new();
    if shows_thoughts && !reasoning.is_empty() {
        parts.push(json!({ "text": reasoning, "thought": true }));
    }
    if !text.is_empty() {
        parts.push(json!({ "text": text }));
    }
    for image in images {
        let inline = image.url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,"));
        parts.push(match inline {
            Some((kind, data)) => json!({ "inlineData": { "mimeType": kind, "data": data } }),
            None => json!({ "fileData": { "fileUri": image.url } }),
        });
    }
    parts
}

/// A call, whole: Gemini's clients take no part of one.
fn call_part(call: &RequestedCall) -> Value {
    let read = serde_json::from_str::<&RawValue>(&call.arguments);
    let is_object = read.is_ok_and(|raw| raw.get().starts_with('{'));
    let arguments = if is_object { serde_json::from_str(&call.arguments).ok() } else { None };
    let arguments: Value = arguments.unwrap_or_else(|| json!({}));
    let mut part =
        json!({ "functionCall": { "id": call.id, "name": call.name, "args": arguments } });
    if let Some(signature) = &call.thought_signature {
        part["thoughtSignature"] = Value::from(signature.as_str());
    }
    part
}

/// Writes the chunks of contents. The last one has the calls, why the answer ended and what it used.
#[derive(Debug)]
struct ContentStream {
    shows_thoughts: bool,
    head: ContentHead,
    /// What waits for the end of each answer, by its index.
    candidates: Vec<Reply>,
    counts: Option<TokenCounts>,
    done: bool,
}

/// The most answers that OpenAI gives to one request.
const ANSWERS_MAX: usize = 128;

impl ContentStream {
    /// Keeps what is told at the end.
    fn keep(&mut self, said: &mut NeutralDelta) {
        let index = said.index as usize;
        if index >= ANSWERS_MAX {
            return;
        }
        if self.candidates.len() <= index {
            self.candidates.resize_with(index + 1, Reply::default);
        }
        let Some(kept) = self.candidates.get_mut(index) else { return };
        kept.finish = said.finish.or(kept.finish);
        for (place, call) in std::mem::take(&mut said.calls) {
            match kept.calls.get_mut(place as usize) {
                Some(begun) => begun.arguments.push_str(&call.arguments),
                None => kept.calls.push(call),
            }
        }
    }
}

impl FrontWriter for ContentStream {
    fn chunk(&mut self, chunk: NeutralChunk, out: &mut Vec<u8>) {
        self.counts = chunk.counts.or(self.counts);
        if let Some(id) = chunk.id.filter(|_| self.head.id.is_empty()) {
            self.head.id = id;
            self.head.model = chunk.model.unwrap_or_default();
        }
        let mut candidates = Vec::new();
        for mut said in chunk.deltas {
            self.keep(&mut said);
            let parts = parts_of(&said.text, &said.reasoning, &said.images, self.shows_thoughts);
            if !parts.is_empty() {
                candidates.push(candidate(said.index, &parts, None));
            }
        }
        if !candidates.is_empty() {
            push_event(out, self.head.chunk(&candidates, None).to_string().as_bytes());
        }
    }

    fn done(&mut self, out: &mut Vec<u8>) {
        if self.candidates.is_empty() || std::mem::replace(&mut self.done, true) {
            return;
        }
        let last = self.candidates.iter().zip(0..).map(|(reply, index)| {
            let parts = match reply.calls.as_slice() {
                [] => vec![json!({ "text": "" })],
                calls => calls.iter().map(call_part).collect(),
            };
            candidate(index, &parts, Some(reply.finish))
        });
        let chunk =
            self.head.chunk(&last.collect::<Vec<_>>(), Some(self.counts.unwrap_or_default()));
        push_event(out, chunk.to_string().as_bytes());
    }
}
