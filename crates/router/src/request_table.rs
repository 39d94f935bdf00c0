//! The table of requests in progress: their state, in slots that are reused.

use crate::admission::Permit;
use crate::deployment::RequestNeeds;
use crate::fallback::FallbackPath;
use crate::queue::QueuePosition;
use crate::silence_detection::{QueueLinks, UnansweredAttempts};
use crate::{
    AttemptId, DeploymentId, Features, GroupId, Overrides, RegionId, RequestArrival, RequestKey,
    RequestTag, Tags, TenantId, TokenUsage,
};
use alloc::vec::Vec;
use squall_determinism::Timestamp;
use squall_failure::Failure;

/// A request that has not ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestEntry {
    pub(crate) tag: RequestTag,
    /// Its place among all arrivals: what its draws are keyed by.
    pub(crate) serial: u64,
    /// The group asked for.
    pub(crate) origin: GroupId,
    /// The group it is in now.
    pub(crate) group: GroupId,
    pub(crate) stream: bool,
    pub(crate) priority: u8,
    /// Estimated tokens.
    pub(crate) input_tokens: u32,
    pub(crate) output_tokens: u32,
    pub(crate) deadline: Timestamp,
    /// Attempts begun, in all groups.
    pub(crate) attempts: u16,
    /// Those of them that were refused before anything was sent: no provider was called.
    pub(crate) unsent: u16,
    /// Retries begun in this group.
    pub(crate) retries: u16,
    /// Where it was tried in this group.
    pub(crate) tried: TriedDeployments,
    pub(crate) state: RequestState,
    /// The latest failure of an attempt, the first in this group, and the first of all: one of them is
    /// what the client is told in the end.
    pub(crate) last_failure: Option<Failure>,
    pub(crate) first_failure: Option<Failure>,
    pub(crate) original_failure: Option<Failure>,
    /// Why an attempt was refused before anything was sent: what the client is told if nothing else failed.
    pub(crate) refusal: Option<Failure>,
    /// An attempt of it has been held against a deployment.
    pub(crate) counted: bool,
    /// When a second attempt begins beside the one that runs; `MAX` for never.
    pub(crate) hedge_at: Timestamp,
    /// A second attempt has been begun beside another: there is one of them for each request.
    pub(crate) hedged: bool,
    pub(crate) tenant: Option<TenantId>,
    pub(crate) session: Option<u64>,
    tags: Tags,
    features: Features,
    region: Option<RegionId>,
    pub(crate) overrides: Overrides,
}

impl RequestEntry {
    pub(crate) fn new(arrival: &RequestArrival, serial: u64, deadline: Timestamp) -> Self {
        Self {
            tag: arrival.tag,
            serial,
            origin: arrival.group,
            group: arrival.group,
            stream: arrival.stream,
            priority: arrival.priority,
            input_tokens: arrival.input_tokens,
            output_tokens: arrival.output_tokens,
            deadline,
            attempts: 0,
            unsent: 0,
            retries: 0,
            tried: TriedDeployments::default(),
            state: RequestState::Deciding,
            last_failure: None,
            first_failure: None,
            original_failure: None,
            refusal: None,
            counted: false,
            hedge_at: Timestamp::MAX,
            hedged: false,
            tenant: arrival.tenant,
            session: arrival.session,
            tags: arrival.tags,
            features: arrival.features,
            region: arrival.region,
            overrides: arrival.overrides,
        }
    }

    /// Estimated tokens, prompt and answer.
    #[inline]
    pub(crate) fn tokens(&self) -> u64 {
        u64::from(self.input_tokens) + u64::from(self.output_tokens)
    }

    #[inline]
    pub(crate) fn needs(&self) -> RequestNeeds {
        RequestNeeds {
            tokens: self.tokens(),
            input_tokens: self.input_tokens,
            tags: self.tags,
            features: self.features,
            region: self.region,
        }
    }

    /// Calls made for it, in all groups.
    #[inline]
    pub(crate) const fn calls(&self) -> u16 {
        self.attempts.saturating_sub(self.unsent)
    }

    /// Its place among those who wait.
    pub(crate) fn rank(&self) -> QueuePosition {
        QueuePosition { priority: self.priority, serial: self.serial }
    }

    /// It begins in another group.
    pub(crate) fn move_to(&mut self, group: GroupId) {
        self.group = group;
        self.retries = 0;
        self.tried = TriedDeployments::default();
        self.state = RequestState::Deciding;
        self.first_failure = None;
    }
}

/// What a request is doing.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RequestState {
    /// Between two steps, only ever inside the core.
    Deciding,
    /// Waiting for its retry, or to leave its group.
    Backoff { leaves: bool },
    /// Waiting for a deployment of its group to become usable, at most until then.
    Queued { until: Timestamp },
    /// An attempt runs.
    Running(ActiveAttempt),
}

