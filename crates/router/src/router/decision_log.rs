//! Records why decisions are made, for the requests that are explained; for all others it costs one branch. Everything
//! is evaluated before the decision and on copies, so that recording changes nothing.

use super::Router;
use super::pick::{CandidateScope, HealthUse, NoCandidate, PickConstraints, PickOutcome, assess};
use crate::cooldown::FailureEvidence;
use crate::deployment::{CannotServe, Readiness, TagClass};
use crate::explained_decision::{
    AfterFailure, CandidateView, Eligibility, ExplainedDecision, FailureWeight, NextStep,
    NoneInTime, PickNeeds, PickReasons, PickScope, RetryBudgetUse, RouterDecision,
};
use crate::retry::{RetryContext, RetryDecision};
use crate::{
    Candidates, DeploymentId, GroupId, PickContext, RequestKey, RouterEvent, RouterOutput, Strategy,
};
use alloc::boxed::Box;
use alloc::vec::Vec;
use squall_failure::Retryable;

/// What is written down, and about whom.
#[derive(Clone, Debug, Default)]
pub(super) struct DecisionLog {
    /// The next request to arrive is watched.
    next_arrival: bool,
    /// Those that are watched and have not ended, by their slots.
    watched: Vec<Option<RequestKey>>,
    decisions: Vec<ExplainedDecision>,
}

impl Router {
    /// From the next arrival on, the reasons of every decision about that request are written down, until it
    /// has ended. It costs the decisions about other requests a branch, and changes no decision.
    pub fn explain_next_arrival(&mut self) {
        self.decisions.get_or_insert_with(Box::default).next_arrival = true;
    }

    /// The decisions that were written down since this was last asked, in their order. To be asked after each
    /// input, so that [`ExplainedDecision::after_outputs`] says what it should.
    pub fn take_decisions(&mut self) -> Vec<ExplainedDecision> {
        self.decisions.as_mut().map(|log| core::mem::take(&mut log.decisions)).unwrap_or_default()
    }

    /// A request has been given its place.
    pub(super) fn explain_arrival(&mut self, request: RequestKey) {
        if let Some(log) = &mut self.decisions
            && core::mem::take(&mut log.next_arrival)
        {
            let slot = request.slot as usize;
            if log.watched.len() <= slot {
                log.watched.resize(slot + 1, None);
            }
            log.watched[slot] = Some(request);
        }
    }

    /// A request has ended.
    pub(super) fn explain_end(&mut self, request: RequestKey) {
        if let Some(log) = &mut self.decisions
            && let Some(watched) = log.watched.get_mut(request.slot as usize)
        {
            *watched = None;
        }
    }

    /// The request in `slot`, if it is watched.
    #[inline]
    fn watched(&self, slot: u32) -> Option<RequestKey> {
        let log = self.decisions.as_ref()?;
        log.watched.get(slot as usize).copied().flatten().filter(|&key| self.requests.lives(key))
    }

    fn write_down(&mut self, request: RequestKey, decision: RouterDecision) {
        let (at, after_outputs) = (self.now, self.outputs.len());
        if let Some(log) = &mut self.decisions {
            log.decisions.push(ExplainedDecision { at, request, after_outputs, decision });
        }
    }

    /// Picks for the request in `slot`, in the group it is in.
    #[inline]
    pub(super) fn pick(&mut self, slot: u32, considered: CandidateScope) -> PickOutcome {
        if self.decisions.is_none() {
            return self.pick_among(slot, considered);
        }
        let Some(request) = self.watched(slot) else { return self.pick_among(slot, considered) };
        let mut reasons = self.reasons_of_pick(slot, considered);
        let outcome = self.pick_among(slot, considered);
        if let PickOutcome::Deployment { id, probe } = outcome {
            reasons.picked = Some((id, probe));
            reasons.by_session = !probe && self.is_pinned(slot, id);
        }
        if let Some(RouterOutput::Note(RouterEvent::PickRejected { request: of, problem, .. })) =
            self.outputs.back()
            && *of == request
        {
            reasons.problem = Some(*problem);
        }
        self.write_down(request, RouterDecision::Picked(reasons));
        outcome
    }

