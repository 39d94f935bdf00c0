//! Which deployment of a group can take a request now, and if none, when one can.

use super::Router;
use crate::deployment::{CannotServe, Deployment, Readiness, RequestNeeds, TagClass};
use crate::request_table::TriedDeployments;
use crate::{
    AttemptKind, Balancer, Candidates, DeploymentId, GroupId, LimitScope, PickContext, PickProblem,
    PickRng, RouterEvent, Strategy, TagMatch, UnavailablePolicy,
};
use squall_determinism::Timestamp;
use squall_failure::{Evidence, FailureClass};

/// The result of a pick.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum PickOutcome {
    /// This one.
    Deployment { id: DeploymentId, probe: bool },
    /// None.
    None(NoCandidate),
}

/// Why none was picked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct NoCandidate {
    /// When one will be available at the earliest; `None` if that depends on an event, or never.
    pub(super) earliest: Option<Timestamp>,
    /// Whether one could become usable at all.
    pub(super) possible: bool,
    /// Whether all are only held by limits of ours or by throttling, rather than unhealthy.
    pub(super) limited: bool,
    /// Whether all that could serve the request cool down.
    pub(super) out: bool,
    /// Whether all are skipped because of spend budgets.
    pub(super) spent: bool,
    /// Why none can ever serve it.
    pub(super) unfit: Option<CannotServe>,
    /// Why the first one to return is skipped.
    pub(super) reason: Option<SkipReason>,
}

/// Why a deployment is skipped, and until when. The least is told: of those that return at one moment the
/// one that tells most.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct SkipReason {
    until: Timestamp,
    rank: u8,
    pub(super) class: FailureClass,
}

/// The constraints of a pick.
#[derive(Clone, Copy, Debug)]
pub(super) struct PickConstraints<'a> {
    pub(super) needs: &'a RequestNeeds,
    /// Not at deployments where the request was tried.
    pub(super) tried: Option<&'a TriedDeployments>,
    /// Not at those that refused it.
    pub(super) refused_by: &'a [DeploymentId],
    /// Ignoring cooldowns after failures.
    pub(super) ignoring_cooldowns: bool,
    /// Only those of this order.
    pub(super) order: Option<u8>,
    /// What the threshold of the group says of health.
    pub(super) health: HealthUse,
}

/// What becomes of health in a group of which too little is well.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum HealthUse {
    /// Enough is well, or nobody asks.
    Counts,
    /// It is ignored: everyone takes its share.
    Ignored,
    /// Nobody takes anything but the probe of one that may have recovered.
    ProbesOnly,
}

/// Which deployments are considered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum CandidateScope {
    /// Those that the request was not tried at, and if none of them is usable, all.
    PreferUntried,
    /// Only those that the request was not tried at.
    Untried,
    /// All.
    All,
    /// Only those that LiteLLM's rules have not asked for the request.
    Unasked,
    /// All, as if none of them cooled down after failures.
    IgnoringCooldowns,
}

impl Router {
    /// Picks for the request in `slot`, in the group it is in.
    pub(super) fn pick_among(&mut self, slot: u32, scope: CandidateScope) -> PickOutcome {
        let request = self.requests.at(slot);
        let group = request.group;
        let fresh = request.tried.is_empty();
        let needs = request.needs();
        let session = request.session;
        let context = self.pick_context(slot);
        if session.is_some()
            && fresh
            && let Some(id) = self.pinned(group, session, &needs)
        {
            return PickOutcome::Deployment { id, probe: false };
        }
        let refused = !self.requests.cold(slot).refused_by.is_empty();
        let order = self.requests.cold(slot).hops.order;
        let plainly = (fresh || scope == CandidateScope::All) && !refused && order.is_none();
        if plainly
            && !matches!(scope, CandidateScope::IgnoringCooldowns | CandidateScope::Unasked)
            && self.groups[group.index()].candidates.suffices(&needs)
            && let Some(picked) = self.pick_from_index(group, &context, &needs)
        {
            return picked;
        }
        let tried = self.requests.at(slot).tried;
        let refused_by = core::mem::take(&mut self.requests.cold(slot).refused_by);
        let health = self.health_use(group);
        let all = PickConstraints {
            needs: &needs,
            tried: None,
            refused_by: &refused_by,
            ignoring_cooldowns: scope == CandidateScope::IgnoringCooldowns
                || health == HealthUse::Ignored,
            order,
            health,
        };
        let untried = PickConstraints { tried: Some(&tried), ..all };
        let picked = match scope {
            CandidateScope::All => {
                let picked = self.pick_asking(slot, &context, &all);
                let none_left = refused && matches!(picked, PickOutcome::None(_));
                if none_left && self.forgets_refusals(group) {
                    let anyone = PickConstraints { refused_by: &[], ..all };
                    self.pick_asking(slot, &context, &anyone)
                } else {
                    picked
                }
            }
            CandidateScope::IgnoringCooldowns => self.pick_asking(slot, &context, &all),
            CandidateScope::Unasked => {
                let asked = core::mem::take(&mut self.requests.cold(slot).hops.asked);
                let unasked = PickConstraints { refused_by: &asked, ..all };
                let picked = self.pick_asking(slot, &context, &unasked);
                self.requests.cold(slot).hops.asked = asked;
                picked
            }
            CandidateScope::Untried => self.pick_asking(slot, &context, &untried),
            CandidateScope::PreferUntried => {
                let picked = self.pick_asking(slot, &context, &untried);
                let again = matches!(picked, PickOutcome::None(_)) && !fresh;
                if again { self.pick_asking(slot, &context, &all) } else { picked }
            }
        };
        self.requests.cold(slot).refused_by = refused_by;
        picked
    }

