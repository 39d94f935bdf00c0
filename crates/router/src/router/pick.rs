//! Which deployment of a group can take a request now, and if none, when one can.

use super::Router;
use crate::deployment::{Deployment, RequestNeeds, TagClass, Unfit, Usable};
use crate::request::TriedDeployments;
use crate::{
    AttemptKind, Balancer, Candidates, DeploymentId, GroupId, LimitScope, PickContext, PickProblem,
    PickRng, RouterEvent, Strategy, TagMatch,
};
use squall_determinism::Timestamp;
use squall_failure::{Evidence, FailureClass};

/// The result of a pick.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum PickOutcome {
    /// This one.
    Deployment { id: DeploymentId, probe: bool },
    /// None.
    None(WhyNone),
}

/// Why none was picked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct WhyNone {
    /// When one will be available at the earliest; `None` if that depends on an event, or never.
    pub(super) earliest: Option<Timestamp>,
    /// Whether one could become usable at all.
    pub(super) possible: bool,
    /// Whether all are only held by limits of ours or by throttling, rather than ill.
    pub(super) limited: bool,
    /// Whether all that could serve the request cool down.
    pub(super) out: bool,
    /// Whether all are skipped because of spend budgets.
    pub(super) spent: bool,
    /// Why none can ever serve it.
    pub(super) unfit: Option<Unfit>,
    /// Why the first one to return is skipped.
    pub(super) reason: Option<Reason>,
}

/// Why a deployment is skipped, and until when. The least is told: of those that return at one moment the
/// one that tells most.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Reason {
    until: Timestamp,
    rank: u8,
    pub(super) class: FailureClass,
}

/// The constraints of a pick.
#[derive(Clone, Copy, Debug)]
pub(super) struct Search<'a> {
    pub(super) needs: &'a RequestNeeds,
    /// Not at deployments where the request was tried.
    pub(super) tried: Option<&'a TriedDeployments>,
    /// Not at those that refused it.
    pub(super) refused_by: &'a [DeploymentId],
    /// Ignoring cooldowns after failures.
    pub(super) all_the_same: bool,
}

/// Which deployments are considered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Among {
    /// Those that the request was not tried at, and if none of them is usable, all.
    PreferUntried,
    /// Only those that the request was not tried at.
    Untried,
    /// All.
    All,
    /// All, as if none of them cooled down after failures.
    AllTheSame,
}

impl Router {
    /// Picks for the request in `slot`, in the group it is in.
    pub(super) fn pick_among(&mut self, slot: u32, among: Among) -> PickOutcome {
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
        let refused = !self.requests.aside(slot).refused_by.is_empty();
        let plainly = (fresh || among == Among::All) && !refused;
        if plainly
            && among != Among::AllTheSame
            && self.groups[group.index()].board.suffices(&needs)
            && let Some(picked) = self.pick_from_board(group, &context, &needs)
        {
            return picked;
        }
        let tried = self.requests.at(slot).tried;
        let refused_by = core::mem::take(&mut self.requests.aside(slot).refused_by);
        let all = Search {
            needs: &needs,
            tried: None,
            refused_by: &refused_by,
            all_the_same: among == Among::AllTheSame,
        };
        let untried = Search { tried: Some(&tried), ..all };
        let picked = match among {
            Among::All | Among::AllTheSame => self.pick_asking(slot, &context, &all),
            Among::Untried => self.pick_asking(slot, &context, &untried),
            Among::PreferUntried => {
                let picked = self.pick_asking(slot, &context, &untried);
                let again = matches!(picked, PickOutcome::None(_)) && !fresh;
                if again { self.pick_asking(slot, &context, &all) } else { picked }
            }
        };
        self.requests.aside(slot).refused_by = refused_by;
        picked
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
        let id = self.affinity.of(self.now, group, session?)?;
        let deployment = &mut self.deployments[id.index()];
        let here = deployment.place.is_some() && deployment.weight > 0;
        let here = here && self.now < deployment.last_from(self.now);
        let usable = here && deployment.usable(self.now, needs) == Usable::Now;
        usable.then_some(id)
    }

