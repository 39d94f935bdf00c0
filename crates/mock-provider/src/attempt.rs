//! One attempt in the hands of the task that answers it: waits for its steps, and ends exactly once.

use crate::attempt_state::{Arrived, AttemptDecision, AttemptState};
use crate::provider_server::{AttemptEnd, ProviderServer};
use squall_determinism::Timestamp;
use squall_provider::{AttemptPlan, DeliveryMode, PlanEnd, PlanStep, Rejection};
use squall_wire::chat::FinishReason;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::time::Sleep;

/// An accepted attempt. Dropping it before its end means that the caller hung up.
#[derive(Debug)]
pub(crate) struct AcceptedAttempt {
    mock: Arc<ProviderServer>,
    attempt_state: Arc<AttemptState>,
    arrived: Arrived,
    sleep: Option<Pin<Box<Sleep>>>,
    ended: bool,
}

/// What is to be done for an attempt now.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AttemptStep {
    /// Answer with an error.
    Reject(Rejection),
    /// Send the tokens up to this number.
    Tokens {
        /// How many will have been sent.
        through: u32,
    },
    /// End the answer.
    End(PlanEnd),
}

impl AcceptedAttempt {
    pub(crate) const fn new(
        mock: Arc<ProviderServer>,
        attempt_state: Arc<AttemptState>,
        arrived: Arrived,
    ) -> Self {
        Self { mock, attempt_state, arrived, sleep: None, ended: false }
    }

    pub(crate) const fn arrived(&self) -> Arrived {
        self.arrived
    }

    /// The plan as it stands, if the attempt is served, and why its answer will end.
    pub(crate) fn plan(&self) -> Option<(AttemptPlan, FinishReason)> {
        self.attempt_state.plan()
    }

    /// The head of its answer leaves.
    pub(crate) fn head_sent(&self, status: u16) {
        self.attempt_state.head_sent(status);
    }

    /// So many of its tokens have left.
    pub(crate) fn tokens_sent(&self, tokens: u32) {
        self.attempt_state.tokens_sent(tokens, self.mock.clock().now());
    }

    /// An event that is not JSON leaves.
    pub(crate) fn malformed_sent(&self) {
        self.attempt_state.malformed_sent(self.mock.clock().now());
    }

    /// What is to be done when `sent` tokens have left; pending until something is.
    pub(crate) fn poll_step(
        &mut self,
        context: &mut Context<'_>,
        delivery: DeliveryMode,
        sent: u32,
    ) -> Poll<AttemptStep> {
        loop {
            let plan = match self.attempt_state.watch(context) {
                AttemptDecision::Waiting => return Poll::Pending,
                AttemptDecision::Reject(rejection) => {
                    return Poll::Ready(AttemptStep::Reject(rejection));
                }
                AttemptDecision::Plan(plan) => plan,
            };
            let until = match plan.next(delivery, sent, self.mock.clock().now()) {
                PlanStep::Wait(until) => until,
                PlanStep::Tokens { through } => {
                    return Poll::Ready(AttemptStep::Tokens { through });
                }
                PlanStep::End(end) => return Poll::Ready(AttemptStep::End(end)),
            };
            if self.poll_sleep(context, until).is_pending() {
                return Poll::Pending;
            }
        }
    }

    /// The first step: what decides the head of the answer. The head of a stream that leaves early comes with no
    /// token yet.
    pub(crate) async fn first_step(&mut self, delivery: DeliveryMode) -> AttemptStep {
        std::future::poll_fn(|context| {
            let is_early = |plan: &AttemptPlan| plan.early_head && plan.tokens_sent() > 0;
            let early =
                matches!(self.attempt_state.watch(context), AttemptDecision::Plan(plan) if is_early(&plan));
            match self.poll_step(context, delivery, 0) {
                Poll::Pending if early && delivery == DeliveryMode::Stream => {
                    Poll::Ready(AttemptStep::Tokens { through: 0 })
                }
                step => step,
            }
        })
        .await
    }

    /// Ends the attempt.
    pub(crate) fn end(&mut self, end: AttemptEnd) {
        if !std::mem::replace(&mut self.ended, true) {
            self.mock.end(self.arrived.tag, &self.attempt_state, end);
        }
    }

    fn poll_sleep(&mut self, context: &mut Context<'_>, until: Timestamp) -> Poll<()> {
        let Some(instant) = self.mock.clock().instant_at(until) else {
            return Poll::Pending;
        };
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(instant)));
        if sleep.deadline() != instant {
            sleep.as_mut().reset(instant);
        }
        sleep.as_mut().poll(context)
    }
}

impl Drop for AcceptedAttempt {
    /// A reset closes every connection at once, and may be faster than the attempt's own step.
    fn drop(&mut self) {
        if !self.ended {
            let reset = self.attempt_state.is_reset(self.mock.clock().now());
            self.end(if reset { AttemptEnd::Broken } else { AttemptEnd::Disconnected });
        }
    }
}
