//! How long a request waited, and for what.

use core::time::Duration;
use squall_determinism::Timestamp;
use squall_router::journal::{RequestTrace, TraceStepKind};
use squall_router::{LimitScope, RouterDecision, RouterEvent, RouterOutput};

/// A wait between two steps of a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct WaitSummary {
    /// For what.
    pub reason: WaitedFor,
    /// From when.
    pub from: Timestamp,
    /// Until when; `None` if the journal ends first.
    pub until: Option<Timestamp>,
    /// The latest that is known of it, if it has no end.
    seen: Timestamp,
}

/// What a request waited for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WaitedFor {
    /// A deployment of its group to become usable.
    Queue,
    /// Its turn, behind others who wait.
    Turn,
    /// A limit of its group or tenant.
    Admission(LimitScope),
    /// The backoff before a retry.
    Backoff,
    /// The backoff before a retry, on top of what the provider asked for.
    RetryAfter,
}

impl WaitSummary {
    /// How long, as far as is known.
    #[must_use]
    pub fn lasted(&self) -> Duration {
        self.until.unwrap_or(self.seen).since(self.from)
    }
}

/// The waits of a request, in their order; those that took no time are none.
pub(crate) fn of(trace: &RequestTrace) -> Vec<WaitSummary> {
    let mut waits: Vec<WaitSummary> = Vec::new();
    // What the wait that begins next is for, as far as it was said before.
    let mut because = WaitedFor::Queue;
    let last = trace.steps.last().map_or(trace.arrived, |step| step.at);
    for step in &trace.steps {
        let at = step.at;
        let begins = match &step.kind {
            TraceStepKind::Decision(RouterDecision::WaitsItsTurn { .. }) => {
                because = WaitedFor::Turn;
                continue;
            }
            TraceStepKind::Output(RouterOutput::Note(RouterEvent::RateLimited {
                limit, ..
            })) => {
                because = WaitedFor::Admission(*limit);
                continue;
            }
            TraceStepKind::Output(RouterOutput::Note(RouterEvent::Queued { .. })) => {
                Some(core::mem::replace(&mut because, WaitedFor::Queue))
            }
            TraceStepKind::Output(RouterOutput::Note(RouterEvent::RetryScheduled {
                wait, ..
            })) => Some(match wait.retry_after {
                Some(_) => WaitedFor::RetryAfter,
                None => WaitedFor::Backoff,
            }),
            TraceStepKind::Output(
                RouterOutput::StartAttempt(_)
                | RouterOutput::Done { .. }
                | RouterOutput::Note(RouterEvent::FellBack { .. }),
            ) => None,
            TraceStepKind::Input(_) | TraceStepKind::Decision(_) | TraceStepKind::Output(_) => {
                continue;
            }
        };
        if let Some(open) = waits.last_mut().filter(|wait| wait.until.is_none()) {
            open.until = Some(at);
        }
        if let Some(reason) = begins {
            waits.push(WaitSummary { reason, from: at, until: None, seen: last });
        }
    }
    waits.retain(|wait| wait.until.is_none() || !wait.lasted().is_zero());
    waits
}
