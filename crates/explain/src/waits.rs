//! How long a request waited, and for what.

use core::time::Duration;
use squall_determinism::Timestamp;
use squall_router::journal::{RequestLife, RequestStepKind};
use squall_router::{LimitScope, RouterDecision, RouterEvent, RouterOutput};

/// A wait between two steps of a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct WaitStory {
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

impl WaitStory {
    /// How long, as far as is known.
    #[must_use]
    pub fn lasted(&self) -> Duration {
        self.until.unwrap_or(self.seen).since(self.from)
    }
}

/// The waits of a request, in their order; those that took no time are none.
pub(crate) fn of(life: &RequestLife) -> Vec<WaitStory> {
    let mut waits: Vec<WaitStory> = Vec::new();
    // What the wait that begins next is for, as far as it was said before.
    let mut because = WaitedFor::Queue;
    let last = life.steps.last().map_or(life.arrived, |step| step.at);
    for step in &life.steps {
        let at = step.at;
        let begins = match &step.kind {
            RequestStepKind::Decided(RouterDecision::WaitsItsTurn { .. }) => {
                because = WaitedFor::Turn;
                continue;
            }
            RequestStepKind::Said(RouterOutput::Note(RouterEvent::HeldBack { limit, .. })) => {
                because = WaitedFor::Admission(*limit);
                continue;
            }
            RequestStepKind::Said(RouterOutput::Note(RouterEvent::Queued { .. })) => {
                Some(core::mem::replace(&mut because, WaitedFor::Queue))
            }
            RequestStepKind::Said(RouterOutput::Note(RouterEvent::RetryScheduled {
                wait, ..
            })) => Some(match wait.retry_after {
                Some(_) => WaitedFor::RetryAfter,
                None => WaitedFor::Backoff,
            }),
            RequestStepKind::Said(
                RouterOutput::StartAttempt(_)
                | RouterOutput::Done { .. }
                | RouterOutput::Note(RouterEvent::FellBack { .. }),
            ) => None,
            RequestStepKind::Told(_) | RequestStepKind::Decided(_) | RequestStepKind::Said(_) => {
                continue;
            }
        };
        if let Some(open) = waits.last_mut().filter(|wait| wait.until.is_none()) {
            open.until = Some(at);
        }
        if let Some(reason) = begins {
            waits.push(WaitStory { reason, from: at, until: None, seen: last });
        }
    }
    waits.retain(|wait| wait.until.is_none() || !wait.lasted().is_zero());
    waits
}
