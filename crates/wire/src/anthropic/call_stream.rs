//! Anthropic's stream, in OpenAI's chunks.

use super::call_answer::{UsageShape, finish_of};
use super::call_error::failure_from_event;
use crate::SseEvent;
use crate::Usage;
use crate::call::{Call, ChunkPen, ReplyHead, Stamp, StreamReader};
use crate::openai::{Chunk, StreamEvent};
use serde::Deserialize;

/// Reads one stream. Blocks come one after the other, so that the last to begin is the one that grows.
#[derive(Debug)]
pub(super) struct Reader {
    stamp: Stamp,
    include_usage: bool,
    /// There once the message has begun.
    pen: Option<ChunkPen>,
    /// Calls that have begun.
    calls: u32,
    open: Open,
    usage: UsageShape,
}

/// The block under way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Open {
    /// Not a call.
    Other,
    /// A call of which no argument has come.
    BareCall,
    /// A call with arguments.
    Call,
}

impl Reader {
    pub(super) fn new(stamp: Stamp, include_usage: bool) -> Self {
        let usage = UsageShape::default();
        Self { stamp, include_usage, pen: None, calls: 0, open: Open::Other, usage }
    }

    fn take(&mut self, event: Event, out: &mut Vec<u8>) -> Option<Chunk> {
        if let Event::MessageStart { message } = event {
            let head = ReplyHead::new(Some(&message.id), Some(&message.model), &self.stamp);
            let pen = ChunkPen::new(&head, self.include_usage);
            pen.role(out, 0);
            self.pen = Some(pen);
            self.usage = self.usage.then(message.usage);
            return Some(Chunk::default());
        }
        // What comes before the message belongs to none.
        let pen = self.pen.as_ref()?;
        let mut content = true;
        match event {
            Event::ContentBlockStart { content_block: Block::ToolUse { id, name } } => {
                let call = Call { id, name, arguments: String::new(), thought_signature: None };
                pen.call(out, 0, self.calls, &call);
                self.calls += 1;
                self.open = Open::BareCall;
            }
            Event::ContentBlockStart { content_block } => {
                self.open = Open::Other;
                let Block::Text { text } = content_block else { return Some(Chunk::default()) };
                content = !text.is_empty();
                if content {
                    pen.text(out, 0, &text);
                }
            }
            Event::ContentBlockDelta { delta: Delta::Text { text } } if !text.is_empty() => {
                pen.text(out, 0, &text);
            }
            Event::ContentBlockDelta { delta: Delta::Thinking { thinking } }
                if !thinking.is_empty() =>
            {
                pen.reasoning(out, 0, &thinking);
            }
            Event::ContentBlockDelta { delta: Delta::InputJson { partial_json } }
                if !partial_json.is_empty() && self.open != Open::Other =>
            {
                pen.arguments(out, 0, self.calls - 1, &partial_json);
                self.open = Open::Call;
            }
            Event::ContentBlockStop if self.open == Open::BareCall => {
                // A call without arguments; OpenAI's clients parse what they were given.
                pen.arguments(out, 0, self.calls - 1, "{}");
                self.open = Open::Other;
            }
            Event::MessageDelta { delta, usage } => return Some(self.finish(&delta, usage, out)),
            _ => content = false,
        }
        Some(Chunk { content, ..Chunk::default() })
    }

    fn finish(&mut self, end: &End, usage: Option<UsageShape>, out: &mut Vec<u8>) -> Chunk {
        let finish = end.stop_reason.as_deref().map(finish_of);
        if let (Some(pen), Some(finish)) = (&self.pen, finish) {
            pen.finish(out, 0, finish);
        }
        self.usage = self.usage.then(usage.unwrap_or_default());
        Chunk { content: false, finish, usage: Some(Usage::from(self.usage.counts())) }
    }
}

impl StreamReader for Reader {
    fn read(&mut self, event: SseEvent<'_>, out: &mut Vec<u8>) -> StreamEvent {
        match serde_json::from_slice::<Event>(event.data) {
            Ok(Event::Error) => StreamEvent::Error(failure_from_event(event.data)),
            Ok(Event::MessageStop) => match &self.pen {
                Some(pen) => {
                    pen.usage(out, self.usage.counts());
                    pen.done(out);
                    StreamEvent::Done
                }
                None => StreamEvent::Unreadable,
            },
            // No token, and no sign of one.
            Ok(Event::Ping | Event::Unknown) | Err(_) => StreamEvent::Unreadable,
            Ok(event) => match self.take(event, out) {
                Some(chunk) => StreamEvent::Chunk(chunk),
                None => StreamEvent::Unreadable,
            },
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
enum Event {
    MessageStart {
        message: Start,
    },
    ContentBlockStart {
        content_block: Block,
    },
    ContentBlockDelta {
        delta: Delta,
    },
    ContentBlockStop,
    MessageDelta {
        delta: End,
        usage: Option<UsageShape>,
    },
    MessageStop,
    Ping,
    Error,
    #[serde(other)]
    Unknown,
}

#[derive(Deserialize)]
struct Start {
    id: String,
    model: String,
    #[serde(default)]
    usage: UsageShape,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
enum Block {
    Text {
        text: String,
    },
    ToolUse {
        id: String,
        name: String,
    },
    #[serde(other)]
    Unknown,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum Delta {
    #[serde(rename = "text_delta")]
    Text { text: String },
    #[serde(rename = "thinking_delta")]
    Thinking { thinking: String },
    #[serde(rename = "input_json_delta")]
    InputJson { partial_json: String },
    #[serde(other)]
    Unknown,
}

#[derive(Deserialize)]
struct End {
    stop_reason: Option<String>,
}

#[cfg(test)]
mod tests;
