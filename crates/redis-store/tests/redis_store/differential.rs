//! The script in a real Redis against the reference store: the same requests at the same times get the same replies.
//!
//! Only the time is ours: the line of the script that asks Redis for it takes two more words of the request instead.

use crate::redis_server::RedisServer;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt as _, SeedableRng as _};
use redis::Script;
use squall_determinism::Timestamp;
use squall_redis_store::{SCRIPT, codec};
use squall_shared_state::{
    DeploymentKey, Draw, Notice, NoticeState, Resource, ResourceKey, Store, StoreConfig,
    SyncRequest, UsedUnits,
};

const CONFIG: StoreConfig =
    StoreConfig { lease_ms: 500, forget_ms: 3_000, probe_ms: 700, max_members: 5 };

/// Windows of a few buckets and of many, a limit that is soon reached, one that never is, and a budget of a day.
const RESOURCES: [Resource; 4] = [
    Resource { key: ResourceKey(0xa1), limit: 100, window_ms: 1_000 },
    Resource { key: ResourceKey(u64::MAX), limit: 7, window_ms: 90 },
    Resource { key: ResourceKey(0xc3), limit: 1 << 50, window_ms: 60_000 },
    Resource { key: ResourceKey(0xd4), limit: 2_000, window_ms: 86_400_000 },
];

const SCHEDULES: u64 = 60;
const STEPS: u64 = 250;

fn timed_script() -> Script {
    const ASKS: &str = "redis.call('TIME')";
    assert_eq!(SCRIPT.matches(ASKS).count(), 1, "the script asks for the time in one place");
    Script::new(&SCRIPT.replace(ASKS, "{ ARGV[#ARGV - 1], ARGV[#ARGV] }"))
}

/// A replica that tells the truth most of the time.
#[derive(Clone, Default)]
struct RandomReplica {
    id: u64,
    number: u64,
    epoch: u64,
    seen: u64,
    used: [u64; RESOURCES.len()],
    refunded: [u64; RESOURCES.len()],
    /// The store has asked it to restate.
    restates: bool,
}

impl RandomReplica {
    fn request(&mut self, random: &mut Xoshiro256PlusPlus) -> SyncRequest {
        // Repeated requests, and those that overtook each other, are refused.
        self.number += u64::from(!random.random_bool(0.05));
        let mut request = SyncRequest::new(self.id, self.number);
        request.version += u32::from(random.random_bool(0.01));
        request.epoch =
            if random.random_bool(0.95) { self.epoch } else { random.random_range(0..4) };
        request.members = random.random_range(0..7);
        request.restate = random.random_bool(if self.restates { 0.9 } else { 0.05 });
        request.leaving = random.random_bool(0.02);
        request.seen = self.seen;
        for (place, resource) in RESOURCES.into_iter().enumerate() {
            if random.random_bool(0.8) {
                request.draws.push(self.draw(place, resource, request.restate, random));
            }
        }
        for _ in 0..random.random_range(0..3) {
            let state = if random.random_bool(0.6) {
                let remaining_ms = random.random_range(0..2_000);
                NoticeState::Out { remaining_ms, cause: random.random() }
            } else {
                NoticeState::Recovered
            };
            request.notices.push(Notice { deployment: deployment(random), state });
        }
        for _ in 0..random.random_range(0..3) {
            request.probes.push(deployment(random));
        }
        request
    }

    fn draw(
        &mut self,
        place: usize,
        resource: Resource,
        restate: bool,
        random: &mut Xoshiro256PlusPlus,
    ) -> Draw {
        let some = resource.limit.min(40);
        self.used[place] += random.random_range(0..=some) * u64::from(random.random_bool(0.7));
        self.refunded[place] += random.random_range(0..=some / 4);
        let mut draw = Draw::first(resource, random.random_range(0..5));
        (draw.used, draw.refunded) = (self.used[place], self.refunded[place]);
        draw.kept = random.random_range(0..=some / 2);
        draw.want = random.random_range(0..=some * 2);
        draw.alone = random.random_range(0..=some);
        draw.share = random.random_range(0..=some);
        if restate {
            let parts = random.random_range(0..5);
            let part = |_| UsedUnits {
                age_ms: random.random_range(0..resource.window_ms * 2),
                units: random.random_range(0..=some),
            };
            draw.history = (0..parts).map(part).collect();
        }
        draw
    }
}

fn deployment(random: &mut Xoshiro256PlusPlus) -> DeploymentKey {
    DeploymentKey(random.random_range(0..4_u64) << 62 | 1)
}

#[test]
fn the_script_in_redis_answers_as_the_reference_store_does() {
    let redis = RedisServer::start("differential");
    let mut connection = redis.connect();
    let script = timed_script();
    let mut compared = [0; 5];
    for seed in 0..SCHEDULES {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut life = 1;
        let mut store = Store::new(CONFIG, life);
        let mut now_ms = 1_700_000_000_000_u64;
        let mut replicas: Vec<RandomReplica> = (1..=6)
            .map(|nth| RandomReplica { id: u64::MAX / nth, ..RandomReplica::default() })
            .collect();
        for step in 0..STEPS {
            now_ms += match random.random_range(0..100) {
                0 => 4_000,
                1..=9 => random.random_range(150..400),
                10..=12 => 0,
                _ => random.random_range(1..60),
            };
            if random.random_bool(0.01) {
                // A store that has lost everything.
                redis::cmd("FLUSHALL").exec(&mut connection).expect("it flushes");
                life += 1;
                store = Store::new(CONFIG, life);
            }
            let replica = random.random_range(0..replicas.len());
            let request = replicas[replica].request(&mut random);
            let expected = store.sync(Timestamp::from_nanos(now_ms * 1_000_000), &request);
            let mut words = codec::arguments(&request, &CONFIG, life);
            words.extend([(now_ms / 1_000).to_string(), (now_ms % 1_000 * 1_000).to_string()]);
            let mut invocation = script.prepare_invoke();
            invocation.key(format!("{{squall:{seed}}}:v2"));
            words.iter().for_each(|word| {
                invocation.arg(word);
            });
            let said: Vec<String> = invocation.invoke(&mut connection).expect("it runs");
            let got = codec::reply(&said).expect("an answer of ours");
            assert_eq!(got, expected, "schedule {seed}, step {step}: {request:#?}");
            if let Ok(reply) = got {
                let asked = &mut replicas[replica];
                (asked.epoch, asked.seen) = (reply.epoch, reply.sequence);
                asked.restates = reply.restate;
                let grants = reply.grants.iter();
                let met = [
                    grants.len(),
                    grants.filter(|grant| grant.scarce).count(),
                    reply.notices.len(),
                    reply.permits.len(),
                    usize::from(reply.restate),
                ];
                compared.iter_mut().zip(met).for_each(|(all, met)| *all += met);
            }
        }
    }
    // Grants, those among them that quota was short for, notices, permits, and requests to restate.
    let enough = [10_000, 5_000, 3_000, 2_000, 1_000];
    assert!(compared.iter().zip(enough).all(|(&met, enough)| met > enough), "{compared:?}");
}
