//! What a format is to those who call it: where, with which headers, in which words, and how its answers
//! read as OpenAI's.
//!
//! A client in front speaks OpenAI's chat completions, whoever answers behind.

mod reply;

pub(crate) use reply::{Image, Reply, ReplyChunkWriter, ReplyHead, RequestedCall, TokenCounts};

use crate::chat::{ChatRequest, Completion, Operation, StreamEvent, Unsupported};
use crate::{LimitHeaders, SseEvent};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use squall_failure::{Failure, FailureClass};
use std::borrow::Cow;
use std::fmt::{Debug, Write as _};
use std::time::SystemTime;

/// What a format is to a caller.
pub trait ClientFormat: Debug + Send + Sync {
    /// Where a chat is asked for, below the base URL; a query may follow.
    fn chat_path(&self, model: &str, stream: bool) -> Cow<'static, str>;

    /// Where another operation than a chat is asked for, in OpenAI's own words; nowhere, unless the
    /// format has it.
    fn other_path(&self, _operation: Operation, _model: &str) -> Option<Cow<'static, str>> {
        None
    }

    /// Where the list of models is, below the base URL; a query may follow.
    fn models_path(&self) -> &'static str;

    /// The headers of every request: the key, and what else the vendor demands. A key that is no header
    /// value is left out.
    fn headers(&self, api_key: Option<&str>) -> HeaderMap;

    /// The body of a request for `model`. A stream is told to say its usage if `ask_usage`; formats that say
    /// it anyway need not be told.
    ///
    /// # Errors
    /// When the request asks for what the format has no words for.
    fn body(&self, chat: &ChatRequest, model: &str, ask_usage: bool) -> Result<Bytes, Unsupported>;

    /// Whether its streams say their usage only when asked to, by `stream_options`.
    fn takes_stream_options(&self) -> bool {
        false
    }

    /// Reads an answer in one piece.
    ///
    /// # Errors
    /// When it is none, or tells a failure of the model's.
    fn answer(&self, body: Bytes, stamp: &Stamp) -> Result<Whole, Failure>;

    /// A reader for the events of one stream. `include_usage` as the client asked.
    fn stream(&self, stamp: Stamp, include_usage: bool) -> Box<dyn StreamReader>;

    /// What failed, when the answer had this status. `now` is for a wait that is told as a date.
    fn failure(&self, status: u16, headers: &HeaderMap, body: &[u8], now: SystemTime) -> Failure;

    /// What an answer states of the provider's limits; of a vendor without such headers, nothing.
    fn limits(&self, headers: &HeaderMap) -> LimitHeaders {
        LimitHeaders::read(headers)
    }
}

/// Reads the events of one stream, and writes OpenAI's for them.
pub trait StreamReader: Debug + Send {
    /// Reads an event. What the client gets for it is written behind `out`, whole events only.
    fn read(&mut self, event: SseEvent<'_>, out: &mut Vec<u8>) -> StreamEvent;

    /// The stream has ended: writes what is left to say. Whether it ended as it should, if its end mark
    /// was not [`StreamEvent::Done`].
    fn end(&mut self, _out: &mut Vec<u8>) -> bool {
        false
    }

    /// Whether the client gets comments as they come: they keep its connection awake.
    fn passes_comments(&self) -> bool {
        false
    }
}

/// What an answer says of itself where its vendor does not.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Stamp {
    /// Unix seconds.
    pub created: u64,
    /// A number that no other answer has.
    pub number: u64,
    /// The model that was asked for.
    pub model: String,
}

/// An answer in one piece, in OpenAI's words.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Whole {
    /// The body.
    pub body: Bytes,
    /// What is worth knowing of it.
    pub completion: Completion,
}

/// Headers with a key in one of them, and nothing else.
pub(crate) fn key_header(name: HeaderName, value: Option<String>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Some(mut value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    headers
}

/// A name as one segment of a path: a client may have chosen it.
pub(crate) fn segment(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let only_dots = name.bytes().all(|byte| byte == b'.');
    for byte in name.bytes() {
        let plain = byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'_' | b'~')
            || (byte == b'.' && !only_dots);
        if plain {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("a String takes all");
        }
    }
    out
}

