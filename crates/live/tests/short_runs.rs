//! Short runs over real sockets: what was counted adds up, and the journal replays.

use squall_determinism::Timestamp;
use squall_judge::{Judgement, judge};
use squall_live::RunOptions;
use squall_record::{AttemptOutcome, JournalReader, Recording, RequestOutcome, RunEnd, SeenBy};
use squall_router::{GroupId, journal};
use squall_scenario::{EPOCH_NANOS, RequestKind, Scenario};
use squall_sim::{SimOptions, simulate};
use squall_tests::valid_run::{Run, valid_run};
use squall_workload::KindConfig;
use std::time::Duration;

fn scenario(faults: &str) -> Scenario {
    let text = SCENARIO.replace("FAULTS", faults);
    Scenario::read("test.yaml", &text).unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
}

fn run(scenario: &Scenario) -> Recording {
    squall_live::run(scenario, &RunOptions::default(), |_| {}).unwrap()
}

#[test]
fn a_run_adds_up_and_its_journal_gives_the_same_outputs_byte_for_byte() {
    let scenario =
        scenario("{ at: 1s, for: 500ms, error: 503 }, { at: 1500ms, for: 500ms, outage: refuse }");
    let recording = run(&scenario);
    let requests = &recording.requests;
    assert!(requests.iter().zip(0..).all(|(row, ordinal)| row.request == ordinal));
    let sim = simulate(&scenario, SimOptions::default()).unwrap();
    assert_eq!(requests.len(), sim.requests.len(), "as many as in virtual time");
    let succeeded = requests.iter().filter(|row| row.outcome == RequestOutcome::Succeeded).count();
    assert!(succeeded * 100 >= requests.len() * 95, "{succeeded} of {}", requests.len());
    for row in requests.iter().filter(|row| row.outcome == RequestOutcome::Succeeded) {
        assert_eq!(row.received_tokens, row.output_tokens, "request {}", row.request);
        assert!(row.sent >= row.intended && row.ended > row.sent);
    }
    let attempts = &recording.attempts;
    assert!(
        attempts.iter().all(|row| row.request.is_some_and(|each| each < requests.len() as u64))
    );
    let firsts = attempts.iter().filter(|row| row.ordinal == 0).count();
    assert_eq!(firsts, requests.len(), "every request has one first attempt");
    let failed =
        |row: &&squall_record::AttemptRow| matches!(row.outcome, AttemptOutcome::Failed { .. });
    assert!(attempts.iter().filter(failed).count() > 0, "the faults were met");

    let bytes = recording.journal.as_ref().unwrap();
    let frames = JournalReader::new(bytes).unwrap().frames().unwrap();
    let replayed =
        journal::replay(scenario.router.clone(), [], scenario.seed, EPOCH_NANOS, frames).unwrap();
    // Each request arrives and ends; a stream has a first token between.
    let streams = requests.iter().filter(|row| row.stream && row.first_token.is_some()).count();
    let inputs = 2 * requests.len() + streams;
    assert!(replayed.frames as usize >= inputs, "{replayed:?}, at least {inputs} inputs");
}

/// After a change, attempts are counted from so long on: it is carried out by a timer, which a machine may hold up.
const SETTLED: Duration = Duration::from_millis(100);

