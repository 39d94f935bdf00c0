//! The body of an answer that is not simply there: paced as its plan asks, or cut.

use crate::attempt::{Attempt, Step};
use crate::connections::Reset;
use crate::pace::Delivery;
use crate::shell::End;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use squall_wire::Usage;
use squall_wire::openai::ChunkWriter;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A body that hyper polls: tokens leave when they are due, all that are due in one frame.
#[derive(Debug)]
pub(crate) struct AnswerBody {
    state: State,
    /// The length that the head promises, where it does.
    length: Option<u64>,
}

/// The planned end of an answer that has none: hyper closes the connection on it.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the answer is cut here, as planned")]
pub(crate) struct PlannedCut;

#[derive(Debug)]
enum State {
    Running(Box<Stream>),
    /// To be cut, once what was sent has left: hyper flushes when a body has nothing for it, and drops
    /// what is not flushed when a body fails.
    Cutting {
        flushed: bool,
    },
    /// The connection will be reset.
    Reset,
    Ended,
}

/// A stream of chunks under way.
#[derive(Debug)]
struct Stream {
    attempt: Attempt,
    reset: Reset,
    writer: ChunkWriter,
    include_usage: bool,
    begun: bool,
    sent: u32,
}

impl AnswerBody {
    /// A stream, from its role chunk on.
    pub(crate) fn stream(
        attempt: Attempt,
        reset: Reset,
        writer: ChunkWriter,
        include_usage: bool,
    ) -> Self {
        let stream = Stream { attempt, reset, writer, include_usage, begun: false, sent: 0 };
        Self { state: State::Running(Box::new(stream)), length: None }
    }

    /// A body of which the head promises `length` bytes, and none comes.
    pub(crate) const fn cut(length: u64) -> Self {
        Self { state: State::Cutting { flushed: false }, length: Some(length) }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = PlannedCut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, PlannedCut>>> {
        match &mut self.state {
            State::Running(stream) => {
                let (out, next) = stream.advance(context);
                if let Some(next) = next {
                    self.state = next;
                    if out.is_empty() {
                        return self.poll_frame(context);
                    }
                }
                if out.is_empty() {
                    return Poll::Pending;
                }
                Poll::Ready(Some(Ok(Frame::data(out.into()))))
            }
            State::Cutting { flushed } if *flushed => Poll::Ready(Some(Err(PlannedCut))),
            State::Cutting { flushed } => {
                *flushed = true;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            State::Reset => Poll::Pending,
            State::Ended => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl Stream {
    /// Everything that is due, and the state that follows if this one is over.
    fn advance(&mut self, context: &mut Context<'_>) -> (Vec<u8>, Option<State>) {
        let mut out = Vec::new();
        loop {
            let step = match self.attempt.poll_step(context, Delivery::Stream, self.sent) {
                Poll::Ready(step) => step,
                Poll::Pending => return (out, None),
            };
            match step {
                Step::Tokens { through } => {
                    self.begin(&mut out);
                    for n in self.sent..through {
                        self.writer.token(&mut out, n);
                    }
                    self.sent = through;
                    self.attempt.tokens_sent(through);
                }
                Step::Complete => {
                    self.complete(&mut out);
                    return (out, Some(State::Ended));
                }
                Step::Cut => {
                    self.begin(&mut out);
                    self.attempt.end(End::Broken);
                    return (out, Some(State::Cutting { flushed: false }));
                }
                // An attempt that is served is not refused any more.
                Step::Reset | Step::Reject(_) => {
                    self.attempt.end(End::Broken);
                    self.reset.fire();
                    return (out, Some(State::Reset));
                }
            }
        }
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.begun, true) {
            self.writer.role(out);
        }
    }

    fn complete(&mut self, out: &mut Vec<u8>) {
        self.begin(out);
        if let Some((_, finish)) = self.attempt.plan() {
            self.writer.finish(out, finish);
        }
        if self.include_usage {
            let input_tokens = self.attempt.arrived().input_tokens;
            self.writer.usage(out, Usage { input_tokens, output_tokens: self.sent });
        }
        self.writer.done(out);
        self.attempt.end(End::Succeeded);
    }
}
