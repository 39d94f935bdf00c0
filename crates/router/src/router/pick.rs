//! Which deployment of a group can take a request now, and if none, when one can.

use super::Router;
use crate::deployment::Usable;
use crate::strategy::Purpose;
use crate::{DeploymentId, GroupId, LimitKind, Note};
use squall_determinism::Timestamp;

/// What picking came to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Picked {
    /// This one.
    Deployment { id: DeploymentId, probe: bool },
    /// None.
    None(WhyNone),
}

/// Why none was picked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct WhyNone {
    /// When one will be usable at the earliest; `None` if that hangs on something that runs, or never
    /// comes.
    pub(super) earliest: Option<Timestamp>,
    /// Whether one could become usable at all.
    pub(super) possible: bool,
    /// Whether all are only held by limits of ours or by throttling, rather than ill.
    pub(super) limited: bool,
}

/// Which deployments are considered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Among {
    /// Those that the request was not tried at, and if none of them is usable, all.
    PreferUntried,
    /// Only those that the request was not tried at.
    Untried,
}

impl Router {
    /// Picks for the request in `slot`, in the group it is in.
    pub(super) fn pick(&mut self, slot: u32, among: Among) -> Picked {
        let request = *self.requests.at(slot);
        let untried = |id| !request.tried.contains(id);
        let purpose = if request.attempts == 0 { Purpose::FirstAttempt } else { Purpose::Retry };
        let picked = self.pick_where(request.group, request.tokens, purpose, untried);
        match picked {
            Picked::None(_) if among == Among::PreferUntried && !request.tried.is_empty() => {
                self.pick_where(request.group, request.tokens, purpose, |_| true)
            }
            _ => picked,
        }
    }

    /// When the request in `slot` could be served in the group it is in, and what it hangs on.
    pub(super) fn why_none(&mut self, slot: u32) -> WhyNone {
        let request = self.requests.at(slot);
        let (group, tokens) = (request.group, request.tokens);
        self.why_none_of(group, tokens)
    }

    /// When a request of so many tokens could be served in a group, and what it hangs on.
    pub(super) fn why_none_of(&mut self, group: GroupId, tokens: u64) -> WhyNone {
        let now = self.now;
        let range = self.groups[group.index()].deployments.clone();
        let mut why = WhyNone::default();
        for deployment in self.deployments[range].iter_mut().filter(|each| each.weight > 0) {
            why.weigh(now, deployment.usable(now, tokens));
        }
        why
    }

    fn pick_where(
        &mut self,
        group: GroupId,
        tokens: u64,
        purpose: Purpose,
        wanted: impl Fn(DeploymentId) -> bool,
    ) -> Picked {
        let now = self.now;
        let group = &mut self.groups[group.index()];
        let first = group.deployments.start;
        let mut why = WhyNone::default();
        let mut newly_limited: Option<(DeploymentId, LimitKind)> = None;
        let deployments = self.deployments[group.deployments.clone()].iter_mut().enumerate();
        let candidates = deployments.filter_map(|(place, deployment)| {
            let id = DeploymentId((first + place) as u16);
            if deployment.weight == 0 || !wanted(id) {
                return None;
            }
            let usable = deployment.usable(now, tokens);
            match usable {
                Usable::Now | Usable::Probe => return Some((place, deployment.weight)),
                Usable::LimitedUntil(_, kind) if deployment.limited_by.is_none() => {
                    deployment.limited_by = Some(kind);
                    newly_limited = Some((id, kind));
                }
                _ => {}
            }
            why.weigh(now, usable);
            None
        });
        let picked = group.picker.pick(purpose, candidates);
        if let Some((deployment, limit)) = newly_limited {
            self.note(Note::LimitReached { deployment, limit });
        }
        match picked {
            Some(place) => {
                let id = DeploymentId((first + place) as u16);
                let probe = self.deployments[id.index()].usable(now, tokens) == Usable::Probe;
                Picked::Deployment { id, probe }
            }
            None => Picked::None(why),
        }
    }
}

impl Default for WhyNone {
    /// Of a group without deployments: nothing is possible.
    fn default() -> Self {
        Self { earliest: None, possible: false, limited: true }
    }
}

impl WhyNone {
    fn weigh(&mut self, now: Timestamp, usable: Usable) {
        let at = match usable {
            Usable::Now | Usable::Probe => Some(now),
            Usable::CoolingUntil(until)
            | Usable::ThrottledUntil(until)
            | Usable::LimitedUntil(until, _) => Some(until),
            Usable::Busy => None,
            Usable::Never => return,
        };
        self.possible = true;
        self.limited &= !matches!(usable, Usable::CoolingUntil(_));
        self.earliest = self.earliest.into_iter().chain(at).min();
    }
}