    /// Whether those that refused a request are asked again once nobody else is left: LiteLLM's rule.
    fn forgets_refusals(&self, group: GroupId) -> bool {
        self.groups[group.index()].config.retry_rule.forgets()
    }

    /// What health is to a group now.
    pub(super) fn health_use(&self, group: GroupId) -> HealthUse {
        let group = &self.groups[group.index()];
        match group.config.when_unavailable {
            _ if !group.candidates.is_below_threshold() => HealthUse::Counts,
            UnavailablePolicy::Panic => HealthUse::Ignored,
            UnavailablePolicy::Wait
            | UnavailablePolicy::Fail
            | UnavailablePolicy::FailStating(_) => HealthUse::ProbesOnly,
        }
    }

    pub(super) fn pick_context(&mut self, slot: u32) -> PickContext {
        let (seed, now, minute) = (self.seed, self.now, self.minute());
        let request = self.requests.at(slot);
        let first = request.calls() == 0;
        PickContext {
            now,
            minute,
            kind: if first { AttemptKind::First } else { AttemptKind::Retry },
            input_tokens: request.input_tokens,
            output_tokens: request.output_tokens,
            stream: request.stream,
            session: request.session,
            rng: PickRng::new(
                seed,
                request.group.0,
                request.serial << 16 | u64::from(request.attempts),
            ),
        }
    }

    /// The deployment that served the session last, if it can serve this.
    fn pinned(
        &mut self,
        group: GroupId,
        session: Option<u64>,
        needs: &RequestNeeds,
    ) -> Option<DeploymentId> {
        self.groups[group.index()].config.session_affinity?;
        if self.health_use(group) == HealthUse::ProbesOnly {
            return None;
        }
        let id = self.affinity.of(self.now, group, session?)?;
        let deployment = &mut self.deployments[id.index()];
        let here = deployment.place.is_some() && deployment.weight > 0;
        let here = here && self.now < deployment.last_from(self.now);
        let usable = here && deployment.readiness(self.now, needs) == Readiness::Now;
        usable.then_some(id)
    }

    /// Picks by the rows of the index alone. `None` if they do not suffice.
    #[inline]
    fn pick_from_index(
        &mut self,
        group: GroupId,
        context: &PickContext,
        needs: &RequestNeeds,
    ) -> Option<PickOutcome> {
        let now = self.now;
        let group = &mut self.groups[group.index()];
        let balancer = &mut *group.balancer;
        let rule = group.config.tags;
        let (fit, ready) = group.candidates.fitting(now, needs, rule, &self.deployments);
        if needs.input_tokens > fit.window {
            return None;
        }
        let place = if fit.all_equal {
            pick_one(balancer, context, &ready).ok()?
        } else {
            let pick = |rank| pick_one(balancer, context, &ready.of_rank(&fit.rank, rank)).ok();
            (0..fit.ranks?).find_map(pick)?
        };
        let id = group.candidates.ids[place];
        match self.deployments[id.index()].readiness(now, needs) {
            Readiness::Now => Some(PickOutcome::Deployment { id, probe: false }),
            Readiness::Probe => Some(PickOutcome::Deployment { id, probe: true }),
            Readiness::CoolingUntil(_)
            | Readiness::ThrottledUntil(_)
            | Readiness::Probing
            | Readiness::LimitedUntil(..)
            | Readiness::Busy
            | Readiness::Unhealthy
            | Readiness::Never(_) => None,
        }
    }

