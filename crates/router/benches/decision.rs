//! What a request costs in the core: arrive, pick, first token, finish, for every strategy at 10, 100
//! and 1,000 deployments, with 200 requests in flight. `cargo bench -p squall-router --bench decision`.
//! Once with limits alone and the defaults, and once more, for some strategies, with every feature on.
//!
//! With the argument `count` it serves a fixed number of requests and prints nothing: for
//! `valgrind --tool=callgrind`, whose counts repeat. `count 1000 least_busy` says how many deployments
//! and which strategy, `count 1000 least_busy everything` switches every feature on, `explained` writes the reasons of
//! every decision down and keeps the last thousand requests with them, as a gateway with an admin API does, and `limits`,
//! `everything` or `explained` takes the number of requests behind it: two numbers leave out the setup. `time 1000 least_busy
//! limits` prints the nanoseconds of a request as a line for `cargo xtask perf`.

#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use squall_determinism::{Seed, Share, Timestamp};
use squall_router::journal::{RequestTrace, RequestTraces};
use squall_router::{
    AttemptId, Declared, DeploymentConfig, Fallbacks, GroupConfig, GroupId, Money, Price,
    RateLimit, RateLimits, RateWindow, RegionId, RequestArrival, RequestTag, Router, RouterConfig,
    RouterInput, RouterOutput, SlowStart, SpendBudget, SpendBudgetId, SpendPeriod, Strategy, Tags,
    TenantConfig, TenantId, UpstreamLimits,
};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

const REQUESTS: u64 = 500_000;
const IN_FLIGHT: usize = 200;
const SIZES: [u64; 3] = [10, 100, 1_000];

/// Every strategy, under the name that the table below calls it by.
fn strategies() -> Vec<(String, Strategy)> {
    let name = |strategy: &Strategy| match strategy {
        Strategy::Litellm(_) => format!("litellm {}", strategy.name()),
        ours => ours.name().to_owned(),
    };
    Strategy::all().map(|strategy| (name(&strategy), strategy)).collect()
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if let Some(place) = args.iter().position(|arg| arg == "count") {
        let (strategy, deployments, features) = chosen(&args[place + 1..]);
        let requests = args.get(place + 4).and_then(|arg| arg.parse().ok()).unwrap_or(10_000);
        Bench::new(&strategy, deployments, features).serve(requests);
        return;
    }
    if let Some(place) = args.iter().position(|arg| arg == "time") {
        let (strategy, deployments, features) = chosen(&args[place + 1..]);
        let nanos = measure(&strategy, deployments, features);
        println!("figure\tdecision-{deployments}\tsquall\t{nanos}");
        return;
    }
    println!("ns/request            {:>8} {:>8} {:>8}", SIZES[0], SIZES[1], SIZES[2]);
    for (name, strategy) in strategies() {
        row(&name, &strategy, FeatureSet::Limits);
    }
    println!("with every decision explained");
    for (name, strategy) in strategies().into_iter().filter(|(name, _)| !name.contains(' ')) {
        row(&name, &strategy, FeatureSet::Explained);
    }
    println!("with every feature on");
    for (name, strategy) in strategies().into_iter().filter(|(name, _)| !name.contains(' ')) {
        row(&name, &strategy, FeatureSet::Everything);
    }
}

fn row(name: &str, strategy: &Strategy, features: FeatureSet) {
    let [ten, hundred, thousand] =
        SIZES.map(|deployments| measure(strategy, deployments, features));
    println!("{name:<22}{ten:>8} {hundred:>8} {thousand:>8}");
}

fn measure(strategy: &Strategy, deployments: u64, features: FeatureSet) -> u64 {
    let requests = REQUESTS / (deployments / 10);
    let mut bench = Bench::new(strategy, deployments, features);
    bench.serve(requests / 10);
    let started = Instant::now();
    bench.serve(requests);
    started.elapsed().as_nanos() as u64 / requests
}

