//! Replicas and a store over a network that loses and delays: no window has more units than the limit.

use proptest::prelude::*;
use squall_determinism::{Seed, StreamPurpose, Timestamp};
use squall_shared_state::{
    Lease, Replica, ReplicaConfig, Resource, ResourceKey, SharedInput, Store, StoreConfig,
    SyncReply, SyncRequest,
};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// A step of the world.
const STEP_MS: u64 = 5;
const LIMIT: u64 = 600;
const WINDOW_MS: u64 = 6_000;

/// What happens in one run.
#[derive(Clone, Debug)]
struct Plan {
    seed: u64,
    replicas: u64,
    steps: u64,
    /// Wanted units in 100 steps, by replica.
    demand: Vec<u64>,
    /// The longest way of a message, in steps.
    latency: u64,
    /// Messages lost of 100.
    loss: u64,
    /// A replica is cut off, or all are (`replica` = `replicas`), from a step on for so many steps.
    cuts: Vec<(u64, u64, u64)>,
    /// The store loses all it knows at these steps.
    resets: Vec<u64>,
}

#[derive(Clone, Debug)]
enum Message {
    Request(SyncRequest),
    Reply(u64, SyncReply),
}

#[derive(Debug)]
struct Node {
    replica: Replica,
    lease: Lease,
    used: Vec<u64>,
    wanted: u64,
}

#[derive(Debug)]
struct World {
    plan: Plan,
    store: Store,
    nodes: Vec<Node>,
    network: BTreeMap<u64, VecDeque<Message>>,
    draws: u64,
}

impl World {
    fn new(plan: Plan) -> Self {
        let resource = Resource { key: ResourceKey(1), limit: LIMIT, window_ms: WINDOW_MS };
        let config = ReplicaConfig { replicas: plan.replicas, ..ReplicaConfig::default() };
        let node = |_| Node {
            replica: Replica::new(config),
            lease: Lease::new(resource, plan.replicas),
            used: Vec::new(),
            wanted: 0,
        };
        Self {
            nodes: (0..plan.replicas).map(node).collect(),
            store: Store::new(StoreConfig::default(), 1),
            network: BTreeMap::new(),
            draws: 0,
            plan,
        }
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.draws += 1;
        let stream = Seed::new(self.plan.seed).stream(StreamPurpose::named("test"), 0, self.draws);
        { stream }.below(bound)
    }

    fn is_cut(&self, replica: u64, step: u64) -> bool {
        self.plan.cuts.iter().any(|&(who, from, steps)| {
            (who == replica || who == self.plan.replicas) && step >= from && step < from + steps
        })
    }

    fn send(&mut self, replica: u64, step: u64, message: Message) {
        if self.is_cut(replica, step) || self.below(100) < self.plan.loss {
            return;
        }
        let at = step + 1 + self.below(self.plan.latency + 1);
        self.network.entry(at).or_default().push_back(message);
    }

    fn run(&mut self) {
        for step in 0..self.plan.steps {
            let now = Timestamp::from_millis(step * STEP_MS);
            if self.plan.resets.contains(&step) {
                self.store = Store::new(StoreConfig::default(), 2 + step);
            }
            for message in self.network.remove(&step).unwrap_or_default() {
                self.deliver(step, now, message);
            }
            for place in 0..self.nodes.len() {
                self.act(place, step, now);
            }
        }
    }

    fn deliver(&mut self, step: u64, now: Timestamp, message: Message) {
        match message {
            // The store's clock is another one than the replicas'.
            Message::Request(request) => {
                let by_the_store = now + Duration::from_millis(987_654);
                if let Ok(reply) = self.store.sync(by_the_store, &request) {
                    self.send(
                        request.replica - 1,
                        step,
                        Message::Reply(request.replica - 1, reply),
                    );
                }
            }
            Message::Reply(place, reply) => {
                let node = &mut self.nodes[place as usize];
                let mut accepted = None;
                for input in reply.inputs() {
                    match input {
                        SharedInput::Replied(head) => accepted = node.replica.replied(now, &head),
                        SharedInput::Granted(grant) => {
                            if let Some(accepted) = accepted {
                                node.lease.granted(accepted.sent, accepted.lease, &grant);
                            }
                        }
                        SharedInput::Told(_)
                        | SharedInput::Permitted(_)
                        | SharedInput::Failed { .. } => {}
                    }
                }
            }
        }
    }

