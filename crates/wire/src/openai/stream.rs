//! An answer as a stream of chunks: written by the mock provider, read by the gateway and the driver.

use super::completion::{Answer, FinishReason, UsageShape, push_usage};
use super::error::ApiError;
use super::failure::failure_from_error;
use super::json_string;
use super::text::Text;
use crate::{Usage, word};
use serde::Deserialize;
use serde::de::IgnoredAny;
use squall_failure::Failure;
use std::io::Write as _;

/// Writes the chunks of one answer, each a whole event, into a buffer that the caller keeps. A chunk
/// costs a few copies and nothing on the heap.
#[derive(Clone, Debug)]
pub struct ChunkWriter {
    /// Everything before the list of choices: the same for every chunk.
    head: Vec<u8>,
    /// Whether a usage chunk will come: every other chunk then says `"usage":null`.
    tail: &'static [u8],
}

impl ChunkWriter {
    /// A writer for this answer. `include_usage` as the request asked.
    #[must_use]
    pub fn new(answer: &Answer<'_>, include_usage: bool) -> Self {
        let Answer { id, created, .. } = answer;
        let model = json_string(answer.model);
        let head = format!(
            r#"data: {{"id":"{id}","object":"chat.completion.chunk","created":{created},"model":{model},"choices":["#
        );
        let tail: &[u8] = if include_usage { b"],\"usage\":null}\n\n" } else { b"]}\n\n" };
        Self { head: head.into_bytes(), tail }
    }

    /// The first chunk: the role, and no content.
    pub fn role(&self, out: &mut Vec<u8>) {
        let delta = br#"{"role":"assistant","content":"","refusal":null}"#;
        self.push(out, &[DELTA, delta, NOT_FINISHED]);
    }