/// An attempt that runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ActiveAttempt {
    pub(crate) deployment: DeploymentId,
    pub(crate) nth: u16,
    pub(crate) permit: Permit,
    pub(crate) probe: bool,
    /// The retry budget was charged for it.
    pub(crate) charged: bool,
    /// Its client or its request's deadline allowed it less time than is configured.
    pub(crate) hurried: bool,
    /// The client has not taken what arrived for it: how long it lasts says nothing of its deployment.
    pub(crate) unread: bool,
    /// It runs beside the request's other attempt, and stands in no line.
    pub(crate) beside: bool,
    /// Its answer has begun.
    pub(crate) begun: bool,
    /// Its answer is the request's.
    pub(crate) committed: bool,
    /// Its answer is held back until it is whole.
    pub(crate) holds: bool,
    /// Its stream may go on elsewhere if it breaks off.
    pub(crate) may_continue: bool,
    /// It has broken off behind so many tokens of its own, and its stream goes on elsewhere.
    pub(crate) brought: Option<u32>,
    pub(crate) started: Timestamp,
    pub(crate) first_token: Option<Timestamp>,
    /// When its answer must have begun, or what holds of it later must have happened.
    pub(crate) due: Timestamp,
    /// When the whole attempt must have ended.
    pub(crate) total_due: Timestamp,
}

/// What the client of a request has of its answer from attempts that broke off.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BegunAnswer {
    /// What they used.
    pub(crate) used: TokenUsage,
    /// How many tokens of that in groups that the request has left.
    pub(crate) left_behind: u64,
    /// How the last of them broke off.
    pub(crate) failure: Failure,
}

/// A second attempt that runs beside the first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HedgeAttempt {
    pub(crate) running: ActiveAttempt,
    /// Where it runs: the request's group, or one that it may fall back to.
    pub(crate) group: GroupId,
    /// The way to that group.
    pub(crate) path: Option<FallbackPath>,
    /// What it holds at that group's limiter, if that is another's than the request's.
    pub(crate) permit: Option<Permit>,
}

/// The deployments a request was tried at, as far back as retries go in practice.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TriedDeployments {
    deployments: [u16; TRIED_MAX],
    count: u16,
}

/// More retries than this in one group, and the first ones count as untried again.
const TRIED_MAX: usize = 8;

impl TriedDeployments {
    pub(crate) fn add(&mut self, deployment: DeploymentId) {
        self.deployments[usize::from(self.count) % TRIED_MAX] = deployment.0;
        self.count = self.count.saturating_add(1);
    }

    #[inline]
    pub(crate) fn contains(&self, deployment: DeploymentId) -> bool {
        self.deployments[..usize::from(self.count).min(TRIED_MAX)].contains(&deployment.0)
    }

    /// Whether the latest attempt there was not the first.
    pub(crate) fn is_repeated(&self, deployment: DeploymentId) -> bool {
        let known = &self.deployments[..usize::from(self.count).min(TRIED_MAX)];
        known.iter().filter(|&&tried| tried == deployment.0).count() > 1
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// The requests, in slots that are used again; a generation tells who is meant.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestTable {
    slots: Vec<RequestSlot>,
    free: Vec<u32>,
}

#[derive(Clone, Debug)]
struct RequestSlot {
    generation: u32,
    request: Option<RequestEntry>,
    cold: RequestColdState,
}

/// What of a request is seldom looked at.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestColdState {
    /// Its way through groups, once it has left the first.
    pub(crate) path: Option<FallbackPath>,
    /// What it holds at its tenant's limiter, and at its group's.
    pub(crate) tenant: Option<Permit>,
    pub(crate) group: Option<Permit>,
    /// Deployments of its group that have refused this very request, or cannot be told it: they are not
    /// asked again. At most the group's; the slot keeps the room for its next request.
    pub(crate) refused_by: Vec<DeploymentId>,
    /// The second attempt, while it runs beside the first.
    pub(crate) hedge: Option<HedgeAttempt>,
    /// The group in which a second attempt has failed that the request has not been in: one attempt there is made.
    pub(crate) hedge_failed_in: Option<GroupId>,
    /// What its client has of the answer, if the rest is asked for elsewhere.
    pub(crate) begun_answer: Option<BegunAnswer>,
    /// What LiteLLM's rules have tried in its group before they leave it.
    pub(crate) hops: GroupHops,
    /// Its neighbours among those who wait for an answer of its deployment.
    neighbours: QueueLinks,
}

/// What LiteLLM tries in a group beyond its retries, before the request leaves it.
#[derive(Clone, Debug, Default)]
pub(crate) struct GroupHops {
    /// The order that is tried; `None` for the lowest that is usable.
    pub(crate) order: Option<u8>,
    /// Failovers to a deployment that was not asked.
    pub(crate) failovers: u8,
    /// The deployments that were asked, where that is looked at. The slot keeps the room for its next request.
    pub(crate) asked: Vec<DeploymentId>,
}