    fn act(&mut self, place: usize, step: u64, now: Timestamp) {
        let node = &mut self.nodes[place];
        node.wanted += self.plan.demand[place % self.plan.demand.len()];
        while node.wanted >= 100 {
            node.wanted -= 100;
            if node.lease.available(now) == 0 {
                node.lease.missed(1);
                continue;
            }
            node.lease.take(now, 1);
            node.used.push(now.as_nanos() / 1_000_000);
        }
        if node.lease.runs_low(now) {
            node.replica.hurry();
        }
        node.replica.tick(now);
        if node.replica.is_due(now) {
            let terms = node.replica.terms();
            let mut request = node.replica.request(now);
            request.replica = place as u64 + 1;
            request.draws.push(node.lease.draw(now, &terms));
            self.send(place as u64, step, Message::Request(request));
        }
    }

    /// The most units of all replicas in any window.
    fn most(&self) -> (usize, u64) {
        let mut all: Vec<u64> = self.nodes.iter().flat_map(|node| node.used.clone()).collect();
        all.sort_unstable();
        let (mut first, mut most) = (0, (0, 0));
        for (last, &at) in all.iter().enumerate() {
            while all[first] + WINDOW_MS <= at {
                first += 1;
            }
            most = most.max((last + 1 - first, at));
        }
        most
    }

    fn used(&self, from_ms: u64, until_ms: u64) -> usize {
        let within = |at: &&u64| **at >= from_ms && **at < until_ms;
        self.nodes.iter().map(|node| node.used.iter().filter(within).count()).sum()
    }
}

fn plan() -> Plan {
    Plan {
        seed: 1,
        replicas: 3,
        steps: 8_000,
        demand: vec![20, 20, 20],
        latency: 1,
        loss: 0,
        cuts: vec![],
        resets: vec![],
    }
}

fn plans() -> impl Strategy<Value = Plan> {
    let cut = (0..8_u64, 0..8_000_u64, 1..3_000_u64);
    (
        any::<u64>(),
        1..7_u64,
        prop::collection::vec(0..120_u64, 1..7),
        0..60_u64,
        0..60_u64,
        prop::collection::vec(cut, 0..4),
        prop::collection::vec(0..8_000_u64, 0..3),
    )
        .prop_map(|(seed, replicas, demand, latency, loss, cuts, resets)| Plan {
            seed,
            replicas,
            demand,
            latency,
            loss,
            cuts: cuts.into_iter().map(|(who, from, n)| (who % (replicas + 1), from, n)).collect(),
            resets,
            ..plan()
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_window_has_more_than_the_limit_whatever_the_network_and_the_store_do(plan in plans()) {
        let mut world = World::new(plan);
        world.run();
        let (most, at) = world.most();
        prop_assert!(most as u64 <= LIMIT, "{most} in the window until {at} ms");
    }
}

#[test]
fn nearly_all_of_the_limit_is_used_at_saturation_however_the_demand_is_spread() {
    for demand in [vec![80, 80, 80], vec![200, 20, 20], vec![240, 0, 0]] {
        let mut world = World::new(Plan { demand: demand.clone(), ..plan() });
        world.run();
        let used = world.used(10_000, 34_000);
        // A window of 6 s loses ten times the part that one of 60 s does.
        assert!(used >= 4 * 600 * 80 / 100, "{demand:?}: {used} of {}", 4 * 600);
    }
}

#[test]
fn without_the_store_each_goes_on_with_its_share() {
    let mut world = World::new(Plan { cuts: vec![(3, 2_000, 4_000)], demand: vec![90], ..plan() });
    world.run();
    for node in &world.nodes {
        let used = node.used.iter().filter(|&&at| (18_000..30_000).contains(&at)).count();
        assert!((380..=400).contains(&used), "{used} in two windows");
    }
}
