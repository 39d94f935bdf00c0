//! Readers of streams that clients get as they come.

use crate::call::StreamReader;
use crate::chat::{
    ChatStream, Chunk, Completion, OpenAiUsage, Operation, ResponseShape, StreamEvent,
};
use crate::error::failure_from_error;
use crate::json::{Perhaps, read_tolerantly};
use crate::{SseEvent, push_event};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

impl Operation {
    /// A reader for its streams, which clients get as they come. `include_usage` as the client asked.
    #[must_use]
    pub fn reader(self, include_usage: bool) -> Box<dyn StreamReader> {
        match self {
            Self::Response
            | Self::Image
            | Self::ImageEdit
            | Self::ImageVariation
            | Self::Speech
            | Self::Transcription
            | Self::Translation => Box::new(ResponseReader::default()),
            Self::Chat | Self::Completion | Self::Embedding => {
                Box::new(AsItCame { stream: ChatStream::default(), include_usage })
            }
        }
    }
}

/// The reader of streams that clients get as they come, event by whole event: but for what is no event of
/// OpenAI's, which no client could read, and for a chunk of usage alone that the client did not ask for, in
/// which simple clients look for a choice. A stream that is whole without its end mark gets it.
#[derive(Debug)]
struct AsItCame {
    stream: ChatStream,
    include_usage: bool,
}

impl StreamReader for AsItCame {
    fn read(&mut self, event: SseEvent<'_>, out: &mut Vec<u8>) -> StreamEvent {
        if self.stream.is_done() {
            return StreamEvent::Unreadable;
        }
        let read = self.stream.read(&event);
        let passes = match read {
            StreamEvent::Chunk(Chunk { usage: Some(_), .. }) if self.stream.lacked_choice() => {
                self.include_usage
            }
            StreamEvent::Chunk(_) => true,
            StreamEvent::Done => true,
            StreamEvent::Error(_) | StreamEvent::Unreadable => false,
        };
        if passes {
            event.pass_on(out);
        }
        read
    }

    fn end(&mut self, out: &mut Vec<u8>) -> bool {
        let whole = self.stream.is_whole();
        if whole && !self.stream.is_done() {
            push_event(out, b"[DONE]");
        }
        whole
    }

    fn passes_comments(&self) -> bool {
        true
    }
}

/// The reader of responses, pictures and sound: their events have names, and the last one is the end mark.
#[derive(Debug, Default)]
struct ResponseReader {
    ended: bool,
}

impl ResponseReader {
    fn take(&mut self, data: &[u8]) -> StreamEvent {
        #[derive(Deserialize)]
        struct Shape {
            #[serde(rename = "type")]
            kind: Option<String>,
            response: Option<ResponseShape>,
            error: Option<IgnoredAny>,
            usage: Option<Perhaps<OpenAiUsage>>,
        }
        let parse = |bytes: &[u8]| serde_json::from_slice::<Shape>(bytes);
        let Ok(Shape { kind, response, error, usage }) = read_tolerantly(data, parse) else {
            return StreamEvent::Unreadable;
        };
        let failed = response.as_ref().is_some_and(|response| response.error.is_some());
        match kind.as_deref() {
            Some("response.failed") if failed => {
                StreamEvent::Error(failure_from_error(&response_error(data)))
            }
            Some("error" | "response.failed") => StreamEvent::Error(failure_from_error(data)),
            None if error.is_some() => StreamEvent::Error(failure_from_error(data)),
            Some(
                "image_generation.completed"
                | "image_edit.completed"
                | "speech.audio.done"
                | "transcript.text.done",
            ) => {
                self.ended = true;
                let usage = usage.and_then(OpenAiUsage::known);
                StreamEvent::Chunk(Chunk { content: true, usage, ..Chunk::default() })
            }
            Some("response.completed" | "response.incomplete") => {
                self.ended = true;
                let Some(response) = response else {
                    return StreamEvent::Chunk(Chunk::default());
                };
                let Completion { finish, usage } = response.completion();
                StreamEvent::Chunk(Chunk { finish, usage, ..Chunk::default() })
            }
            // Text, arguments of calls, thoughts, sound: every kind of token comes as a delta, and pictures
            // come in parts.
            Some(kind) => {
                let content = kind.ends_with(".delta") || kind.ends_with(".partial_image");
                StreamEvent::Chunk(Chunk { content, ..Chunk::default() })
            }
            None => StreamEvent::Unreadable,
        }
    }
}

impl StreamReader for ResponseReader {
    fn read(&mut self, event: SseEvent<'_>, out: &mut Vec<u8>) -> StreamEvent {
        let read = self.take(event.data);
        if matches!(read, StreamEvent::Chunk(_)) {
            event.pass_on(out);
        }
        read
    }

