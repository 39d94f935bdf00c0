//! Deployments that are near a limit take less than their share, before they reach it.

use super::Router;
use crate::limit::part;
use crate::{DeploymentId, GroupId};
use squall_determinism::Share;

/// Weights are counted in thousandths, so that a part of a small one is still one.
const SCALE: u64 = 1_000;

impl Router {
    /// An attempt begins at `id`, a deployment of the group: each of which less than `threshold` remains of a limit
    /// earns its part of the attempt, by its weight times what remains of the threshold.
    pub(super) fn weigh_headroom(&mut self, of: GroupId, id: DeploymentId, threshold: Share) {
        // The sum of the weights is the same for all of an order.
        let mut known: Option<(u8, u64)> = None;
        for place in 0..self.groups[of.index()].candidates.len() {
            let candidates = &self.groups[of.index()].candidates;
            let (member, order) = (candidates.ids[place], candidates.order[place]);
            let factor = self.headroom_factor(member, threshold);
            let deployment = &mut self.deployments[member.index()];
            if factor == Share::ALL {
                if deployment.scarce.take().is_some() {
                    self.renew(member);
                }
                continue;
            }
            let mut credit = deployment.scarce.unwrap_or_default();
            let weight = self.groups[of.index()].shares[place];
            let sum = match known {
                Some((of_order, sum)) if of_order == order => sum,
                _ => self.effective_sum(of, order, threshold),
            };
            known = Some((order, sum));
            credit.earn(factor, weight.saturating_mul(SCALE), sum);
            if member == id {
                credit.pay();
            }
            self.deployments[member.index()].scarce = Some(credit);
            self.renew(member);
        }
    }

    /// The weights of an order, in thousandths, each times its factor, of those that can be picked now.
    fn effective_sum(&mut self, of: GroupId, order: u8, threshold: Share) -> u64 {
        let now = self.now;
        let mut sum = 0_u64;
        for place in 0..self.groups[of.index()].candidates.len() {
            let group = &self.groups[of.index()];
            let (member, weight) = (group.candidates.ids[place], group.shares[place]);
            let ready = group.candidates.ready_at[place] <= now;
            if ready && group.candidates.order[place] == order {
                let scaled = weight.saturating_mul(SCALE);
                sum = sum.saturating_add(self.headroom_factor(member, threshold).of(scaled));
            }
        }
        sum.max(1)
    }

    /// What remains of the threshold; all where as much remains, or where there is no limit.
    fn headroom_factor(&mut self, id: DeploymentId, threshold: Share) -> Share {
        let left = self.deployments[id.index()].limiter.headroom(self.now);
        match left.filter(|&left| left < threshold) {
            Some(left) => part(left.ppm().into(), threshold.ppm().into()),
            None => Share::ALL,
        }
    }
}