    /// Picks by the rows of the index alone. `None` if they do not suffice.
    #[inline]
    fn pick_from_board(
        &mut self,
        group: GroupId,
        context: &PickContext,
        needs: &RequestNeeds,
    ) -> Option<PickOutcome> {
        let now = self.now;
        let group = &mut self.groups[group.index()];
        let (board, balancer) = (&group.board, &mut *group.balancer);
        let ready = Candidates::ready(now, &board.ready_at, &board.last_from);
        let place = if let [_] = board.tiers[..] {
            pick_one(balancer, context, &ready).ok()?
        } else {
            let of_order = |order| ready.of_order(&board.order, order);
            let pick = |&order: &u8| pick_one(balancer, context, &of_order(order)).ok();
            board.tiers.iter().find_map(pick)?
        };
        let id = board.ids[place];
        match self.deployments[id.index()].usable(now, needs) {
            Usable::Now => Some(PickOutcome::Deployment { id, probe: false }),
            Usable::Probe => Some(PickOutcome::Deployment { id, probe: true }),
            Usable::CoolingUntil(_)
            | Usable::ThrottledUntil(_)
            | Usable::Probing
            | Usable::LimitedUntil(..)
            | Usable::Busy
            | Usable::Ill
            | Usable::Never(_) => None,
        }
    }

    /// Picks after checking every deployment.
    fn pick_asking(
        &mut self,
        slot: u32,
        context: &PickContext,
        search: &Search<'_>,
    ) -> PickOutcome {
        let id = self.requests.at(slot).group;
        let mut why = self.survey(id, search);
        let now = self.now;
        let group = &mut self.groups[id.index()];
        let candidates = Candidates::marked(&group.board.may);
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
        let id = group.board.ids[place];
        let probe = self.deployments[id.index()].usable(now, search.needs) == Usable::Probe;
        PickOutcome::Deployment { id, probe }
    }

    /// Checks for every deployment whether it can take the request, and marks the eligible ones.
    fn survey(&mut self, group: GroupId, search: &Search<'_>) -> WhyNone {
        let now = self.now;
        let needs = search.needs;
        let group = &mut self.groups[group.index()];
        let (board, rule) = (&mut group.board, group.config.tags);
        let all_ill = board.all_ill();
        board.untold = false;
        let mut why = WhyNone::default();
        let mut newly_limited: Option<(DeploymentId, LimitScope)> = None;
        for (place, &id) in board.ids.iter().enumerate() {
            board.may[place] = false;
            let deployment = &mut self.deployments[id.index()];
            let Some(usable) = assess(deployment, id, now, search, rule, all_ill) else { continue };
            if matches!(usable, Usable::Now | Usable::Probe) {
                board.may[place] = true;
                continue;
            }
            if let Usable::LimitedUntil(_, kind) = usable
                && deployment.limited_by.is_none()
            {
                deployment.limited_by = Some(kind);
                newly_limited = Some((id, kind));
            }
            why.weigh(now, usable, deployment);
        }
        // Silent ones last, then the best tag class, then the lowest order.
        let ids = &board.ids;
        let lively = |place: usize| now < board.last_from[place];
        if (0..ids.len()).any(|place| board.may[place] && lively(place)) {
            (0..ids.len()).for_each(|place| board.may[place] = board.may[place] && lively(place));
        }
        let class = |place: usize| self.deployments[ids[place].index()].tags(needs.tags, rule);
        let best = (0..ids.len()).filter(|&place| board.may[place]).map(class).max();
        for place in 0..ids.len() {
            board.may[place] = board.may[place] && Some(class(place)) == best;
        }
        let tier = (0..ids.len()).filter(|&place| board.may[place]).map(|p| board.order[p]).min();
        for place in 0..ids.len() {
            board.may[place] = board.may[place] && Some(board.order[place]) == tier;
        }
        if let Some((deployment, limit)) = newly_limited {
            self.note(RouterEvent::LimitReached { deployment, limit });
        }
        why
    }