    /// Picks after checking every deployment.
    fn pick_asking(
        &mut self,
        slot: u32,
        context: &PickContext,
        constraints: &PickConstraints<'_>,
    ) -> PickOutcome {
        let id = self.requests.at(slot).group;
        let mut why = self.survey(id, constraints);
        let now = self.now;
        let group = &mut self.groups[id.index()];
        let candidates = Candidates::marked(&group.candidates.eligible);
        let place = match pick_one(&mut *group.balancer, context, &candidates) {
            Ok(place) => place,
            Err(problem) => {
                let any = candidates.iter().next().is_some();
                // A formula that picks none acts as a limit.
                why.out &= !any;
                if any && matches!(group.config.strategy, Strategy::Custom(_)) {
                    let request = self.requests.key(slot);
                    self.note(RouterEvent::PickRejected { request, group: id, problem });
                }
                return PickOutcome::None(why);
            }
        };
        let id = group.candidates.ids[place];
        let probe =
            self.deployments[id.index()].readiness(now, constraints.needs) == Readiness::Probe;
        PickOutcome::Deployment { id, probe }
    }

    /// Checks for every deployment whether it can take the request, and marks the eligible ones.
    fn survey(&mut self, group: GroupId, constraints: &PickConstraints<'_>) -> NoCandidate {
        let now = self.now;
        let needs = constraints.needs;
        let group = &mut self.groups[group.index()];
        let (index, rule) = (&mut group.candidates, group.config.tags);
        let all_unhealthy = index.all_unhealthy() || constraints.health == HealthUse::Ignored;
        index.limit_unreported = false;
        let mut why = NoCandidate::default();
        let mut newly_limited: Option<(DeploymentId, LimitScope)> = None;
        let mut withheld = false;
        for (place, &id) in index.ids.iter().enumerate() {
            index.eligible[place] = false;
            let deployment = &mut self.deployments[id.index()];
            let Some(readiness) = assess(deployment, id, now, constraints, rule, all_unhealthy)
            else {
                continue;
            };
            if readiness == Readiness::Now && constraints.health == HealthUse::ProbesOnly {
                withheld = true;
                continue;
            }
            let refuses = readiness == Readiness::Busy && index.refuses_when_full;
            if matches!(readiness, Readiness::Now | Readiness::Probe) || refuses {
                index.eligible[place] = true;
                continue;
            }
            if let Readiness::LimitedUntil(_, kind) = readiness
                && deployment.limited_by.is_none()
            {
                deployment.limited_by = Some(kind);
                newly_limited = Some((id, kind));
            }
            why.weigh(now, readiness, deployment);
        }
        if withheld {
            why.withhold();
        }
        // Silent ones last, before them those that have had their share, then the best tag class, then the
        // lowest order.
        let ids = &index.ids;
        let lively = |place: usize| now < index.last_from[place];
        let deployments = &self.deployments;
        let heard = |place: usize| now < deployments[ids[place].index()].counts_as_silent_from(now);
        if (0..ids.len()).any(|place| index.eligible[place] && lively(place)) {
            (0..ids.len())
                .for_each(|place| index.eligible[place] = index.eligible[place] && lively(place));
        } else if (0..ids.len()).any(|place| index.eligible[place] && heard(place)) {
            (0..ids.len())
                .for_each(|place| index.eligible[place] = index.eligible[place] && heard(place));
        }
        let class = |place: usize| self.deployments[ids[place].index()].tags(needs.tags, rule);
        let best = (0..ids.len()).filter(|&place| index.eligible[place]).map(class).max();
        for place in 0..ids.len() {
            index.eligible[place] = index.eligible[place] && Some(class(place)) == best;
        }
        let lowest =
            (0..ids.len()).filter(|&place| index.eligible[place]).map(|p| index.order[p]).min();
        let tier = constraints.order.or(lowest);
        for place in 0..ids.len() {
            index.eligible[place] = index.eligible[place] && Some(index.order[place]) == tier;
        }
        if let Some((deployment, limit)) = newly_limited {
            self.note(RouterEvent::LimitReached { deployment, limit });
        }
        why
    }

    /// When the request in `slot` could be served in the group it is in, and what it hangs on.
    pub(super) fn why_none(&mut self, slot: u32) -> NoCandidate {
        if let Some(held) = self.over_limit(slot) {
            return held.why;
        }
        let request = self.requests.at(slot);
        let (group, needs) = (request.group, request.needs());
        let refused_by = core::mem::take(&mut self.requests.cold(slot).refused_by);
        let why = self.why_none_of(group, &needs, &refused_by);
        self.requests.cold(slot).refused_by = refused_by;
        why
    }

    /// When a request with such needs could be served in a group, and what it hangs on.
    pub(super) fn why_none_of(
        &mut self,
        group: GroupId,
        needs: &RequestNeeds,
        refused_by: &[DeploymentId],
    ) -> NoCandidate {
        let now = self.now;
        let health = self.health_use(group);
        let group = &self.groups[group.index()];
        let mut why = NoCandidate::default();
        let mut withheld = false;
        for &id in &group.candidates.ids {
            let deployment = &mut self.deployments[id.index()];
            let class = deployment.tags(needs.tags, group.config.tags);
            let fits = class != TagClass::No || needs.tags.is_empty();
            if deployment.weight == 0 || !fits {
                continue;
            }
            let readiness = if refused_by.contains(&id) {
                Readiness::Never(CannotServe::Refused)
            } else {
                deployment.readiness(now, needs)
            };
            if readiness == Readiness::Now && health == HealthUse::ProbesOnly {
                withheld = true;
                continue;
            }
            why.weigh(now, readiness, deployment);
        }
        if withheld {
            why.withhold();
        }
        why
    }

