//! Under any configuration, and any change from one to another: nothing is lost, no limit of concurrency
//! is exceeded, nothing begins at a deployment that is gone, and the journal replays.

use proptest::prelude::*;
use squall_determinism::{Seed, Share, Timestamp};
use squall_failure::{Failure, FailureClass, FailureSource};
use squall_router::journal::{digest_outputs, encode_frame, replay};
use squall_router::{
    AssignedIds, AttemptId, ConcurrencyRelease, ConfigId, CooldownRule, DeploymentConfig,
    DeploymentId, FallbackChoice, FallbackRule, Fallbacks, Features, GroupConfig, GroupId,
    GroupList, HealthChecks, IdRegistry, LitellmStrategy, Money, Overrides, Price, Profile,
    RateLimit, RateLimits, RateWindow, RequestArrival, RequestKey, RequestTag, Retries, Router,
    RouterConfig, RouterEvent, RouterInput, RouterOutput, SpendBudget, SpendBudgetId,
    Strategy as By, TagMatch, Tags, TenantConfig, TenantId, TokenUsage, UnavailablePolicy,
};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Every strategy; LiteLLM's by latency forgets its samples soon enough to be seen.
fn strategies() -> Vec<By> {
    let all = By::all().map(|strategy| match strategy {
        By::Litellm(LitellmStrategy::LatencyBased { .. }) => {
            let (buffer, ttl) = (Share::percent(10), Duration::from_secs(20));
            By::Litellm(LitellmStrategy::LatencyBased { buffer, ttl })
        }
        other => other,
    });
    all.collect()
}

/// Bits from which one configuration is made.
fn config(bits: [u64; 4]) -> RouterConfig {
    let pick = |shift: u32, of: u64| bits[0] >> shift & 0xff & of;
    let groups = ["chat", "small", "long"].into_iter().take(1 + (bits[1] % 3) as usize);
    let groups: Vec<_> = groups
        .enumerate()
        .map(|(n, name)| group(n, name, bits[2].rotate_left(n as u32 * 21) ^ bits[3]))
        .collect();
    let mut config = RouterConfig {
        fallback_rule: if pick(0, 1) == 1 {
            FallbackRule::LitellmNested { max_depth: 3, weighted_failover: true }
        } else {
            FallbackRule::default()
        },
        tenants: vec![TenantConfig { name: "team".into(), limits: limits(bits[3] >> 7) }],
        spend_budgets: vec![SpendBudget::rolling(
            Money(20_000 + bits[3] % 100_000),
            Duration::from_secs(5),
        )],
        health_checks: (pick(8, 1) == 1).then(HealthChecks::default),
        groups,
        ..RouterConfig::default()
    };
    for n in 1..config.groups.len() {
        config.groups[n - 1].fallbacks = Fallbacks::to(vec![GroupId(n as u16)]);
    }
    match pick(16, 3) {
        0 => config.with_profile(Profile::LITELLM_1_80),
        1 => config.with_profile(Profile::LITELLM_1_80).with_profile(Profile::Squall),
        _ => config,
    }
}

fn group(nth: usize, name: &str, bits: u64) -> GroupConfig {
    let count = 1 + bits % 5;
    let deployments = (0..count).map(|n| {
        let own = bits.rotate_right(n as u32 * 11);
        DeploymentConfig {
            weight: (own % 4) as u32 + u32::from(n == 0),
            order: (own >> 4 & 1) as u8,
            limits: limits(own >> 5),
            tags: Tags(own >> 9 & 3),
            default_pool: own >> 11 & 3 == 0,
            max_input_tokens: (own >> 13 & 1 == 1).then_some(300),
            features: if own >> 14 & 1 == 1 { Features::TOOLS } else { Features::ALL },
            price: Price { input: Money(own >> 15 & 7), output: Money(own >> 18 & 7) },
            spends_from: if own >> 21 & 1 == 1 { vec![SpendBudgetId(0)] } else { Vec::new() },
            // Some are the same over changes, some are not.
            ..DeploymentConfig::new(format!("{name}-{}", n + (own >> 22 & 1) * 10))
        }
    });
    let strategies = strategies();
    let all_out = [
        UnavailablePolicy::Wait,
        UnavailablePolicy::Fail,
        UnavailablePolicy::Panic,
        UnavailablePolicy::Wait,
    ];
    GroupConfig {
        deployments: deployments.collect(),
        strategy: strategies[(bits >> 24) as usize % strategies.len()].clone(),
        retries: Retries::new((bits >> 32 & 3) as u16),
        when_unavailable: all_out[(bits >> 34 & 3) as usize],
        cooldown: if bits >> 36 & 7 == 0 { CooldownRule::Never } else { CooldownRule::default() },
        limits: if bits >> 39 & 1 == 1 { limits(bits >> 40) } else { RateLimits::default() },
        max_queue_wait: Duration::from_secs(bits >> 44 & 3),
        max_queued: 1 + (bits >> 46 & 15) as u32,
        tags: [TagMatch::Any, TagMatch::All, TagMatch::Ignore][(bits >> 50) as usize % 3],
        session_affinity: (bits >> 52 & 1 == 1).then(|| Duration::from_secs(3)),
        deadline: Duration::from_secs(5 + 20 * (bits >> 53 & 1)),
        aliases: vec![format!("alias-{nth}")],
        ..GroupConfig::new(name)
    }
}

