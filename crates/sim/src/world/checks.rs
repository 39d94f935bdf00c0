//! Checks of deployments apart from traffic.

use super::World;
use crate::event::EventKind;
use squall_provider::CheckAnswer;
use squall_router::{DeploymentId, RouterInput};
use std::time::Duration;

impl World<'_> {
    /// Asks a deployment's provider for its models: no traffic, no tokens, no limit.
    pub(super) fn check(&mut self, replica: u16, deployment: DeploymentId, timeout: Duration) {
        let provider = self.provider_of(deployment);
        match self.providers[provider].answers_checks(self.now) {
            CheckAnswer::Answered => self.checked(replica, deployment, true),
            CheckAnswer::Refused => self.checked(replica, deployment, false),
            CheckAnswer::Failed { status, class: _ } => {
                // As the gateway judges: not all who serve chat serve the list.
                let passed = status < 500 && !matches!(status, 401 | 403);
                self.checked(replica, deployment, passed);
            }
            CheckAnswer::Nothing => {
                self.events.push(self.now + timeout, EventKind::CheckLost(replica, deployment));
            }
        }
    }

    pub(super) fn checked(&mut self, replica: u16, deployment: DeploymentId, passed: bool) {
        self.tell_router(replica, RouterInput::Checked { deployment, passed });
    }
}