    /// How many deployments of a group there are, and how many of them do not cool down.
    pub(super) fn head_count(&self, group: GroupId) -> (usize, usize) {
        let ids = &self.groups[group.index()].candidates.ids;
        let well = ids
            .iter()
            .filter(|id| self.deployments[id.index()].record.next_change(self.now).is_none());
        (ids.len(), well.count())
    }
}

impl Default for NoCandidate {
    /// Of a group without deployments: nothing is possible.
    fn default() -> Self {
        Self {
            earliest: None,
            possible: false,
            limited: true,
            out: false,
            spent: true,
            unfit: None,
            reason: None,
        }
    }
}

impl NoCandidate {
    /// Somebody could, and is to take nothing while too little of the group is well.
    const fn withhold(&mut self) {
        (self.possible, self.out) = (true, true);
        (self.limited, self.spent) = (false, false);
    }

    fn weigh(&mut self, now: Timestamp, readiness: Readiness, deployment: &Deployment) {
        let at = match readiness {
            Readiness::Now | Readiness::Probe => Some(now),
            Readiness::CoolingUntil(until)
            | Readiness::ThrottledUntil(until)
            | Readiness::LimitedUntil(until, _) => Some(until),
            Readiness::Busy | Readiness::Probing | Readiness::Unhealthy => None,
            Readiness::Never(unfit) => {
                self.unfit.get_or_insert(unfit);
                return;
            }
        };
        let cools = matches!(
            readiness,
            Readiness::CoolingUntil(_)
                | Readiness::ThrottledUntil(_)
                | Readiness::Probing
                | Readiness::Unhealthy
        );
        self.out = cools && (self.out || !self.possible);
        if cools && let Some(class) = deployment.record.reason(now) {
            // A probe in flight may return at any moment.
            let until = at.unwrap_or(now);
            let reason = SkipReason { until, rank: rank(class), class };
            self.reason = self.reason.into_iter().chain([reason]).min();
        }
        self.possible = true;
        self.limited &= !cools || matches!(readiness, Readiness::ThrottledUntil(_));
        self.spent &= matches!(readiness, Readiness::LimitedUntil(_, LimitScope::Money));
        self.earliest = self.earliest.into_iter().chain(at).min();
    }
}

/// Whether a deployment can take what is looked for; `None` for one that is not asked at all. `all_unhealthy`: the
/// checks find everyone in the group ill, and are not believed.
#[inline]
pub(super) fn assess(
    deployment: &mut Deployment,
    id: DeploymentId,
    now: Timestamp,
    constraints: &PickConstraints<'_>,
    rule: TagMatch,
    all_unhealthy: bool,
) -> Option<Readiness> {
    let PickConstraints { needs, tried, refused_by, ignoring_cooldowns, .. } = *constraints;
    if deployment.weight == 0 || tried.is_some_and(|tried| tried.contains(id)) {
        return None;
    }
    let class = deployment.tags(needs.tags, rule);
    Some(if class == TagClass::No && !needs.tags.is_empty() {
        Readiness::Never(CannotServe::Capabilities)
    } else if refused_by.contains(&id) {
        Readiness::Never(CannotServe::Refused)
    } else if deployment.health.unhealthy && !all_unhealthy {
        Readiness::Unhealthy
    } else if ignoring_cooldowns {
        deployment.readiness_ignoring_cooldowns(now, needs)
    } else {
        deployment.readiness(now, needs)
    })
}

/// Has one of the candidates picked, and counts the pick if it is one.
#[inline]
fn pick_one(
    balancer: &mut dyn Balancer,
    context: &PickContext,
    candidates: &Candidates<'_>,
) -> Result<usize, PickProblem> {
    let place = balancer.pick(context, candidates).ok_or(PickProblem::Nobody)?;
    if !candidates.contains(place) {
        return Err(PickProblem::NoCandidate);
    }
    balancer.picked(context, candidates, place);
    Ok(place)
}

/// What tells a client most comes first: what no wait mends, then what one does.
const fn rank(class: FailureClass) -> u8 {
    const THROTTLED: u8 = u8::MAX - 1;
    match class.evidence() {
        // In the order of their codes: a wrong key, an unknown model, a spent quota.
        Evidence::Misconfigured => class.code(),
        Evidence::Throttled => THROTTLED,
        Evidence::Failed | Evidence::Suspected | Evidence::None => u8::MAX,
    }
}
