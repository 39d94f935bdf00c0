//! One attempt: from the request that leaves to the last byte that comes.

use super::content_decoding::ContentDecoder;
use super::event::{UpstreamEvent, failed};
use super::outgoing_request::OutgoingRequest;
use super::raw_stream::RawStream;
use super::reused_connection::{ReuseMark, is_reset_of_idle};
use super::stream::{StreamStep, UpstreamStream};
use crate::body_buffer::BodyBuffer;
use crate::header_passthrough;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::response::Parts;
use http::{HeaderMap, HeaderValue};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::client::legacy::{Error, ResponseFuture};
use squall_failure::{Failure, FailureClass};
use squall_net::Shortage;
use squall_router::UpstreamLimits;
use squall_wire::call::{Stamp, Whole};
use squall_wire::chat::{Operation, Unsupported};
use squall_wire::{LimitHeaders, front_format};
use std::time::SystemTime;

/// How often a request is sent again because the connection that it went over had been closed while it lay
/// idle: several lie in one pool.
const RESENDS_MAX: u8 = 4;

/// An attempt that runs. Dropping it hangs up.
#[derive(Debug)]
pub(crate) struct UpstreamCall {
    state: CallState,
    outgoing: OutgoingRequest,
    resends: u8,
    /// What of the answer's head the client is told.
    response_headers: HeaderMap,
    /// The type of the answer.
    content_type: Option<HeaderValue>,
}

#[derive(Debug)]
enum CallState {
    /// Nothing was sent.
    Unsupported(Unsupported),
    /// Waiting for the head of the answer.
    Head(Box<ResponseFuture>),
    /// Reading a stream.
    Stream(Box<UpstreamStream>),
    /// Reading bytes that are no events.
    Raw(Box<RawStream>),
    /// Reading an answer in one piece, or an error.
    Whole(Box<BodyRead>),
    Over,
}

/// A body that is read to its end.
#[derive(Debug)]
struct BodyRead {
    body: Incoming,
    decoding: ContentDecoder,
    read: BodyBuffer,
    /// The head of an error.
    error: Option<Parts>,
}

impl UpstreamCall {
    /// One whose request leaves, or is not told to the upstream at all.
    pub(super) fn new(outgoing: OutgoingRequest) -> Self {
        let state = send(&outgoing);
        Self { state, outgoing, resends: 0, response_headers: HeaderMap::new(), content_type: None }
    }

    /// One that is not made: there are no words for the request.
    pub(super) fn none(outgoing: OutgoingRequest, unsupported: Unsupported) -> Self {
        let state = CallState::Unsupported(unsupported);
        Self { state, outgoing, resends: 0, response_headers: HeaderMap::new(), content_type: None }
    }

    /// What of the answer's head the client is told, once it is there.
    pub(crate) const fn response_headers(&self) -> &HeaderMap {
        &self.response_headers
    }

    /// What the answer's head states of the provider's limits, if it is there and states any.
    pub(crate) fn limits(&self) -> Option<UpstreamLimits> {
        let LimitHeaders { requests, tokens } =
            self.outgoing.dialect().limits(&self.response_headers);
        let narrow =
            |number: Option<u64>| number.map(|number| u32::try_from(number).unwrap_or(u32::MAX));
        let limits = UpstreamLimits {
            limit_requests: narrow(requests.limit),
            remaining_requests: narrow(requests.remaining),
            limit_tokens: narrow(tokens.limit),
            remaining_tokens: narrow(tokens.remaining),
        };
        (limits != UpstreamLimits::default()).then_some(limits)
    }

    /// The next news; pending for ever after the last. May be dropped and called again.
    pub(crate) async fn next(&mut self) -> UpstreamEvent {
        loop {
            let event = match &mut self.state {
                CallState::Unsupported(unsupported) => {
                    Some(UpstreamEvent::Unsupported(unsupported.clone()))
                }
                CallState::Head(head) => {
                    let answer = head.as_mut().await;
                    self.head(answer)
                }
                CallState::Stream(stream) => match stream.next().await {
                    StreamStep::Nothing => None,
                    StreamStep::Event(event) => Some(event),
                    StreamStep::Plain(body) => Some(self.no_stream(&body)),
                },
                CallState::Raw(stream) => stream.next().await,
                CallState::Whole(reading) => {
                    let frame = reading.body.frame().await;
                    self.frame(frame)
                }
                CallState::Over => std::future::pending().await,
            };
            if let Some(event) = event {
                if !matches!(event, UpstreamEvent::Bytes { .. }) {
                    self.state = CallState::Over;
                }
                return event;
            }
        }
    }

