//! The attempts of a request: begun, first token, end.

use core::time::Duration;
use squall_determinism::Timestamp;
use squall_failure::Failure;
use squall_router::journal::{RequestTrace, TraceStepKind};
use squall_router::{CancelReason, DeploymentId, RouterEvent, RouterInput, RouterOutput};

/// One attempt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttemptSummary {
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

impl AttemptSummary {
    /// How long it ran, as far as its end is known.
    #[must_use]
    pub fn lasted(&self) -> Option<Duration> {
        self.ended.map(|(at, _)| at.since(self.started))
    }
}

/// The calls that were made, in their order.
pub(crate) fn of(trace: &RequestTrace) -> Vec<AttemptSummary> {
    let mut all = all(trace);
    all.retain(|attempt| !matches!(attempt.ended, Some((_, AttemptConclusion::NotSent))));
    all
}

/// All that were begun, those included that turned out to be no call.
pub(crate) fn all(trace: &RequestTrace) -> Vec<AttemptSummary> {
    let mut attempts: Vec<AttemptSummary> = Vec::new();
    for step in &trace.steps {
        let at = step.at;
        if let TraceStepKind::Output(RouterOutput::StartAttempt(start)) = &step.kind {
            attempts.push(AttemptSummary {
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
            TraceStepKind::Input(RouterInput::FirstToken { .. }) => attempt.first_token = Some(at),
            TraceStepKind::Input(RouterInput::Finished { .. }) => {
                attempt.ended = Some((at, AttemptConclusion::Finished));
            }
            TraceStepKind::Input(
                RouterInput::Failed { failure, .. } | RouterInput::Interrupted { failure, .. },
            ) => {
                attempt.ended = Some((at, AttemptConclusion::Failed(*failure)));
            }
            TraceStepKind::Output(RouterOutput::CancelAttempt { reason, .. }) => {
                attempt.ended = Some((at, AttemptConclusion::Cancelled(*reason)));
            }
            TraceStepKind::Output(RouterOutput::Note(RouterEvent::NotSent { .. })) => {
                attempt.ended = Some((at, AttemptConclusion::NotSent));
            }
            TraceStepKind::Output(RouterOutput::Note(RouterEvent::Probe { .. })) => {
                attempt.probe = true;
            }
            TraceStepKind::Input(_) | TraceStepKind::Decision(_) | TraceStepKind::Output(_) => {}
        }
    }
    attempts
}

/// The number of the attempt that a step is about.
fn attempt_of(kind: &TraceStepKind) -> Option<u16> {
    let attempt = match *kind {
        TraceStepKind::Input(
            RouterInput::FirstToken { attempt }
            | RouterInput::Finished { attempt, .. }
            | RouterInput::Failed { attempt, .. }
            | RouterInput::Interrupted { attempt, .. },
        )
        | TraceStepKind::Output(
            RouterOutput::CancelAttempt { attempt, .. }
            | RouterOutput::Note(
                RouterEvent::NotSent { attempt, .. } | RouterEvent::Probe { attempt, .. },
            ),
        ) => attempt,
        TraceStepKind::Input(_) | TraceStepKind::Decision(_) | TraceStepKind::Output(_) => {
            return None;
        }
    };
    Some(attempt.nth)
}
