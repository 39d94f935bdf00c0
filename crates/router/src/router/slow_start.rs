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
        // The sum of the weights is the same for all of an order.
        let mut known: Option<(u8, u64)> = None;
        for place in 0..self.groups[of.index()].candidates.len() {
            let member = self.groups[of.index()].candidates.ids[place];
            let Some(mut ramp) = self.deployments[member.index()].ramp else { continue };
            if ramp.is_over(now, &rule) {
                self.deployments[member.index()].ramp = None;
                self.groups[of.index()].candidates.ramping -= 1;
                self.renew(member);
                continue;
            }
            if self.is_usable(of, place) {
                let group = &self.groups[of.index()];
                let (weight, order) = (group.shares[place], group.candidates.order[place]);
                let sum = match known {
                    Some((of_order, sum)) if of_order == order => sum,
                    _ => self.usable_sum(of, order),
                };
                known = Some((order, sum));
                ramp.earn(now, &rule, weight, sum);
            }
            if Some(member) == id {
                ramp.pay();
            }
            self.deployments[member.index()].ramp = Some(ramp);
            self.renew(member);
        }
    }

    /// Whether a deployment could be picked now, but for the share that it has had.
    fn is_usable(&self, of: GroupId, place: usize) -> bool {
        let (index, now) = (&self.groups[of.index()].candidates, self.now);
        let deployment = &self.deployments[index.ids[place].index()];
        index.ready_at[place] <= now && now < deployment.counts_as_silent_from(now)
    }

    /// The weights of those of an order that could be picked now.
    fn usable_sum(&self, of: GroupId, order: u8) -> u64 {
        let group = &self.groups[of.index()];
        let index = &group.candidates;
        let peers = (0..index.len()).filter(|&place| index.order[place] == order);
        peers.filter(|&place| self.is_usable(of, place)).map(|place| group.shares[place]).sum()
    }
}
