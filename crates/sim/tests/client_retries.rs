//! Clients that call again by themselves, in virtual time.

use squall_failure::CallFailureCause;
use squall_record::{RecordedEvent, Recording, RequestOutcome, RequestRow};
use squall_router::journal;
use squall_scenario::{EPOCH_NANOS, Scenario};
use squall_sim::{RowRetention, SimOptions, simulate};
use std::time::Duration;

const SCENARIO: &str = "
name: retried
seed: 7
duration: 20s
traffic: { group: chat, arrivals: even, rate: 10, prompt_tokens: 10, output_tokens: 5, stream: 50%, client: CLIENT }
providers: { one: { ttft: 100ms, itl: 10ms, faults: [ FAULT ] } }
router:
  retries: 0
  groups: { chat: { cooldown: never, deployments: [ { name: one, provider: one } ] } }
expect: [ success_rate >= 0% ]
";

fn scenario(client: &str, fault: &str) -> Scenario {
    let text = SCENARIO.replace("CLIENT", client).replace("FAULT", fault);
    Scenario::read("test.yaml", &text).unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
}

fn run(client: &str, fault: &str) -> Recording {
    simulate(&scenario(client, fault), SimOptions::default()).expect("it can be run")
}

fn calls_in(recording: &Recording, from: u64, to: u64) -> Vec<&RequestRow> {
    let seconds =
        |row: &&RequestRow| (from..to).contains(&(row.intended.as_nanos() / 1_000_000_000));
    recording.requests.iter().filter(seconds).collect()
}

#[test]
fn every_call_is_a_request_for_the_router_and_an_attempt_at_the_provider() {
    let recording = run("{ retries: openai-python }", "{ at: 5s, for: 10s, error: 503 }");
    for row in calls_in(&recording, 0, 4) {
        assert_eq!((row.calls, row.outcome), (1, RequestOutcome::Succeeded));
    }
    for row in calls_in(&recording, 6, 12) {
        assert_eq!(row.calls, 3, "{row:?}");
        assert_eq!(row.status, 503);
        let attempts = recording.attempts.iter().filter(|each| each.request == Some(row.request));
        let mut attempts: Vec<_> = attempts.collect();
        attempts.sort_by_key(|each| each.ordinal);
        let waits: Vec<_> =
            attempts.windows(2).map(|pair| pair[1].started.since(pair[0].ended)).collect();
        let ms = Duration::from_millis;
        assert_eq!(waits.len(), 2);
        assert!((ms(375)..=ms(500)).contains(&waits[0]), "{waits:?}");
        assert!((ms(750)..=ms(1_000)).contains(&waits[1]), "{waits:?}");
    }
    let retried = |row: &RequestRow| row.calls > 1 && row.outcome == RequestOutcome::Succeeded;
    assert!(recording.requests.iter().any(retried), "some outlast the fault");
}

#[test]
fn notes_and_cells_tell_of_every_call() {
    let recording = run("{ retries: openai-python }", "{ at: 5s, for: 10s, error: 503 }");
    let again: u64 = recording.requests.iter().map(|row| u64::from(row.calls) - 1).sum();
    let notes = recording.notes.iter().filter(|row| {
        let cause = CallFailureCause::Status(503);
        matches!(row.note, RecordedEvent::ClientRetried { cause: told, .. } if told == cause)
    });
    assert_eq!(notes.count() as u64, again);
    let sum = recording.cells.groups[0].sum(Default::default()..squall_determinism::Timestamp::MAX);
    assert_eq!(u64::from(sum.client_retries), again);
    assert!(again > 150, "{again}");
}

#[test]
fn a_retry_after_of_the_routers_is_waited_for() {
    let fault = "{ at: 5s, for: 10s, throttle: { retry_after: 3s } }";
    let text = SCENARIO
        .replace("CLIENT", "{ retries: openai-python }")
        .replace("FAULT", fault)
        .replace("retries: 0", "when_unavailable: fail\n  retries: 0")
        .replace("cooldown: never, ", "");
    let scenario = Scenario::read("test.yaml", &text).unwrap_or_else(|told| panic!("{told}"));
    let recording = simulate(&scenario, SimOptions::default()).expect("it can be run");
    let waits = recording.notes.iter().filter_map(|row| match row.note {
        RecordedEvent::ClientRetried { wait, .. } => Some((row.at, wait)),
        RecordedEvent::Router(_)
        | RecordedEvent::FaultStarted { .. }
        | RecordedEvent::FaultEnded { .. } => None,
    });
    let waits: Vec<_> = waits.collect();
    assert!(waits.len() > 50, "{}", waits.len());
    // Its own waits are of a second at most. All are told to come when the provider's wait is over.
    let longest = waits.iter().map(|(_, wait)| *wait).max();
    assert_eq!(longest, Some(Duration::from_secs(3)));
    let ends: std::collections::BTreeSet<_> = waits.iter().map(|&(at, wait)| at + wait).collect();
    assert!(ends.len() <= 5, "they come back together: {ends:?}");
}

#[test]
fn calls_that_time_out_are_hung_up_on_and_made_again() {
    let client = "{ timeout: 10s, call_timeout: 1s, retries: { sdk: openai-python, max: 1 } }";
    let recording = run(client, "{ at: 5s, for: 5s, outage: blackhole }");
    for row in calls_in(&recording, 6, 8) {
        assert_eq!((row.outcome, row.calls), (RequestOutcome::GaveUp, 2), "{row:?}");
        let took = row.ended.since(row.intended);
        let (least, most) = (Duration::from_millis(2_375), Duration::from_millis(2_500));
        assert!((least..=most).contains(&took), "two calls of a second and a wait: {took:?}");
    }
}

#[test]
fn impatience_at_the_first_token_ends_a_request_over_all_its_calls() {
    let client = "{ timeout: 10s, first_token: 700ms, retries: openai-python }";
    let recording = run(client, "{ at: 5s, for: 5s, error: 503 }");
    for row in calls_in(&recording, 6, 8) {
        assert_eq!((row.outcome, row.calls), (RequestOutcome::GaveUp, 2), "{row:?}");
        assert_eq!(row.ended.since(row.intended), Duration::from_millis(700));
    }
}

#[test]
fn clients_that_do_not_retry_are_as_they_were() {
    let fault = "{ at: 5s, for: 10s, error: 503 }";
    let none = run("{ timeout: 30s }", fault);
    let never = run("{ timeout: 30s, retries: { max: 0 } }", fault);
    assert_eq!(none.header.digest, never.header.digest);
    assert!(none.requests.iter().all(|row| row.calls == 1));
}

#[test]
fn a_run_with_retries_is_the_same_again_and_its_journal_replays() {
    let client = "{ call_timeout: 2s, retries: { sdk: google-genai-python } }";
    let fault =
        "{ at: 5s, for: 5s, outage: blackhole }, { at: 10s, for: 5s, error: 503, share: 50% }";
    let scenario = scenario(client, fault);
    let recording = run(client, fault);
    assert_eq!(run(client, fault).header.digest, recording.header.digest);
    let bytes = recording.journal.as_ref().expect("there is a journal");
    let frames = squall_record::JournalReader::new(bytes).unwrap().frames().unwrap();
    let router = scenario.router.clone();
    journal::replay(router, [], scenario.seed, EPOCH_NANOS, frames).expect("it replays");
    let options = SimOptions { keep: RowRetention::Cells, journal: false };
    let cells = simulate(&scenario, options).unwrap();
    assert_eq!(cells.cells, recording.cells);
    assert_eq!(cells.header.digest, recording.header.digest);
}
