//! Requests that wait for a deployment of their group, by priority.

use super::Router;
use super::admission_control::LimitedRequest;
use super::pick::{CandidateScope, NoCandidate, PickOutcome};
use crate::queue::{QueueLane, QueuePosition, QueuedRequest};
use crate::request_table::RequestState;
use crate::{DeploymentId, GroupId, RequestKey, RouterEvent, UnavailablePolicy};
use core::ops::Bound;
use squall_defects::{Defect, planted};
use squall_determinism::Timestamp;

impl Router {
    /// Queued requests of the same or a higher priority go first.
    pub(super) fn must_wait_its_turn(&mut self, slot: u32) -> bool {
        let request = self.requests.at(slot);
        let queue = &self.groups[request.group.index()].queue;
        let fresh =
            !matches!(request.state, RequestState::Queued { .. } | RequestState::Backoff { .. });
        fresh && queue.first().is_some_and(|(first, _)| first.priority <= request.priority)
    }

    /// Joins the queue. It may pass queued requests that have constraints, or limits of their own.
    pub(super) fn wait_its_turn(&mut self, slot: u32) {
        self.explain_turn(slot);
        let request = self.requests.at(slot);
        let group = request.group;
        let first = self.groups[group.index()].queue.first();
        let why = NoCandidate { possible: true, spent: false, ..NoCandidate::default() };
        self.wait_or_move_on(slot, why);
        if first.is_some_and(|(_, waiting)| waiting.lane.lets_pass()) {
            self.serve_queue(group);
        }
    }

    /// No deployment can take the request now.
    pub(super) fn group_unavailable(&mut self, slot: u32, why: NoCandidate) {
        if !why.out || !why.possible {
            self.wait_or_move_on(slot, why);
            return;
        }
        let group = self.requests.at(slot).group;
        let request = self.requests.key(slot);
        self.note(RouterEvent::GroupUnavailable { request, group });
        match self.groups[group.index()].config.when_unavailable {
            UnavailablePolicy::Wait => self.wait_or_move_on(slot, why),
            UnavailablePolicy::Fail | UnavailablePolicy::FailStating(_) => {
                self.move_on(slot, Some(why))
            }
            UnavailablePolicy::Panic => match self.pick(slot, CandidateScope::IgnoringCooldowns) {
                PickOutcome::Deployment { id, .. } => self.start(slot, id, false),
                PickOutcome::None(why) => self.wait_or_move_on(slot, why),
            },
        }
    }

    /// Queues the request if allowed, or moves on.
    pub(super) fn wait_or_move_on(&mut self, slot: u32, why: NoCandidate) {
        self.want_more_quota();
        let now = self.now;
        let request = self.requests.at(slot);
        let (of, rank, deadline) = (request.group, request.rank(), request.deadline);
        let (constrained, tenant) = (request.needs().are_particular(), request.tenant);
        let constrained = constrained || !self.requests.cold(slot).refused_by.is_empty();
        let lane = if constrained { QueueLane::Constrained } else { QueueLane::InOrder(tenant) };
        let until = (now + self.groups[of.index()].config.max_queue_wait).min(deadline);
        let until = self.wait_ends(slot, until);
        let group = &self.groups[of.index()];
        let soon_enough = why.earliest.is_none_or(|at| at <= until);
        if !why.possible || !soon_enough || until <= now {
            self.move_on(slot, Some(why));
            return;
        }
        let key = self.requests.key(slot);
        if let Some(served) = self.served_too_late(of, rank, until) {
            self.note(RouterEvent::Shed { request: key, group: of });
            self.move_on(slot, Some(NoCandidate { earliest: Some(served), ..why }));
            return;
        }
        let more = usize::from(planted(Defect::QueueBoundless));
        if group.queue.len() >= group.config.max_queued as usize + more {
            // Replaces the last request of lower priority, if there is one.
            let last = group.queue.last().filter(|(last, _)| last.priority > rank.priority);
            let out = last.map_or(key, |(_, waiting)| waiting.key);
            self.note(RouterEvent::QueueFull { request: out, group: of });
            if out == key {
                self.move_on(slot, Some(why));
                return;
            }
            self.leave_queue(out.slot);
            self.move_on(out.slot, Some(why));
        }
        self.groups[of.index()].queue.push(rank, QueuedRequest { key, lane });
        self.requests.at(slot).state = RequestState::Queued { until };
        self.note(RouterEvent::Queued { request: key, group: of, until });
        self.arm_queued(slot);
        self.shed_the_hopeless(of, Some(key));
    }

