//! Anthropic's stream, in OpenAI's chunks.

use super::call_answer::{AnthropicUsage, finish_of};
use crate::call::{ReplyChunkWriter, ReplyHead, RequestedCall, Stamp, StreamReader};
use crate::chat::{Chunk, StreamEvent};
use crate::error::{failure_from_error, tells_error};
use crate::json::{Perhaps, read_tolerantly};
use crate::{SseEvent, Usage};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The most blocks that are open at once: real ones come one after the other.
const OPEN_MAX: usize = 64;

/// Reads one stream.
#[derive(Debug)]
pub(super) struct AnthropicStreamReader {
    stamp: Stamp,
    include_usage: bool,
    /// There once the message has begun.
    writer: Option<ReplyChunkWriter>,
    /// Calls that have begun.
    calls: u32,
    /// The calls under way.
    open: Vec<OpenCall>,
    usage: AnthropicUsage,
    /// It has said why it ends.
    finished: bool,
    done: bool,
}

/// A call under way.
#[derive(Debug)]
struct OpenCall {
    /// Of its block.
    index: u32,
    /// Of the call.
    place: u32,
    /// The arguments that came when it began, unless more have come since: copies of the API have them whole
    /// there, and the vendor itself an empty object.
    input: Option<Option<Box<RawValue>>>,
}

impl AnthropicStreamReader {
    pub(super) fn new(stamp: Stamp, include_usage: bool) -> Self {
        Self {
            stamp,
            include_usage,
            writer: None,
            calls: 0,
            open: Vec::new(),
            usage: AnthropicUsage::default(),
            finished: false,
            done: false,
        }
    }

    /// Reads an event of a message; `None` for one that says nothing, or belongs to no message.
    fn take(&mut self, event: AnthropicEvent, out: &mut Vec<u8>) -> Option<Chunk> {
        if let ("message_start", Some(message)) = (event.kind.as_str(), &event.message) {
            let head = ReplyHead::new(message.id.as_deref(), message.model.as_deref(), &self.stamp);
            let writer = ReplyChunkWriter::new(&head, self.include_usage);
            writer.role(out, 0);
            self.writer = Some(writer);
            self.usage = self.usage.then(message.usage.0.unwrap_or_default());
            return Some(Chunk::default());
        }
        let writer = self.writer.as_ref()?;
        let index = event.index.unwrap_or(0);
        let content = match event.kind.as_str() {
            "content_block_start" => {
                self.close_call(index, out);
                self.begin(index, event.content_block?, out)
            }
            "content_block_delta" => {
                let delta = event.delta?;
                match delta.kind.as_deref()? {
                    "text_delta" => writer.filled_text(out, &delta.text),
                    "thinking_delta" => {
                        writer.filled_reasoning(out, &delta.thinking);
                        true
                    }
                    "input_json_delta" => {
                        let call = self.open.iter_mut().find(|call| call.index == index);
                        if let Some(call) = call.filter(|_| !delta.partial_json.is_empty()) {
                            writer.arguments(out, 0, call.place, &delta.partial_json);
                            call.input = None;
                        }
                        // Those of a tool that the vendor runs are no client's business.
                        true
                    }
                    // Signatures, citations and what is new: the model is at work, and no client hears of it.
                    _ => true,
                }
            }
            "content_block_stop" => {
                self.close_call(index, out);
                false
            }
            "message_delta" => {
                let end = event.delta.and_then(|delta| delta.stop_reason);
                return Some(self.finish(end.as_deref(), event.usage.0, out));
            }
            _ => return None,
        };
        Some(Chunk { content, ..Chunk::default() })
    }

    /// A block begins; whether there is something of the model's in it.
    fn begin(&mut self, index: u32, block: StreamBlock, out: &mut Vec<u8>) -> bool {
        let Some(writer) = &self.writer else { return false };
        match block.kind.as_str() {
            "tool_use" => {
                let (id, name) = (block.id, block.name);
                let call =
                    RequestedCall { id, name, arguments: String::new(), thought_signature: None };
                let place = self.calls;
                writer.call(out, 0, place, &call);
                self.calls += 1;
                if self.open.len() < OPEN_MAX {
                    self.open.push(OpenCall { index, place, input: Some(block.input) });
                }
                true
            }
            "text" => writer.filled_text(out, &block.text),
            "thinking" => {
                writer.filled_reasoning(out, &block.thinking);
                true
            }
            // Thoughts that are hidden, tools that the vendor runs and what they find.
            _ => true,
        }
    }