    /// Everyone who could be picked, and why the others could not.
    fn reasons_of_pick(&mut self, slot: u32, considered: CandidateScope) -> PickReasons {
        let request = *self.requests.at(slot);
        let (group, needs, fresh) = (request.group, request.needs(), request.tried.is_empty());
        let refused_by = self.requests.cold(slot).refused_by.clone();
        let health = self.health_use(group);
        let all = PickConstraints {
            needs: &needs,
            tried: None,
            refused_by: &refused_by,
            ignoring_cooldowns: considered == CandidateScope::IgnoringCooldowns
                || health == HealthUse::Ignored,
            order: self.requests.cold(slot).hops.order,
            health,
        };
        let untried = PickConstraints { tried: Some(&request.tried), ..all };
        let context = self.pick_context(slot);
        let (scope, candidates) = match considered {
            CandidateScope::All => (PickScope::All, self.views(group, &context, &all)),
            CandidateScope::IgnoringCooldowns => {
                (PickScope::IgnoringCircuits, self.views(group, &context, &all))
            }
            CandidateScope::Untried => (PickScope::Untried, self.views(group, &context, &untried)),
            CandidateScope::Unasked => {
                let asked = self.requests.cold(slot).hops.asked.clone();
                let unasked = PickConstraints { refused_by: &asked, ..all };
                (PickScope::Untried, self.views(group, &context, &unasked))
            }
            CandidateScope::PreferUntried => {
                let views = self.views(group, &context, &untried);
                let any = views.iter().any(|view| view.eligibility.is_candidate());
                if any || fresh {
                    (if fresh { PickScope::All } else { PickScope::Untried }, views)
                } else {
                    (PickScope::All, self.views(group, &context, &all))
                }
            }
        };
        let scope = if health == HealthUse::Ignored { PickScope::IgnoringCircuits } else { scope };
        let needs = PickNeeds {
            tokens: needs.tokens,
            input_tokens: needs.input_tokens,
            tags: needs.tags,
            features: needs.features,
            region: needs.region,
        };
        let strategy = &self.groups[group.index()].config.strategy;
        let strategy = if let Strategy::Litellm(formula) = strategy {
            formula.as_str()
        } else {
            strategy.info().map_or("custom", |info| info.word)
        };
        PickReasons {
            group,
            strategy,
            scope,
            picked: None,
            by_session: false,
            needs,
            candidates,
            left_out: 0,
            problem: None,
        }
    }

    /// Whether a deployment that was picked for the request, and is no probe, is the one of its session.
    fn is_pinned(&mut self, slot: u32, id: DeploymentId) -> bool {
        let request = self.requests.at(slot);
        let (group, session, fresh) = (request.group, request.session, request.tried.is_empty());
        let Some(session) = session.filter(|_| fresh) else { return false };
        let lively = self.now < self.deployments[id.index()].last_from(self.now);
        let pins = self.groups[group.index()].config.session_affinity.is_some();
        pins && lively && self.affinity.of(self.now, group, session) == Some(id)
    }

    /// Every deployment of a group, as a search of it finds them.
    fn views(
        &self,
        group: GroupId,
        context: &PickContext,
        constraints: &PickConstraints<'_>,
    ) -> Vec<CandidateView> {
        let group = &self.groups[group.index()];
        let ids = &group.candidates.ids;
        let mut views: Vec<_> = ids.iter().map(|&id| self.view(id, constraints)).collect();
        self.narrow(&mut views, group, constraints);
        let eligible: Vec<bool> =
            views.iter().map(|view| view.eligibility.is_candidate()).collect();
        let candidates = Candidates::marked(&eligible);
        for (place, view) in views.iter_mut().enumerate() {
            if eligible[place] {
                view.figure = group.balancer.figure(context, &candidates, place);
            }
        }
        views
    }