    /// When one at this place would be served, at the pace at which the queue is, if that is after `until` and the
    /// group sheds such requests.
    fn served_too_late(
        &self,
        group: GroupId,
        rank: QueuePosition,
        until: Timestamp,
    ) -> Option<Timestamp> {
        let group = &self.groups[group.index()];
        if !group.config.queue_shedding {
            return None;
        }
        let served = group.queue.served_at(self.now, group.queue.ahead_of(rank));
        served.filter(|&served| served > until)
    }

    /// Refuses those at the end of the queue that it would not serve in time, but not `keep`: the lowest priority
    /// first, of those the latest. Where more arrive than are served, those are the ones with the least hope.
    fn shed_the_hopeless(&mut self, group: GroupId, keep: Option<RequestKey>) {
        while let Some((rank, QueuedRequest { key, .. })) = self.groups[group.index()].queue.last()
            && Some(key) != keep
            && let RequestState::Queued { until } = self.requests.at(key.slot).state
        {
            let Some(served) = self.served_too_late(group, rank, until) else { return };
            self.note(RouterEvent::Shed { request: key, group });
            self.leave_queue(key.slot);
            let why = self.why_none(key.slot);
            self.move_on(key.slot, Some(NoCandidate { earliest: Some(served), ..why }));
        }
    }

    /// The timer of a queued request: a deployment may be available, or its maximum wait is over.
    pub(super) fn queue_due(&mut self, slot: u32) {
        let key = self.requests.key(slot);
        let group = self.requests.at(slot).group;
        self.serve_queue(group);
        if !self.requests.lives(key) {
            return;
        }
        let RequestState::Queued { until } = self.requests.at(slot).state else { return };
        if self.now >= until {
            self.leave_queue(slot);
            let why = self.why_none(slot);
            self.move_on(slot, Some(why));
        } else {
            self.arm_queued(slot);
        }
    }

    /// Sets a waiting request's timer: when it could start, or its patience ends.
    fn arm_queued(&mut self, slot: u32) {
        let RequestState::Queued { until } = self.requests.at(slot).state else { return };
        let earliest = self.could_start(slot).filter(|&at| at > self.now);
        self.arm_request(slot, earliest.map_or(until, |at| at.min(until)));
    }

    /// When a deployment could take a waiting request; `None` where that takes an event, or somebody before it starts
    /// or leaves first, who has the timer then.
    fn could_start(&mut self, slot: u32) -> Option<Timestamp> {
        let request = self.requests.at(slot);
        let (group, rank) = (request.group, request.rank());
        let queue = &self.groups[group.index()].queue;
        let is_next =
            queue.is_first_of_lane(rank) || queue.lane(rank) == Some(QueueLane::Constrained);
        match self.over_limit(slot) {
            Some(held) if is_next || !held.holds_all() => held.why.earliest,
            None if is_next => self.why_none(slot).earliest,
            _ => None,
        }
    }

    pub(super) fn leave_queue(&mut self, slot: u32) {
        let request = self.requests.at(slot);
        request.state = RequestState::Deciding;
        let (group, rank) = (request.group, request.rank());
        if let Some(next) = self.groups[group.index()].queue.remove(rank) {
            self.arm_queued(next.slot);
        }
    }

