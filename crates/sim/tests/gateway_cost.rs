//! What a gateway's own work costs: attempts that wait for a worker, and what becomes of those whose
//! clients leave meanwhile.

use squall_determinism::{Seed, Timestamp};
use squall_record::{AttemptOutcome, AttemptRow, Recording, RequestOutcome};
use squall_scenario::{GatewayCost, Scenario};
use squall_sim::{SimOptions, simulate};
use std::time::Duration;

fn scenario(change: impl Fn(String) -> String) -> Scenario {
    let text = change(SCENARIO.to_owned()).replace("FAULTS", "");
    Scenario::read("test.yaml", &text).unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
}

const fn cost(workers: u16, attempt: u64, failed: u64) -> Option<GatewayCost> {
    Some(GatewayCost {
        workers,
        cpu_per_attempt: Duration::from_millis(attempt),
        cpu_per_failed_attempt: Duration::from_millis(failed),
    })
}

fn run(scenario: &Scenario) -> Recording {
    simulate(scenario, SimOptions::default()).unwrap()
}

fn ms(time: Timestamp) -> u64 {
    time.as_nanos() / 1_000_000
}

/// Every request has one row, every attempt one, in their order.
fn adds_up(recording: &Recording) {
    let ordinals: Vec<_> = recording.requests.iter().map(|row| row.request).collect();
    assert_eq!(ordinals, (0..ordinals.len() as u64).collect::<Vec<_>>());
    for request in ordinals {
        let own = recording.attempts.iter().filter(|row| row.request == Some(request));
        let own: Vec<&AttemptRow> = own.collect();
        assert!(own.iter().zip(0..).all(|(row, nth)| row.ordinal == nth), "{own:?}");
        assert!(own.windows(2).all(|pair| pair[0].ended <= pair[1].started), "{own:?}");
    }
}

#[test]
fn work_that_costs_nothing_changes_nothing() {
    let free = scenario(|text| text);
    let zero = Scenario { gateway_cost: cost(1, 0, 0), ..free.clone() };
    assert_eq!(run(&free).header.digest, run(&zero).header.digest);
}

#[test]
fn an_attempt_reaches_its_provider_when_it_is_prepared() {
    let recording = run(&Scenario { gateway_cost: cost(1, 8, 8), ..scenario(|text| text) });
    adds_up(&recording);
    let intended = recording.requests.iter().map(|row| row.intended);
    let started = recording.attempts.iter().map(|row| row.started);
    assert!(intended.zip(started).all(|(intended, started)| ms(started) == ms(intended) + 8));
    // 100 ms to the first token, nine gaps of 10 ms, and the gateway's 8.
    assert!(recording.requests.iter().all(|row| ms(row.ended) == ms(row.intended) + 198));
}

#[test]
fn one_worker_prepares_one_attempt_at_a_time_and_two_prepare_two() {
    // 20 a second that take 100 ms each: twice what one worker can do, and just what two can.
    let patient = scenario(|text| text.replace("total: 10s", "total: 15s"));
    let busy =
        |workers| run(&Scenario { gateway_cost: cost(workers, 100, 100), ..patient.clone() });
    let (one, two) = (busy(1), busy(2));
    adds_up(&one);
    let gaps = one.attempts.windows(2).map(|pair| ms(pair[1].started) - ms(pair[0].started));
    assert!(gaps.clone().all(|gap| gap == 100), "{:?}", gaps.min());
    let slowest = |recording: &Recording| {
        recording.requests.iter().map(|row| ms(row.ended) - ms(row.intended)).max()
    };
    assert_eq!(slowest(&two), Some(290));
    // The last of 200 came after 9.95 s and was prepared after 20 s.
    assert_eq!(slowest(&one), Some(10_050 + 190));
}

#[test]
fn whoever_leaves_while_an_attempt_waits_takes_it_out_of_the_queue() {
    let recording = run(&Scenario {
        gateway_cost: cost(1, 100, 100),
        ..scenario(|text| {
            text.replace("timeout: 20s", "timeout: 1s")
                .replace("rate: 20", "rate: [ { at: 0s, rps: 20 }, { at: 5s, rps: 2 } ]")
        })
    });
    adds_up(&recording);
    let gave_up: Vec<_> =
        recording.requests.iter().filter(|row| row.outcome == RequestOutcome::GaveUp).collect();
    assert!(gave_up.len() > 50, "{} gave up", gave_up.len());
    assert!(gave_up.iter().all(|row| ms(row.ended) == ms(row.intended) + 1_000));
    // Most of them reached nobody, and nobody works for them any more once the load is gone.
    assert!(recording.attempts.len() < 40, "{} attempts", recording.attempts.len());
    let after = recording.requests.iter().filter(|row| ms(row.intended) >= 6_200);
    assert!(after.clone().count() >= 7);
    assert!(after.clone().all(|row| ms(row.ended) == ms(row.intended) + 290), "{after:?}");
    for row in &recording.attempts {
        let request = &recording.requests[row.request.unwrap() as usize];
        assert!(row.started <= request.ended && row.ended <= request.ended, "{row:?}");
    }
}