    /// A deployment by itself, apart from what the others are like.
    fn view(&self, id: DeploymentId, constraints: &PickConstraints<'_>) -> CandidateView {
        let now = self.now;
        let deployment = &self.deployments[id.index()];
        let group = &self.groups[deployment.group.index()];
        let rule = group.config.tags;
        let all_unhealthy =
            group.candidates.all_unhealthy() || constraints.health == HealthUse::Ignored;
        // Counters of limits turn when they are asked: on a copy.
        let readiness = assess(&mut deployment.clone(), id, now, constraints, rule, all_unhealthy);
        let class = deployment.record.reason(now);
        let untagged = deployment.tags(constraints.needs.tags, rule) == TagClass::No
            && !constraints.needs.tags.is_empty();
        let eligibility = match readiness {
            None if deployment.weight == 0 => Eligibility::NoWeight,
            None => Eligibility::Tried,
            Some(Readiness::Now) if constraints.health == HealthUse::ProbesOnly => {
                Eligibility::Withheld
            }
            Some(Readiness::Now) => Eligibility::Candidate { probe: false },
            Some(Readiness::Probe) => Eligibility::Candidate { probe: true },
            Some(Readiness::CoolingUntil(until)) => Eligibility::CircuitOpen { until, class },
            Some(Readiness::ThrottledUntil(until)) => Eligibility::Throttled { until },
            Some(Readiness::Probing) => Eligibility::ProbeUnderWay { class },
            Some(Readiness::LimitedUntil(until, limit)) => {
                Eligibility::LimitReached { limit, until }
            }
            Some(Readiness::Busy) => Eligibility::Full,
            Some(Readiness::Unhealthy) => Eligibility::Unhealthy,
            Some(Readiness::Never(CannotServe::Refused)) => Eligibility::RefusedIt,
            Some(Readiness::Never(CannotServe::Capabilities)) if untagged => {
                Eligibility::MissingTags
            }
            Some(Readiness::Never(CannotServe::Capabilities)) => Eligibility::MissingFeature,
            Some(Readiness::Never(CannotServe::Limit)) => Eligibility::LargerThanLimit,
            Some(Readiness::Never(CannotServe::Window)) => {
                Eligibility::WindowTooSmall { max_input_tokens: deployment.max_input_tokens() }
            }
        };
        CandidateView {
            deployment: id,
            weight: deployment.weight,
            running: deployment.limiter.running(),
            eligibility,
            figure: None,
        }
    }

    /// Leaves out who could be picked and stands behind others: as a survey of the group does.
    fn narrow(
        &self,
        views: &mut [CandidateView],
        group: &super::Group,
        constraints: &PickConstraints<'_>,
    ) {
        let now = self.now;
        let index = &group.candidates;
        let left = |views: &[CandidateView]| -> Vec<usize> {
            let places = 0..views.len();
            places.filter(|&place| views[place].eligibility.is_candidate()).collect()
        };
        let places = left(views);
        let lively = |&place: &usize| now < index.last_from[place];
        let silent_from =
            |place: usize| self.deployments[index.ids[place].index()].counts_as_silent_from(now);
        let (some_lively, some_heard) =
            (places.iter().any(lively), places.iter().any(|&place| now < silent_from(place)));
        for place in places {
            let since = silent_from(place);
            if now >= since && some_heard {
                views[place].eligibility = Eligibility::Silent { since };
            } else if !lively(&place) && some_lively {
                views[place].eligibility = Eligibility::RampingUp;
            }
        }
        let rule = group.config.tags;
        let class = |place: usize| {
            self.deployments[index.ids[place].index()].tags(constraints.needs.tags, rule)
        };
        let places = left(views);
        let best = places.iter().map(|&place| class(place)).max();
        for place in places.into_iter().filter(|&place| Some(class(place)) != best) {
            views[place].eligibility = Eligibility::LesserTags;
        }
        let places = left(views);
        let lowest = places.iter().map(|&place| index.order[place]).min();
        for place in places.into_iter().filter(|&place| Some(index.order[place]) != lowest) {
            views[place].eligibility = Eligibility::LaterOrder { order: index.order[place] };
        }
    }