/// A failure after a 200.
pub(crate) fn failed_late(class: FailureClass) -> Failure {
    Failure::new(class, class.response_source()).with_status(200)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::chat::Chunk;
    use crate::{Format, SseDecoder, dialect};

    pub(crate) fn stamp() -> Stamp {
        Stamp { created: 1_700_000_000, number: 7, model: "asked-for".to_owned() }
    }

    /// What a client sees of a stream, and what is worth knowing of it.
    #[derive(Debug, Default, PartialEq)]
    pub(crate) struct StreamView {
        pub(crate) out: String,
        pub(crate) events: Vec<StreamEvent>,
        pub(crate) ended: bool,
    }

    /// Reads a stream that comes in pieces.
    pub(crate) fn read_pieces<'a>(
        format: Format,
        include_usage: bool,
        pieces: impl IntoIterator<Item = &'a [u8]>,
    ) -> StreamView {
        let mut decoder = SseDecoder::new();
        let mut reader = dialect(format).stream(stamp(), include_usage);
        let mut out = Vec::new();
        let mut seen = StreamView::default();
        for piece in pieces {
            decoder.push(piece);
            read_events(&mut decoder, &mut *reader, &mut out, &mut seen);
        }
        decoder.finish();
        read_events(&mut decoder, &mut *reader, &mut out, &mut seen);
        seen.ended |= reader.end(&mut out);
        seen.out = String::from_utf8(out).expect("UTF-8");
        seen
    }

    fn read_events(
        decoder: &mut SseDecoder,
        reader: &mut dyn StreamReader,
        out: &mut Vec<u8>,
        seen: &mut StreamView,
    ) {
        while let Some(event) = decoder.next_event().expect("events are short") {
            let event = reader.read(event, out);
            seen.ended |= event == StreamEvent::Done;
            seen.events.push(event);
        }
    }

    /// Reads a stream whole, and split in two at each of its bytes: it reads the same.
    pub(crate) fn read_stream(format: Format, include_usage: bool, bytes: &str) -> StreamView {
        let whole = read_pieces(format, include_usage, [bytes.as_bytes()]);
        for at in 0..bytes.len() {
            let (head, tail) = bytes.as_bytes().split_at(at);
            assert_eq!(read_pieces(format, include_usage, [head, tail]), whole, "split at {at}");
        }
        let single = bytes.as_bytes().chunks(1);
        assert_eq!(read_pieces(format, include_usage, single), whole, "byte by byte");
        whole
    }

    impl StreamView {
        /// The chunks that the client got, without the end mark.
        pub(crate) fn chunks(&self) -> Vec<serde_json::Value> {
            let mut decoder = SseDecoder::new();
            decoder.push(self.out.as_bytes());
            let mut chunks = Vec::new();
            while let Some(event) = decoder.next_event().expect("events are short") {
                if event.data != b"[DONE]" {
                    chunks.push(serde_json::from_slice(event.data).expect("JSON"));
                }
            }
            chunks
        }

        /// The deltas of the first choice.
        pub(crate) fn deltas(&self) -> Vec<serde_json::Value> {
            let chunks = self.chunks();
            let choices = chunks.iter().filter_map(|chunk| chunk["choices"].get(0));
            choices.map(|choice| choice["delta"].clone()).collect()
        }

        pub(crate) fn known(&self) -> Chunk {
            self.events.iter().fold(Chunk::default(), |known, event| match event {
                StreamEvent::Chunk(chunk) => Chunk {
                    content: known.content || chunk.content,
                    finish: chunk.finish.or(known.finish),
                    usage: chunk.usage.or(known.usage),
                },
                _ => known,
            })
        }
    }

    /// A stream of each format that has calls, thoughts, usage and an end.
    const STREAMS: [(Format, &str); 2] = [
        (
            Format::Anthropic,
            concat!(
                r#"data: {"type":"message_start","message":{"id":"m","model":"c","usage":{"input_tokens":1}}}"#,
                "\n\n",
                r#"data: {"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"f"}}"#,
                "\n\n",
                r#"data: {"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{}"}}"#,
                "\n\n",
                r#"data: {"type":"content_block_stop","index":0}"#,
                "\n\n",
                r#"data: {"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":9}}"#,
                "\n\n",
                r#"data: {"type":"message_stop"}"#,
                "\n\n",
            ),
        ),
        (
            Format::Gemini,
            concat!(
                r#"data: {"candidates":[{"content":{"parts":[{"text":"a","thought":true},"#,
                r#"{"functionCall":{"name":"f","args":{}}}]},"finishReason":"STOP","index":0}],"#,
                r#""usageMetadata":{"promptTokenCount":1},"promptFeedback":{"blockReason":"x"}}"#,
                "\n\n",
            ),
        ),
    ];

    #[test]
    fn a_stream_with_a_byte_gone_wrong_is_read_to_its_end() {
        for (format, stream) in STREAMS {
            for at in 0..stream.len() {
                for wrong in [b' ', b'0', b'}', b'\n', b'"', 0xff] {
                    let mut bytes = stream.as_bytes().to_vec();
                    bytes[at] = wrong;
                    // Whatever was read, what a client gets are events that it can read.
                    read_pieces(format, true, [&bytes[..]]).chunks();
                }
            }
        }
    }

    #[test]
    fn a_request_with_a_byte_gone_wrong_is_told_or_refused() {
        let request = concat!(
            r#"{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":"#,
            r#"{"url":"data:image/png;base64,aa"}}]},{"role":"assistant","tool_calls":[{"id":"a","#,
            r#""type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","#,
            r#""tool_call_id":"a","content":"{\"x\":1}"}],"tools":[{"type":"function","function":"#,
            r#"{"name":"f","parameters":{}}}],"tool_choice":"auto","stop":["a"],"n":1}"#,
        );
        let mut told = 0;
        for at in 0..request.len() {
            for wrong in [b' ', b'0', b'}', b'"', b'x'] {
                let mut bytes = request.as_bytes().to_vec();
                bytes[at] = wrong;
                let Ok(chat) = ChatRequest::parse(bytes.into()) else { continue };
                for format in Format::ALL {
                    if let Ok(body) = dialect(format).body(&chat, "m", true) {
                        let body: Result<serde_json::Value, _> = serde_json::from_slice(&body);
                        assert!(body.is_ok(), "{format:?} at {at}");
                        told += 1;
                    }
                }
            }
        }
        assert!(told > 1_000, "many errors are harmless: {told}");
    }

    #[test]
    fn a_name_is_one_segment_of_a_path_whatever_it_holds() {
        assert_eq!(segment("gemini-2.5-flash"), "gemini-2.5-flash");
        assert_eq!(segment("../secret?x=1#y"), "..%2Fsecret%3Fx%3D1%23y");
        assert_eq!(segment(".."), "%2E%2E");
    }

    #[test]
    fn a_key_that_is_no_header_value_is_left_out_and_no_key_is_printed() {
        for format in Format::ALL {
            assert!(!format!("{:?}", dialect(format).headers(Some("sk-1"))).contains("sk-1"));
            let without = dialect(format).headers(None);
            assert_eq!(dialect(format).headers(Some("a\nb")), without, "{format:?}");
        }
    }
}