    fn head(&mut self, answer: Result<http::Response<Incoming>, Error>) -> Option<UpstreamEvent> {
        let response = match answer {
            Ok(response) => response,
            Err(error) if self.resends < RESENDS_MAX && is_reset_of_idle(&error) => {
                self.resends += 1;
                self.state = send(&self.outgoing);
                return None;
            }
            Err(error) => return Some(UpstreamEvent::Failed(failed(class_of(&error)), None)),
        };
        let (parts, body) = response.into_parts();
        self.response_headers = header_passthrough::to_client(&parts.headers);
        ReuseMark::set(&parts.extensions);
        let status = parts.status.as_u16();
        let Some(decoding) = ContentDecoder::of(&parts.headers) else {
            return Some(UpstreamEvent::Failed(
                failed(FailureClass::Malformed).with_status(status),
                None,
            ));
        };
        let length = parts.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        let length: Option<usize> = length.and_then(|length| length.parse().ok());
        if decoding.is_plain()
            && length.is_some_and(|length| length > self.outgoing.known.answer_max)
        {
            return Some(too_large());
        }
        let is_answer = parts.status.is_success();
        self.content_type = parts.headers.get(CONTENT_TYPE).filter(|_| is_answer).cloned();
        let known = self.outgoing.known.clone();
        let silence = self.outgoing.between_tokens;
        self.state = if is_answer && self.streams_bytes() {
            CallState::Raw(Box::new(RawStream::new(body, decoding, known, silence)))
        } else if is_answer && self.streams_events() {
            let include_usage = self.outgoing.chat.reads_usage();
            let reader = match (self.outgoing.native, self.outgoing.chat.operation) {
                (Some(api), _) => {
                    front_format(api).native_stream(self.outgoing.dialect(), self.stamp())
                }
                (None, Operation::Chat) => {
                    self.outgoing.dialect().stream(self.stamp(), include_usage)
                }
                (None, other) => other.reader(include_usage),
            };
            CallState::Stream(Box::new(UpstreamStream::new(body, decoding, reader, known, silence)))
        } else {
            let error = (!is_answer).then_some(parts);
            CallState::Whole(Box::new(BodyRead {
                body,
                decoding,
                read: BodyBuffer::expecting(length.unwrap_or_default()),
                error,
            }))
        };
        None
    }

    /// Whether its answer is bytes that are no events. An error may come with status 200 and as JSON.
    fn streams_bytes(&self) -> bool {
        self.outgoing.chat.answers_bytes() && !self.answers_with("application/json")
    }

    /// Whether its answer is events. Of sound some models make none, whatever they are asked.
    fn streams_events(&self) -> bool {
        let chat = &self.outgoing.chat;
        let makes_text =
            matches!(chat.operation, Operation::Transcription | Operation::Translation);
        let is_whole = makes_text && !self.answers_with("text/event-stream");
        chat.stream && !chat.answers_bytes() && !is_whole
    }

