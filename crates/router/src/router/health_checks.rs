//! Health checks: when they are due, and their results.

use super::Router;
use crate::{DeploymentId, HealthChecks, RouterEvent, RouterOutput};
use core::time::Duration;

impl Router {
    /// Spreads the first checks over one period, so that they do not all come at once.
    pub(super) fn stagger(&mut self, checks: &HealthChecks) {
        let places = self.deployments.len();
        let part = checks.every.as_nanos() / places.max(1) as u128;
        for place in 0..places {
            if self.deployments[place].place.is_none() {
                self.check_timers.disarm(place as u32);
            } else if !self.check_timers.is_armed(place as u32) {
                let wait = u64::try_from(part * place as u128).unwrap_or(u64::MAX);
                self.arm_check(DeploymentId(place as u16), Duration::from_nanos(wait));
            }
        }
    }

    fn arm_check(&mut self, id: DeploymentId, wait: Duration) {
        self.sequence += 1;
        self.check_timers.arm(id.0.into(), self.now + wait, self.sequence);
    }

    pub(super) fn check_due(&mut self, id: DeploymentId) {
        let Some(checks) = self.health_checks else { return };
        self.outputs.push_back(RouterOutput::Check { deployment: id, timeout: checks.timeout });
        self.arm_check(id, checks.every);
    }

    /// A check has ended. When it changes what is thought of a deployment, that may change what is
    /// thought of all in its group: checks that find everyone unhealthy are not believed.
    pub(super) fn checked(&mut self, id: DeploymentId, passed: bool) {
        let (Some(checks), Some(deployment)) =
            (self.health_checks, self.deployments.get_mut(id.index()))
        else {
            self.ignored += 1;
            return;
        };
        if deployment.place.is_none() {
            self.ignored += 1;
            return;
        }
        if !deployment.health.checked(&checks, passed) {
            return;
        }
        let (healthy, group) = (!deployment.health.unhealthy, deployment.group);
        self.note(RouterEvent::HealthChanged { deployment: id, healthy });
        self.renew_group(group);
        if healthy {
            self.begin_ramp(id);
        }
        self.serve_queue(group);
    }
}
