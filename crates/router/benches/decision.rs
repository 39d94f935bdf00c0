//! What a request costs in the core: arrive, pick, first token, finish, for every strategy at 10, 100
//! and 1,000 deployments, with 200 requests in flight. `cargo bench -p squall-router --bench decision`.
//!
//! With the argument `count` it serves a fixed number of requests and prints nothing: for
//! `valgrind --tool=callgrind`, whose counts repeat. `count 1000 least_busy` says how many deployments
//! and which strategy.

#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use squall_determinism::{Seed, Timestamp};
use squall_router::{
    AttemptId, Declared, DeploymentConfig, GroupConfig, GroupId, Money, Price, RateLimit,
    RateLimits, RateWindow, RequestArrival, RequestTag, Router, RouterConfig, RouterInput,
    RouterOutput, Strategy,
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
        count(&args[place + 1..]);
        return;
    }
    println!("ns/request            {:>8} {:>8} {:>8}", SIZES[0], SIZES[1], SIZES[2]);
    for (name, strategy) in strategies() {
        let [ten, hundred, thousand] = SIZES.map(|deployments| measure(&strategy, deployments));
        println!("{name:<22}{ten:>8} {hundred:>8} {thousand:>8}");
    }
}

fn measure(strategy: &Strategy, deployments: u64) -> u64 {
    let requests = REQUESTS / (deployments / 10);
    let mut bench = Bench::new(strategy, deployments);
    bench.serve(requests / 10);
    let started = Instant::now();
    bench.serve(requests);
    started.elapsed().as_nanos() as u64 / requests
}

fn count(args: &[String]) {
    let deployments = args.first().and_then(|arg| arg.parse().ok()).unwrap_or(10);
    let name = args.get(1).map_or("smooth_weighted", String::as_str);
    let found = strategies().into_iter().find(|(known, _)| known == name);
    let (_, strategy) = found.unwrap_or_else(|| panic!("there is no strategy `{name}`"));
    Bench::new(&strategy, deployments).serve(10_000);
}

struct Bench {
    router: Router,
    running: VecDeque<AttemptId>,
    now: Timestamp,
}

impl Bench {
    fn new(strategy: &Strategy, deployments: u64) -> Self {
        let group = GroupConfig {
            deployments: (0..deployments).map(deployment).collect(),
            strategy: strategy.clone(),
            ..GroupConfig::new("chat")
        };
        let config = RouterConfig { groups: vec![group], ..RouterConfig::default() };
        let router = Router::new(config, Seed::new(7), 0).expect("the configuration is complete");
        Self { router, running: VecDeque::new(), now: Timestamp::ZERO }
    }

    fn serve(&mut self, requests: u64) {
        for tag in 0..requests {
            self.now += Duration::from_millis(1);
            self.tell(RouterInput::Arrived(RequestArrival {
                input_tokens: 400,
                output_tokens: 60,
                stream: true,
                ..RequestArrival::new(RequestTag(tag), GroupId(0))
            }));
            if self.running.len() > IN_FLIGHT
                && let Some(attempt) = self.running.pop_front()
            {
                self.tell(RouterInput::FirstToken { attempt });
                self.tell(RouterInput::Finished { attempt, usage: None });
            }
        }
    }

    fn tell(&mut self, input: RouterInput) {
        self.router.handle(self.now, input);
        while let Some(output) = self.router.poll() {
            if let RouterOutput::StartAttempt(start) = output {
                self.running.push_back(start.attempt);
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
