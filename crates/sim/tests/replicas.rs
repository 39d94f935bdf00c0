//! Replicas of the gateway in virtual time, with and without the state that they share.

use squall_determinism::Timestamp;
use squall_record::{RecordedEvent, Recording, RequestOutcome};
use squall_router::{RouterEvent, SharedEvent};
use squall_scenario::Scenario;
use squall_sim::{SimOptions, simulate};

const LIMIT: usize = 3_000;

/// Three replicas with the limit of one provider, a fifth more than which comes.
const TEXT: &str = "
name: replicas
seed: 7
phases: { all: 0s..180s }
traffic: { group: chat, rate: 60, prompt_tokens: 20, output_tokens: 10 }
providers:
  limited: { ttft: 100ms, itl: 5ms, limits: { rpm: 3000, window: sliding } }
  backup: { ttft: 100ms, itl: 5ms }
gateway: { replicas: 3, shared_state: {} }
router:
  groups:
    chat:
      max_queue_wait: 0s
      deployments:
        - { name: limited, provider: limited, order: 1, limits: { rpm: 3000, window: sliding } }
        - { name: backup, provider: backup, order: 2 }
";

fn run(shared_state: &str) -> Recording {
    let text = TEXT.replace("shared_state: {}", shared_state);
    let scenario = Scenario::read("replicas.yaml", &text).unwrap();
    simulate(&scenario, SimOptions::default()).unwrap()
}

/// When attempts reached the limited provider, by its own log.
fn arrivals(recording: &Recording) -> Vec<Timestamp> {
    let mut at: Vec<_> = recording
        .attempts
        .iter()
        .filter(|row| row.deployment == 0)
        .map(|row| row.started)
        .collect();
    at.sort_unstable();
    at
}

/// The most attempts in any rolling minute.
fn most_in_a_minute(recording: &Recording) -> usize {
    let at = arrivals(recording);
    let minute = |first: usize| {
        let ends = at[first] + std::time::Duration::from_secs(60);
        at[first..].partition_point(|&other| other < ends)
    };
    (0..at.len()).map(minute).max().unwrap_or_default()
}

fn used(recording: &Recording, from: u64, until: u64) -> usize {
    let (from, until) = (Timestamp::from_secs(from), Timestamp::from_secs(until));
    arrivals(recording).into_iter().filter(|&at| at >= from && at < until).count()
}

fn told(recording: &Recording, event: SharedEvent) -> usize {
    let wanted = RecordedEvent::Router(RouterEvent::Shared(event));
    recording.notes.iter().filter(|row| row.note == wanted).count()
}

/// Whatever the store does, no request is lost and no window is over the limit.
fn holds(recording: &Recording) {
    let lost = recording.requests.iter().filter(|row| row.outcome != RequestOutcome::Succeeded);
    assert_eq!(lost.count(), 0);
    let most = most_in_a_minute(recording);
    assert!(most <= LIMIT, "{most} in a minute");
}

#[test]
fn replicas_that_share_a_limit_use_nearly_all_of_it_and_never_more() {
    let recording = run("shared_state: {}");
    holds(&recording);
    let used = used(&recording, 60, 180);
    assert!(used * 100 >= 2 * LIMIT * 97, "{used} in two minutes");
    assert_eq!(told(&recording, SharedEvent::StoreAway), 0);
}

#[test]
fn replicas_that_share_nothing_exceed_the_limit() {
    let text = TEXT.replace("limits: { rpm: 3000, window: sliding } }\n  backup", "}\n  backup");
    let text = text.replace(", shared_state: {}", "");
    let scenario = Scenario::read("replicas.yaml", &text).unwrap();
    let recording = simulate(&scenario, SimOptions::default()).unwrap();
    assert!(most_in_a_minute(&recording) > LIMIT);
}

#[test]
fn a_store_that_is_killed_costs_no_request_and_the_shares_hold_meanwhile() {
    let recording = run("shared_state: { store: { faults: [ { at: 90s, for: 20s, down: {} } ] } }");
    holds(&recording);
    assert_eq!(told(&recording, SharedEvent::StoreAway), 3);
    assert_eq!(told(&recording, SharedEvent::StoreBack { members: 3 }), 6);
    let used = used(&recording, 60, 120);
    assert!(used * 100 >= LIMIT * 95, "{used} in the minute with the outage");
}

#[test]
fn a_replica_that_is_cut_off_uses_its_share_which_the_others_leave_it() {
    let cut = "{ at: 60s, for: 90s, unreachable: {}, replicas: [ 2 ] }";
    let recording = run(&format!("shared_state: {{ store: {{ faults: [ {cut} ] }} }}"));
    holds(&recording);
    assert_eq!(told(&recording, SharedEvent::StoreAway), 1);
    let used = used(&recording, 60, 180);
    assert!(used * 100 >= 2 * LIMIT * 95, "{used} in two minutes");
}

