//! Anthropic's answer in one piece, in OpenAI's words.

use crate::call::{Reply, ReplyHead, RequestedCall, Stamp, TokenCounts, Whole};
use crate::chat::FinishReason;
use crate::error::failure_of_body;
use crate::json::{LooseCount, Perhaps, read_tolerantly};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use squall_failure::Failure;

/// Reads the body of a message.
pub(super) fn read_answer(body: &[u8], stamp: &Stamp) -> Result<Whole, Failure> {
    read_tolerantly(body, |bytes| serde_json::from_slice(bytes).map(|message| told(message, stamp)))
        .map_err(|_| {
            let value = read_tolerantly(body, |bytes| serde_json::from_slice::<Value>(bytes));
            failure_of_body(body, &value)
        })
}

fn told(message: ReplyMessage<'_>, stamp: &Stamp) -> Whole {
    let mut reply =
        Reply { finish: message.stop_reason.as_deref().map(finish_of), ..Reply::default() };
    for block in message.content {
        match block.kind.as_str() {
            "text" => reply.text.push_str(&block.text.unwrap_or_default()),
            "thinking" => reply.reasoning.push_str(&block.thinking.unwrap_or_default()),
            "tool_use" => reply.calls.push(RequestedCall {
                id: block.id.unwrap_or_default(),
                name: block.name.unwrap_or_default(),
                arguments: block.input.map_or_else(|| "{}".to_owned(), |raw| raw.get().to_owned()),
                thought_signature: None,
            }),
            // Thoughts that are hidden, and tools that the vendor itself runs.
            _ => {}
        }
    }
    let head = ReplyHead::new(message.id.as_deref(), message.model.as_deref(), stamp);
    head.whole(&[reply], message.usage.0.and_then(AnthropicUsage::counts))
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
struct ReplyMessage<'a> {
    id: Option<String>,
    model: Option<String>,
    #[serde(borrow)]
    content: Vec<ReplyBlock<'a>>,
    stop_reason: Option<String>,
    #[serde(default)]
    usage: Perhaps<AnthropicUsage>,
}

#[derive(Deserialize)]
struct ReplyBlock<'a> {
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
#[serde(default)]
pub(super) struct AnthropicUsage {
    input_tokens: LooseCount,
    cache_creation_input_tokens: LooseCount,
    cache_read_input_tokens: LooseCount,
    output_tokens: LooseCount,
}

impl AnthropicUsage {
    /// What was used, if both sides are told.
    pub(super) fn counts(self) -> Option<TokenCounts> {
        let cached = self.cache_read_input_tokens.0.unwrap_or(0);
        let written = self.cache_creation_input_tokens.0.unwrap_or(0);
        Some(TokenCounts {
            input: self.input_tokens.0?.saturating_add(written).saturating_add(cached),
            cached,
            output: self.output_tokens.0?,
            reasoning: 0,
        })
    }

    pub(super) fn then(self, later: Self) -> Self {
        let newer = |later: LooseCount, old: LooseCount| LooseCount(later.0.or(old.0));
        Self {
            input_tokens: newer(later.input_tokens, self.input_tokens),
            cache_creation_input_tokens: newer(
                later.cache_creation_input_tokens,
                self.cache_creation_input_tokens,
            ),
            cache_read_input_tokens: newer(
                later.cache_read_input_tokens,
                self.cache_read_input_tokens,
            ),
            output_tokens: newer(later.output_tokens, self.output_tokens),
        }
    }
}

#[cfg(test)]
mod tests;
