//! A streamed answer: from the vendor's bytes to the client's, whole events only.

use super::call_context::CallContext;
use super::content_decoding::ContentDecoder;
use super::event::{UpstreamEvent, failed};
use crate::body_buffer::BodyBuffer;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use squall_failure::FailureClass;
use squall_wire::call::StreamReader;
use squall_wire::chat::StreamEvent;
use squall_wire::error::ApiError;
use squall_wire::{SseDecoder, Usage};
use std::time::Duration;
use tokio::time::Instant;

/// How long a body may go on behind its end mark: the connection can be used again if it ends at once, and
/// what comes after it is nobody's.
const END_GRACE: Duration = Duration::from_secs(1);

/// A stream that is read.
#[derive(Debug)]
pub(super) struct UpstreamStream {
    body: Incoming,
    decoding: ContentDecoder,
    decoder: SseDecoder,
    reader: Box<dyn StreamReader>,
    known: CallContext,
    between_tokens: Duration,
    /// What came, if it is no stream at all.
    plain: Option<BodyBuffer>,
    /// A byte that is not white has come.
    begun: bool,
    /// What is told next: bytes that came before it went first.
    failed: Option<UpstreamEvent>,
    seen_content: bool,
    /// Bytes for the client that came before the first token, which nobody has sent yet.
    held: usize,
    usage: Option<Usage>,
    /// The end mark has come.
    done: bool,
    /// The body has ended, as it should.
    over: bool,
    /// When silence has lasted too long; `None` before the first token, which is the core's to time.
    silent_at: Option<Instant>,
}

/// What reading on brought.
pub(super) enum StreamStep {
    /// Nothing to tell yet.
    Nothing,
    Event(UpstreamEvent),
    /// All of a body that is no stream: an error, or a page.
    Plain(Bytes),
}

impl UpstreamStream {
    pub(super) fn new(
        body: Incoming,
        decoding: ContentDecoder,
        reader: Box<dyn StreamReader>,
        known: CallContext,
        between_tokens: Duration,
    ) -> Self {
        Self {
            body,
            decoding,
            decoder: SseDecoder::with_limit(known.answer_max),
            reader,
            known,
            between_tokens,
            plain: None,
            begun: false,
            failed: None,
            seen_content: false,
            held: 0,
            usage: None,
            done: false,
            over: false,
            silent_at: None,
        }
    }

    /// What the next bytes bring. May be dropped and called again.
    pub(super) async fn next(&mut self) -> StreamStep {
        if let Some(failed) = self.failed.take() {
            return StreamStep::Event(failed);
        }
        if self.over {
            return StreamStep::Event(UpstreamEvent::Finished { body: None, usage: self.usage });
        }
        let frame = match self.silent_at {
            Some(at) => match tokio::time::timeout_at(at, self.body.frame()).await {
                Ok(frame) => frame,
                Err(_) if self.done => return self.end(),
                Err(_) => return self.fail(FailureClass::Stalled),
            },
            None => self.body.frame().await,
        };
        match frame {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(bytes) => match self.decoding.decode(bytes, self.known.answer_max) {
                    Ok(bytes) => self.take(&bytes),
                    Err(class) => self.fail(class),
                },
                Err(_) => StreamStep::Nothing,
            },
            // What comes after the mark does not matter.
            Some(Err(_)) if self.done => self.end(),
            Some(Err(_)) => self.fail(FailureClass::Cut),
            None if !self.decoding.is_whole() && !self.done => self.fail(FailureClass::Cut),
            None => self.end(),
        }
    }

    fn fail(&self, class: FailureClass) -> StreamStep {
        StreamStep::Event(UpstreamEvent::Failed(failed(class).with_status(200), None))
    }

    /// The body has ended. What is left to say goes out before the news of the end.
    fn end(&mut self) -> StreamStep {
        if let Some(plain) = self.plain.take() {
            return StreamStep::Plain(plain.join());
        }
        let mut rest = Vec::new();
        if !self.done {
            self.decoder.finish();
            self.read_events(&mut rest);
        }
        self.done |= self.failed.is_none() && self.reader.end(&mut rest);
        if self.done {
            self.over = true;
        } else if self.failed.is_none() {
            // An empty body is not even the beginning of an answer.
            let class = if self.begun { FailureClass::Cut } else { FailureClass::Malformed };
            self.failed = Some(UpstreamEvent::Failed(failed(class).with_status(200), None));
        }
        if rest.is_empty() {
            StreamStep::Nothing
        } else {
            StreamStep::Event(self.bytes(rest.into(), false))
        }
    }

    /// Bytes have come.
    fn take(&mut self, bytes: &Bytes) -> StreamStep {
        if !self.begun {
            let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
            let Some(first) = text.first() else { return StreamStep::Nothing };
            self.begun = true;
            // No line of an event begins so; JSON and pages do.
            if matches!(first, b'{' | b'[' | b'<') {
                self.plain = Some(BodyBuffer::default());
            }
        }
        if let Some(plain) = &mut self.plain {
            if plain.len() + bytes.len() > self.known.answer_max {
                return self.fail(FailureClass::AnswerTooLarge);
            }
            plain.push(bytes.clone());
            return StreamStep::Nothing;
        }
        let had_content = self.seen_content;
        let mut written = Vec::new();
        self.decoder.push(bytes);
        let tells = self.read_events(&mut written);
        // A part of a long event is a sign of life too; pings and comments are none.
        if self.done {
            self.silent_at = tokio_now().checked_add(self.between_tokens.min(END_GRACE));
        } else if self.seen_content && (tells || self.decoder.is_within_event()) {
            self.silent_at = tokio_now().checked_add(self.between_tokens);
        }
        let comments = self.decoder.take_comments();
        // Before the first token nobody is there to be kept awake by them.
        if had_content && self.reader.passes_comments() && self.failed.is_none() {
            written.extend_from_slice(comments);
        }
        if !self.seen_content {
            self.held += written.len();
            if self.held > self.known.answer_max {
                return self.fail(FailureClass::AnswerTooLarge);
            }
        }
        let first_token = self.seen_content && !had_content;
        if written.is_empty() && !first_token {
            return StreamStep::Nothing;
        }
        StreamStep::Event(self.bytes(written.into(), first_token))
    }

    const fn bytes(&self, bytes: Bytes, first_token: bool) -> UpstreamEvent {
        UpstreamEvent::Bytes { bytes, first_token }
    }

    /// Reads the events that are whole, up to the first error; whether any of them tells something.
    fn read_events(&mut self, written: &mut Vec<u8>) -> bool {
        let mut tells = false;
        loop {
            let event = match self.decoder.next_event() {
                Ok(Some(event)) => event,
                Ok(None) => return tells,
                Err(_) => {
                    let failure = failed(FailureClass::AnswerTooLarge).with_status(200);
                    self.failed = Some(UpstreamEvent::Failed(failure, None));
                    return tells;
                }
            };
            match self.reader.read(event, written) {
                StreamEvent::Chunk(chunk) => {
                    tells = true;
                    self.seen_content |= chunk.content;
                    self.usage = chunk.usage.or(self.usage);
                }
                StreamEvent::Done => self.done = true,
                StreamEvent::Unreadable => {}
                // Behind the mark, nothing is an error any more.
                StreamEvent::Error(_) if self.done => {}
                StreamEvent::Error(failure) => {
                    let said: Option<ApiError> = self.known.said(event.data, &failure);
                    self.failed = Some(UpstreamEvent::Failed(failure, said.map(Box::new)));
                    return tells;
                }
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "silence on a socket is the transport's to time")]
fn tokio_now() -> Instant {
    Instant::now()
}
