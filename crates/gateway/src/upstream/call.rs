//! One attempt: from the request that leaves to the last byte that comes.

use super::stream::Stream;
use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::client::legacy::{Error, ResponseFuture};
use squall_failure::{Failure, FailureClass, Source};
use squall_wire::Usage;
use squall_wire::call::{Dialect, Stamp, Untold, Whole};
use squall_wire::openai::Operation;
use std::time::{Duration, SystemTime};

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
    /// It was not made: the upstream's format has no words for the request.
    Untold(Untold),
    /// The content policy took the answer out: this is what is left of it. It fails like a refusal, and
    /// goes to the client if nobody else answers.
    Filtered { body: Bytes, failure: Failure },
}

/// An attempt that runs. Dropping it hangs up.
#[derive(Debug)]
pub(crate) struct Call {
    state: State,
    shape: Shape,
}

/// What an answer looks like, from both sides.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) dialect: &'static dyn Dialect,
    pub(super) operation: Operation,
    pub(super) stream: bool,
    pub(super) include_usage: bool,
    /// The model that is called.
    pub(super) model: String,
    pub(super) between_tokens: Duration,
}

#[derive(Debug)]
enum State {
    /// Nothing was sent.
    Untold(Untold),
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

impl Call {
    /// One whose request leaves, or is not told to the upstream at all.
    pub(super) fn new(head: Result<ResponseFuture, Untold>, shape: Shape) -> Self {
        let state = match head {
            Ok(head) => State::Head(Box::new(head)),
            Err(untold) => State::Untold(untold),
        };
        Self { state, shape }
    }

    /// The next news; pending for ever after the last. May be dropped and called again.
    pub(crate) async fn next(&mut self) -> News {
        loop {
            let news = match &mut self.state {
                State::Untold(untold) => Some(News::Untold(untold.clone())),
                State::Head(head) => {
                    let answer = head.as_mut().await;
                    self.head(answer)
                }
                State::Stream(stream) => stream.next().await,
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
        self.state = if parts.status == StatusCode::OK && self.shape.stream {
            let Shape { dialect, operation, include_usage, between_tokens, .. } = self.shape;
            let reader = match operation {
                Operation::Chat => dialect.stream(self.stamp(), include_usage),
                other => other.reader(),
            };
            State::Stream(Box::new(Stream::new(body, reader, between_tokens)))
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
        let dialect = self.shape.dialect;
        if let Some(parts) = error {
            let status = parts.status.as_u16();
            return News::Failed(dialect.failure(status, &parts.headers, &read, wall_time()));
        }
        let body = read.freeze();
        let answer = match self.shape.operation {
            Operation::Chat => dialect.answer(body, &self.stamp()),
            other => other
                .read_answer(&body)
                .map(|completion| Whole { body, completion })
                .ok_or_else(|| failed(FailureClass::Cut).with_status(200)),
        };
        match answer {
            Ok(Whole { body, completion }) if completion.is_filtered() => News::Filtered {
                body,
                failure: failed(FailureClass::ContentPolicy).with_status(200),
            },
            Ok(Whole { body, completion }) => {
                News::Finished { body: Some(body), usage: completion.usage }
            }
            Err(failure) => News::Failed(failure),
        }
    }

    fn stamp(&self) -> Stamp {
        let since_1970 = wall_time().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Stamp {
            created: since_1970.as_secs(),
            // No two answers come in one nanosecond, and 64 bits hold centuries of them.
            number: u64::try_from(since_1970.as_nanos()).unwrap_or(u64::MAX),
            model: self.shape.model.clone(),
        }
    }
}

pub(super) fn failed(class: FailureClass) -> Failure {
    Failure::new(class, Source::Provider)
}

/// A connection that was not made is one thing; one that ended before its answer began is another,
/// since bytes may have been worked on.
fn class_of(error: &Error) -> FailureClass {
    if error.is_connect() { FailureClass::Connect } else { FailureClass::Cut }
}

#[expect(clippy::disallowed_methods, reason = "Retry-After may be a date, and dates are wall time")]
pub(super) fn wall_time() -> SystemTime {
    SystemTime::now()
}