    /// Starts queued requests of a group, in order, while deployments are available.
    pub(super) fn serve_queue(&mut self, group: GroupId) {
        if self.groups[group.index()].queue.is_empty() {
            return;
        }
        let mut walk = core::mem::take(&mut self.queue_walk);
        walk.begin(&self.groups[group.index()].queue);
        while let Some((rank, waiting)) = walk.next(&self.groups[group.index()].queue) {
            let from = match self.serve_next(group, rank, waiting) {
                // A newer request may have started as a probe: it is still its turn then.
                ServedRequest::Started => Bound::Included(rank),
                ServedRequest::Waits => Bound::Excluded(rank),
                ServedRequest::LaneWaits => continue,
                ServedRequest::AllWait => break,
            };
            walk.go_on(&self.groups[group.index()].queue, waiting.lane, from);
        }
        self.queue_walk = walk;
    }

    /// Starts one queued request if it can start now.
    fn serve_next(
        &mut self,
        group: GroupId,
        rank: QueuePosition,
        waiting: QueuedRequest,
    ) -> ServedRequest {
        let slot = waiting.key.slot;
        let held = self.over_limit(slot);
        let picked = if held.is_some() {
            None
        } else {
            let scope = self.candidates(slot);
            match self.pick(slot, scope) {
                PickOutcome::Deployment { id, probe } => Some((id, probe)),
                PickOutcome::None(_) => None,
            }
        };
        let Some((id, probe)) = picked else {
            self.arm_queued(slot);
            return ServedRequest::of_waiting(waiting.lane, held);
        };
        let last = probe && !planted(Defect::ProbeWithTheOldest);
        let bearer = if last { self.bearer(group, id) } else { None };
        let (rank, slot) = bearer.unwrap_or((rank, slot));
        let next = self.groups[group.index()].queue.serve(self.now, rank);
        self.requests.at(slot).state = RequestState::Deciding;
        self.start(slot, id, probe);
        if let Some(next) = next.filter(|&next| self.requests.lives(next)) {
            self.arm_queued(next.slot);
        }
        self.shed_the_hopeless(group, None);
        ServedRequest::Started
    }

    /// Which queued request is used as a probe: the newest one that may go there. The oldest has the least
    /// time left, and a probe that is cut by a deadline is no evidence: with the first in the queue, a
    /// healthy deployment might never be detected.
    fn bearer(&mut self, group: GroupId, id: DeploymentId) -> Option<(QueuePosition, u32)> {
        let (rank, waiting) = self.groups[group.index()].queue.last()?;
        let slot = waiting.key.slot;
        if self.over_limit(slot).is_some() {
            return None;
        }
        let scope = self.candidates(slot);
        let bears = self.pick(slot, scope) == PickOutcome::Deployment { id, probe: true };
        bears.then_some((rank, slot))
    }

    /// Starts queued requests of all groups.
    pub(super) fn serve_queues(&mut self) {
        for group in 0..self.groups.len() {
            if !self.groups[group].queue.is_empty() {
                self.serve_queue(GroupId(group as u16));
            }
        }
    }
}

/// What came of looking at a queued request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum ServedRequest {
    /// It has left the queue, or a newer one has as a probe.
    Started,
    /// It waits by itself; any other may start.
    Waits,
    /// Nobody of its lane can start before it.
    LaneWaits,
    /// Nobody can start before it.
    AllWait,
}

impl ServedRequest {
    /// Who waits with one that cannot start, delayed by a limit or for want of a deployment.
    fn of_waiting(lane: QueueLane, held: Option<LimitedRequest>) -> Self {
        match (lane, held) {
            (QueueLane::Constrained, _) => Self::Waits,
            (QueueLane::InOrder(_), Some(held)) if held.tenant.is_some() => {
                // Of a limit on tokens a smaller request may find enough left.
                if held.holds_all() { Self::LaneWaits } else { Self::Waits }
            }
            // Any deployment would do, and none is there; or the limit is that of the whole group.
            (QueueLane::InOrder(_), _) => Self::AllWait,
        }
    }
}
