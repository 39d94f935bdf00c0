//! An index over the deployments of a group: one short row per deployment, so that a thousand are scanned in
//! a microsecond.
//!
//! A row holds the time from which its deployment can take an attempt, and is updated whenever the deployment
//! changes. Most picks need only the rows; the others (a deployment close to its token limit, a prompt over the
//! shortest context window) check every deployment.

mod fit;

use crate::deployment::{Deployment, RequestNeeds};
use crate::{Candidates, DeploymentId, TagMatch};
use alloc::vec;
use alloc::vec::Vec;
use fit::{FitCache, FitRow};
use squall_determinism::{Share, Timestamp};

/// A deployment with less headroom than this below its token limit is checked on each pick.
const ROOM: u64 = 65_536;

#[derive(Clone, Debug, Default)]
pub(crate) struct CandidateIndex {
    pub(crate) ids: Vec<DeploymentId>,
    pub(crate) ready_at: Vec<Timestamp>,
    /// From when each counts as silent and is picked last.
    pub(crate) last_from: Vec<Timestamp>,
    pub(crate) order: Vec<u8>,
    fits: FitCache,
    /// Which have less headroom than [`ROOM`], and how many.
    tight: Vec<bool>,
    tights: usize,
    /// How many are unhealthy by the checks.
    pub(crate) unhealthy: usize,
    /// How many have returned and do not have their whole share yet.
    pub(crate) ramping: usize,
    /// Their weights, who of them is skipped for failures or by the checks, and the weight of the others.
    weights: Vec<u32>,
    out: Vec<bool>,
    weight_well: u64,
    weight_in_all: u64,
    /// The part of the weight that is to be well.
    threshold: Share,
    /// Those whose places are all taken are picked all the same, and refuse: LiteLLM's rule from 1.110 on.
    pub(crate) refuses_when_full: bool,
    /// A deployment has reached a limit, and this has not been reported yet.
    pub(crate) limit_unreported: bool,
    /// Scratch space: which places are eligible.
    pub(crate) eligible: Vec<bool>,
}

impl CandidateIndex {
    pub(crate) fn new(
        ids: Vec<DeploymentId>,
        order: Vec<u8>,
        threshold: Share,
        deployments: &[Deployment],
    ) -> Self {
        let members = || ids.iter().map(|id| &deployments[id.index()]);
        let weights: Vec<u32> = members().map(|deployment| deployment.weight).collect();
        let weight_in_all = weights.iter().map(|&weight| u64::from(weight)).sum();
        Self {
            ramping: members().filter(|deployment| deployment.ramp.is_some()).count(),
            out: vec![false; ids.len()],
            weights,
            weight_well: weight_in_all,
            weight_in_all,
            threshold,
            ready_at: vec![Timestamp::MAX; ids.len()],
            last_from: vec![Timestamp::MAX; ids.len()],
            tight: vec![false; ids.len()],
            tights: 0,
            eligible: vec![false; ids.len()],
            order,
            fits: FitCache::default(),
            unhealthy: 0,
            refuses_when_full: false,
            limit_unreported: false,
            ids,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    /// Counts again how many are unhealthy; the rows are to be renewed then.
    pub(crate) fn count_unhealthy(&mut self, deployments: &[Deployment]) {
        let unhealthy = |id: &&DeploymentId| deployments[id.index()].health.unhealthy;
        self.unhealthy = self.ids.iter().filter(unhealthy).count();
    }

    /// Whether the checks say that everyone is unhealthy: then they say nothing.
    pub(crate) fn all_unhealthy(&self) -> bool {
        self.unhealthy == self.ids.len()
    }

    /// Updates a deployment's row.
    #[inline]
    pub(crate) fn renew(&mut self, now: Timestamp, place: usize, deployment: &mut Deployment) {
        let unhealthy = deployment.health.unhealthy && !self.all_unhealthy();
        let ready = if unhealthy { Timestamp::MAX } else { deployment.ready_at(now) };
        self.ready_at[place] = ready;
        self.last_from[place] = deployment.last_from(now);
        self.limit_unreported |= ready > now && ready < Timestamp::MAX;
        if self.threshold.ppm() > 0 && self.out[place] != deployment.is_out(now) {
            self.out[place] = !self.out[place];
            let weight = u64::from(self.weights[place]);
            let well = self.weight_well;
            self.weight_well = if self.out[place] { well - weight } else { well + weight };
        }
        let tight = deployment.limiter.token_room(now) < ROOM;
        if tight != self.tight[place] {
            self.tight[place] = tight;
            self.tights = if tight { self.tights + 1 } else { self.tights - 1 };
        }
    }

    /// Whether less of the weight is well than is asked for.
    #[inline]
    pub(crate) fn is_below_threshold(&self) -> bool {
        let least = u128::from(self.weight_in_all) * u128::from(self.threshold.ppm());
        u128::from(self.weight_well) * 1_000_000 < least
    }

    /// Whether the rows suffice to pick for a request of so many tokens.
    #[inline]
    pub(crate) fn suffices(&self, needs: &RequestNeeds) -> bool {
        self.tights == 0
            && !self.limit_unreported
            && !self.refuses_when_full
            && needs.tokens < ROOM
            && !self.is_below_threshold()
    }

    /// Which deployments fit these needs, whether or not they are ready, and the candidates among all of them.
    #[inline]
    pub(crate) fn fitting(
        &mut self,
        now: Timestamp,
        needs: &RequestNeeds,
        rule: TagMatch,
        deployments: &[Deployment],
    ) -> (&FitRow, Candidates<'_>) {
        let row = self.fits.row(needs, rule, (&self.ids, &self.order), deployments);
        (row, Candidates::ready(now, &self.ready_at, &self.last_from))
    }
}
