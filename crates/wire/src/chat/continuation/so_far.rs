//! The text of a stream as its client has it.

use crate::chat::ChatRequest;
use crate::{SseDecoder, estimate_tokens};
use serde_json::{Map, Value};

/// The text of a stream as far as its client has it, for another attempt to go on from.
#[derive(Debug)]
pub struct AnswerSoFar {
    decoder: SseDecoder,
    limit: usize,
    /// What all chunks say of the answer: its id, its model, when it was made.
    head: Map<String, Value>,
    text: String,
    /// Only text of one answer has come, and its end has not.
    goes_on: bool,
}

/// The fields of a chunk that are the same in all of an answer.
pub(super) const HEAD: [&str; 5] = ["id", "object", "created", "model", "system_fingerprint"];

impl AnswerSoFar {
    /// Nothing yet of the answer to this request. No more than `limit` bytes of text are kept: an answer that is
    /// longer cannot be continued.
    #[must_use]
    pub fn new(chat: &ChatRequest, limit: usize) -> Self {
        Self {
            decoder: SseDecoder::with_limit(limit),
            limit,
            head: Map::new(),
            text: String::new(),
            goes_on: chat.can_be_continued(),
        }
    }

    /// Takes whole events that go to the client.
    pub fn take(&mut self, events: &[u8]) {
        if !self.goes_on {
            return;
        }
        self.decoder.push(events);
        loop {
            match self.decoder.next_event() {
                Ok(Some(event)) => {
                    let data = event.data.trim_ascii();
                    let chunk = serde_json::from_slice::<Map<String, Value>>(data);
                    let text = chunk.ok().and_then(|chunk| {
                        // Azure's first chunk tells of the prompt, and has no name.
                        let choices = chunk.get("choices").and_then(Value::as_array);
                        if self.head.is_empty() && choices.is_some_and(|all| !all.is_empty()) {
                            self.head = head_of(&chunk);
                        }
                        plain_text(&chunk)
                    });
                    match text {
                        Some(text) if self.text.len() + text.len() <= self.limit => {
                            self.text.push_str(&text);
                        }
                        _ => return self.give_up(),
                    }
                }
                Ok(None) => return,
                Err(_) => return self.give_up(),
            }
        }
    }

    fn give_up(&mut self) {
        self.goes_on = false;
        self.text = String::new();
    }

    /// Whether another attempt could go on from here: there is text, and nothing but text.
    #[must_use]
    pub fn can_go_on(&self) -> bool {
        self.goes_on && !self.text.is_empty()
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its tokens, estimated.
    #[must_use]
    pub fn tokens(&self) -> u32 {
        estimate_tokens(self.text.len())
    }

    pub(super) const fn head(&self) -> &Map<String, Value> {
        &self.head
    }
}

fn head_of(chunk: &Map<String, Value>) -> Map<String, Value> {
    let fields =
        HEAD.iter().filter_map(|&field| Some((field.to_owned(), chunk.get(field)?.clone())));
    fields.collect()
}

/// The text of a chunk that says no more than text: nothing of calls, thoughts, probabilities or other answers, and
/// not that the answer ends.
fn plain_text(chunk: &Map<String, Value>) -> Option<String> {
    let choices = chunk.get("choices")?.as_array()?;
    let Some(choice) = choices.first() else { return Some(String::new()) };
    let is_first = choice.get("index").is_none_or(|index| index.as_u64() == Some(0));
    let ends = choice.get("finish_reason").is_some_and(|reason| !reason.is_null());
    let weighed = choice.get("logprobs").is_some_and(|logprobs| !logprobs.is_null());
    if choices.len() > 1 || !is_first || ends || weighed || choice.get("message").is_some() {
        return None;
    }
    let Some(delta) = choice.get("delta").and_then(Value::as_object) else {
        return Some(String::new());
    };
    let more = delta
        .iter()
        .any(|(key, value)| !matches!(key.as_str(), "role" | "content") && !is_nothing(value));
    match delta.get("content") {
        _ if more => None,
        None | Some(Value::Null) => Some(String::new()),
        Some(Value::String(text)) => Some(text.clone()),
        Some(_) => None,
    }
}

/// Whether a field of a delta says nothing.
pub(super) fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}