    /// When the request in `slot` could be served in the group it is in, and what it hangs on.
    pub(super) fn why_none(&mut self, slot: u32) -> WhyNone {
        if let Some(held) = self.held_back(slot) {
            return held.why;
        }
        let request = self.requests.at(slot);
        let (group, needs) = (request.group, request.needs());
        let refused_by = core::mem::take(&mut self.requests.aside(slot).refused_by);
        let why = self.why_none_of(group, &needs, &refused_by);
        self.requests.aside(slot).refused_by = refused_by;
        why
    }

    /// When a request with such needs could be served in a group, and what it hangs on.
    pub(super) fn why_none_of(
        &mut self,
        group: GroupId,
        needs: &RequestNeeds,
        refused_by: &[DeploymentId],
    ) -> WhyNone {
        let now = self.now;
        let group = &self.groups[group.index()];
        let mut why = WhyNone::default();
        for &id in &group.board.ids {
            let deployment = &mut self.deployments[id.index()];
            let class = deployment.tags(needs.tags, group.config.tags);
            let fits = class != TagClass::No || needs.tags.is_empty();
            if deployment.weight == 0 || !fits {
                continue;
            }
            let usable = if refused_by.contains(&id) {
                Usable::Never(Unfit::Refused)
            } else {
                deployment.usable(now, needs)
            };
            why.weigh(now, usable, deployment);
        }
        why
    }

    /// How many deployments of a group there are, and how many of them do not cool down.
    pub(super) fn head_count(&self, group: GroupId) -> (usize, usize) {
        let ids = &self.groups[group.index()].board.ids;
        let well = ids
            .iter()
            .filter(|id| self.deployments[id.index()].record.next_change(self.now).is_none());
        (ids.len(), well.count())
    }
}

impl Default for WhyNone {
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

impl WhyNone {
    fn weigh(&mut self, now: Timestamp, usable: Usable, deployment: &Deployment) {
        let at = match usable {
            Usable::Now | Usable::Probe => Some(now),
            Usable::CoolingUntil(until)
            | Usable::ThrottledUntil(until)
            | Usable::LimitedUntil(until, _) => Some(until),
            Usable::Busy | Usable::Probing | Usable::Ill => None,
            Usable::Never(unfit) => {
                self.unfit.get_or_insert(unfit);
                return;
            }
        };
        let cools = matches!(
            usable,
            Usable::CoolingUntil(_) | Usable::ThrottledUntil(_) | Usable::Probing | Usable::Ill
        );
        self.out = cools && (self.out || !self.possible);
        if cools && let Some(class) = deployment.record.reason(now) {
            // A probe in flight may return at any moment.
            let until = at.unwrap_or(now);
            let reason = Reason { until, rank: rank(class), class };
            self.reason = self.reason.into_iter().chain([reason]).min();
        }
        self.possible = true;
        self.limited &= !matches!(usable, Usable::CoolingUntil(_));
        self.spent &= matches!(usable, Usable::LimitedUntil(_, LimitScope::Money));
        self.earliest = self.earliest.into_iter().chain(at).min();
    }
}

/// Whether a deployment can take what is looked for; `None` for one that is not asked at all. `all_ill`: the
/// checks find everyone in the group ill, and are not believed.
#[inline]
pub(super) fn assess(
    deployment: &mut Deployment,
    id: DeploymentId,
    now: Timestamp,
    search: &Search<'_>,
    rule: TagMatch,
    all_ill: bool,
) -> Option<Usable> {
    let Search { needs, tried, refused_by, all_the_same } = *search;
    if deployment.weight == 0 || tried.is_some_and(|tried| tried.contains(id)) {
        return None;
    }
    let class = deployment.tags(needs.tags, rule);
    Some(if class == TagClass::No && !needs.tags.is_empty() {
        Usable::Never(Unfit::Skill)
    } else if refused_by.contains(&id) {
        Usable::Never(Unfit::Refused)
    } else if deployment.health.ill && !all_ill {
        Usable::Ill
    } else if all_the_same {
        deployment.usable_all_the_same(now, needs)
    } else {
        deployment.usable(now, needs)
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