    /// The request has to wait behind others.
    pub(super) fn explain_turn(&mut self, slot: u32) {
        let Some(request) = self.watched(slot) else { return };
        let group = self.requests.at(slot).group;
        let waiting = self.groups[group.index()].queue.len();
        self.write_down(request, RouterDecision::WaitsItsTurn { group, waiting });
    }

    /// A failure of the request's attempt has been held against its deployment, if it is to be. To be called
    /// when nothing else has been put out since.
    pub(super) fn explain_evidence(
        &mut self,
        slot: u32,
        deployment: DeploymentId,
        evidence: &FailureEvidence,
    ) {
        let Some(request) = self.watched(slot) else { return };
        let ejected = match self.outputs.back() {
            Some(&RouterOutput::Note(RouterEvent::CooldownStarted {
                deployment: of,
                cause,
                until,
            })) if of == deployment => Some((cause, until)),
            _ => None,
        };
        let weight = FailureWeight {
            deployment,
            failure: evidence.failure,
            evidence: evidence.failure.evidence,
            probe: evidence.probe,
            ejected,
            breaker: self.deployments[deployment.index()].record.clone().figures(self.now),
        };
        self.write_down(request, RouterDecision::FailureWeighed(weight));
    }

    /// What follows the failed attempt of the request.
    pub(super) fn explain_after_failure(
        &mut self,
        slot: u32,
        facts: &RetryContext,
        decision: RetryDecision,
    ) {
        let Some(request) = self.watched(slot) else { return };
        let next = match decision {
            RetryDecision::Fail => NextStep::Fails,
            RetryDecision::MoveOn if facts.failure.retryable == Retryable::OtherGroup => {
                NextStep::LeavesForAnotherModel
            }
            RetryDecision::MoveOn => NextStep::LeavesForWantOfRetries,
            RetryDecision::MoveOnAfter(wait) => NextStep::LeavesAfter(wait),
            RetryDecision::Untried => NextStep::RetriesElsewhere,
            RetryDecision::UntriedOrMoveOn => NextStep::RetriesElsewhereOrLeaves,
            RetryDecision::Again(wait) => NextStep::RetriesAfter(wait),
        };
        let after = AfterFailure {
            failure: facts.failure,
            next,
            retries: facts.retries,
            max_retries: facts.max_retries,
        };
        self.write_down(request, RouterDecision::AfterFailure(after));
    }

    /// The retry budget is asked for one more retry of the request.
    pub(super) fn explain_retry_budget(&mut self, slot: u32, allowed: bool) {
        let Some(request) = self.watched(slot) else { return };
        let (requests, retries, most) = self.retry_budget.figures(self.now);
        let told = RetryBudgetUse { allowed, retries, requests, most };
        self.write_down(request, RouterDecision::RetryBudgetAsked(told));
    }

    /// No deployment of its group can take the request as soon as it may wait.
    pub(super) fn explain_none_in_time(&mut self, slot: u32, why: &NoCandidate) {
        let Some(request) = self.watched(slot) else { return };
        let group = self.requests.at(slot).group;
        let reasons = NoneInTime {
            group,
            earliest: why.earliest,
            possible: why.possible,
            all_ejected: why.out,
            max_queue_wait: self.groups[group.index()].config.max_queue_wait,
        };
        self.write_down(request, RouterDecision::NoneInTime(reasons));
    }

    /// The request leaves its group to its fallback, since its deployments have had their share for now.
    pub(super) fn explain_slow_start(&mut self, slot: u32) {
        let Some(request) = self.watched(slot) else { return };
        let group = self.requests.at(slot).group;
        self.write_down(request, RouterDecision::SlowStart { group });
    }

    /// The request leaves its group; `why`, if that is for want of a deployment.
    pub(super) fn explain_leaving(
        &mut self,
        slot: u32,
        to: Option<GroupId>,
        why: Option<NoCandidate>,
    ) {
        let Some(request) = self.watched(slot) else { return };
        if let Some(why) = why {
            self.explain_none_in_time(slot, &why);
        }
        let from = self.requests.at(slot).group;
        self.write_down(request, RouterDecision::LeavesGroup { from, to });
    }
}
