//! An answer as a stream of chunks: written by the mock provider, read by the gateway and the driver.

use super::chunk_pattern::ChunkPattern;
use super::completion::{AnswerMeta, FinishReason};
use super::stream_event::StreamEvent;
use super::usage::{Usage, push_usage};
use crate::error::{ApiError, failure_from_error};
use crate::json::json_string;
use crate::{SseEvent, word};
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
    pub fn new(answer: &AnswerMeta<'_>, include_usage: bool) -> Self {
        let AnswerMeta { id, created, .. } = answer;
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

/// The most answers to one request that are told apart: more than OpenAI gives.
const ANSWERS_MAX: usize = 128;

/// One stream as a client sees it. It is whole at its end mark, or at a proper end of its body once every
/// answer in it has said why it ended: many servers never send the mark.
#[derive(Clone, Debug, Default)]
pub struct ChatStream {
    /// Of each answer, by index: whether it has begun, and whether it has ended.
    answers: Vec<(bool, bool)>,
    done: bool,
    /// Whether the last event had a choice.
    had_choice: bool,
    pattern: ChunkPattern,
}

impl ChatStream {
    /// Reads an event.
    pub fn read(&mut self, event: &SseEvent<'_>) -> StreamEvent {
        // Of an answer that has begun, and which does not end here.
        if let Some(chunk) = self.pattern.read(event.data) {
            self.had_choice = true;
            return StreamEvent::Chunk(chunk);
        }
        let read = self.parse(event);
        if let (StreamEvent::Chunk(chunk), true) = (read, self.had_choice) {
            self.pattern.learn(event.data, chunk);
        }
        read
    }

    /// The text of the first answer in the event that was read last, where it was known without parsing it all; what
    /// has escapes is not.
    #[must_use]
    pub fn text<'a>(&self, event: &SseEvent<'a>) -> Option<&'a [u8]> {
        self.pattern.text(event.data)
    }

    fn parse(&mut self, event: &SseEvent<'_>) -> StreamEvent {
        let answers = &mut self.answers;
        let mut had_choice = false;
        let read = StreamEvent::read_choices(event.data, |index, ends| {
            had_choice = true;
            let Some(place) = usize::try_from(index).ok().filter(|place| *place < ANSWERS_MAX)
            else {
                return;
            };
            if answers.len() <= place {
                answers.resize(place + 1, (false, false));
            }
            answers[place].0 = true;
            answers[place].1 |= ends;
        });
        self.done |= read == StreamEvent::Done;
        self.had_choice = had_choice;
        // Some name an error, and tell it without saying again that it is one.
        if event.name == b"error" && !had_choice {
            return StreamEvent::Error(failure_from_error(event.data));
        }
        read
    }

    /// Whether the last event was a chunk without a choice.
    #[must_use]
    pub const fn lacked_choice(&self) -> bool {
        !self.had_choice
    }

    /// Whether the end mark has come.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        self.done
    }

    /// Whether nothing is missing, now that the body has ended as it should.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let mut begun = self.answers.iter().filter(|(begun, _)| *begun).peekable();
        self.done || (begun.peek().is_some() && begun.all(|(_, ended)| *ended))
    }
}

#[cfg(test)]
mod tests {
    use super::super::stream_event::Chunk;
    use super::*;
    use crate::SseDecoder;
    use squall_failure::FailureClass;