    fn end(&mut self, _out: &mut Vec<u8>) -> bool {
        self.ended
    }

    fn passes_comments(&self) -> bool {
        true
    }
}

/// The error that stands in the response of an event.
fn response_error(data: &[u8]) -> Vec<u8> {
    let event = read_tolerantly(data, |bytes| serde_json::from_slice::<Value>(bytes));
    event.unwrap_or_default()["response"]["error"].to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::tests::read_stream;
    use crate::chat::FinishReason;
    use crate::{Format, SseDecoder, Usage};
    use squall_failure::FailureClass;

    const HI: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"}}]}\n\n";
    const END: &str =
        "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    const USAGE: &str =
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}}\n\n";
    const DONE: &str = "data: [DONE]\n\n";

    fn read(include_usage: bool, events: &[&str]) -> (String, bool) {
        let seen = read_stream(Format::OpenAi, include_usage, &events.concat());
        (seen.out, seen.ended)
    }

    #[test]
    fn a_stream_passes_as_it_came() {
        let odd = [
            ": comment\r\n\r\ndata:   {\"id\":\"é\",\"choices\":[], \"x\":1.50}\r\n\r\n",
            HI,
            END,
            DONE,
        ];
        assert_eq!(read(true, &odd), (odd.concat(), true));
    }

    #[test]
    fn a_whole_stream_without_its_mark_gets_it_and_a_broken_one_does_not() {
        assert_eq!(read(true, &[HI, END]), ([HI, END, DONE].concat(), true));
        assert_eq!(read(true, &[HI, END.trim_end()]), ([HI, END, DONE].concat(), true));
        assert_eq!(read(true, &[HI]), (HI.to_owned(), false));
        assert_eq!(read(true, &[]), (String::new(), false));
    }

    #[test]
    fn what_no_client_can_read_is_dropped() {
        let all = [HI, "data: {\"choices\":[{\"ind\n\n", "data: busy\n\n", END, DONE, HI];
        assert_eq!(read(true, &all), ([HI, END, DONE].concat(), true));
    }

    #[test]
    fn usage_alone_is_for_those_who_asked_for_it() {
        let all = [HI, END, USAGE, DONE];
        assert_eq!(read(true, &all).0, all.concat());
        assert_eq!(read(false, &all).0, [HI, END, DONE].concat());
        let beside =
            END.replace("]}", "],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}}");
        assert_eq!(read(false, &[HI, &beside]).0, [HI, &beside, DONE].concat());
    }

    fn events(stream: &str) -> (Vec<StreamEvent>, bool) {
        let mut reader = Operation::Response.reader(false);
        let mut decoder = SseDecoder::new();
        decoder.push(stream.as_bytes());
        let mut events = Vec::new();
        while let Some(event) = decoder.next_event().expect("events are short") {
            events.push(reader.read(event, &mut Vec::new()));
        }
        (events, reader.end(&mut Vec::new()))
    }

    #[test]
    fn a_response_is_read_event_by_event_and_ends_with_its_last() {
        let created =
            "data: {\"type\":\"response.created\",\"response\":{\"object\":\"response\"}}\n\n";
        let delta = "data: {\"type\":\"response.output_text.delta\",\"delta\":\"Hi\"}\n\n";
        let completed = concat!(
            "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":",
            "{\"object\":\"response\",\"usage\":{\"input_tokens\":3,\"output_tokens\":4}}}\n\n",
        );
        let none = Chunk::default();
        let content = StreamEvent::Chunk(Chunk { content: true, ..none });
        let end = StreamEvent::Chunk(Chunk {
            finish: Some(FinishReason::Stop),
            usage: Some(Usage { input_tokens: 3, output_tokens: 4 }),
            ..none
        });
        let all = [created, delta, completed].concat();
        assert_eq!(events(&all), (vec![StreamEvent::Chunk(none), content, end], true));
        assert!(!events(&[created, delta].concat()).1, "it was cut");
    }

    #[test]
    fn a_response_that_fails_says_why() {
        for (stream, class) in [
            (
                r#"{"type":"response.failed","response":{"object":"response","error":{"code":"rate_limit_exceeded","message":"?"}}}"#,
                FailureClass::Throttled,
            ),
            (
                r#"{"type":"error","code":"server_is_overloaded","message":"?"}"#,
                FailureClass::Overloaded,
            ),
            (r#"{"error":{"type":"server_error"}}"#, FailureClass::Server),
        ] {
            let (events, ended) = events(&format!("data: {stream}\n\n"));
            let [StreamEvent::Error(failure)] = events[..] else { panic!("{events:?}") };
            assert_eq!((failure.class, ended), (class, false), "{stream}");
        }
    }
}
