//! Anthropic's answer in one piece, in OpenAI's words.

use crate::call::{Call, Counts, Reply, ReplyHead, Stamp, Whole, failed_late};
use crate::openai::FinishReason;
use serde::Deserialize;
use serde_json::value::RawValue;
use squall_failure::{Failure, FailureClass};

/// Reads the body of a message.
pub(super) fn read_answer(body: &[u8], stamp: &Stamp) -> Result<Whole, Failure> {
    let message: Message<'_> =
        serde_json::from_slice(body).map_err(|_| failed_late(FailureClass::Cut))?;
    let mut reply =
        Reply { finish: message.stop_reason.as_deref().map(finish_of), ..Reply::default() };
    for block in message.content {
        match block.kind.as_str() {
            "text" => reply.text.push_str(&block.text.unwrap_or_default()),
            "thinking" => reply.reasoning.push_str(&block.thinking.unwrap_or_default()),
            "tool_use" => reply.calls.push(Call {
                id: block.id.unwrap_or_default(),
                name: block.name.unwrap_or_default(),
                arguments: block.input.map_or_else(|| "{}".to_owned(), |raw| raw.get().to_owned()),
                thought_signature: None,
            }),
            // Thoughts that are hidden, and tools that the vendor itself runs.
            _ => {}
        }
    }
    let head = ReplyHead::new(Some(&message.id), Some(&message.model), stamp);
    Ok(head.whole(&[reply], Some(message.usage.counts())))
}

/// Why it ended, in OpenAI's words; what is new ends an answer like any other end.
pub(super) fn finish_of(stop_reason: &str) -> FinishReason {
    match stop_reason {
        "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
        "tool_use" => FinishReason::ToolCalls,
        "refusal" => FinishReason::ContentFilter,
        _ => FinishReason::Stop,
    }
}

#[derive(Deserialize)]
struct Message<'a> {
    id: String,
    model: String,
    #[serde(borrow)]
    content: Vec<Block<'a>>,
    stop_reason: Option<String>,
    #[serde(default)]
    usage: UsageShape,
}

#[derive(Deserialize)]
struct Block<'a> {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
    thinking: Option<String>,
    id: Option<String>,
    name: Option<String>,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
}

/// `usage` as Anthropic writes it: the three kinds of input are apart, and the later of two that come in
/// a stream holds for what it tells.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(super) struct UsageShape {
    input_tokens: Option<u32>,
    cache_creation_input_tokens: Option<u32>,
    cache_read_input_tokens: Option<u32>,
    output_tokens: Option<u32>,
}

impl UsageShape {
    pub(super) fn counts(self) -> Counts {
        let cached = self.cache_read_input_tokens.unwrap_or(0);
        let written = self.cache_creation_input_tokens.unwrap_or(0);
        let fresh = self.input_tokens.unwrap_or(0);
        Counts {
            input: fresh.saturating_add(written).saturating_add(cached),
            cached,
            output: self.output_tokens.unwrap_or(0),
            reasoning: 0,
        }
    }

    pub(super) fn then(self, later: Self) -> Self {
        Self {
            input_tokens: later.input_tokens.or(self.input_tokens),
            cache_creation_input_tokens: later
                .cache_creation_input_tokens
                .or(self.cache_creation_input_tokens),
            cache_read_input_tokens: later.cache_read_input_tokens.or(self.cache_read_input_tokens),
            output_tokens: later.output_tokens.or(self.output_tokens),
        }
    }
}

#[cfg(test)]
mod tests;