    fn answers_with(&self, essence: &str) -> bool {
        let kind = self.content_type.as_ref().and_then(|kind| kind.to_str().ok());
        kind.is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with(essence))
    }

    /// The type that its answer came with, where the client gets what came.
    pub(crate) fn content_type(&self) -> Option<&HeaderValue> {
        let passes = match self.outgoing.chat.operation {
            Operation::Speech | Operation::Transcription | Operation::Translation => true,
            Operation::Chat
            | Operation::Completion
            | Operation::Embedding
            | Operation::Response
            | Operation::Image
            | Operation::ImageEdit
            | Operation::ImageVariation => false,
        };
        self.content_type.as_ref().filter(|_| passes)
    }

    /// A piece of a body that is read to its end.
    fn frame(
        &mut self,
        frame: Option<Result<hyper::body::Frame<Bytes>, hyper::Error>>,
    ) -> Option<UpstreamEvent> {
        let CallState::Whole(reading) = &mut self.state else { return None };
        let most = self.outgoing.known.answer_max;
        match frame {
            Some(Ok(frame)) => {
                let Ok(bytes) = frame.into_data() else { return None };
                let left = most - reading.read.len();
                match reading.decoding.decode(bytes, left) {
                    Ok(bytes) => reading.read.push(bytes),
                    Err(FailureClass::AnswerTooLarge) => return Some(too_large()),
                    // What an error says of itself cannot be read; its status can.
                    Err(_) if reading.error.is_some() => return self.whole(),
                    Err(class) => {
                        return Some(UpstreamEvent::Failed(failed(class).with_status(200), None));
                    }
                }
                None
            }
            None if reading.decoding.is_whole() => self.whole(),
            None | Some(Err(_)) if reading.error.is_some() => self.whole(),
            None | Some(Err(_)) => {
                Some(UpstreamEvent::Failed(failed(FailureClass::Cut).with_status(200), None))
            }
        }
    }

    /// All of the body is there.
    fn whole(&mut self) -> Option<UpstreamEvent> {
        let CallState::Whole(reading) = std::mem::replace(&mut self.state, CallState::Over) else {
            return None;
        };
        let BodyRead { read, error, .. } = *reading;
        let body = read.join();
        let Some(parts) = error else { return Some(self.answer(&body)) };
        let status = parts.status.as_u16();
        let dialect = self.outgoing.dialect();
        let failure = dialect.failure(status, &parts.headers, &body, wall_time());
        if self.outgoing.learns_from(&failure, &body) {
            self.state = send(&self.outgoing);
            return None;
        }
        Some(self.refused(failure, &body))
    }

    /// An answer in one piece.
    fn answer(&self, body: &Bytes) -> UpstreamEvent {
        match self.read_answer(body.clone()) {
            Ok(Whole { body, completion }) if completion.is_filtered() => UpstreamEvent::Filtered {
                body,
                failure: failed(FailureClass::ContentPolicy).with_status(200),
            },
            Ok(Whole { body, completion }) => {
                UpstreamEvent::Finished { body: Some(body), usage: completion.usage }
            }
            Err(failure) => self.refused(failure, body),
        }
    }

    /// A body in one piece where a stream was asked for: an error, or nothing that a client could use.
    fn no_stream(&self, body: &Bytes) -> UpstreamEvent {
        match self.read_answer(body.clone()) {
            Ok(_) => UpstreamEvent::Failed(failed(FailureClass::Malformed).with_status(200), None),
            Err(failure) => self.refused(failure, body),
        }
    }

    fn read_answer(&self, body: Bytes) -> Result<Whole, Failure> {
        let (chat, dialect) = (&*self.outgoing.chat, self.outgoing.dialect());
        let stamp = self.stamp();
        match (self.outgoing.native, chat.operation) {
            (Some(api), _) => front_format(api).native_answer(dialect, body, &stamp),
            (None, Operation::Chat) => {
                let whole = dialect.answer(body, &stamp)?;
                match chat.front() {
                    Some(api) => front_format(api).whole(&whole, chat, &stamp),
                    None => Ok(whole),
                }
            }
            (None, _) => {
                let completion = chat.read_other_answer(&body)?;
                Ok(Whole { body, completion })
            }
        }
    }

    fn refused(&self, failure: Failure, body: &[u8]) -> UpstreamEvent {
        UpstreamEvent::Failed(failure, self.outgoing.known.said(body, &failure).map(Box::new))
    }

    fn stamp(&self) -> Stamp {
        let since_1970 = wall_time().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Stamp {
            created: since_1970.as_secs(),
            // No two answers come in one nanosecond, and 64 bits hold centuries of them.
            number: u64::try_from(since_1970.as_nanos()).unwrap_or(u64::MAX),
            model: self.outgoing.known.model.to_string(),
        }
    }
}

fn send(outgoing: &OutgoingRequest) -> CallState {
    match outgoing.send() {
        Ok(head) => CallState::Head(Box::new(head)),
        Err(unsupported) => CallState::Unsupported(unsupported),
    }
}

fn too_large() -> UpstreamEvent {
    UpstreamEvent::Failed(failed(FailureClass::AnswerTooLarge), None)
}

/// A connection that was not made is one thing; one that ended before its answer began is another,
/// since bytes may have been worked on.
fn class_of(error: &Error) -> FailureClass {
    if Shortage::count(error).is_some() {
        FailureClass::Resources
    } else if error.is_connect() {
        FailureClass::Connect
    } else {
        FailureClass::Cut
    }
}

#[expect(clippy::disallowed_methods, reason = "Retry-After may be a date, and dates are wall time")]
pub(super) fn wall_time() -> SystemTime {
    SystemTime::now()
}
