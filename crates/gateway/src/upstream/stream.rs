//! A streamed answer: from the vendor's bytes to the client's.

use super::call::{News, failed};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use squall_failure::{Failure, FailureClass};
use squall_wire::call::StreamReader;
use squall_wire::openai::StreamEvent;
use squall_wire::{SseDecoder, Usage};
use std::time::Duration;
use tokio::time::Instant;

/// A stream that is read.
#[derive(Debug)]
pub(super) struct Stream {
    body: Incoming,
    decoder: SseDecoder,
    reader: Box<dyn StreamReader>,
    between_tokens: Duration,
    /// What the client gets of the bytes as they came.
    passed: Passed,
    /// What is told next: bytes that came before it went first.
    failed: Option<Failure>,
    seen_content: bool,
    usage: Option<Usage>,
    /// The end mark has come.
    done: bool,
    /// The body has ended, as it should.
    over: bool,
    /// When silence has lasted too long; `None` before the first token, which is the core's to time.
    silent_at: Option<Instant>,
}

impl Stream {
    pub(super) fn new(
        body: Incoming,
        reader: Box<dyn StreamReader>,
        between_tokens: Duration,
    ) -> Self {
        Self {
            body,
            decoder: SseDecoder::new(),
            reader,
            between_tokens,
            passed: Passed::default(),
            failed: None,
            seen_content: false,
            usage: None,
            done: false,
            over: false,
            silent_at: None,
        }
    }

    /// What the next bytes bring; `None` if that is nothing yet.
    pub(super) async fn next(&mut self) -> Option<News> {
        if let Some(failure) = self.failed.take() {
            return Some(News::Failed(failure));
        }
        if self.over {
            return Some(News::Finished { body: None, usage: self.usage });
        }
        let frame = match self.silent_at {
            Some(at) => match tokio::time::timeout_at(at, self.body.frame()).await {
                Ok(frame) => frame,
                Err(_) => {
                    return Some(News::Failed(failed(FailureClass::Stalled).with_status(200)));
                }
            },
            None => self.body.frame().await,
        };
        match frame {
            Some(Ok(frame)) => {
                let bytes = frame.into_data().ok()?;
                self.read(&bytes)
            }
            None => Some(self.end()),
            Some(Err(_)) => Some(News::Failed(failed(FailureClass::Cut).with_status(200))),
        }
    }

    /// The body has ended. What is left to say goes out before the news of the end.
    fn end(&mut self) -> News {
        let mut rest = Vec::new();
        self.done |= self.reader.end(&mut rest);
        if !self.done {
            return News::Failed(failed(FailureClass::Cut).with_status(200));
        }
        self.over = true;
        if rest.is_empty() {
            News::Finished { body: None, usage: self.usage }
        } else {
            News::Bytes { bytes: rest.into(), first_token: false }
        }
    }

    fn read(&mut self, bytes: &Bytes) -> Option<News> {
        let had_content = self.seen_content;
        let mut written = Vec::new();
        // Bytes that end no event are a sign of life too; events that say nothing are none.
        let (mut events, mut readable) = (false, false);
        self.decoder.push(bytes);
        let mut whole = self.decoder.whole_bytes();
        loop {
            let event = match self.decoder.next_event() {
                Ok(Some(event)) => self.reader.read(event, &mut written),
                Ok(None) => break,
                Err(_) => StreamEvent::Error(failed(FailureClass::Cut).with_status(200)),
            };
            if let StreamEvent::Error(failure) = event {
                self.failed = Some(failure);
                break;
            }
            events = true;
            readable |= event != StreamEvent::Unreadable;
            whole = self.decoder.whole_bytes();
            match event {
                StreamEvent::Chunk(chunk) => {
                    self.seen_content |= chunk.content;
                    self.usage = chunk.usage.or(self.usage);
                }
                StreamEvent::Done => self.done = true,
                StreamEvent::Error(_) | StreamEvent::Unreadable => {}
            }
        }
        if self.seen_content && (readable || !events) {
            self.silent_at = tokio_now().checked_add(self.between_tokens);
        }
        let bytes = if self.reader.passes_through() {
            self.passed.through(whole, bytes)
        } else {
            written.into()
        };
        let first_token = self.seen_content && !had_content;
        if bytes.is_empty() { None } else { Some(News::Bytes { bytes, first_token }) }
    }
}

/// A stream that is passed on as it came, event by whole event: what follows a broken one can be read.
#[derive(Debug, Default)]
struct Passed {
    /// Bytes that were passed on.
    through: u64,
    /// The beginning of an event.
    held: BytesMut,
}

impl Passed {
    /// What can be passed on when `bytes` have come, and events are whole up to this byte of the stream.
    fn through(&mut self, whole: u64, bytes: &Bytes) -> Bytes {
        let ready = usize::try_from(whole - self.through).unwrap_or(usize::MAX);
        self.through = whole;
        if self.held.is_empty() {
            self.held.extend_from_slice(&bytes[ready..]);
            return bytes.slice(..ready);
        }
        self.held.extend_from_slice(bytes);
        self.held.split_to(ready).freeze()
    }
}

#[expect(clippy::disallowed_methods, reason = "silence on a socket is the transport's to time")]
fn tokio_now() -> Instant {
    Instant::now()
}
