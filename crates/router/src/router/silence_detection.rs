//! Attempts whose answer has not begun, and the consequences when one is overdue.

use super::Router;
use crate::request_table::ActiveAttempt;
use crate::silence_detection::{Awaited, allowance};
use crate::{AttemptId, DeploymentId, RouterEvent};
use squall_determinism::Timestamp;
use squall_failure::{Failure, FailureClass, FailureSource};

impl Router {
    /// The attempt of the request in `slot` has begun.
    #[inline]
    pub(super) fn awaits(&mut self, slot: u32, id: DeploymentId) {
        let line = Awaited::of(self.requests.at(slot).stream) as usize;
        let deployment = &mut self.deployments[id.index()];
        self.requests.join(&mut deployment.lines[line], slot, self.now);
        self.watch(id);
    }

    /// Nobody waits any more for that attempt's answer to begin: it has, or it has ended.
    #[inline]
    pub(super) fn awaits_no_more(&mut self, slot: u32, id: DeploymentId) {
        let line = Awaited::of(self.requests.at(slot).stream) as usize;
        let deployment = &mut self.deployments[id.index()];
        self.requests.leave(&mut deployment.lines[line], slot);
        self.watch(id);
    }

    /// The answer to the request in `slot` has begun, after the attempt had run since `started`.
    #[inline]
    pub(super) fn answer_began(&mut self, slot: u32, id: DeploymentId, started: Timestamp) {
        let now = self.now;
        let awaited = Awaited::of(self.requests.at(slot).stream);
        let deployment = &mut self.deployments[id.index()];
        deployment.answered_at = now;
        deployment.record.answered();
        let group = &mut self.groups[deployment.group.index()];
        group.response_times[awaited as usize].take_in(now.since(started));
        self.awaits_no_more(slot, id);
        let deployment = &self.deployments[id.index()];
        if let Some(place) = deployment.place {
            let index = &mut self.groups[deployment.group.index()].candidates;
            index.last_from[place] = deployment.last_from(now);
        }
    }

    /// Finds from when a deployment is silent, if it goes on saying nothing.
    #[inline]
    pub(super) fn watch(&mut self, id: DeploymentId) {
        let deployment = &mut self.deployments[id.index()];
        let usual = &self.groups[deployment.group.index()].response_times;
        let Some(rule) = deployment.record.silence() else {
            deployment.silent_from = Timestamp::MAX;
            return;
        };
        let from = |awaited: Awaited| {
            let since = deployment.lines[awaited as usize].since?.max(deployment.answered_at);
            let time_out = deployment.time_out(awaited);
            Some(since + allowance(&rule, &usual[awaited as usize], time_out))
        };
        let from = [from(Awaited::FirstToken), from(Awaited::Whole)].into_iter().flatten().min();
        deployment.silent_from = from.unwrap_or(Timestamp::MAX);
    }

    /// Whether a deployment is picked last now: it has answered nobody for longer than is usual.
    pub(super) fn is_silent(&self, id: DeploymentId) -> bool {
        self.now >= self.deployments[id.index()].last_from(self.now)
    }

    /// Whether an attempt has been silent for longer than is usual.
    pub(super) fn is_overdue(&mut self, slot: u32, running: &ActiveAttempt) -> bool {
        let awaited = Awaited::of(self.requests.at(slot).stream);
        let deployment = &self.deployments[running.deployment.index()];
        let Some(rule) = deployment.record.silence() else { return false };
        let usual = &self.groups[deployment.group.index()].response_times[awaited as usize];
        let allowed = allowance(&rule, usual, deployment.time_out(awaited));
        !running.begun && self.now.since(running.started) >= allowed
    }

    /// An attempt is ended from outside. If it was overdue by then, that is its deployment's failure, as a
    /// time-out would have been; if not, it says nothing.
    pub(super) fn cut_short(&mut self, slot: u32, attempt: AttemptId, running: &ActiveAttempt) {
        let id = running.deployment;
        if !self.is_overdue(slot, running) {
            self.attempt_lost(slot, running, None);
            self.deployments[id.index()].record.probe_ended(running.probe);
            return;
        }
        let failure = Failure::new(FailureClass::Timeout, FailureSource::Provider);
        self.note(RouterEvent::Silent { attempt, deployment: id });
        self.attempt_lost(slot, running, Some(&failure));
        self.blame(slot, running, failure);
    }
}