fn limits(bits: u64) -> RateLimits {
    let windows = [
        RateWindow::Gcra { burst: None },
        RateWindow::Fixed,
        RateWindow::Sliding,
        RateWindow::FromFirst,
        RateWindow::Slice(Duration::from_secs(5)),
    ];
    let window = windows[(bits >> 4) as usize % windows.len()];
    RateLimits {
        rpm: (bits & 3 == 0).then_some(RateLimit { per_minute: 30 + (bits >> 8 & 63), window }),
        tpm: (bits & 12 == 0).then_some(RateLimit { per_minute: 20_000, window }),
        concurrency: (bits >> 16 & 3 == 0).then_some(1 + (bits >> 18 & 3) as u32),
        ..RateLimits::default()
    }
}

/// The router, and what was seen of it.
struct World {
    router: Router,
    configs: Vec<RouterConfig>,
    numbers: Vec<AssignedIds>,
    now: Timestamp,
    tags: u64,
    keys: Vec<RequestKey>,
    running: BTreeMap<AttemptId, DeploymentId>,
    attempts: BTreeSet<AttemptId>,
    /// Who may be called, and how many at once.
    members: BTreeMap<DeploymentId, Option<u32>>,
    ended: BTreeMap<RequestKey, u32>,
    frames: Vec<Vec<u8>>,
}

impl World {
    fn new(configs: &[RouterConfig]) -> Self {
        let mut router = Router::new(configs[0].clone(), Seed::new(3), 0).unwrap();
        let mut numbers = vec![IdRegistry::default().add(&configs[0])];
        for config in &configs[1..] {
            numbers.push(router.prepare(config.clone()).unwrap().1);
        }
        let mut world = Self {
            router,
            configs: configs.to_vec(),
            numbers,
            now: Timestamp::ZERO,
            tags: 0,
            keys: Vec::new(),
            running: BTreeMap::new(),
            attempts: BTreeSet::new(),
            members: BTreeMap::new(),
            ended: BTreeMap::new(),
            frames: Vec::new(),
        };
        world.take_on(0);
        world
    }

    fn take_on(&mut self, config: usize) {
        let deployments = self.configs[config].groups.iter().flat_map(|group| &group.deployments);
        let ids = self.numbers[config].deployments.iter().copied();
        // A place that is given back with the first token says nothing of how many run.
        let limits = deployments.map(|each| {
            each.limits.concurrency.filter(|_| each.limits.release == ConcurrencyRelease::AtEnd)
        });
        self.members = ids.zip(limits).collect();
    }

    fn happen(&mut self, (after, kind, choice): (u64, u8, u64)) {
        self.now += Duration::from_millis(after);
        let attempt = {
            let nth = choice as usize % self.running.len().max(1);
            self.running.keys().nth(nth).copied()
        };
        let input = match kind {
            0..=6 => Some(RouterInput::Arrived(self.arrival(choice))),
            7..=9 => attempt.map(|attempt| {
                let usage = TokenUsage { input_tokens: 40, output_tokens: (choice % 90) as u32 };
                RouterInput::Finished { attempt, usage: choice.is_multiple_of(2).then_some(usage) }
            }),
            10 => attempt.map(|attempt| RouterInput::FirstToken { attempt }),
            11..=14 => {
                attempt.map(|attempt| RouterInput::Failed { attempt, failure: failure(choice) })
            }
            15 => self
                .keys
                .get(choice as usize % self.keys.len().max(1))
                .copied()
                .map(|request| RouterInput::ClientGone { request }),
            16 => Some(RouterInput::Checked {
                deployment: DeploymentId((choice % 20) as u16),
                passed: choice.is_multiple_of(3),
            }),
            17 => {
                let config = choice as usize % self.configs.len();
                Some(RouterInput::Reconfigure { config: ConfigId(config as u16) })
            }
            _ => Some(RouterInput::Tick),
        };
        if let Some(input) = input {
            self.tell(input);
        }
    }

