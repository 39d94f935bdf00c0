//! Runs in virtual time: what is counted adds up, and a seed means the same every time.

use squall_record::{AttemptOutcome, Recording, RequestOutcome, RunEnd, SeenBy};
use squall_router::journal;
use squall_scenario::{EPOCH_NANOS, Scenario};
use squall_sim::{RowRetention, SimOptions, simulate};

fn scenario(faults: &str, change: impl Fn(String) -> String) -> Scenario {
    let text = change(SCENARIO.replace("FAULTS", faults));
    Scenario::read("test.yaml", &text).unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
}

fn run(scenario: &Scenario) -> Recording {
    simulate(scenario, SimOptions::default()).unwrap()
}

fn with_faults(faults: &str) -> Recording {
    run(&scenario(faults, |text| text))
}

fn succeeded(recording: &Recording) -> usize {
    recording.requests.iter().filter(|row| row.outcome == RequestOutcome::Succeeded).count()
}

#[test]
fn every_request_ends_once_and_every_attempt_is_its_own_row() {
    let recording = with_faults("{ at: 5s, for: 5s, error: 503 }");
    let ordinals: Vec<_> = recording.requests.iter().map(|row| row.request).collect();
    assert_eq!(ordinals, (0..ordinals.len() as u64).collect::<Vec<_>>());
    assert!(ordinals.len() > 300, "{} requests", ordinals.len());
    assert_eq!(succeeded(&recording), ordinals.len(), "the sibling took over");
    for row in &recording.requests {
        let attempts = recording.attempts.iter().filter(|each| each.request == Some(row.request));
        let mut nth: Vec<_> = attempts.map(|attempt| attempt.ordinal).collect();
        nth.sort_unstable();
        assert_eq!(nth, (0..nth.len() as u16).collect::<Vec<_>>());
        assert!(!nth.is_empty());
    }
}

#[test]
fn a_seed_gives_the_same_digest_and_another_seed_another() {
    let recording = with_faults("{ at: 5s, for: 5s, error: 503, share: 40% }");
    assert_eq!(
        with_faults("{ at: 5s, for: 5s, error: 503, share: 40% }").header.digest,
        recording.header.digest
    );
    let other = scenario("{ at: 5s, for: 5s, error: 503, share: 40% }", |text| {
        text.replace("seed: 7", "seed: 8")
    });
    assert_ne!(run(&other).header.digest, recording.header.digest);
}

#[test]
fn the_digest_does_not_depend_on_what_is_kept() {
    let scenario = scenario("{ at: 5s, for: 5s, error: 503 }", |text| text);
    let kept = run(&scenario);
    let options = SimOptions { keep: RowRetention::Cells, journal: false };
    let cells = simulate(&scenario, options).unwrap();
    assert_eq!(cells.header.digest, kept.header.digest);
    assert!(cells.requests.is_empty());
    assert_eq!(cells.cells, kept.cells);
}

#[test]
fn the_journal_of_a_run_is_replayed_byte_for_byte() {
    let scenario = scenario("{ at: 5s, for: 5s, outage: blackhole }", |text| text);
    let recording = run(&scenario);
    let bytes = recording.journal.as_ref().unwrap();
    let frames = squall_record::JournalReader::new(bytes).unwrap().frames().unwrap();
    let replayed =
        journal::replay(scenario.router.clone(), [], scenario.seed, EPOCH_NANOS, frames).unwrap();
    assert!(replayed.frames > 1_000, "{replayed:?}");
}

#[test]
fn a_refused_connection_is_told_by_the_gateway_alone() {
    let recording = with_faults("{ at: 5s, for: 8s, outage: refuse }");
    let refused: Vec<_> =
        recording.attempts.iter().filter(|row| row.seen_by == SeenBy::Gateway).collect();
    assert!(!refused.is_empty());
    assert!(refused.iter().all(|row| row.started == row.ended && row.status == 0));
    let cut = |row: &&squall_record::AttemptRow| matches!(row.outcome, AttemptOutcome::Failed { class } if class.as_str() == "cut");
    assert!(recording.attempts.iter().any(|row| cut(&row)), "those in flight were reset");
}