    const ANSWER: AnswerMeta<'_> =
        AnswerMeta { id: "chatcmpl-7", created: 1_700_000_000, model: "gpt-4o" };
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
    fn whatever_the_model_made_is_content_and_what_is_empty_is_not() {
        let content = |delta: &str| {
            let data = format!(r#"{{"choices":[{{"index":0,"delta":{delta}}}]}}"#);
            match StreamEvent::read(data.as_bytes()) {
                StreamEvent::Chunk(chunk) => chunk.content,
                other => panic!("{other:?}"),
            }
        };
        for delta in [
            r#"{"content":"a"}"#,
            r#"{"content":[{"type":"text","text":"a"}]}"#,
            r#"{"content":null,"tool_calls":[{"index":0}]}"#,
            r#"{"function_call":{"name":"f","arguments":""}}"#,
            r#"{"refusal":"no"}"#,
            r#"{"reasoning_content":"hm"}"#,
            r#"{"content":"","reasoning":"hm"}"#,
            r#"{"reasoning_details":[{"type":"reasoning.encrypted","data":"x"}]}"#,
            r#"{"thinking_blocks":[{"type":"thinking","thinking":"","signature":"x"}]}"#,
            r#"{"audio":{"id":"audio_1","data":"UklG"}}"#,
            r#"{"images":[{"type":"image_url","image_url":{"url":"data:"}}]}"#,
            r#"{"content":"half \ud83d"}"#,
            r#"{},"text":"a""#,
            r#"{},"message":{"content":"a"}"#,
        ] {
            assert!(content(delta), "{delta}");
        }
        for delta in [
            "{}",
            "null",
            r#"{"role":"assistant","content":""}"#,
            r#"{"role":"assistant","name":"Assistant","content":"","refusal":null}"#,
            r#"{"tool_calls":[]}"#,
            r#"{"audio":{},"provider_specific_fields":null,"padding":false,"n":3}"#,
        ] {
            assert!(!content(delta), "{delta}");
        }
    }

    fn read_all(events: &[&str]) -> (Vec<StreamEvent>, bool) {
        let (mut decoder, mut stream) = (SseDecoder::new(), ChatStream::default());
        for event in events {
            decoder.push(format!("data: {event}\n\n").as_bytes());
        }
        let mut read = Vec::new();
        while let Some(event) = decoder.next_event().expect("events are short") {
            read.push(stream.read(&event));
        }
        (read, stream.is_whole())
    }

    #[test]
    fn a_stream_is_whole_when_each_of_its_answers_said_why_it_ended() {
        let token = |index: u32| {
            format!(
                r#"{{"choices":[{{"index":{index},"delta":{{"content":"a"}},"finish_reason":""}}]}}"#
            )
        };
        let end = |index: u32| {
            format!(r#"{{"choices":[{{"index":{index},"delta":{{}},"finish_reason":"eos"}}]}}"#)
        };
        let (one, two) = (token(0), token(1));
        let (one_ends, two_ends) = (end(0), end(1));
        assert!(!read_all(&[]).1);
        assert!(!read_all(&[&one]).1, "it never said that it ends");
        assert!(read_all(&[&one, &one_ends]).1);
        assert!(!read_all(&[&one, &two, &one_ends]).1, "the second has not ended");
        assert!(read_all(&[&one, &two, &one_ends, &two_ends]).1);
        assert!(read_all(&[&one, "[DONE]"]).1);
        assert!(read_all(&[&token(u32::MAX), &one, &one_ends]).1, "no such answer is waited for");
    }

    #[test]
    fn odd_usage_is_no_reason_to_lose_a_chunk() {
        for usage in ["null", "-1", "[]", "{}", r#"{"prompt_tokens":-1}"#, r#""none""#] {
            let data = format!(r#"{{"choices":[{{"delta":{{"content":"a"}}}}],"usage":{usage}}}"#);
            let expected = Chunk { content: true, ..Chunk::default() };
            assert_eq!(StreamEvent::read(data.as_bytes()), StreamEvent::Chunk(expected), "{usage}");
        }
    }

    #[test]
    fn an_error_is_one_wherever_it_stands() {
        for (data, class) in [
            (r#"{"error":{"message":"?","code":429}}"#, FailureClass::Throttled),
            (
                r#"{"id":"g","choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}],"error":{"code":502,"message":"?"}}"#,
                FailureClass::Server,
            ),
            (
                r#"{"choices":[{"index":0,"delta":{},"error":{"code":"server_is_overloaded"}}]}"#,
                FailureClass::Overloaded,
            ),
            (r#"{"object":"error","message":"?","code":400}"#, FailureClass::BadRequest),
            (r#"{"detail":"Rate limit reached"}"#, FailureClass::Throttled),
        ] {
            match StreamEvent::read(data.as_bytes()) {
                StreamEvent::Error(failure) => assert_eq!(failure.class, class, "{data}"),
                other => panic!("{data}: {other:?}"),
            }
        }
        let mut named = SseDecoder::new();
        named.push(b"event: error\ndata: {\"code\":503}\n\n");
        let event = named.next_event().expect("short").expect("an event");
        assert!(matches!(ChatStream::default().read(&event), StreamEvent::Error(_)));
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
        for data in ["", "{}", "[1]", "hello", "{\"choices\":3}", "{\"type\":\"ping\"}", "{\"choi"]
        {
            assert_eq!(StreamEvent::read(data.as_bytes()), StreamEvent::Unreadable, "{data}");
        }
    }
}
