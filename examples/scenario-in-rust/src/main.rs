//! A scenario built in Rust, without a file: `cargo run -p squall-example-scenario-in-rust`.
//!
//! Two providers serve 50 requests a second; the larger one answers 503 for ten seconds. The run is simulated, judged
//! against three expectations, and printed as `squall run --sim` prints it.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use squall_determinism::{Distribution, Seed, Share, Timestamp};
use squall_failure::FailureClass;
use squall_judge::Judgement;
use squall_provider::{ErrorAnswer, FaultConfig, FaultKind, ProviderConfig};
use squall_router::{DeploymentConfig, GroupConfig, GroupId, Overrides, RouterConfig};
use squall_scenario::{
    DeploymentLink, Phase, RequestKind, Scenario, ScenarioProvider, TrafficSource,
};
use squall_sim::{SimOptions, simulate};
use squall_wire::Format;
use squall_workload::{Arrivals, ClientConfig, Rate, RateSegment, SourceConfig, WorkloadConfig};
use std::error::Error;
use std::time::Duration;

const DURATION: Duration = Duration::from_secs(60);

fn main() -> Result<(), Box<dyn Error>> {
    let mut scenario = scenario();
    scenario.expect_instead(&[
        "success_rate >= 99%".to_owned(),
        "failover_time(eu) <= 2s".to_owned(),
        "retry_amplification <= 1.2".to_owned(),
    ])?;
    let recording = simulate(&scenario, SimOptions::default())?;
    let verdict = squall_judge::judge(&scenario, &recording);
    println!("{}", squall_judge::terminal_table(&verdict));
    match verdict.overall {
        Judgement::Met => Ok(()),
        Judgement::Missed | Judgement::Inconclusive => Err("the expectations were not met".into()),
    }
}

fn scenario() -> Scenario {
    let router = router();
    let outage = FaultConfig::new(
        Timestamp::from_secs(20),
        Duration::from_secs(10),
        FaultKind::Error(ErrorAnswer::of(FailureClass::Server)),
    );
    let links = ["eu", "us"].into_iter().zip(0_u16..);
    Scenario {
        name: "built-in-rust".to_owned(),
        description: None,
        seed: Seed::new(7),
        start: None,
        duration: DURATION,
        warm_up: Timestamp::ZERO,
        phases: vec![Phase {
            name: "all".to_owned(),
            start: Timestamp::ZERO,
            end: Timestamp::ZERO + DURATION,
        }],
        workload: workload(),
        target: GroupId(0),
        providers: vec![provider("eu", vec![outage]), provider("us", Vec::new())],
        sources: vec![TrafficSource { name: None, target: GroupId(0), kinds: 0..1 }],
        kinds: vec![RequestKind {
            name: "chat".to_owned(),
            group: GroupId(0),
            priority: 0,
            tenant: None,
            tags: Default::default(),
            features: Default::default(),
            region: None,
            overrides: Overrides::default(),
        }],
        router,
        before_profile: None,
        changes: Vec::new(),
        deployments: links
            .map(|(name, provider)| DeploymentLink { provider, model: name.to_owned(), key: None })
            .collect(),
        tags: Vec::new(),
        regions: Vec::new(),
        budgets: Vec::new(),
        gateway_cost: None,
        gateway_replicas: squall_scenario::GatewayReplicas::default(),
        gateway_target: None,
        expectations: Vec::new(),
        text: String::new(),
    }
}

/// One group; `eu` takes two thirds of its requests.
fn router() -> RouterConfig {
    let eu = DeploymentConfig { weight: 2, ..DeploymentConfig::new("eu") };
    let deployments = vec![eu, DeploymentConfig::new("us")];
    let group = GroupConfig { deployments, ..GroupConfig::new("chat") };
    RouterConfig { groups: vec![group], ..RouterConfig::default() }
}

/// 350 ms to the first token, and 20 ms between tokens.
fn provider(name: &str, faults: Vec<FaultConfig>) -> ScenarioProvider {
    let millis = |value: u64| value * 1_000_000;
    let ttft = Distribution::Fixed { value: millis(350) };
    let itl = Distribution::Fixed { value: millis(20) };
    let config = ProviderConfig { faults, ..ProviderConfig::new(ttft, itl) };
    ScenarioProvider {
        name: name.to_owned(),
        format: Format::OpenAi,
        written: config.clone(),
        config,
        listen: None,
    }
}

/// Independent users, 50 a second, half of whom ask for a stream.
fn workload() -> WorkloadConfig {
    let rate = Rate { segments: vec![RateSegment::Constant { at: Timestamp::ZERO, rps: 50.0 }] };
    let source = SourceConfig {
        key: 0,
        arrivals: Arrivals::Poisson { rate },
        prompt_tokens: Distribution::Fixed { value: 400 },
        output_tokens: Distribution::Fixed { value: 60 },
        stream: Share::percent(50),
        client: ClientConfig::waiting(Duration::from_secs(20)),
        kinds: Vec::new(),
        shifts: Vec::new(),
    };
    WorkloadConfig::of(source, Timestamp::ZERO + DURATION)
}
