//! An answer in one piece: written by the mock provider, read by the gateway and the driver.

use super::usage::{OpenAiUsage, Usage, push_usage};
use crate::json::{Perhaps, json_string, parse_json, read_tolerantly};
use crate::push_text;
use bytes::Bytes;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::io::Write as _;

/// What all parts of one answer have in common.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AnswerMeta<'a> {
    /// Its id, `chatcmpl-…`, in letters, digits and hyphens.
    pub id: &'a str,
    /// When it was made, in Unix seconds.
    pub created: u64,
    /// The model that made it.
    pub model: &'a str,
}

impl AnswerMeta<'_> {
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
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FinishReason {
    /// It was complete.
    Stop,
    /// It reached `max_tokens`.
    Length,
    /// The content policy ended it.
    ContentFilter,
    /// It calls tools.
    ToolCalls,
    /// A reason that OpenAI does not have.
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

    /// What a word on the wire says.
    pub(crate) fn of_word(word: &str) -> Self {
        match word {
            "stop" => Self::Stop,
            "length" => Self::Length,
            "content_filter" => Self::ContentFilter,
            // The older word is for functions.
            "tool_calls" | "function_call" => Self::ToolCalls,
            _ => Self::Other,
        }
    }
}

/// A reason to end as it is met: an empty one, which some send with every chunk, is none, and what is no text
/// is none either.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LooseFinish(pub(super) Option<FinishReason>);

impl<'de> Deserialize<'de> for LooseFinish {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        // Nearly all chunks say so.
        if raw == "null" {
            return Ok(Self(None));
        }
        let word: Option<Cow<'_, str>> = serde_json::from_str(raw).unwrap_or_default();
        let word = word.filter(|word| !word.is_empty());
        Ok(Self(word.map(|word| FinishReason::of_word(&word))))
    }
}

/// Reads the body of a chat's answer in one piece; `None` if it has no choice.
#[must_use]
pub fn read_completion(body: &[u8]) -> Option<Completion> {
    read_tolerantly(body, |bytes| parse_json(bytes)).ok().and_then(WithChoices::completion)
}

/// An answer that is as it should be, as far as a router needs to know it: texts are not even read.
#[derive(Deserialize)]
pub(super) struct WithChoices {
    choices: Vec<CompletionChoice>,
    usage: Option<Perhaps<OpenAiUsage>>,
    error: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct CompletionChoice {
    message: Option<IgnoredAny>,
    text: Option<IgnoredAny>,
    #[serde(default)]
    finish_reason: LooseFinish,
    /// What OpenRouter says went wrong with it.
    error: Option<IgnoredAny>,
}

impl WithChoices {
    /// `None` if this needs a closer look.
    pub(super) fn completion(self) -> Option<Completion> {
        let first = self.choices.first()?;
        let is_choice = first.message.is_some() || first.text.is_some();
        let told = self.error.is_some() || first.error.is_some();
        (is_choice && !told).then(|| Completion {
            finish: first.finish_reason.0,
            usage: self.usage.and_then(OpenAiUsage::known),
        })
    }
}

impl Completion {
    /// Whether a content policy took the answer out.
    #[must_use]
    pub const fn is_filtered(&self) -> bool {
        matches!(self.finish, Some(FinishReason::ContentFilter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: AnswerMeta<'_> =
        AnswerMeta { id: "chatcmpl-7", created: 1_700_000_000, model: "gpt-4o" };
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

    #[test]
    fn usage_is_known_when_both_counts_follow_from_what_is_told() {
        let usage = |json: &str| {
            let body = format!(r#"{{"choices":[{{"message":{{}}}}],"usage":{json}}}"#);
            let usage =
                read_completion(body.as_bytes()).expect("an answer, whatever its usage").usage;
            usage.map(|usage| (usage.input_tokens, usage.output_tokens))
        };
        assert_eq!(usage(r#"{"prompt_tokens":8.0,"completion_tokens":1.0}"#), Some((8, 1)));
        assert_eq!(usage(r#"{"prompt_tokens":8,"total_tokens":9}"#), Some((8, 1)));
        assert_eq!(usage(r#"{"input_tokens":8,"output_tokens":1}"#), Some((8, 1)));
        for unknown in [
            "null",
            "[]",
            "\"11\"",
            "{}",
            r#"{"total_tokens":8}"#,
            r#"{"prompt_tokens":8,"completion_tokens":null}"#,
            r#"{"prompt_tokens":-1,"completion_tokens":1}"#,
            r#"{"prompt_tokens":"8","completion_tokens":1}"#,
            r#"{"prompt_tokens":8,"total_tokens":7}"#,
            r#"{"prompt_tokens":99999999999999999999,"completion_tokens":1}"#,
        ] {
            assert_eq!(usage(unknown), None, "{unknown}");
        }
    }
}
