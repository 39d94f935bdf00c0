//! What a scenario configures beyond its first configuration and its one kind of request: kinds, changes,
//! checks.

use squall_determinism::Timestamp;
use squall_record::{
    AttemptRow, JournalReader, RecordedEvent, Recording, RequestOutcome, RequestRow,
};
use squall_router::{
    DeploymentConfig, DeploymentId, GroupId, HealthChecks, RouterConfig, RouterEvent as Decision,
    Tags, journal,
};
use squall_scenario::{ConfigChange, DeploymentLink, EPOCH_NANOS, RequestKind, Scenario};
use squall_sim::{RowRetention, SimOptions, simulate};
use squall_workload::KindConfig;
use std::time::Duration;

fn scenario(faults: &str) -> Scenario {
    let text = SCENARIO.replace("FAULTS", faults);
    Scenario::read("test.yaml", &text).unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
}

fn run(scenario: &Scenario) -> Recording {
    simulate(scenario, SimOptions::default()).unwrap()
}

const fn kind(weight: u32) -> KindConfig {
    KindConfig { weight, prompt_tokens: None, output_tokens: None, stream: None, sessions: 0 }
}

/// A fifth are `paid`, which ask for `small` and have a tag of their own; the others are `free`.
fn mixed() -> Scenario {
    let mut scenario = scenario("");
    let free = RequestKind { name: "free".to_owned(), ..scenario.kinds[0].clone() };
    let paid =
        RequestKind { name: "paid".to_owned(), group: GroupId(1), ..scenario.kinds[0].clone() };
    scenario.kinds = vec![paid, free];
    scenario.workload.sources[0].kinds = vec![kind(20), kind(80)];
    scenario
}

fn of_kind(recording: &Recording, kind: u16) -> Vec<&RequestRow> {
    recording.requests.iter().filter(|row| row.kind == kind).collect()
}

/// The attempts that started from one second to the next.
fn attempts(recording: &Recording, from: u64, until: u64) -> Vec<&AttemptRow> {
    let window = Timestamp::from_secs(from)..Timestamp::from_secs(until);
    recording.attempts.iter().filter(|row| window.contains(&row.started)).collect()
}

fn at(attempts: &[&AttemptRow], deployment: u16) -> usize {
    attempts.iter().filter(|row| row.deployment == deployment).count()
}

#[test]
fn requests_of_a_kind_ask_for_their_own_group_and_count_for_it() {
    let recording = run(&mixed());
    let (paid, free) = (of_kind(&recording, 0), of_kind(&recording, 1));
    assert!((60..140).contains(&paid.len()), "{} of {}", paid.len(), recording.requests.len());
    assert!(paid.iter().all(|row| row.group == 1) && free.iter().all(|row| row.group == 0));
    for row in &recording.attempts {
        let request = &recording.requests[row.request.unwrap() as usize];
        assert_eq!(row.deployment == 2, request.kind == 0, "{row:?}");
    }
    let whole = || Timestamp::ZERO..Timestamp::MAX;
    let kinds = recording.cells.kinds.iter().map(|kind| kind.sum(whole()));
    let counted: Vec<_> = kinds.map(|sum| (sum.arrived as usize, sum.attempts as usize)).collect();
    assert_eq!(counted, [(paid.len(), paid.len()), (free.len(), free.len())]);
    assert_eq!(recording.header.kinds, ["paid", "free"]);
}

#[test]
fn the_only_kind_leaves_no_trace_in_the_digest() {
    let one = scenario("");
    let mut named = one.clone();
    named.kinds[0].name = "all".to_owned();
    named.workload.sources[0].kinds = vec![kind(1)];
    let (one, named) = (run(&one), run(&named));
    assert_eq!(one.header.digest, named.header.digest);
    assert_eq!(one.cells, named.cells);
}

#[test]
fn tags_of_a_kind_choose_among_deployments() {
    let mut scenario = mixed();
    scenario.kinds[0].group = GroupId(0);
    scenario.kinds[0].tags = Tags(1);
    scenario.router.groups[0].deployments[1].tags = Tags(1);
    let recording = run(&scenario);
    let paid = of_kind(&recording, 0);
    assert!(!paid.is_empty());
    for row in &recording.attempts {
        let request = &recording.requests[row.request.unwrap() as usize];
        assert!(request.kind == 1 || row.deployment == 1, "{row:?}");
    }
}

/// `eu` and `us` change from 3 to 1 to 1 to 3 at 10 s, and `us` is replaced by `ap` at 15 s.
fn changing() -> Scenario {
    let mut scenario = scenario("");
    let weights = |config: &RouterConfig, weights: [u32; 2]| {
        let mut config = config.clone();
        for (deployment, weight) in config.groups[0].deployments.iter_mut().zip(weights) {
            deployment.weight = weight;
        }
        config
    };
    let second = weights(&scenario.router, [1, 3]);
    let mut third = weights(&second, [1, 1]);
    third.groups[0].deployments[1] = DeploymentConfig::new("ap");
    let change = |secs, what: &str, router| ConfigChange {
        at: Timestamp::from_secs(secs),
        what: what.to_owned(),
        router,
    };
    scenario.changes =
        vec![change(10, "weights eu 1, us 3", second), change(15, "chat: eu, ap", third)];
    scenario.deployments.push(DeploymentLink { provider: 1, model: "ap".to_owned(), key: None });
    scenario
}