    fn arrival(&mut self, choice: u64) -> RequestArrival {
        self.tags += 1;
        let fallbacks = match choice >> 8 & 7 {
            0 => FallbackChoice::None,
            1 => FallbackChoice::These(GroupList::new([GroupId(2), GroupId(9), GroupId(0)])),
            _ => FallbackChoice::Configured,
        };
        RequestArrival {
            input_tokens: (choice % 500) as u32,
            output_tokens: 60,
            stream: choice & 1 == 0,
            priority: (choice >> 4 & 3) as u8,
            tenant: (choice >> 6 & 1 == 1).then_some(TenantId(0)),
            tags: Tags(if choice >> 11 & 3 == 0 { choice >> 13 & 3 } else { 0 }),
            session: (choice >> 15 & 1 == 1).then_some(choice >> 16 & 7),
            features: if choice >> 19 & 7 == 0 { Features::VISION } else { Features::NONE },
            overrides: Overrides {
                retries: (choice >> 22 & 7 == 0).then_some(1),
                timeout: (choice >> 25 & 7 == 0).then(|| Duration::from_secs(2)),
                fallbacks,
            },
            ..RequestArrival::new(RequestTag(self.tags), GroupId((choice >> 28 & 3) as u16))
        }
    }

    fn tell(&mut self, input: RouterInput) {
        if let RouterInput::Finished { attempt, .. } | RouterInput::Failed { attempt, .. } = input {
            self.running.remove(&attempt);
        }
        self.router.handle(self.now, input);
        let outputs: Vec<_> = std::iter::from_fn(|| self.router.poll()).collect();
        let mut frame = Vec::new();
        encode_frame(self.now, &input, digest_outputs(&outputs), &mut frame);
        self.frames.push(frame);
        outputs.iter().for_each(|output| self.see(output));
    }

    fn see(&mut self, output: &RouterOutput) {
        match *output {
            RouterOutput::Accepted { request, .. } => self.keys.push(request),
            RouterOutput::StartAttempt(start) => {
                assert!(self.attempts.insert(start.attempt), "an id was used again");
                assert!(!self.ended.contains_key(&start.attempt.request), "begun after its end");
                let limit = self.members.get(&start.deployment);
                let limit = limit.unwrap_or_else(|| panic!("{:?} is gone", start.deployment));
                self.running.insert(start.attempt, start.deployment);
                let there = self.running.values().filter(|&&id| id == start.deployment).count();
                // After a change there may be more at once than the new limit says.
                let limit = limit.filter(|_| self.configs.len() == 1);
                assert!(limit.is_none_or(|limit| there <= limit as usize), "{there} at once");
            }
            RouterOutput::CancelAttempt { attempt, .. } => drop(self.running.remove(&attempt)),
            RouterOutput::Done { request, .. } => *self.ended.entry(request).or_default() += 1,
            // What fires late, before the change, is of the configuration before.
            RouterOutput::Note(RouterEvent::Reconfigured { config }) => {
                self.take_on(config.0.into())
            }
            RouterOutput::Commit { .. }
            | RouterOutput::Check { .. }
            | RouterOutput::Shared(_)
            | RouterOutput::Note(_) => {}
        }
    }

    /// Lets everything that runs end, and every timer fire, until nothing is left.
    fn heal(&mut self) {
        for _ in 0..20_000 {
            if let Some(&attempt) = self.running.keys().next() {
                self.tell(RouterInput::Finished { attempt, usage: None });
            } else if self.router.in_flight() > 0 {
                let due = self.router.next_timer().expect("whoever waits has a timer");
                self.now = self.now.max(due);
                self.tell(RouterInput::Tick);
            } else {
                return;
            }
        }
        panic!("{} requests never ended", self.router.in_flight());
    }
}

fn failure(choice: u64) -> Failure {
    let class = FailureClass::ALL[choice as usize % FailureClass::ALL.len()];
    let wait = (class == FailureClass::Throttled).then(|| Duration::from_secs(choice >> 9 & 7));
    Failure::new(class, FailureSource::Provider)
        .with_retry_after(wait.filter(|wait| !wait.is_zero()))
}

fn events() -> impl Strategy<Value = Vec<(u64, u8, u64)>> {
    let after = prop_oneof![3 => Just(0_u64), 5 => 1..200_u64, 1 => 1_000..8_000_u64];
    prop::collection::vec((after, 0..20_u8, any::<u64>()), 1..250)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn every_request_ends_exactly_once_and_the_journal_replays(
        bits in prop::collection::vec(any::<[u64; 4]>(), 1..4),
        events in events(),
    ) {
        let configs: Vec<_> = bits.into_iter().map(config).collect();
        let mut world = World::new(&configs);
        events.into_iter().for_each(|event| world.happen(event));
        world.heal();
        prop_assert_eq!(world.ended.len(), world.keys.len());
        prop_assert!(world.ended.values().all(|&times| times == 1));
        let frames = world.frames.iter().map(Vec::as_slice);
        let changes = configs[1..].iter().cloned();
        let replayed = replay(configs[0].clone(), changes, Seed::new(3), 0, frames).unwrap();
        prop_assert_eq!(replayed.frames, world.frames.len() as u64);
    }
}
