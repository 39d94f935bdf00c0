//! Rendezvous hashing with bounded load: a session stays on its deployment, whose prompt cache is warm for it, while
//! that deployment is available and not overloaded.
//!
//! Each deployment gets a score from the hash of the session and its name, and the highest score is picked
//! (Thaler and Ravishankar 1996; weights by −w / ln u). When a deployment is removed, only its own sessions move. No
//! deployment gets more than 1.25 times its share of the attempts in flight (Mirrokni, Thorup and Zadimoghaddam
//! 2016); the session then moves to the next score.

use squall_determinism::Digest;
use squall_router::{
    Balancer, Candidates, DeploymentConfig, FailureSample, PickContext, Strategy, SuccessSample,
};

/// Maximum load of a deployment, relative to its share of the attempts in flight.
const MAX_LOAD: f64 = 1.25;

/// The strategy, for `GroupConfig::strategy`.
#[must_use]
pub fn rendezvous() -> Strategy {
    Strategy::custom("rendezvous", Rendezvous::new)
}

/// The state of the strategy in a group.
#[derive(Clone, Debug)]
pub struct Rendezvous {
    members: Vec<Member>,
    weights: u64,
    running: u32,
}

#[derive(Clone, Debug)]
struct Member {
    /// The hash of its name, so that scores do not depend on the order of deployments.
    hash: u64,
    weight: u32,
    running: u32,
}

impl Rendezvous {
    /// Creates the state for these deployments.
    #[must_use]
    pub fn new(deployments: &[DeploymentConfig]) -> Self {
        let member = |deployment: &DeploymentConfig| {
            let mut digest = Digest::new();
            digest.bytes(deployment.name.as_bytes());
            Member { hash: digest.short(), weight: deployment.weight, running: 0 }
        };
        let members: Vec<_> = deployments.iter().map(member).collect();
        let weights = members.iter().map(|member| u64::from(member.weight)).sum();
        Self { members, weights, running: 0 }
    }

    /// Whether one more attempt is within the deployment's bound.
    fn has_room(&self, place: usize) -> bool {
        let member = &self.members[place];
        let part = f64::from(member.weight) / self.weights.max(1) as f64;
        f64::from(member.running) < MAX_LOAD * f64::from(self.running + 1) * part
    }

    fn score(&self, place: usize, session: u64) -> f64 {
        let member = &self.members[place];
        // 53 bits, above zero and below one.
        let unit = ((mixed(session ^ member.hash) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
        // libm, as in the router, so that a run is identical on every machine.
        -f64::from(member.weight) / libm::log(unit)
    }

    fn ended(&mut self, place: usize) {
        let running = &mut self.members[place].running;
        *running = running.saturating_sub(1);
        self.running = self.running.saturating_sub(1);
    }
}

/// The finalizer of SplitMix64: each bit of the input changes half of the output's.
const fn mixed(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

impl Balancer for Rendezvous {
    fn pick(&mut self, context: &PickContext, candidates: &Candidates<'_>) -> Option<usize> {
        // A request without a session is its own session.
        let session =
            context.session.unwrap_or_else(|| context.rng.random_stream().below(u64::MAX));
        let best = |with_room: bool| {
            let eligible = candidates.iter().filter(|&place| !with_room || self.has_room(place));
            eligible.max_by(|&a, &b| self.score(a, session).total_cmp(&self.score(b, session)))
        };
        best(true).or_else(|| best(false))
    }

    fn started(&mut self, _: &PickContext, place: usize) {
        self.members[place].running += 1;
        self.running += 1;
    }

    fn succeeded(&mut self, place: usize, _: &SuccessSample) {
        self.ended(place);
    }

    fn failed(&mut self, place: usize, _: &FailureSample) {
        self.ended(place);
    }

    /// Scores depend only on names; the attempts in flight are passed in.
    fn inherit(&mut self, _: &dyn Balancer, _: &[Option<usize>], running: &[u32]) {
        for (member, &running) in self.members.iter_mut().zip(running) {
            member.running = running;
        }
        self.running = running.iter().sum();
    }
}
