//! What a request costs in the core: arrive, pick, first token, finish, with 10, 100 and 1,000
//! deployments, 200 requests in flight. `cargo bench -p squall-router --bench decision`.

#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use squall_determinism::{Seed, Timestamp};
use squall_router::{
    Arrival, AttemptId, DeploymentConfig, GroupConfig, GroupId, Input, Output, RetryBudget, Router,
    RouterConfig, Tag,
};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

const REQUESTS: u64 = 1_000_000;
const IN_FLIGHT: usize = 200;

fn main() {
    println!("deployments  ns/request  ns/decision");
    for deployments in [10, 100, 1_000] {
        let requests = REQUESTS / (deployments / 10);
        let mut bench = Bench::new(deployments);
        bench.serve(requests / 10);
        let started = Instant::now();
        bench.serve(requests);
        let nanos = started.elapsed().as_nanos() as u64 / requests;
        // Three inputs a request; the arrival holds the pick.
        println!("{deployments:>11}  {nanos:>10}  {:>11}", nanos / 3);
    }
}

struct Bench {
    router: Router,
    running: VecDeque<AttemptId>,
    now: Timestamp,
}

impl Bench {
    fn new(deployments: u64) -> Self {
        let deployments = (0..deployments).map(|n| DeploymentConfig {
            weight: 1 + n as u32 % 10,
            ..DeploymentConfig::new(format!("d{n}"))
        });
        let group = GroupConfig { deployments: deployments.collect(), ..GroupConfig::new("chat") };
        let config = RouterConfig { groups: vec![group], retry_budget: RetryBudget::default() };
        let router = Router::new(config, Seed::new(7), 0).expect("the configuration is complete");
        Self { router, running: VecDeque::new(), now: Timestamp::ZERO }
    }

    fn serve(&mut self, requests: u64) {
        for tag in 0..requests {
            self.now += Duration::from_millis(1);
            self.tell(Input::Arrived(Arrival {
                tag: Tag(tag),
                group: GroupId(0),
                input_tokens: 400,
                output_tokens: 60,
                stream: true,
                deadline: None,
            }));
            if self.running.len() > IN_FLIGHT
                && let Some(attempt) = self.running.pop_front()
            {
                self.tell(Input::FirstToken { attempt });
                self.tell(Input::Finished { attempt, usage: None });
            }
        }
    }

    fn tell(&mut self, input: Input) {
        self.router.handle(self.now, input);
        while let Some(output) = self.router.poll() {
            if let Output::StartAttempt(start) = output {
                self.running.push_back(start.attempt);
            }
        }
    }
}
