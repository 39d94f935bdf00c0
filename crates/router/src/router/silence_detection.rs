//! Attempts whose answer has not begun, and the consequences when one is overdue.

use super::Router;
use crate::request_table::ActiveAttempt;
use crate::silence_detection::{Awaited, allowance, joint_allowance};
use crate::{AttemptId, DeploymentId, RouterEvent, SilenceCooldown};
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
        (deployment.unheard, deployment.silent_from) = (false, Timestamp::MAX);
        deployment.slowest[awaited as usize].take_in(now.since(started));
        deployment.record.answered(started);
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
        let now = self.now;
        let deployment = &mut self.deployments[id.index()];
        let Some(rule) = deployment.record.silence() else {
            (deployment.unheard, deployment.silent_from) = (false, Timestamp::MAX);
            return;
        };
        // Whoever waited may have been stopped by now; that nobody was answered stands.
        deployment.unheard |= now >= deployment.silent_from;
        let from = [Awaited::FirstToken, Awaited::Whole];
        let from =
            from.into_iter().filter_map(|awaited| self.silent_from(id, &rule, awaited)).min();
        self.deployments[id.index()].silent_from = from.unwrap_or(Timestamp::MAX);
    }

    /// From when those who wait for such answers have been waiting for longer than is usual, one of them or several
    /// at once; `None` while nobody waits.
    #[inline]
    fn silent_from(
        &mut self,
        id: DeploymentId,
        rule: &SilenceCooldown,
        awaited: Awaited,
    ) -> Option<Timestamp> {
        let deployment = &self.deployments[id.index()];
        let line = &deployment.lines[awaited as usize];
        let (since, answered_at) = (line.since?, deployment.answered_at);
        if deployment.unheard {
            return Some(since);
        }
        let usual = &self.groups[deployment.group.index()].response_times[awaited as usize];
        let alone = since.max(answered_at) + allowance(rule, usual, deployment.time_out(awaited));
        let slowest = &deployment.slowest[awaited as usize];
        let Some(allowed) = joint_allowance(rule, usual, slowest) else { return Some(alone) };
        let since = self.requests.all_wait_since(line, rule.concurrent);
        Some(since.map_or(alone, |since| alone.min(since.max(answered_at) + allowed)))
    }

    /// Whether a deployment is silent now: it has answered nobody for longer than is usual.
    pub(super) fn is_silent(&self, id: DeploymentId) -> bool {
        self.now >= self.deployments[id.index()].counts_as_silent_from(self.now)
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