#[test]
fn the_router_hears_of_a_failure_when_the_gateway_has_worked_on_it() {
    let recording = run(&Scenario {
        gateway_cost: cost(50, 5, 55),
        ..scenario(|text| text.replace("FAULTS", "{ at: 0s, for: 10s, error: 503 }"))
    });
    adds_up(&recording);
    let second = |first: &AttemptRow| {
        let next = |row: &&AttemptRow| row.request == first.request && row.ordinal == 1;
        recording.attempts.iter().find(next)
    };
    let failed = recording.attempts.iter().filter(|row| row.ordinal == 0 && row.status == 503);
    let waits: Vec<_> =
        failed.filter_map(|first| Some(ms(second(first)?.started) - ms(first.ended))).collect();
    // 50 for the failure, 5 for the next attempt.
    assert!(waits.len() >= 5 && waits.iter().all(|&wait| wait == 55), "{waits:?}");
}

#[test]
fn an_attempt_that_is_stopped_while_its_failure_is_worked_on_is_written_down_once() {
    // The total time-out ends before the gateway has worked on the failure.
    let recording = run(&Scenario {
        gateway_cost: cost(50, 0, 3_000),
        seed: Seed::new(3),
        ..scenario(|text| {
            text.replace("FAULTS", "{ at: 0s, for: 10s, error: 503 }")
                .replace("total: 10s", "total: 1s, first_token: 1s")
        })
    });
    adds_up(&recording);
    let at_eu = recording.attempts.iter().filter(|row| row.deployment == 0);
    let failed = |row: &AttemptRow| matches!(row.outcome, AttemptOutcome::Failed { .. });
    assert!(at_eu.clone().count() >= 5 && at_eu.clone().all(failed));
    let lost = recording.requests.iter().filter(|row| row.outcome != RequestOutcome::Succeeded);
    assert!(lost.count() * 10 < recording.requests.len(), "the sibling took over");
}

#[test]
fn a_failure_that_the_router_finds_by_its_own_timers_keeps_a_worker_busy_too() {
    let hole = |failed| {
        run(&Scenario {
            gateway_cost: cost(1, 10, failed),
            ..scenario(|text| {
                text.replace("FAULTS", "{ at: 0s, for: 10s, outage: blackhole }")
                    .replace("total: 10s", "total: 500ms")
            })
        })
    };
    let latest = |recording: &Recording| {
        let first = recording.attempts.iter().filter(|row| row.ordinal == 0);
        let late = first.map(|row| {
            ms(row.started) - ms(recording.requests[row.request.unwrap() as usize].intended)
        });
        late.max().unwrap()
    };
    let (cheap, dear) = (hole(10), hole(810));
    adds_up(&dear);
    assert!(latest(&cheap) <= 20 && latest(&dear) >= 800, "{} {}", latest(&cheap), latest(&dear));
}

#[test]
fn with_every_trouble_at_once_a_run_comes_to_its_end_and_adds_up() {
    let recording = run(&Scenario {
        gateway_cost: cost(2, 60, 200),
        ..scenario(|text| {
            text.replace("timeout: 20s", "timeout: 2s").replace("stream: 0%", "stream: 50%").replace(
                "FAULTS",
                "{ at: 1s, for: 2s, error: 503, share: 50% }, { at: 3s, for: 1s, outage: refuse }, \
                 { at: 5s, for: 2s, outage: blackhole }, { at: 7s, for: 2s, cut: { after: 3 } }",
            )
        })
    });
    adds_up(&recording);
    assert_eq!(recording.requests.len(), 200);
}

const SCENARIO: &str = "
name: test
seed: 7
phases: { all: 0s..10s }
traffic:
  group: chat
  arrivals: even
  rate: 20
  prompt_tokens: 40
  output_tokens: 10
  stream: 0%
  client: { timeout: 20s }
providers:
  eu: { ttft: 100ms, itl: 10ms, faults: [ FAULTS ] }
  us: { ttft: 100ms, itl: 10ms }
router:
  retry_budget: { ratio: 100%, min_per_second: 100 }
  groups:
    chat:
      timeouts: { total: 10s }
      backoff: { base: 1ms, cap: 1ms }
      deployments:
        - { name: eu, provider: eu, weight: 1 }
        - { name: us, provider: us, weight: 1 }
";