#[test]
fn a_change_of_weights_loses_no_request_and_shares_follow_at_once() {
    let text = SCENARIO
        .replace("[ FAULTS ]", "[]")
        .replace("router:\n", "router:\n  changes: [ { at: 1s, weights: { eu: 1, us: 9 } } ]\n");
    let scenario =
        Scenario::read("test.yaml", &text).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(scenario.changes.len(), 1);
    let recording = valid_run("a change of weights", || {
        let recording = run(&scenario);
        let lost = recording.requests.iter().filter(|row| row.outcome != RequestOutcome::Succeeded);
        assert_eq!(lost.count(), 0);
        let frames = JournalReader::new(recording.journal.as_ref().unwrap()).unwrap();
        let changes = scenario.changes.iter().map(|change| change.router.clone());
        let frames = frames.frames().unwrap();
        journal::replay(scenario.router.clone(), changes, scenario.seed, EPOCH_NANOS, frames)
            .unwrap();
        let late = recording.header.lag.map(|lag| lag.max).filter(|late| *late > SETTLED / 2);
        let problems = late.map(|late| format!("the driver lagged by {} ms", late.as_millis()));
        Run { problems: problems.into_iter().collect(), result: recording }
    });
    let Some(recording) = recording else { return };
    let change = Timestamp::from_secs(1);
    let share_of_b = |from: Timestamp, to: Timestamp| {
        let firsts: Vec<_> = recording
            .attempts
            .iter()
            .filter(|row| row.ordinal == 0 && row.started >= from && row.started < to)
            .collect();
        let b = firsts.iter().filter(|row| row.deployment == 1).count();
        b as f64 / firsts.len().max(1) as f64
    };
    let (before, after) = (
        share_of_b(Timestamp::ZERO, change),
        share_of_b(change + SETTLED, Timestamp::from_secs(3)),
    );
    assert!((0.15..0.35).contains(&before), "{before}");
    assert!((0.8..=1.0).contains(&after), "{after}");
}

#[test]
fn an_outage_from_the_start_leaves_refused_attempts_to_the_gateway() {
    let scenario = scenario("{ at: 0s, for: 2s, outage: refuse }");
    let recording = run(&scenario);
    let refused = recording.attempts.iter().filter(|row| row.seen_by == SeenBy::Gateway);
    assert!(refused.count() >= 5, "the breaker needs five");
}

#[test]
fn a_run_that_is_stopped_keeps_what_was_measured() {
    let scenario = scenario("{ at: 100ms, for: 2900ms, outage: blackhole }");
    let whole = simulate(&scenario, SimOptions::default()).unwrap().requests.len();
    let options = RunOptions::default();
    let stop = options.stop.clone();
    let mut seconds = 0;
    let recording = squall_live::run(&scenario, &options, |_| {
        seconds += 1;
        stop.stop();
    })
    .unwrap();
    let RunEnd::Interrupted { at } = recording.header.ended else {
        panic!("{:?}", recording.header)
    };
    assert!(at >= Timestamp::from_secs(1), "{at}");
    assert!(recording.requests.len() < whole, "it ended early");
    assert!(!recording.requests.is_empty());
    let unfinished =
        recording.requests.iter().filter(|row| row.outcome == RequestOutcome::Unfinished);
    assert!(unfinished.count() > 0, "something was under way");
    assert_eq!(seconds, 1);
}

#[test]
fn a_run_whose_requests_fail_is_aborted_as_its_scenario_says_live_and_simulated() {
    let text = "
name: aborted
duration: 6s
traffic: { group: chat, rate: 20, prompt_tokens: 10, output_tokens: 5 }
providers: { one: { ttft: 10ms, itl: 1ms, faults: [ { at: 1s, for: 5s, error: 400 } ] } }
router: { groups: { chat: { deployments: [ { name: one, provider: one } ] } } }
expect: [ success_rate >= 10% ]
abort_when: error_rate > 50% for 2s
";
    let scenario = Scenario::read("aborted.yaml", text).unwrap_or_else(|told| panic!("{told}"));
    for recording in [run(&scenario), simulate(&scenario, SimOptions::default()).unwrap()] {
        let RunEnd::Aborted { at } = recording.header.ended else {
            panic!("{:?}", recording.header.ended)
        };
        assert!(at >= Timestamp::from_secs(3) && at < Timestamp::from_secs(6), "{at}");
        let last = recording.requests.iter().map(|row| row.intended).max();
        assert!(last <= Some(at), "nobody asks after {at}: {last:?}");
        let open = |outcome| outcome == RequestOutcome::Unfinished;
        assert!(!recording.requests.iter().any(|row| open(row.outcome)), "what was asked ended");
        let verdict = judge(&scenario, &recording);
        assert_eq!(verdict.overall, Judgement::Inconclusive);
        let problem = &verdict.validity_problems[0];
        assert!(problem.starts_with("the run was aborted at "), "{problem}");
        assert!(problem.contains("`abort_when`"), "{problem}");
    }
}

