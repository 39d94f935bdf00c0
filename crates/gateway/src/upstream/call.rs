//! One attempt: from the request that leaves to the last byte that comes.

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::client::legacy::{Error, ResponseFuture};
use squall_failure::{Failure, FailureClass, Source};
use squall_wire::openai::{
    Completion, FinishReason, StreamEvent, failure_from_response, read_completion,
};
use squall_wire::{SseDecoder, Usage};
use std::time::Duration;
use tokio::time::Instant;

/// The largest answer in one piece, and the largest error, that is read.
const BODY_MAX: usize = 16 << 20;

/// What an attempt brings.
#[derive(Debug)]
pub(crate) enum News {
    /// Bytes of a stream, and whether they hold its first content token.
    Bytes { bytes: Bytes, first_token: bool },
    /// The end: the whole answer if it was not streamed, else nothing more.
    Finished { body: Option<Bytes>, usage: Option<Usage> },
    /// It failed.
    Failed(Failure),
    /// The content policy took the answer out: this is what is left of it. It fails like a refusal, and
    /// goes to the client if nobody else answers.
    Filtered { body: Bytes, failure: Failure },
}

/// An attempt that runs. Dropping it hangs up.
#[derive(Debug)]
pub(crate) struct Call {
    state: State,
    stream: bool,
    between_tokens: Duration,
}

#[derive(Debug)]
enum State {
    /// Waiting for the head of the answer.
    Head(Box<ResponseFuture>),
    /// Reading a stream.
    Stream(Box<Stream>),
    /// Reading an answer in one piece, or an error.
    Whole {
        body: Incoming,
        read: BytesMut,
        error: Option<Box<http::response::Parts>>,
    },
    Over,
}

#[derive(Debug)]
struct Stream {
    body: Incoming,
    decoder: SseDecoder,
    seen_content: bool,
    usage: Option<Usage>,
    /// The end mark has come.
    done: bool,
    /// When silence has lasted too long; `None` before the first token, which is the core's to time.
    silent_at: Option<Instant>,
}

impl Call {
    pub(super) fn new(head: ResponseFuture, stream: bool, between_tokens: Duration) -> Self {
        Self { state: State::Head(Box::new(head)), stream, between_tokens }
    }

    /// The next news; pending for ever after the last. May be dropped and called again.
    pub(crate) async fn next(&mut self) -> News {
        loop {
            let news = match &mut self.state {
                State::Head(head) => {
                    let answer = head.as_mut().await;
                    self.head(answer)
                }
                State::Stream(stream) => stream.next(self.between_tokens).await,
                State::Whole { body, read, .. } => match body.frame().await {
                    Some(Ok(frame)) => {
                        if let Ok(bytes) = frame.into_data()
                            && read.len() + bytes.len() <= BODY_MAX
                        {
                            read.extend_from_slice(&bytes);
                        }
                        None
                    }
                    Some(Err(_)) => Some(News::Failed(failed(FailureClass::Cut))),
                    None => Some(self.whole()),
                },
                State::Over => std::future::pending().await,
            };
            if let Some(news) = news {
                if !matches!(news, News::Bytes { .. }) {
                    self.state = State::Over;
                }
                return news;
            }
        }
    }

    fn head(&mut self, answer: Result<http::Response<Incoming>, Error>) -> Option<News> {
        let response = match answer {
            Ok(response) => response,
            Err(error) => return Some(News::Failed(failed(class_of(&error)))),
        };
        let (parts, body) = response.into_parts();
        self.state = if parts.status == StatusCode::OK && self.stream {
            State::Stream(Box::new(Stream {
                body,
                decoder: SseDecoder::new(),
                seen_content: false,
                usage: None,
                done: false,
                silent_at: None,
            }))
        } else {
            let error = (parts.status != StatusCode::OK).then(|| Box::new(parts));
            State::Whole { body, read: BytesMut::new(), error }
        };
        None
    }

    /// All of the body is there.
    fn whole(&mut self) -> News {
        let State::Whole { read, error, .. } = std::mem::replace(&mut self.state, State::Over)
        else {
            return News::Failed(failed(FailureClass::Cut));
        };
        if let Some(parts) = error {
            let now = wall_time();
            return News::Failed(failure_from_response(
                parts.status.as_u16(),
                &parts.headers,
                &read,
                now,
            ));
        }
        match read_completion(&read) {
            Some(Completion { finish: Some(FinishReason::ContentFilter), .. }) => News::Filtered {
                body: read.freeze(),
                failure: failed(FailureClass::ContentPolicy).with_status(200),
            },
            Some(completion) => {
                News::Finished { body: Some(read.freeze()), usage: completion.usage }
            }
            None => News::Failed(failed(FailureClass::Cut).with_status(200)),
        }
    }
}

impl Stream {
    async fn next(&mut self, between_tokens: Duration) -> Option<News> {
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
                Some(self.read(bytes, between_tokens))
            }
            None if self.done => Some(News::Finished { body: None, usage: self.usage }),
            Some(Err(_)) | None => Some(News::Failed(failed(FailureClass::Cut).with_status(200))),
        }
    }

    fn read(&mut self, bytes: Bytes, between_tokens: Duration) -> News {
        let had_content = self.seen_content;
        self.decoder.push(&bytes);
        loop {
            match self
                .decoder
                .next_event()
                .map(|event| event.map(|each| StreamEvent::read(each.data)))
            {
                Ok(Some(StreamEvent::Chunk(chunk))) => {
                    self.seen_content |= chunk.content;
                    self.usage = chunk.usage.or(self.usage);
                }
                Ok(Some(StreamEvent::Done)) => self.done = true,
                Ok(Some(StreamEvent::Error(failure))) => return News::Failed(failure),
                Ok(Some(StreamEvent::Unreadable)) => {}
                Ok(None) => break,
                Err(_) => return News::Failed(failed(FailureClass::Cut).with_status(200)),
            }
        }
        if self.seen_content {
            self.silent_at = tokio_now().checked_add(between_tokens);
        }
        News::Bytes { bytes, first_token: self.seen_content && !had_content }
    }
}

fn failed(class: FailureClass) -> Failure {
    Failure::new(class, Source::Provider)
}

/// A connection that was not made is one thing; one that ended before its answer began is another,
/// since bytes may have been worked on.
fn class_of(error: &Error) -> FailureClass {
    if error.is_connect() { FailureClass::Connect } else { FailureClass::Cut }
}

#[expect(clippy::disallowed_methods, reason = "Retry-After may be a date, and dates are wall time")]
fn wall_time() -> std::time::SystemTime {
    std::time::SystemTime::now()
}

#[expect(clippy::disallowed_methods, reason = "silence on a socket is the transport's to time")]
fn tokio_now() -> Instant {
    Instant::now()
}