#[test]
fn a_change_holds_from_its_time_on() {
    let recording = run(&changing());
    let first = attempts(&recording, 0, 10);
    let second = attempts(&recording, 10, 15);
    let third = attempts(&recording, 15, 20);
    let near = |part: usize, of: &[&AttemptRow], share: f64| {
        (part as f64 / of.len() as f64 - share).abs() < 0.03
    };
    assert!(near(at(&first, 0), &first, 0.75), "{} of {}", at(&first, 0), first.len());
    assert!(near(at(&second, 0), &second, 0.25), "{} of {}", at(&second, 0), second.len());
    assert_eq!((at(&third, 1), at(&second, 3)), (0, 0), "us is gone, ap was not there");
    assert!(near(at(&third, 3), &third, 0.5), "{} of {}", at(&third, 3), third.len());
    let told = recording.notes.iter().filter_map(|row| match row.note {
        RecordedEvent::Router(Decision::Reconfigured { config }) => Some((row.at, config.0)),
        _ => None,
    });
    let times = [10, 15].map(Timestamp::from_secs);
    assert_eq!(told.collect::<Vec<_>>(), [(times[0], 1), (times[1], 2)]);
    let lost = recording.requests.iter().filter(|row| row.outcome != RequestOutcome::Succeeded);
    assert_eq!(lost.count(), 0);
}

#[test]
fn a_header_tells_the_weights_of_every_time() {
    let recording = run(&changing());
    let header = &recording.header;
    let names: Vec<_> = header.deployments.iter().map(|info| info.name.as_str()).collect();
    assert_eq!(names, ["eu", "us", "spare", "ap"]);
    let weights = |secs| [0, 1, 3].map(|each| header.weight_at(each, Timestamp::from_secs(secs)));
    assert_eq!([9, 10, 15].map(weights), [[3, 1, 0], [1, 3, 0], [1, 0, 1]]);
    assert_eq!(header.changes[1].what, "chat: eu, ap");
}

#[test]
fn a_run_that_changes_is_replayed_byte_for_byte() {
    let scenario = changing();
    let recording = run(&scenario);
    let bytes = recording.journal.as_ref().unwrap();
    let frames = JournalReader::new(bytes).unwrap().frames().unwrap();
    let changes = scenario.changes.iter().map(|change| change.router.clone());
    let first = scenario.router.clone();
    journal::replay(first, changes, scenario.seed, EPOCH_NANOS, frames).unwrap();
    let cells = SimOptions { keep: RowRetention::Cells, journal: false };
    assert_eq!(simulate(&scenario, cells).unwrap().header.digest, recording.header.digest);
}

/// When checks came to another mind about `eu`.
fn minds(faults: &str) -> Vec<(bool, f64)> {
    let mut scenario = scenario(faults);
    scenario.router.health_checks = Some(HealthChecks {
        every: Duration::from_secs(1),
        timeout: Duration::from_millis(500),
        unhealthy: 2,
        healthy: 1,
    });
    let recording = run(&scenario);
    let minds = recording.notes.iter().filter_map(|row| match row.note {
        RecordedEvent::Router(Decision::HealthChanged { deployment: DeploymentId(0), healthy }) => {
            Some((healthy, row.at.as_secs_f64()))
        }
        _ => None,
    });
    minds.collect()
}

#[test]
fn checks_see_an_outage_and_its_end_and_nothing_of_broken_completions() {
    let near = |minds: &[(bool, f64)], times: [f64; 2]| {
        assert_eq!(minds.iter().map(|mind| mind.0).collect::<Vec<_>>(), [false, true]);
        for (mind, time) in minds.iter().zip(times) {
            assert!((time..time + 1.01).contains(&mind.1), "{minds:?}");
        }
    };
    near(&minds("{ at: 5s, for: 5s, outage: refuse }"), [6.0, 10.0]);
    // A black hole is known when the time-out is over.
    near(&minds("{ at: 5s, for: 5s, outage: blackhole }"), [6.5, 10.0]);
    assert_eq!(minds("{ at: 5s, for: 5s, error: 500 }"), []);
}

const SCENARIO: &str = "
name: test
seed: 7
phases: { all: 0s..20s }
traffic:
  group: chat
  arrivals: even
  rate: 25
  prompt_tokens: 40
  output_tokens: 10
providers:
  one: { ttft: 100ms, itl: 10ms, faults: [ FAULTS ] }
  two: { ttft: 100ms, itl: 10ms }
router:
  groups:
    chat:
      timeouts: { first_token: 2s, total: 2s }
      deployments:
        - { name: eu, provider: one, weight: 3 }
        - { name: us, provider: two, weight: 1 }
    small:
      deployments: [ { name: spare, provider: two } ]
";
