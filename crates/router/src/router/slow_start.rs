//! Deployments that have returned, and do not have their whole share yet.

use super::Router;
use crate::slow_start::Ramp;
use crate::{DeploymentId, GroupId};

impl Router {
    /// The deployment is trusted again: its share begins to grow, if its group wants that.
    pub(super) fn begin_ramp(&mut self, id: DeploymentId) {
        let now = self.now;
        let deployment = &mut self.deployments[id.index()];
        let group = &mut self.groups[deployment.group.index()];
        if group.config.slow_start.is_none() || deployment.place.is_none() {
            return;
        }
        group.candidates.ramping += usize::from(deployment.ramp.is_none());
        deployment.ramp = Some(Ramp::new(now));
        self.renew(id);
    }

    /// An attempt begins at `id`, a deployment of `group`: whoever is to have less than its
    /// share earns its part of it.
    #[inline]
    pub(super) fn grow_shares(&mut self, group: GroupId, id: DeploymentId) {
        if self.groups[group.index()].candidates.ramping > 0 {
            self.earn_and_pay(group, Some(id));
        }
        if let Some(threshold) = self.groups[group.index()].config.quota_headroom {
            self.weigh_headroom(group, id, threshold);
        }
    }

    /// Whether a request that is new in its group leaves it for its fallback: whoever could take it here has returned
    /// of late and has had its share for now, and somebody can take it there.
    #[inline]
    pub(super) fn yields_to_fallback(&mut self, slot: u32) -> bool {
        let request = self.requests.at(slot);
        let (group, fresh) = (request.group, request.tried.is_empty());
        if self.groups[group.index()].candidates.ramping == 0 || !fresh {
            return false;
        }
        let now = self.now;
        let here = &self.groups[group.index()].candidates;
        let mut ready = (0..here.len()).filter(|&place| here.ready_at[place] <= now).peekable();
        let some = ready.peek().is_some();
        let held = |place: usize| self.deployments[here.ids[place].index()].is_held_back(now);
        if !some || !ready.all(held) {
            return false;
        }
        let Some((to, _)) = self.next_group(slot, None) else { return false };
        let there = &self.groups[to.index()].candidates;
        let usable = |place: usize| there.ready_at[place] <= now && now < there.last_from[place];
        if !(0..there.len()).any(usable) {
            return false;
        }
        self.earn_and_pay(group, None);
        self.explain_slow_start(slot);
        true
    }

    /// An attempt begins in the group, at `id` if it is not one that the group leaves to others.
    fn earn_and_pay(&mut self, of: GroupId, id: Option<DeploymentId>) {
        let now = self.now;
        let group = &self.groups[of.index()];
        let Some(rule) = group.config.slow_start else { return };
        for place in 0..self.groups[of.index()].candidates.len() {
            let member = self.groups[of.index()].candidates.ids[place];
            let Some(mut ramp) = self.deployments[member.index()].ramp else { continue };
            if ramp.is_over(now, &rule) {
                self.deployments[member.index()].ramp = None;
                self.groups[of.index()].candidates.ramping -= 1;
                self.renew(member);
                continue;
            }
            let (weight, sum) = self.part(of, place);
            if weight > 0 {
                ramp.earn(now, &rule, weight, sum);
            }
            if Some(member) == id {
                ramp.pay();
            }
            self.deployments[member.index()].ramp = Some(ramp);
            self.renew(member);
        }
    }

    /// The weight of a deployment, and of all of its order that can be picked now; 0 while it cannot.
    fn part(&self, of: GroupId, place: usize) -> (u64, u64) {
        let group = &self.groups[of.index()];
        let (index, now) = (&group.candidates, self.now);
        let usable = |place: usize| {
            let deployment = &self.deployments[index.ids[place].index()];
            index.ready_at[place] <= now && now < deployment.counts_as_silent_from(now)
        };
        if !usable(place) {
            return (0, 1);
        }
        let peers = |&other: &usize| index.order[other] == index.order[place] && usable(other);
        let sum = (0..index.len()).filter(peers).map(|other| group.shares[other]).sum();
        (group.shares[place], sum)
    }
}
