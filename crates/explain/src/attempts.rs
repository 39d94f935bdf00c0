//! The attempts of a request: begun, first token, end.

use core::time::Duration;
use squall_determinism::Timestamp;
use squall_failure::Failure;
use squall_router::journal::{RequestLife, RequestStepKind};
use squall_router::{CancelReason, DeploymentId, RouterEvent, RouterInput, RouterOutput};

/// One attempt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttemptStory {
    /// Its number, as the core counts them: from 0.
    pub nth: u16,
    /// Where it ran.
    pub deployment: DeploymentId,
    /// When it began.
    pub started: Timestamp,
    /// When the first token of its stream came.
    pub first_token: Option<Timestamp>,
    /// When and how it ended; `None` if that is not known.
    pub ended: Option<(Timestamp, AttemptConclusion)>,
    /// It was to see whether its deployment has recovered.
    pub probe: bool,
}

/// How an attempt ended, as the router knows it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AttemptConclusion {
    /// With its whole answer.
    Finished,
    /// With a failure.
    Failed(Failure),
    /// The core stopped it.
    Cancelled(CancelReason),
    /// It was refused before anything was sent: no call was made.
    NotSent,
}

impl AttemptStory {
    /// How long it ran, as far as its end is known.
    #[must_use]
    pub fn lasted(&self) -> Option<Duration> {
        self.ended.map(|(at, _)| at.since(self.started))
    }
}

/// The calls that were made, in their order.
pub(crate) fn of(life: &RequestLife) -> Vec<AttemptStory> {
    let mut all = all(life);
    all.retain(|attempt| !matches!(attempt.ended, Some((_, AttemptConclusion::NotSent))));
    all
}

/// All that were begun, those included that turned out to be no call.
pub(crate) fn all(life: &RequestLife) -> Vec<AttemptStory> {
    let mut attempts: Vec<AttemptStory> = Vec::new();
    for step in &life.steps {
        let at = step.at;
        if let RequestStepKind::Said(RouterOutput::StartAttempt(start)) = &step.kind {
            attempts.push(AttemptStory {
                nth: start.attempt.nth,
                deployment: start.deployment,
                started: at,
                first_token: None,
                ended: None,
                probe: false,
            });
            continue;
        }
        let Some(nth) = attempt_of(&step.kind) else { continue };
        let Some(attempt) = attempts.iter_mut().rev().find(|each| each.nth == nth) else {
            continue;
        };
        match &step.kind {
            RequestStepKind::Told(RouterInput::FirstToken { .. }) => attempt.first_token = Some(at),
            RequestStepKind::Told(RouterInput::Finished { .. }) => {
                attempt.ended = Some((at, AttemptConclusion::Finished));
            }
            RequestStepKind::Told(RouterInput::Failed { failure, .. }) => {
                attempt.ended = Some((at, AttemptConclusion::Failed(*failure)));
            }
            RequestStepKind::Said(RouterOutput::CancelAttempt { reason, .. }) => {
                attempt.ended = Some((at, AttemptConclusion::Cancelled(*reason)));
            }
            RequestStepKind::Said(RouterOutput::Note(RouterEvent::NotSent { .. })) => {
                attempt.ended = Some((at, AttemptConclusion::NotSent));
            }
            RequestStepKind::Said(RouterOutput::Note(RouterEvent::Probe { .. })) => {
                attempt.probe = true;
            }
            RequestStepKind::Told(_) | RequestStepKind::Decided(_) | RequestStepKind::Said(_) => {}
        }
    }
    attempts
}

/// The number of the attempt that a step is about.
fn attempt_of(kind: &RequestStepKind) -> Option<u16> {
    let attempt = match *kind {
        RequestStepKind::Told(
            RouterInput::FirstToken { attempt }
            | RouterInput::Finished { attempt, .. }
            | RouterInput::Failed { attempt, .. },
        )
        | RequestStepKind::Said(
            RouterOutput::CancelAttempt { attempt, .. }
            | RouterOutput::Note(
                RouterEvent::NotSent { attempt, .. } | RouterEvent::Probe { attempt, .. },
            ),
        ) => attempt,
        RequestStepKind::Told(_) | RequestStepKind::Decided(_) | RequestStepKind::Said(_) => {
            return None;
        }
    };
    Some(attempt.nth)
}