/// The strategy, the number of deployments and the features that the arguments name.
fn chosen(args: &[String]) -> (Strategy, u64, FeatureSet) {
    let deployments = args.first().and_then(|arg| arg.parse().ok()).unwrap_or(10);
    let name = args.get(1).map_or("smooth_weighted", String::as_str);
    let found = strategies().into_iter().find(|(known, _)| known == name);
    let (_, strategy) = found.unwrap_or_else(|| panic!("there is no strategy `{name}`"));
    let everything = args.get(2).is_some_and(|arg| arg == "everything");
    let explained = args.get(2).is_some_and(|arg| arg == "explained");
    let features = match (everything, explained) {
        (true, _) => FeatureSet::Everything,
        (_, true) => FeatureSet::Explained,
        _ => FeatureSet::Limits,
    };
    (strategy, deployments, features)
}

/// What is on beside the defaults.
#[derive(Clone, Copy, Eq, PartialEq)]
enum FeatureSet {
    /// Limits of requests and tokens a minute.
    Limits,
    /// These, with the reasons of every decision.
    Explained,
    /// Limits, and limits of the group and of tenants, limits from headers and 429s, slow start, a panic threshold, budgets in money, tags, regions, sessions,
    /// features, context windows, tiers, fallbacks and deadlines.
    Everything,
}

struct Bench {
    router: Router,
    running: VecDeque<AttemptId>,
    now: Timestamp,
    features: FeatureSet,
    traces: RequestTraces,
    outputs: Vec<RouterOutput>,
    kept: VecDeque<RequestTrace>,
}

impl Bench {
    fn new(strategy: &Strategy, deployments: u64, features: FeatureSet) -> Self {
        let group = GroupConfig {
            deployments: (0..deployments).map(deployment).collect(),
            strategy: strategy.clone(),
            ..GroupConfig::new("chat")
        };
        let config = RouterConfig { groups: vec![group], ..RouterConfig::default() };
        let config = match features {
            FeatureSet::Limits | FeatureSet::Explained => config,
            FeatureSet::Everything => everything_on(config),
        };
        let router = Router::new(config, Seed::new(7), 0).expect("the configuration is complete");
        Self {
            router,
            running: VecDeque::new(),
            now: Timestamp::ZERO,
            features,
            traces: RequestTraces::bounded(64 << 10),
            outputs: Vec::new(),
            kept: VecDeque::new(),
        }
    }

    fn serve(&mut self, requests: u64) {
        for tag in 0..requests {
            self.now += Duration::from_millis(1);
            self.tell(RouterInput::Arrived(self.arrival(tag)));
            if self.running.len() > IN_FLIGHT
                && let Some(attempt) = self.running.pop_front()
            {
                if self.features == FeatureSet::Everything {
                    self.tell(RouterInput::LimitHeaders { attempt, headers: stated(tag) });
                }
                self.tell(RouterInput::FirstToken { attempt });
                self.tell(RouterInput::Finished { attempt, usage: None });
            }
        }
    }

    fn arrival(&self, tag: u64) -> RequestArrival {
        let plain = RequestArrival {
            input_tokens: 400,
            output_tokens: 60,
            stream: true,
            ..RequestArrival::new(RequestTag(tag), GroupId(0))
        };
        match self.features {
            FeatureSet::Limits | FeatureSet::Explained => plain,
            FeatureSet::Everything => RequestArrival {
                tenant: Some(TenantId(tag as u16 % 2)),
                tags: Tags(1),
                region: Some(RegionId(0)),
                // Every second request goes on with a session that was seen a hundred requests before.
                session: Some(if tag.is_multiple_of(2) { tag } else { tag.saturating_sub(101) }),
                deadline: Some(Duration::from_secs(60)),
                ..plain
            },
        }
    }

