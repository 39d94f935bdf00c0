//! The body of an answer that is not simply there: paced as its plan asks, or cut.

use crate::attempt::{AcceptedAttempt, AttemptStep};
use crate::connections::Reset;
use crate::provider_server::AttemptEnd;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use squall_provider::{AttemptPlan, BadAnswer, DeliveryMode, PlanEnd};
use squall_wire::Usage;
use squall_wire::chat::FinishReason;
use squall_wire::serve::AnswerWriter;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A body that hyper polls: tokens leave when they are due, all that are due in one frame.
#[derive(Debug)]
pub(crate) struct AnswerBody {
    state: AnswerState,
    /// The length that the head promises, where it does.
    length: Option<u64>,
}

/// The planned end of an answer that has none: hyper closes the connection on it.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the answer is cut here, as planned")]
pub(crate) struct PlannedCut;

#[derive(Debug)]
enum AnswerState {
    /// A body that is there.
    Whole(Bytes),
    Running(Box<AnswerStream>),
    /// To be cut, once what was sent has left: hyper flushes when a body has nothing for it, and drops
    /// what is not flushed when a body fails.
    Cutting {
        flushed: bool,
    },
    /// The connection is to be reset, once what was sent has left.
    Resetting {
        reset: Reset,
        flushed: bool,
    },
    /// The connection will be reset.
    Reset,
    Ended,
}

/// A stream under way.
#[derive(Debug)]
struct AnswerStream {
    attempt: AcceptedAttempt,
    reset: Reset,
    writer: Box<dyn AnswerWriter>,
    /// Whether it is one of events; else it is one list of JSON.
    has_events: bool,
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
        Self { state: AnswerState::Whole(body), length: Some(length) }
    }

    /// A stream, from what comes before its first token on.
    pub(crate) fn stream(
        attempt: AcceptedAttempt,
        reset: Reset,
        writer: Box<dyn AnswerWriter>,
        has_events: bool,
    ) -> Self {
        let stream = AnswerStream { attempt, reset, writer, has_events, begun: false, sent: 0 };
        Self { state: AnswerState::Running(Box::new(stream)), length: None }
    }

    /// A body of which the head promises `length` bytes, and none comes.
    pub(crate) const fn cut(length: u64) -> Self {
        Self { state: AnswerState::Cutting { flushed: false }, length: Some(length) }
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
            AnswerState::Whole(bytes) => {
                let bytes = std::mem::take(bytes);
                self.state = AnswerState::Ended;
                let is_empty = bytes.is_empty();
                Poll::Ready((!is_empty).then(|| Ok(Frame::data(bytes))))
            }
            AnswerState::Running(stream) => {
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
            AnswerState::Cutting { flushed } if *flushed => Poll::Ready(Some(Err(PlannedCut))),
            AnswerState::Cutting { flushed } => {
                *flushed = true;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            AnswerState::Resetting { reset, flushed: true } => {
                reset.fire();
                self.state = AnswerState::Reset;
                Poll::Pending
            }
            AnswerState::Resetting { flushed, .. } => {
                *flushed = true;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            AnswerState::Reset => Poll::Pending,
            AnswerState::Ended => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.state {
            AnswerState::Whole(bytes) => bytes.is_empty(),
            AnswerState::Ended => true,
            _ => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl AnswerStream {
    /// Everything that is due, and the state that follows if this one is over.
    fn advance(&mut self, context: &mut Context<'_>) -> (Vec<u8>, Option<AnswerState>) {
        let mut out = Vec::new();
        loop {
            let step = match self.attempt.poll_step(context, DeliveryMode::Stream, self.sent) {
                Poll::Ready(step) => step,
                Poll::Pending => return (out, None),
            };
            match step {
                AttemptStep::Tokens { through } => {
                    self.begin(&mut out);
                    // What is due beyond this is made when this has left.
                    let through = through.min(self.sent.saturating_add(TOKENS_AT_ONCE));
                    for n in self.sent..through {
                        self.malformed(&mut out, n);
                        self.writer.token(&mut out, n);
                    }
                    self.sent = through;
                    self.attempt.tokens_sent(through);
                    if out.len() >= FRAME_BYTES {
                        return (out, None);
                    }
                }
                AttemptStep::End(PlanEnd::Complete) => {
                    self.complete(&mut out);
                    return (out, Some(AnswerState::Ended));
                }
                AttemptStep::End(PlanEnd::Unmarked) => {
                    self.complete(&mut out);
                    let mark = self.writer.end_mark();
                    if out.ends_with(mark) {
                        out.truncate(out.len() - mark.len());
                    }
                    return (out, Some(AnswerState::Ended));
                }
                AttemptStep::End(PlanEnd::Cut) => {
                    self.begin(&mut out);
                    self.attempt.end(AttemptEnd::Broken);
                    return (out, Some(AnswerState::Cutting { flushed: false }));
                }
                AttemptStep::End(PlanEnd::ErrorEvent(class)) => {
                    self.begin(&mut out);
                    self.writer.error(&mut out, class);
                    self.attempt.end(AttemptEnd::ErrorEvent(class));
                    return (out, Some(AnswerState::Ended));
                }
                // Half an event, or none: the stream ends as if all were well.
                AttemptStep::End(PlanEnd::Bad(answer)) => {
                    self.begin(&mut out);
                    if answer == BadAnswer::Truncated {
                        let whole = out.len();
                        self.writer.token(&mut out, self.sent);
                        out.truncate(whole + (out.len() - whole) / 2);
                    }
                    self.attempt.end(AttemptEnd::Broken);
                    return (out, Some(AnswerState::Ended));
                }
                // An attempt that is served is not refused any more.
                AttemptStep::End(PlanEnd::Reset) | AttemptStep::Reject(_) => {
                    self.attempt.end(AttemptEnd::Broken);
                    let reset = self.reset.clone();
                    return (out, Some(AnswerState::Resetting { reset, flushed: false }));
                }
            }
        }
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.begun, true) {
            self.writer.begin(out);
        }
    }

    /// The event that is no JSON, if it comes before this token.
    fn malformed(&self, out: &mut Vec<u8>, token: u32) {
        let is_due = |(plan, _): (AttemptPlan, FinishReason)| plan.malformed_after == Some(token);
        if self.has_events && self.attempt.plan().is_some_and(is_due) {
            self.writer.malformed(out);
            self.attempt.malformed_sent();
        }
    }

    fn complete(&mut self, out: &mut Vec<u8>) {
        self.begin(out);
        let finish = self.attempt.plan().map_or(FinishReason::Stop, |(_, finish)| finish);
        let input_tokens = self.attempt.arrived().input_tokens;
        self.writer.finish(out, finish, Usage { input_tokens, output_tokens: self.sent });
        self.attempt.end(AttemptEnd::Succeeded);
    }
}