#[test]
fn a_store_that_is_slow_and_loses_messages_costs_quota_and_never_the_limit() {
    let faults = "{ at: 30s, for: 60s, loss: 30% }, { at: 90s, for: 60s, slow: 300ms }";
    let recording = run(&format!("shared_state: {{ store: {{ faults: [ {faults} ] }} }}"));
    holds(&recording);
}

#[test]
fn a_limit_of_a_few_units_for_each_of_many_replicas_is_used_and_never_exceeded() {
    let text = TEXT.replace("replicas: 3", "replicas: 100").replace("rpm: 3000", "rpm: 600");
    let text = text.replace("rate: 60", "rate: 11");
    let scenario = Scenario::read("replicas.yaml", &text).unwrap();
    let recording = simulate(&scenario, SimOptions::default()).unwrap();
    let most = most_in_a_minute(&recording);
    assert!(most <= 600, "{most} in a minute");
    let used = used(&recording, 60, 180);
    // A unit in hand at each replica is a sixth of the limit.
    assert!(used >= 2 * 600 * 75 / 100, "{used} of 1,200");
}

#[test]
fn a_run_with_replicas_is_the_same_again() {
    let digest = |_| run("shared_state: { store: { loss: 10% } }").header.digest;
    assert_eq!(digest(1), digest(2));
}

/// Three replicas with one budget, which pays for 2,000 of about 3,600 requests that come: half a cent each.
const BUDGET: &str = "
name: budgets
seed: 7
phases: { all: 0s..120s }
traffic: { group: chat, rate: 30, prompt_tokens: 1000, output_tokens: 100 }
providers:
  paid: { ttft: 100ms, itl: 5ms }
  backup: { ttft: 100ms, itl: 5ms }
gateway: { replicas: 3, shared_state: {} }
router:
  budgets: { team: { limit: '$10', period: 10m } }
  groups:
    chat:
      max_queue_wait: 0s
      deployments:
        - { name: paid, provider: paid, order: 1, budgets: [team], price: { input: 5, output: 0 } }
        - { name: backup, provider: backup, order: 2 }
";

fn run_budget(seed: u64, replicas: &str) -> Recording {
    let text = BUDGET.replace("replicas: 3, shared_state: {}", replicas);
    let text = text.replace("seed: 7", &format!("seed: {seed}"));
    let scenario = Scenario::read("budgets.yaml", &text).unwrap_or_else(|why| panic!("{why}"));
    simulate(&scenario, SimOptions::default()).unwrap()
}

/// Requests that the budget has paid for. It is never exceeded beyond what is in flight when it is exhausted, which each
/// replica finds at a time of its own; and no request is lost by it.
fn paid(recording: &Recording, what: &str) -> usize {
    let lost = recording.requests.iter().filter(|row| row.outcome != RequestOutcome::Succeeded);
    assert_eq!(lost.count(), 0, "{what}");
    let paid: Vec<_> = recording.attempts.iter().filter(|row| row.deployment == 0).collect();
    assert!(paid.iter().all(|row| row.input_tokens == 1_000), "half a cent each");
    let in_flight =
        |at: Timestamp| paid.iter().filter(move |row| row.started <= at && at < row.ended);
    let most = paid.iter().map(|row| in_flight(row.started).count()).max().unwrap_or_default();
    assert!(most < 60, "{what}: {most} in flight");
    assert!(paid.len() <= 2_000 + 2 * most, "{what}: {} paid, {most} in flight", paid.len());
    paid.len()
}

#[test]
fn replicas_that_share_a_budget_spend_it_as_one_gateway_does() {
    let alone = paid(&run_budget(7, "replicas: 1"), "one gateway");
    let shared = paid(&run_budget(7, "replicas: 3, shared_state: {}"), "three replicas");
    assert!(alone >= 2_000 && shared >= 1_990, "{alone} alone, {shared} shared");
    let text = BUDGET.replace(", shared_state: {}", "");
    let scenario = Scenario::read("budgets.yaml", &text).unwrap();
    let recording = simulate(&scenario, SimOptions::default()).unwrap();
    let paid = recording.attempts.iter().filter(|row| row.deployment == 0).count();
    assert_eq!(paid, recording.requests.len(), "each of three has the whole of it");
}

#[test]
fn a_budget_is_not_exceeded_whatever_becomes_of_the_store() {
    for faults in [
        "{ at: 30s, for: 20s, down: {} }",
        "{ at: 20s, for: 90s, unreachable: {}, replicas: [ 2 ] }",
        "{ at: 10s, for: 40s, loss: 40% }, { at: 60s, for: 20s, slow: 300ms }",
        "{ at: 5s, for: 5s, down: {} }, { at: 60s, for: 1s, down: {} }, { at: 62s, for: 30s, unreachable: {} }",
    ] {
        for seed in 1..=4 {
            let shared =
                format!("replicas: 3, shared_state: {{ store: {{ faults: [ {faults} ] }} }}");
            let paid = paid(&run_budget(seed, &shared), faults);
            assert!(paid >= 1_900, "{faults}, seed {seed}: {paid} of 2,000");
        }
    }
}