impl GroupHops {
    pub(crate) fn clear(&mut self) {
        (self.order, self.failovers) = (None, 0);
        self.asked.clear();
    }
}

impl RequestColdState {
    fn clear(&mut self) {
        (self.path, self.tenant, self.group) = (None, None, None);
        (self.hedge, self.hedge_failed_in) = (None, None);
        self.begun_answer = None;
        self.neighbours = QueueLinks::default();
        self.refused_by.clear();
        self.hops.clear();
    }
}

impl RequestTable {
    pub(crate) fn insert(&mut self, request: RequestEntry) -> RequestKey {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(RequestSlot {
                generation: 0,
                request: None,
                cold: RequestColdState::default(),
            });
            self.slots.len() as u32 - 1
        });
        let place = &mut self.slots[slot as usize];
        place.request = Some(request);
        RequestKey { slot, generation: place.generation }
    }

    pub(crate) fn remove(&mut self, slot: u32) -> Option<RequestEntry> {
        let place = self.slots.get_mut(slot as usize)?;
        let request = place.request.take()?;
        place.generation = place.generation.wrapping_add(1);
        place.cold.clear();
        self.free.push(slot);
        Some(request)
    }

    /// The slot's name for its present request.
    pub(crate) fn key(&self, slot: u32) -> RequestKey {
        RequestKey { slot, generation: self.slots[slot as usize].generation }
    }

    /// The request of a slot that is known to be taken.
    #[inline]
    pub(crate) fn at(&mut self, slot: u32) -> &mut RequestEntry {
        self.slots[slot as usize]
            .request
            .as_mut()
            .expect("the slot is taken while its request lives")
    }

    /// What is seldom looked at of the request in a slot.
    pub(crate) fn cold(&mut self, slot: u32) -> &mut RequestColdState {
        &mut self.slots[slot as usize].cold
    }

    /// The request in a slot, whose attempt has just begun, joins the end of a line.
    pub(crate) fn join(&mut self, line: &mut UnansweredAttempts, slot: u32, now: Timestamp) {
        self.cold(slot).neighbours = QueueLinks { before: line.last, behind: None };
        match line.last {
            Some(last) => self.cold(last).neighbours.behind = Some(slot),
            None => (line.first, line.since) = (Some(slot), Some(now)),
        }
        line.last = Some(slot);
    }

    /// The request in a slot leaves the line that it stands in.
    pub(crate) fn leave(&mut self, line: &mut UnansweredAttempts, slot: u32) {
        let QueueLinks { before, behind } = core::mem::take(&mut self.cold(slot).neighbours);
        match behind {
            Some(behind) => self.cold(behind).neighbours.before = before,
            None => line.last = before,
        }
        let Some(before) = before else {
            line.first = behind;
            line.since = behind.and_then(|first| self.started(first));
            return;
        };
        self.cold(before).neighbours.behind = behind;
    }

    /// Since when the first `count` of a line all wait.
    pub(crate) fn all_wait_since(
        &mut self,
        line: &UnansweredAttempts,
        count: u32,
    ) -> Option<Timestamp> {
        let mut slot = line.first?;
        for _ in 1..count {
            slot = self.cold(slot).neighbours.behind?;
        }
        self.started(slot)
    }

    fn started(&mut self, slot: u32) -> Option<Timestamp> {
        match self.at(slot).state {
            RequestState::Running(running) => Some(running.started),
            RequestState::Deciding | RequestState::Backoff { .. } | RequestState::Queued { .. } => {
                None
            }
        }
    }

    /// Whether this is still a request that lives.
    #[inline]
    pub(crate) fn lives(&self, key: RequestKey) -> bool {
        self.slots
            .get(key.slot as usize)
            .is_some_and(|slot| slot.generation == key.generation && slot.request.is_some())
    }

    /// The second attempt that runs under this name beside the first, if it still does.
    #[inline]
    pub(crate) fn beside(&mut self, attempt: AttemptId) -> Option<&mut HedgeAttempt> {
        if !self.lives(attempt.request) || !self.at(attempt.request.slot).hedged {
            return None;
        }
        let hedge = self.cold(attempt.request.slot).hedge.as_mut();
        hedge.filter(|hedge| hedge.running.nth == attempt.nth)
    }

    /// The attempt that runs under this name, if it still does; not one that runs beside another.
    #[inline]
    pub(crate) fn running(&mut self, attempt: AttemptId) -> Option<&mut ActiveAttempt> {
        if !self.lives(attempt.request) {
            return None;
        }
        match &mut self.at(attempt.request.slot).state {
            RequestState::Running(running) => {
                Some(running).filter(|running| running.nth == attempt.nth)
            }
            RequestState::Deciding | RequestState::Backoff { .. } | RequestState::Queued { .. } => {
                None
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }
}