/// Two seconds before midnight: what a day allows is there twice, for the router and for a provider.
#[test]
fn a_run_over_sockets_begins_at_the_wall_time_of_its_scenario() {
    let text = "
name: midnight
start: 2026-11-29T23:59:58Z
duration: 4s
traffic: { group: paid, arrivals: even, rate: 5, prompt_tokens: 1000, output_tokens: 1 }
providers:
  one: { ttft: 10ms, itl: 1ms }
  two: { ttft: 10ms, itl: 1ms, limits: { rpd: 4 } }
router:
  retries: 0
  budgets: { team: { limit: $3, period: day } }
  groups:
    paid:
      deployments: [ { name: one, provider: one, price: { input: $1000, output: $0 }, budgets: [team] } ]
      fallback: [free]
    free: { cooldown: never, max_queue_wait: 0s, deployments: [ { name: two, provider: two } ] }
expect: [ success_rate >= 1% ]
";
    let scenario = Scenario::read("midnight.yaml", text).expect("it reads");
    let answered = |recording: &Recording| {
        let answered = |deployment| {
            let rows = recording.attempts.iter();
            let ok = |row: &&squall_record::AttemptRow| row.outcome == AttemptOutcome::Succeeded;
            rows.filter(ok).filter(|row| row.deployment == deployment).count()
        };
        (answered(0), answered(1))
    };
    let sim = simulate(&scenario, SimOptions::default()).expect("it runs");
    assert_eq!(answered(&sim), (3 + 3, 4 + 4));
    let (one, two) = answered(&run(&scenario));
    // What is under way is not spent yet: a machine that is late may let one more through on each day.
    assert!((6..=8).contains(&one), "{one}");
    assert_eq!(two, 4 + 4);
}

#[test]
fn requests_of_a_kind_ask_for_their_own_group() {
    let mut scenario = scenario("{ at: 1s, for: 1ms, error: 503 }");
    let free = RequestKind { name: "free".to_owned(), ..scenario.kinds[0].clone() };
    let paid =
        RequestKind { name: "paid".to_owned(), group: GroupId(1), ..scenario.kinds[0].clone() };
    let kind = |weight| KindConfig {
        weight,
        prompt_tokens: None,
        output_tokens: None,
        stream: None,
        sessions: 0,
    };
    scenario.kinds = vec![free, paid];
    scenario.workload.sources[0].kinds = vec![kind(60), kind(40)];
    let recording = run(&scenario);
    for row in &recording.requests {
        assert_eq!((row.kind, row.outcome), (row.group, RequestOutcome::Succeeded), "{row:?}");
    }
    for row in recording.attempts.iter().filter(|row| row.ordinal == 0) {
        let request = &recording.requests[row.request.unwrap() as usize];
        assert_eq!(row.deployment == 2, request.kind == 1, "{row:?}");
    }
    let paid = recording.cells.kinds[1].sum(Timestamp::ZERO..Timestamp::MAX);
    assert!(paid.arrived >= 20 && paid.attempts == paid.arrived, "{paid:?}");
}

const SCENARIO: &str = "
name: test
seed: 7
phases: { all: 0s..3s }
traffic:
  group: chat
  arrivals: poisson
  rate: 40
  prompt_tokens: 40
  output_tokens: 10
  stream: 70%
  client: { timeout: 5s }
providers:
  eu:
    format: openai
    ttft: 100ms
    itl: 10ms
    faults: [ FAULTS ]
  us:
    format: openai
    ttft: 100ms
    itl: 10ms
router:
  groups:
    chat:
      timeouts: { first_token: 2s, total: 5s, stream_total: 5s }
      deployments:
        - { name: eu, provider: eu, weight: 3 }
        - { name: us, provider: us, weight: 1 }
    small:
      deployments: [ { name: spare, provider: us } ]
expect:
  - success_rate >= 95%
";
