//! Consistent hashing of sessions with bounded loads (Mirrokni, Thorup and Zadimoghaddam 2016; HAProxy, Envoy): a
//! session keeps its deployment, so that its prompt stays in that provider's cache, unless it has more than its
//! share of what is in flight; then the next one on the ring serves it. One that leaves or returns moves its own
//! sessions alone. Requests without a session go to the least busy for its weight.

use super::least_busy::LeastBusy;
use crate::explained_decision::PickFigure;
use crate::{Balancer, Candidates, DeploymentConfig, FailureSample, PickContext, SuccessSample};
use alloc::vec::Vec;

/// How much of its fair share of attempts in flight a deployment takes at most, in percent. 125 % (HAProxy
/// recommends 125 to 200; Vimeo runs 125).
const BOUND_PERCENT: u128 = 125;

/// Points on the ring of a deployment with the mean weight: with 100 points a share is off by a tenth.
const POINTS: u64 = 100;

/// The most points of all: a group of 10,000 deployments has fewer each.
const POINTS_MAX: u64 = 1 << 17;

#[derive(Clone, Debug)]
pub(crate) struct ConsistentHash {
    /// Hashes with the places that they belong to, in order.
    ring: Vec<(u64, u32)>,
    /// What is in flight, and who is the least busy.
    loads: LeastBusy,
}

impl ConsistentHash {
    pub(crate) fn new(deployments: &[DeploymentConfig]) -> Self {
        let weights: Vec<u64> = deployments.iter().map(|each| each.weight.into()).collect();
        let sum: u64 = weights.iter().sum();
        let all = (POINTS * weights.len() as u64).min(POINTS_MAX);
        let mut ring = Vec::new();
        for (place, (deployment, &weight)) in deployments.iter().zip(&weights).enumerate() {
            let points = u128::from(all) * u128::from(weight) / u128::from(sum.max(1));
            let points = if weight > 0 { points.max(1) as u64 } else { 0 };
            let name = hash(deployment.name.as_bytes());
            ring.extend((0..points).map(|point| (mixed(name ^ mixed(point)), place as u32)));
        }
        ring.sort_unstable();
        Self { ring, loads: LeastBusy::new(weights) }
    }

    /// The first on the ring from the session on that may be picked and has room.
    fn on_ring(&self, session: u64, candidates: &Candidates<'_>) -> Option<usize> {
        // Those that are no candidates take no part: a bound on all would leave the candidates too little room, and a
        // walk around the whole ring would find none.
        let load = self.loads.in_all(candidates);
        let session = mixed(session);
        let from = self.ring.partition_point(|&(hash, _)| hash < session);
        let (before, after) = self.ring.split_at(from);
        let mut places = after.iter().chain(before).map(|&(_, place)| place as usize);
        places.find(|&place| candidates.contains(place) && self.has_room(place, load))
    }

    /// Whether one more attempt stays below the bound.
    fn has_room(&self, place: usize, (all, sum): (u64, u64)) -> bool {
        let (running, weight) = (self.loads.running(place) + 1, self.loads.weight(place));
        let fair = u128::from(all + 1) * u128::from(weight) * BOUND_PERCENT;
        // Rounded up, so that there is always room somewhere.
        let most = fair.div_ceil(u128::from(sum.max(1)) * 100);
        u128::from(running) <= most
    }
}

impl Balancer for ConsistentHash {
    fn pick(&mut self, context: &PickContext, candidates: &Candidates<'_>) -> Option<usize> {
        let on_ring = context.session.and_then(|session| self.on_ring(session, candidates));
        // Who has no points on the ring may still be a candidate.
        on_ring.or_else(|| self.loads.pick(context, candidates))
    }

    fn figure(
        &self,
        context: &PickContext,
        candidates: &Candidates<'_>,
        place: usize,
    ) -> Option<PickFigure> {
        self.loads.figure(context, candidates, place)
    }

    fn started(&mut self, context: &PickContext, place: usize) {
        self.loads.started(context, place);
    }

    fn succeeded(&mut self, place: usize, sample: &SuccessSample) {
        self.loads.succeeded(place, sample);
    }

    fn failed(&mut self, place: usize, sample: &FailureSample) {
        self.loads.failed(place, sample);
    }

    fn inherit(&mut self, old: &dyn Balancer, from: &[Option<usize>], running: &[u32]) {
        self.loads.inherit(old, from, running);
    }
}

/// FNV-1a, the same on every machine and in every release: a restart moves no session.
fn hash(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

/// Spreads neighbouring numbers over all 64 bits (the finaliser of SplitMix64).
const fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