#[test]
fn a_black_hole_is_left_by_the_first_token_time_out() {
    let recording = with_faults("{ at: 5s, for: 5s, outage: blackhole }");
    let abandoned =
        recording.attempts.iter().filter(|row| row.outcome == AttemptOutcome::Abandoned);
    assert!(abandoned.count() >= 5);
    assert!(succeeded(&recording) * 100 >= recording.requests.len() * 90);
}

#[test]
fn adding_a_fault_moves_no_draw_of_those_it_does_not_hit() {
    let calm = with_faults("{ at: 19s, for: 1ms, error: 503 }");
    let ill = with_faults("{ at: 15s, for: 2s, error: 503 }");
    let before = |recording: &Recording| {
        let rows = recording.requests.iter();
        rows.filter(|row| row.ended.as_secs_f64() < 15.0).copied().collect::<Vec<_>>()
    };
    assert_eq!(before(&calm), before(&ill));
    let sizes = |recording: &Recording| {
        let rows = recording.requests.iter();
        rows.map(|row| (row.intended, row.input_tokens, row.output_tokens)).collect::<Vec<_>>()
    };
    assert_eq!(sizes(&calm), sizes(&ill), "traffic is the same");
}

#[test]
fn an_hour_of_cells_needs_no_rows() {
    let scenario =
        scenario("{ at: 5s, for: 5s, error: 503 }", |text| text.replace("0s..20s", "0s..1h"));
    let options = SimOptions { keep: RowRetention::Cells, journal: false };
    let recording = simulate(&scenario, options).unwrap();
    let (requests, attempts) = recording.cells.counts();
    assert!(requests > 70_000 && attempts > requests, "{requests} requests, {attempts} attempts");
}

const SCENARIO: &str = "
name: test
seed: 7
phases: { all: 0s..20s }
traffic:
  group: chat
  arrivals: poisson
  rate: 20
  prompt_tokens: { lognormal: { median: 420, p95: 1900 } }
  output_tokens: { lognormal: { median: 60, p95: 200 } }
  stream: 70%
  client: { timeout: 20s }
providers:
  eu:
    format: openai
    ttft: { lognormal: { median: 350ms, p95: 700ms } }
    itl: 20ms
    faults: [ FAULTS ]
  us:
    format: openai
    ttft: { lognormal: { median: 350ms, p95: 700ms } }
    itl: 20ms
router:
  groups:
    chat:
      timeouts: { first_token: 3s, total: 30s }
      deployments:
        - { name: eu, provider: eu, weight: 3 }
        - { name: us, provider: us, weight: 1 }
expect:
  - success_rate >= 99%
";

#[test]
fn a_run_that_is_ended_by_whoever_watches_keeps_what_it_has_and_says_what_was_under_way() {
    let text = "
name: watched
duration: 100s
traffic: { group: all, arrivals: even, rate: 2000, prompt_tokens: 10, output_tokens: 10 }
providers: { one: { ttft: 400ms, itl: 10ms } }
router: { groups: { all: { deployments: [ { name: one, provider: one } ] } } }
expect: [ success_rate >= 99% ]
";
    let scenario = Scenario::read("watched.yaml", text).expect("it reads");
    let mut looks = Vec::new();
    let recording = squall_sim::simulate_watched(&scenario, SimOptions::default(), &mut |time| {
        looks.push(time);
        looks.len() < 3
    });
    let recording = recording.expect("it runs");
    assert!(looks.is_sorted() && looks.len() == 3, "{looks:?}");
    let RunEnd::Interrupted { at } = recording.header.ended else { panic!("it was interrupted") };
    // Two thousand arrive each second, and each is half a second under way.
    let unfinished =
        recording.requests.iter().filter(|row| row.outcome == RequestOutcome::Unfinished);
    assert!((800..1_200).contains(&unfinished.count()), "{at}");
    assert!(recording.requests.iter().all(|row| row.ended <= at));
    // To its end, it is the run that nobody watches.
    let watched = squall_sim::simulate_watched(&scenario, SimOptions::default(), &mut |_| true);
    let alone = simulate(&scenario, SimOptions::default()).expect("it runs");
    assert_eq!(watched.expect("it runs").header.digest, alone.header.digest);
}
