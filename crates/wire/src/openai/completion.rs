//! An answer in one piece: written by the mock provider, read by the gateway and the driver.

use super::json_string;
use super::text::Text;
use crate::{Usage, push_text};
use bytes::Bytes;
use serde::Deserialize;
use std::io::Write as _;

/// What all parts of one answer have in common.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Answer<'a> {
    /// Its id, `chatcmpl-…`, in letters, digits and hyphens.
    pub id: &'a str,
    /// When it was made, in Unix seconds.
    pub created: u64,
    /// The model that made it.
    pub model: &'a str,
}

impl Answer<'_> {
    /// The body of a whole answer: filler of `usage.output_tokens` tokens, ended for this reason.
    #[must_use]
    pub fn completion_body(&self, usage: Usage, finish: FinishReason) -> Bytes {
        let Self { id, created, .. } = self;
        let model = json_string(self.model);
        let mut out = Vec::with_capacity(512 + 4 * usage.output_tokens as usize);
        write!(
            out,
            concat!(
                r#"{{"id":"{}","object":"chat.completion","created":{},"model":{},"choices":"#,
                r#"[{{"index":0,"message":{{"role":"assistant","content":""#
            ),
            id, created, model,
        )
        .expect("a Vec takes all");
        push_text(&mut out, usage.output_tokens);
        out.extend_from_slice(br#"","refusal":null},"logprobs":null,"finish_reason":""#);
        out.extend_from_slice(finish.as_str().as_bytes());
        out.extend_from_slice(br#""}],"usage":"#);
        push_usage(&mut out, usage);
        out.push(b'}');
        out.into()
    }
}

/// What is worth knowing of an answer in one piece.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Completion {
    /// Why it ended.
    pub finish: Option<FinishReason>,
    /// What it used, if it says.
    pub usage: Option<Usage>,
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// It was complete.
    Stop,
    /// It reached `max_tokens`.
    Length,
    /// The content policy ended it.
    ContentFilter,
    /// It calls tools.
    #[serde(alias = "function_call")]
    ToolCalls,
    /// A reason that OpenAI does not have.
    #[serde(other)]
    Other,
}

impl FinishReason {
    /// The word for it on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ContentFilter => "content_filter",
            Self::ToolCalls => "tool_calls",
            Self::Other => "other",
        }
    }
}

/// Reads the body of an answer in one piece; `None` if it is none.
#[must_use]
pub fn read_completion(body: &[u8]) -> Option<Completion> {
    #[derive(Deserialize)]
    struct Shape {
        choices: Vec<Choice>,
        usage: Option<UsageShape>,
    }
    #[derive(Deserialize)]
    struct Choice {
        #[serde(rename = "message")]
        _message: Message,
        finish_reason: Option<FinishReason>,
    }
    #[derive(Deserialize)]
    struct Message {
        #[serde(default, rename = "content")]
        _content: Text,
    }
    let shape: Shape = serde_json::from_slice(body).ok()?;
    Some(Completion {
        finish: shape.choices.first()?.finish_reason,
        usage: shape.usage.map(Usage::from),
    })
}

/// `usage` as OpenAI writes it.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct UsageShape {
    prompt_tokens: u32,
    #[serde(default)]
    completion_tokens: u32,
}

impl From<UsageShape> for Usage {
    fn from(shape: UsageShape) -> Self {
        Self { input_tokens: shape.prompt_tokens, output_tokens: shape.completion_tokens }
    }
}

pub(super) fn push_usage(out: &mut Vec<u8>, usage: Usage) {
    let Usage { input_tokens, output_tokens } = usage;
    let total = u64::from(input_tokens) + u64::from(output_tokens);
    write!(
        out,
        r#"{{"prompt_tokens":{input_tokens},"completion_tokens":{output_tokens},"total_tokens":{total}}}"#
    )
    .expect("a Vec takes all");
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: Answer<'_> = Answer { id: "chatcmpl-7", created: 1_700_000_000, model: "gpt-4o" };
    const USAGE: Usage = Usage { input_tokens: 420, output_tokens: 3 };

    #[test]
    fn it_writes_what_openai_writes() {
        assert_eq!(
            ANSWER.completion_body(USAGE, FinishReason::Stop),
            concat!(
                r#"{"id":"chatcmpl-7","object":"chat.completion","created":1700000000,"model":"gpt-4o","#,
                r#""choices":[{"index":0,"message":{"role":"assistant","content":" the sea was","#,
                r#""refusal":null},"logprobs":null,"finish_reason":"stop"}],"#,
                r#""usage":{"prompt_tokens":420,"completion_tokens":3,"total_tokens":423}}"#,
            ),
        );
    }

    #[test]
    fn it_reads_what_it_writes_and_refuses_what_is_no_answer() {
        let expected = Completion { finish: Some(FinishReason::Stop), usage: Some(USAGE) };
        assert_eq!(
            read_completion(&ANSWER.completion_body(USAGE, FinishReason::Stop)),
            Some(expected)
        );
        for body in ["", "{}", r#"{"choices":[]}"#, r#"{"error":{}}"#] {
            assert_eq!(read_completion(body.as_bytes()), None, "{body}");
        }
        let strange = br#"{"choices":[{"message":{},"finish_reason":"bored"}]}"#;
        let expected = Completion { finish: Some(FinishReason::Other), usage: None };
        assert_eq!(read_completion(strange), Some(expected));
    }
}
