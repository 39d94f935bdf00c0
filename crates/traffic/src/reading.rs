//! Reading an answer: whole, or token by token.

use crate::call_error::CallError;
use http::response::Parts;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use squall_clock::Clock;
use squall_determinism::Timestamp;
use squall_failure::{CallFailureCause, Failure, FailureClass, FailureSource};
use squall_wire::call::{Stamp, StreamReader};
use squall_wire::chat::{ChatStream, FillerCheck, StreamEvent, read_completion};
use squall_wire::error::failure_from_response;
use squall_wire::{Format, SseDecoder, dialect, read_retry_after};
use squall_workload::{CallFailure, SentCall};
use tokio::sync::mpsc;

/// What a client has seen of its answer so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct AnswerProgress {
    /// 0 until the head of an answer came.
    pub(crate) status: u16,
    pub(crate) first_token: Option<Timestamp>,
    pub(crate) tokens: u32,
    /// What it said.
    pub(crate) text: FillerCheck,
    /// Whether it told its usage.
    pub(crate) usage: bool,
    /// Whom to tell that the answer has begun, and of which call.
    pub(crate) watched: Option<(mpsc::UnboundedSender<SentCall>, SentCall)>,
}

impl AnswerProgress {
    /// Content came.
    fn content_at(&mut self, clock: Clock) {
        if self.first_token.is_none() {
            self.first_token = Some(clock.now());
            if let Some((begun, call)) = self.watched.take() {
                // Nobody listens at the end of a drive.
                let _ = begun.send(call);
            }
        }
    }
}

/// Reads an answer that is not streamed.
pub(crate) async fn whole(
    format: Format,
    body: Incoming,
    clock: Clock,
    seen: &mut AnswerProgress,
) -> Result<(), CallError> {
    let unreadable = |failure| CallError::new(failure, CallFailureCause::Final);
    let body = body.collect().await;
    let cut = |_| CallError::new(broken(), CallFailureCause::Cut);
    let body = body.map_err(cut)?.to_bytes();
    let body = match format {
        Format::OpenAi => body,
        format => dialect(format).answer(body, &stamp()).map_err(unreadable)?.body,
    };
    let completion = read_completion(&body).ok_or_else(|| unreadable(broken()))?;
    if completion.finish.is_none() {
        return Err(unreadable(broken()));
    }
    seen.first_token = Some(clock.now());
    seen.tokens = completion.usage.map_or(0, |usage| usage.output_tokens);
    seen.usage = completion.usage.is_some();
    seen.text.read(&body);
    Ok(())
}

/// Reads a stream. It is complete with a finish reason and a proper end of its body, as vendors' own clients
/// take it, whether the end mark comes or not.
pub(crate) async fn stream(
    format: Format,
    mut body: Incoming,
    clock: Clock,
    seen: &mut AnswerProgress,
) -> Result<(), Failure> {
    let (mut decoder, mut answer) = (SseDecoder::new(), ChatStream::default());
    let mut translation = Translation::of(format);
    let mut finished = false;
    while let Some(frame) = body.frame().await {
        let Ok(bytes) = frame.map_err(|_| broken())?.into_data() else { continue };
        match &mut translation {
            None => decoder.push(&bytes),
            Some(translation) => decoder.push(&translation.translate(&bytes)?),
        }
        while let Some(event) = decoder.next_event().map_err(|_| broken())? {
            match answer.read(&event) {
                StreamEvent::Chunk(chunk) => {
                    if chunk.content {
                        seen.content_at(clock);
                        seen.tokens += 1;
                    }
                    match answer.text(&event) {
                        Some(text) => seen.text.push(text),
                        None => seen.text.read(event.data),
                    }
                    finished |= chunk.finish.is_some();
                    if let Some(usage) = chunk.usage {
                        seen.tokens = usage.output_tokens;
                        seen.usage = true;
                    }
                }
                StreamEvent::Error(failure) => return Err(failure),
                StreamEvent::Done | StreamEvent::Unreadable => {}
            }
        }
    }
    if finished && answer.is_whole() { Ok(()) } else { Err(broken()) }
}

/// A stream of another format, as OpenAI's.
struct Translation {
    decoder: SseDecoder,
    reader: Box<dyn StreamReader>,
}

impl Translation {
    /// `None` for OpenAI's own.
    fn of(format: Format) -> Option<Self> {
        let is_own = format == Format::OpenAi;
        let reader = || dialect(format).stream(stamp(), true);
        (!is_own).then(|| Self { decoder: SseDecoder::new(), reader: reader() })
    }

    /// The events of a piece.
    fn translate(&mut self, bytes: &[u8]) -> Result<Vec<u8>, Failure> {
        self.decoder.push(bytes);
        let mut out = Vec::new();
        while let Some(event) = self.decoder.next_event().map_err(|_| broken())? {
            if let StreamEvent::Error(failure) = self.reader.read(event, &mut out) {
                return Err(failure);
            }
        }
        Ok(out)
    }
}

/// What an answer says of itself that says nothing.
fn stamp() -> Stamp {
    Stamp { created: 0, number: 0, model: String::new() }
}

/// What the head of an error tells the library that made the call.
pub(crate) fn status_seen(parts: &Parts) -> CallFailure {
    let should_retry = parts.headers.get("x-should-retry").and_then(|told| match told.as_bytes() {
        b"true" => Some(true),
        b"false" => Some(false),
        _ => None,
    });
    CallFailure {
        retry_after: read_retry_after(&parts.headers, wall_time()),
        should_retry,
        ..CallFailure::new(CallFailureCause::Status(parts.status.as_u16()))
    }
}

/// Reads an error.
pub(crate) async fn error(format: Format, parts: &Parts, body: Incoming) -> Failure {
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let status = parts.status.as_u16();
    let failure = match format {
        Format::OpenAi => failure_from_response(status, &parts.headers, &body, wall_time()),
        format => dialect(format).failure(status, &parts.headers, &body, wall_time()),
    };
    // A gateway that made no attempt refused by itself.
    let by_itself = parts.headers.get("x-squall-attempts").is_some_and(|attempts| attempts == "0");
    if by_itself { Failure { source: FailureSource::Gateway, ..failure } } else { failure }
}

/// An answer that ended too early, or is none. The client sees nobody but the gateway.
fn broken() -> Failure {
    Failure::new(FailureClass::Cut, FailureSource::Gateway)
}

#[expect(clippy::disallowed_methods, reason = "Retry-After may be a date, and dates are wall time")]
fn wall_time() -> std::time::SystemTime {
    std::time::SystemTime::now()
}
