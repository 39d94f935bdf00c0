//! The body of an answer that is not simply there: paced as its plan asks, or cut.

use crate::attempt::{Attempt, Step};
use crate::connections::Reset;
use crate::pace::Delivery;
use crate::shell::End;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use squall_provider::BadAnswer;
use squall_wire::Usage;
use squall_wire::chat::FinishReason;
use squall_wire::serve::AnswerPen;
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
    /// A body that is there.
    Whole(Bytes),
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

/// A stream under way.
#[derive(Debug)]
struct Stream {
    attempt: Attempt,
    reset: Reset,
    pen: Box<dyn AnswerPen>,
    begun: bool,
    sent: u32,
}

/// How many tokens are made at once, and how many bytes are handed to a connection before it has taken them:
/// a reader that is slow, or a stream without gaps, costs no more memory than this.
const TOKENS_AT_ONCE: u32 = 64;
const FRAME_BYTES: usize = 16 << 10;

impl AnswerBody {
    /// A body that is there.
    pub(crate) const fn whole(body: Bytes) -> Self {
        let length = body.len() as u64;
        Self { state: State::Whole(body), length: Some(length) }
    }

    /// A stream, from what comes before its first token on.
    pub(crate) fn stream(attempt: Attempt, reset: Reset, pen: Box<dyn AnswerPen>) -> Self {
        let stream = Stream { attempt, reset, pen, begun: false, sent: 0 };
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
            State::Whole(bytes) => {
                let bytes = std::mem::take(bytes);
                self.state = State::Ended;
                let is_empty = bytes.is_empty();
                Poll::Ready((!is_empty).then(|| Ok(Frame::data(bytes))))
            }
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
        match &self.state {
            State::Whole(bytes) => bytes.is_empty(),
            State::Ended => true,
            _ => false,
        }
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
                    // What is due beyond this is made when this has left.
                    let through = through.min(self.sent.saturating_add(TOKENS_AT_ONCE));
                    for n in self.sent..through {
                        self.pen.token(&mut out, n);
                    }
                    self.sent = through;
                    self.attempt.tokens_sent(through);
                    if out.len() >= FRAME_BYTES {
                        return (out, None);
                    }
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
                Step::Tell(class) => {
                    self.begin(&mut out);
                    self.pen.error(&mut out, class);
                    self.attempt.end(End::Told(class));
                    return (out, Some(State::Ended));
                }
                // Half an event, or none: the stream ends as if all were well.
                Step::Bad(answer) => {
                    self.begin(&mut out);
                    if answer == BadAnswer::Truncated {
                        let whole = out.len();
                        self.pen.token(&mut out, self.sent);
                        out.truncate(whole + (out.len() - whole) / 2);
                    }
                    self.attempt.end(End::Broken);
                    return (out, Some(State::Ended));
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
            self.pen.begin(out);
        }
    }

    fn complete(&mut self, out: &mut Vec<u8>) {
        self.begin(out);
        let finish = self.attempt.plan().map_or(FinishReason::Stop, |(_, finish)| finish);
        let input_tokens = self.attempt.arrived().input_tokens;
        self.pen.finish(out, finish, Usage { input_tokens, output_tokens: self.sent });
        self.attempt.end(End::Succeeded);
    }
}