    /// The call of this block has ended; OpenAI's clients parse the arguments that they were given.
    fn close_call(&mut self, index: u32, out: &mut Vec<u8>) {
        let Some(at) = self.open.iter().position(|call| call.index == index) else { return };
        let call = self.open.swap_remove(at);
        if let (Some(writer), Some(input)) = (&self.writer, call.input) {
            let whole = input.as_deref().map_or("{}", RawValue::get);
            writer.arguments(out, 0, call.place, whole);
        }
    }

    /// All calls have ended, whether it was said or not.
    fn close_calls(&mut self, out: &mut Vec<u8>) {
        while let Some(call) = self.open.first() {
            self.close_call(call.index, out);
        }
    }

    fn finish(
        &mut self,
        end: Option<&str>,
        usage: Option<AnthropicUsage>,
        out: &mut Vec<u8>,
    ) -> Chunk {
        let finish = end.map(finish_of);
        if finish.is_some() {
            self.close_calls(out);
        }
        if let (Some(writer), Some(finish), false) = (&self.writer, finish, self.finished) {
            writer.finish(out, 0, finish);
            self.finished = true;
        }
        self.usage = self.usage.then(usage.unwrap_or_default());
        Chunk { content: false, finish, usage: self.usage.counts().map(Usage::from) }
    }

    /// Writes the usage and the end mark.
    fn write_end(&mut self, out: &mut Vec<u8>) {
        self.close_calls(out);
        if let (Some(writer), false) = (&self.writer, self.done) {
            if let Some(counts) = self.usage.counts() {
                writer.usage(out, counts);
            }
            writer.done(out);
            self.done = true;
        }
    }
}

impl StreamReader for AnthropicStreamReader {
    fn read(&mut self, event: SseEvent<'_>, out: &mut Vec<u8>) -> StreamEvent {
        if self.done {
            return StreamEvent::Unreadable;
        }
        let parsed =
            read_tolerantly(event.data, |bytes| serde_json::from_slice::<AnthropicEvent>(bytes));
        let read = match parsed {
            Ok(AnthropicEvent { kind, .. }) if kind == "message_stop" && self.writer.is_some() => {
                self.write_end(out);
                return StreamEvent::Done;
            }
            Ok(event) => self.take(event, out),
            Err(_) => None,
        };
        if let Some(chunk) = read {
            return StreamEvent::Chunk(chunk);
        }
        // An error, in Anthropic's shape or that of something before it; or a ping: no token, and no sign of one.
        let value = read_tolerantly(event.data, |bytes| serde_json::from_slice(bytes));
        if event.name == b"error" || value.is_ok_and(|value| tells_error(&value)) {
            StreamEvent::Error(failure_from_error(event.data))
        } else {
            StreamEvent::Unreadable
        }
    }

    /// One that has said why it ends is whole without its end mark.
    fn end(&mut self, out: &mut Vec<u8>) -> bool {
        if self.finished {
            self.write_end(out);
        }
        self.done
    }
}

/// An event; what it has of these depends on its type.
#[derive(Deserialize)]
struct AnthropicEvent {
    #[serde(rename = "type")]
    kind: String,
    index: Option<u32>,
    message: Option<Start>,
    content_block: Option<StreamBlock>,
    delta: Option<BlockDelta>,
    #[serde(default)]
    usage: Perhaps<AnthropicUsage>,
}

#[derive(Deserialize)]
struct Start {
    id: Option<String>,
    model: Option<String>,
    #[serde(default)]
    usage: Perhaps<AnthropicUsage>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StreamBlock {
    #[serde(rename = "type")]
    kind: String,
    text: String,
    thinking: String,
    id: String,
    name: String,
    input: Option<Box<RawValue>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct BlockDelta {
    #[serde(rename = "type")]
    kind: Option<String>,
    text: String,
    thinking: String,
    partial_json: String,
    stop_reason: Option<String>,
}

#[cfg(test)]
mod tests;