    /// A chunk with the `n`th token of filler.
    pub fn token(&self, out: &mut Vec<u8>, n: u32) {
        let text = word(n).as_bytes();
        self.push(out, &[DELTA, br#"{"content":""#, text, br#""}"#, NOT_FINISHED]);
    }

    /// A chunk with a part of a tool call, as JSON: the `first` also tells the role.
    pub fn tool_call(&self, out: &mut Vec<u8>, first: bool, call: &str) {
        let delta: &[u8] = if first { br#"{"role":"assistant","content":null,"# } else { b"{" };
        let parts = [DELTA, delta, br#""tool_calls":["#, call.as_bytes(), b"]}", NOT_FINISHED];
        self.push(out, &parts);
    }

    /// The chunk that says why the answer ended.
    pub fn finish(&self, out: &mut Vec<u8>, finish: FinishReason) {
        let before = br#"{},"logprobs":null,"finish_reason":""#;
        self.push(out, &[DELTA, before, finish.as_str().as_bytes(), br#""}"#]);
    }

    /// The usage chunk.
    pub fn usage(&self, out: &mut Vec<u8>, usage: Usage) {
        out.extend_from_slice(&self.head);
        out.extend_from_slice(br#"],"usage":"#);
        push_usage(out, usage);
        out.extend_from_slice(b"}\n\n");
    }

    /// The end mark.
    pub fn done(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"data: [DONE]\n\n");
    }

    /// An error in the middle of a stream.
    pub fn error(out: &mut Vec<u8>, error: &ApiError) {
        write!(out, "data: {}\n\n", error.to_json()).expect("a Vec takes all");
    }

    fn push(&self, out: &mut Vec<u8>, parts: &[&[u8]]) {
        out.extend_from_slice(&self.head);
        for part in parts {
            out.extend_from_slice(part);
        }
        out.extend_from_slice(self.tail);
    }
}

const DELTA: &[u8] = br#"{"index":0,"delta":"#;
const NOT_FINISHED: &[u8] = br#","logprobs":null,"finish_reason":null}"#;

/// What an event of a stream is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StreamEvent {
    /// A part of the answer.
    Chunk(Chunk),
    /// An error in the middle of the stream: nothing good follows.
    Error(Failure),
    /// The end mark: a stream without it was cut.
    Done,
    /// Not an event of OpenAI's.
    Unreadable,
}

/// A part of an answer. One that has none of the below tells only the role.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Chunk {
    /// Whether it has content: text that is not empty, or a part of a tool call. The first such chunk
    /// is the first token.
    pub content: bool,
    /// Why the answer ended, if it did.
    pub finish: Option<FinishReason>,
    /// What the answer used.
    pub usage: Option<Usage>,
}

impl StreamEvent {
    /// Reads the data of an event.
    #[must_use]
    pub fn read(data: &[u8]) -> Self {
        let data = data.trim_ascii();
        if data == b"[DONE]" {
            return Self::Done;
        }
        let Ok(shape) = serde_json::from_slice::<Shape>(data) else {
            return Self::Unreadable;
        };
        if shape.error.is_some() {
            return Self::Error(failure_from_error(data));
        }
        let Some(choices) = shape.choices else {
            return Self::Unreadable;
        };
        Self::Chunk(Chunk {
            content: choices.iter().any(Choice::has_content),
            finish: choices.iter().find_map(|choice| choice.finish_reason),
            usage: shape.usage.map(Usage::from),
        })
    }
}

#[derive(Deserialize)]
struct Shape {
    choices: Option<Vec<Choice>>,
    usage: Option<UsageShape>,
    error: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    delta: Delta,
    /// What a completion of the older kind says.
    #[serde(default)]
    text: Text,
    finish_reason: Option<FinishReason>,
}

impl Choice {
    fn has_content(&self) -> bool {
        self.text.bytes > 0 || self.delta.has_content()
    }
}

#[derive(Default, Deserialize)]
struct Delta {
    #[serde(default)]
    content: Text,
    #[serde(default)]
    refusal: Text,
    /// The models that think aloud tell it here: tokens that are paid for like others.
    #[serde(default)]
    reasoning_content: Text,
    tool_calls: Option<Vec<IgnoredAny>>,
}

impl Delta {
    fn has_content(&self) -> bool {
        self.content.bytes + self.refusal.bytes + self.reasoning_content.bytes > 0
            || self.tool_calls.as_ref().is_some_and(|calls| !calls.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SseDecoder;
    use squall_failure::FailureClass;

    const ANSWER: Answer<'_> = Answer { id: "chatcmpl-7", created: 1_700_000_000, model: "gpt-4o" };
    const USAGE: Usage = Usage { input_tokens: 420, output_tokens: 1 };

    fn stream(include_usage: bool) -> Vec<u8> {
        let writer = ChunkWriter::new(&ANSWER, include_usage);
        let mut out = Vec::new();
        writer.role(&mut out);
        writer.token(&mut out, 0);
        writer.finish(&mut out, FinishReason::Stop);
        if include_usage {
            writer.usage(&mut out, USAGE);
        }
        writer.done(&mut out);
        out
    }

    #[test]
    fn it_writes_what_openai_writes() {
        let head = r#"data: {"id":"chatcmpl-7","object":"chat.completion.chunk","created":1700000000,"model":"gpt-4o","choices":["#;
        let tail = r#"],"usage":null}"#;
        let expected = [
            head,
            r#"{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}"#,
            tail,
            "\n\n",
            head,
            r#"{"index":0,"delta":{"content":" the"},"logprobs":null,"finish_reason":null}"#,
            tail,
            "\n\n",
            head,
            r#"{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}"#,
            tail,
            "\n\n",
            head,
            r#"],"usage":{"prompt_tokens":420,"completion_tokens":1,"total_tokens":421}}"#,
            "\n\ndata: [DONE]\n\n",
        ];
        assert_eq!(String::from_utf8(stream(true)).expect("UTF-8"), expected.concat());
    }

    #[test]
    fn every_event_reads_back_as_what_it_is() {
        let mut decoder = SseDecoder::new();
        decoder.push(&stream(true));
        let mut events = Vec::new();
        while let Some(event) = decoder.next_event().expect("events are short") {
            events.push(StreamEvent::read(event.data));
        }
        let none = Chunk::default();
        let expected = [
            StreamEvent::Chunk(none),
            StreamEvent::Chunk(Chunk { content: true, ..none }),
            StreamEvent::Chunk(Chunk { finish: Some(FinishReason::Stop), ..none }),
            StreamEvent::Chunk(Chunk { usage: Some(USAGE), ..none }),
            StreamEvent::Done,
        ];
        assert_eq!(events, expected);
        assert!(!stream(false).windows(7).any(|bytes| bytes == b"\"usage\""));
    }

    #[test]
    fn content_is_text_or_a_tool_call_and_never_an_empty_string() {
        let content = |delta: &str| {
            let data = format!(r#"{{"choices":[{{"index":0,"delta":{delta}}}]}}"#);
            match StreamEvent::read(data.as_bytes()) {
                StreamEvent::Chunk(chunk) => chunk.content,
                other => panic!("{other:?}"),
            }
        };
        assert!(content(r#"{"content":"a"}"#));
        assert!(content(r#"{"content":null,"tool_calls":[{"index":0}]}"#));
        assert!(content(r#"{"reasoning_content":"hm"}"#));
        assert!(content(r#"{},"text":"a""#));
        for delta in ["{}", r#"{"role":"assistant","content":""}"#, r#"{"tool_calls":[]}"#] {
            assert!(!content(delta), "{delta}");
        }
    }

    #[test]
    fn errors_and_strangers_are_told_apart() {
        let mut out = Vec::new();
        let error = ApiError::of(FailureClass::Overloaded, "gpt-4o");
        ChunkWriter::error(&mut out, &error);
        let data = out.strip_prefix(b"data: ").expect("an event");
        match StreamEvent::read(data) {
            StreamEvent::Error(failure) => assert_eq!(failure.class, FailureClass::Overloaded),
            other => panic!("{other:?}"),
        }
        for data in ["", "{}", "[1]", "hello", "{\"choices\":3}"] {
            assert_eq!(StreamEvent::read(data.as_bytes()), StreamEvent::Unreadable, "{data}");
        }
    }
}