    fn tell(&mut self, input: RouterInput) {
        let is_explained = self.features == FeatureSet::Explained;
        if is_explained && matches!(input, RouterInput::Arrived(_)) {
            self.router.explain_next_arrival();
        }
        self.router.handle(self.now, input);
        self.outputs.clear();
        while let Some(output) = self.router.poll() {
            if is_explained {
                self.outputs.push(output);
            }
            if let RouterOutput::StartAttempt(start) = output {
                self.running.push_back(start.attempt);
            }
        }
        if is_explained {
            self.explain(input);
        }
    }

    /// Puts the traces together, and keeps the last thousand.
    fn explain(&mut self, input: RouterInput) {
        let decisions = self.router.take_decisions();
        if let RouterInput::Arrived(arrival) = input {
            self.traces.begin(self.now, arrival, None, 0, &self.outputs);
        }
        self.traces.take_in(self.now, &input, &self.outputs, decisions);
        while let Some(trace) = self.traces.next_ended() {
            self.kept.push_back(trace);
            if self.kept.len() > 1_000 {
                self.kept.pop_front();
            }
        }
    }
}

/// With limits that are never reached, so that they are asked.
fn deployment(n: u64) -> DeploymentConfig {
    let limit = |per_minute| RateLimit { per_minute, window: RateWindow::Gcra { burst: None } };
    DeploymentConfig {
        weight: 1 + n as u32 % 10,
        limits: RateLimits {
            rpm: Some(limit(10_000_000)),
            tpm: Some(limit(1_000_000_000 + n % 7)),
            ..RateLimits::default()
        },
        price: Price { input: Money(100 + n % 3), output: Money(400) },
        declared: Declared {
            weight: Some(1 + n as u32 % 10),
            rpm: Some(10_000_000),
            tpm: Some(1_000_000_000),
        },
        ..DeploymentConfig::new(format!("d{n}"))
    }
}

/// The same group with all that a group, its deployments and its tenants can have.
fn everything_on(config: RouterConfig) -> RouterConfig {
    let limit =
        |per_minute| Some(RateLimit { per_minute, window: RateWindow::Gcra { burst: None } });
    let limits = RateLimits {
        rpm: limit(10_000_000),
        tpm: limit(1_000_000_000),
        concurrency: Some(100_000),
        ..RateLimits::default()
    };
    let mut groups = config.groups;
    let group = &mut groups[0];
    group.limits = limits;
    group.session_affinity = Some(Duration::from_secs(600));
    group.slow_start = Some(SlowStart::default());
    group.panic_threshold = Share::percent(50);
    group.fallbacks = Fallbacks::to(vec![GroupId(1)]);
    for (n, deployment) in group.deployments.iter_mut().enumerate() {
        deployment.order = u8::from(n % 5 == 4);
        deployment.limits.concurrency = Some(10_000);
        deployment.limits.from_headers = true;
        deployment.limits.from_429s = true;
        deployment.spends_from = vec![SpendBudgetId(0)];
        deployment.tags = Tags(1 | 1 << (n % 8));
        deployment.region = Some(RegionId(0));
        deployment.max_input_tokens = Some(100_000 + n as u32);
    }
    let spare = GroupConfig {
        deployments: vec![DeploymentConfig::new("spare")],
        ..GroupConfig::new("spare")
    };
    groups.push(spare);
    let tenant = |name: &str| TenantConfig { name: name.to_owned(), limits };
    RouterConfig {
        groups,
        tenants: vec![tenant("one"), tenant("two")],
        spend_budgets: vec![SpendBudget {
            name: "all".to_owned(),
            limit: Money(u64::MAX),
            period: SpendPeriod::Rolling(Duration::from_secs(86_400)),
            spent: Money(0),
        }],
        ..config
    }
}

/// What a provider with room says of its limits.
fn stated(tag: u64) -> UpstreamLimits {
    UpstreamLimits {
        limit_requests: Some(10_000_000),
        remaining_requests: Some(9_000_000 + tag as u32 % 1_000),
        ..UpstreamLimits::default()
    }
}
