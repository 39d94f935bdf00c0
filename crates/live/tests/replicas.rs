//! Three replicas of the gateway and a Redis, over real sockets and as simulated: one limit for all of them, also while the
//! Redis is killed.

use squall_judge::judge;
use squall_live::RunOptions;
use squall_record::{AttemptOutcome, RecordedEvent, Recording, RequestOutcome};
use squall_router::{RouterEvent, SharedEvent};
use squall_scenario::Scenario;
use squall_sim::{SimOptions, simulate};
use squall_tests::valid_run::{Run, valid_run};

/// Twice as much traffic as the limit of a minute leaves room for, and a store that is away for a quarter of it.
const SCENARIO: &str = "
name: replicas
seed: 7
phases: { whole: 0s..20s }
traffic: { group: chat, rate: 60, prompt_tokens: 200, output_tokens: 20 }
providers:
  limited: { ttft: 50ms, itl: 5ms, limits: { rpm: 600, window: sliding } }
  backup: { ttft: 50ms, itl: 5ms }
gateway:
  replicas: 3
  shared_state: { store: { faults: [ { at: 4s, for: 5s, down: {} } ] } }
router:
  groups:
    chat:
      max_queue_wait: 0s
      deployments:
        - { name: limited, provider: limited, order: 1, limits: { rpm: 600, window: sliding } }
        - { name: backup, provider: backup, order: 2 }
";

/// The limit of any minute, of which the run is a third.
const LIMIT: usize = 600;

fn scenario(text: &str) -> Scenario {
    Scenario::read("replicas.yaml", text).unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
}

/// Attempts at the provider with the limit. None is over it, and no request is lost, on any machine.
fn used(recording: &Recording) -> usize {
    let lost = recording.requests.iter().filter(|row| row.outcome != RequestOutcome::Succeeded);
    assert_eq!(lost.count(), 0, "requests were lost");
    let at_limited: Vec<_> = recording.attempts.iter().filter(|row| row.deployment == 0).collect();
    let refused = at_limited.iter().filter(|row| row.outcome != AttemptOutcome::Succeeded);
    assert_eq!(refused.count(), 0, "the provider refused some");
    assert!(at_limited.len() <= LIMIT, "{} attempts in less than a minute", at_limited.len());
    at_limited.len()
}

/// How often replicas lost the store, and found it.
fn changes(recording: &Recording) -> [usize; 2] {
    let count = |wanted: fn(&SharedEvent) -> bool| {
        let is = |event: &RecordedEvent| match event {
            RecordedEvent::Router(RouterEvent::Shared(event)) => wanted(event),
            _ => false,
        };
        recording.notes.iter().filter(|note| is(&note.note)).count()
    };
    [
        count(|event| matches!(event, SharedEvent::StoreAway)),
        count(|event| matches!(event, SharedEvent::StoreBack { .. })),
    ]
}

#[test]
fn three_replicas_use_one_limit_whole_and_never_more_while_their_redis_is_killed() {
    let scenario = scenario(SCENARIO);
    let simulated = simulate(&scenario, SimOptions::default()).expect("it can be simulated");
    let (simulated_use, simulated_changes) = (used(&simulated), changes(&simulated));
    assert!(simulated_use * 100 >= LIMIT * 97, "{simulated_use} simulated");
    assert_eq!(simulated_changes, [3, 6], "each loses the store once, and finds it twice");
    let live = valid_run("three replicas and a Redis", || {
        let recording =
            squall_live::run(&scenario, &RunOptions::default(), |_| {}).expect("it runs");
        let used = used(&recording);
        let problems = judge(&scenario, &recording).validity_problems;
        Run { result: (used, changes(&recording)), problems }
    });
    if let Some((used, changes)) = live {
        assert!(used * 100 >= LIMIT * 97, "{used} live, {simulated_use} simulated");
        assert_eq!(changes, simulated_changes);
    }
}

#[test]
fn a_fault_that_a_redis_cannot_have_is_refused_before_anything_starts() {
    for fault in ["unreachable: {}", "slow: 1s", "loss: 10%"] {
        let scenario = scenario(&SCENARIO.replace("down: {}", fault));
        let refused = squall_live::run(&scenario, &RunOptions::default(), |_| {});
        let said = refused.expect_err(fault).to_string();
        assert!(said.contains("run with `--sim`, or use `down`"), "{said}");
    }
}

/// A budget that pays for half of the requests.
const BUDGET: &str = "
name: budget
seed: 7
phases: { whole: 0s..20s }
traffic: { group: chat, rate: 60, prompt_tokens: 200, output_tokens: 20 }
providers:
  paid: { ttft: 50ms, itl: 5ms }
  backup: { ttft: 50ms, itl: 5ms }
gateway:
  replicas: 3
  shared_state: { store: { faults: [ { at: 4s, for: 5s, down: {} } ] } }
router:
  budgets: { team: { limit: '$6', period: 1h } }
  groups:
    chat:
      max_queue_wait: 0s
      deployments:
        - { name: paid, provider: paid, order: 1, budgets: [team], price: { input: 50, output: 0 } }
        - { name: backup, provider: backup, order: 2 }
";

/// Millionths of a dollar that were spent, with the limit and what was in flight at most, at each of two moments: replicas
/// do not find the budget exhausted at the same time. No request is lost, and no more is spent, on any machine.
fn spent(recording: &Recording) -> u64 {
    const LIMIT: u64 = 6_000_000;
    let lost = recording.requests.iter().filter(|row| row.outcome != RequestOutcome::Succeeded);
    assert_eq!(lost.count(), 0, "requests were lost");
    let paid: Vec<_> = recording.attempts.iter().filter(|row| row.deployment == 0).collect();
    let cost = |tokens: u32| u64::from(tokens) * 50;
    let at_once = |at| paid.iter().filter(move |row| row.started <= at && at < row.ended);
    let in_flight = |at| at_once(at).map(|row| cost(row.input_tokens)).sum::<u64>();
    let most = paid.iter().map(|row| in_flight(row.started)).max().unwrap_or_default();
    let spent = paid.iter().map(|row| cost(row.input_tokens)).sum();
    assert!(spent <= LIMIT + 2 * most, "{spent} spent, with {most} in flight");
    spent
}

#[test]
fn three_replicas_spend_one_budget_whole_and_no_more_while_their_redis_is_killed() {
    let scenario = scenario(BUDGET);
    let simulated =
        spent(&simulate(&scenario, SimOptions::default()).expect("it can be simulated"));
    assert!(simulated >= 5_820_000, "{simulated} simulated");
    let live = valid_run("three replicas and a budget", || {
        let recording =
            squall_live::run(&scenario, &RunOptions::default(), |_| {}).expect("it runs");
        let spent = spent(&recording);
        let problems = judge(&scenario, &recording).validity_problems;
        Run { result: spent, problems }
    });
    if let Some(live) = live {
        assert!(live >= 5_820_000, "{live} live, {simulated} simulated");
    }
}
