//! Liveness and readiness of a gateway.

use crate::app_state::AppState;
use crate::local_reply::{GroupState, unavailable};
use crate::serving::ShutdownStage;

/// Groups that are named when none of them can take a request.
const GROUPS_NAMED_MAX: usize = 4;

/// Whether a gateway is to be sent requests.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum ReadyState {
    Ready,
    /// It stops: that is told before anything else changes.
    Draining,
    /// An operator has paused its intake.
    Paused,
    /// Every deployment of every group cools down or fails its health checks.
    NoDeployment(Vec<GroupState>),
    /// A panic in the core: a defect, which only a restart mends.
    CoreFailed,
}

impl ReadyState {
    pub(crate) fn of(app: &AppState) -> Self {
        if app.handle.has_failed() {
            return Self::CoreFailed;
        }
        match app.server.stage() {
            ShutdownStage::Leaving | ShutdownStage::Draining | ShutdownStage::Cut => Self::Draining,
            ShutdownStage::Open if app.operator.is_paused() => Self::Paused,
            ShutdownStage::Open => {
                app.handle.none_usable(GROUPS_NAMED_MAX).map_or(Self::Ready, Self::NoDeployment)
            }
        }
    }

    pub(crate) const fn is_ready(&self) -> bool {
        match self {
            Self::Ready => true,
            Self::Draining | Self::Paused | Self::NoDeployment(_) | Self::CoreFailed => false,
        }
    }

    /// Its word, for a program.
    pub(crate) const fn reason(&self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Draining => "draining",
            Self::Paused => "paused",
            Self::NoDeployment(_) => "no_deployment",
            Self::CoreFailed => "core_failed",
        }
    }

    /// What it means, for a person.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::Ready => "requests are served".to_owned(),
            Self::Draining => "this gateway is shutting down".to_owned(),
            Self::Paused => "an operator has paused this gateway".to_owned(),
            Self::NoDeployment(groups) => unavailable(groups),
            Self::CoreFailed => {
                "the core has failed: see the log, and restart the gateway".to_owned()
            }
        }
    }
}
