//! A run that begins at some wall time: days and minutes of limits and budgets are those of the calendar.

use squall_record::{JournalReader, Recording, RequestOutcome};
use squall_router::journal;
use squall_scenario::{EPOCH_NANOS, Scenario};
use squall_sim::{SimOptions, simulate};

/// A request every second for a minute, each over long before the next.
fn scenario(start: &str, limits: &str, router: &str) -> Scenario {
    let text = format!(
        "
name: started
{start}
duration: 60s
traffic: {{ group: all, arrivals: even, rate: 1, prompt_tokens: 1000, output_tokens: 1 }}
providers: {{ one: {{ ttft: 10ms, itl: 1ms, {limits} }} }}
router:
  retries: 0
  {router}
expect: [ success_rate >= 1% ]
"
    );
    Scenario::read("started.yaml", &text).unwrap_or_else(|wrong| panic!("{wrong}"))
}

const PLAIN: &str =
    "groups: { all: { cooldown: never, deployments: [ { name: one, provider: one } ] } }";

fn run(scenario: &Scenario) -> Recording {
    simulate(scenario, SimOptions::default()).expect("it runs")
}

fn succeeded(start: &str, limits: &str, router: &str) -> usize {
    let recording = run(&scenario(start, limits, router));
    assert_eq!(recording.requests.len(), 60);
    let succeeded = |row: &&squall_record::RequestRow| row.outcome == RequestOutcome::Succeeded;
    recording.requests.iter().filter(succeeded).count()
}

#[test]
fn a_providers_day_begins_at_midnight_in_utc() {
    let daily = |start| succeeded(start, "limits: { rpd: 20 }", PLAIN);
    assert_eq!(daily(""), 20, "it begins at midnight");
    assert_eq!(daily("start: 2026-11-29T23:59:30Z"), 20 + 20, "30 s of each day, 20 each");
    assert_eq!(daily("start: 2026-11-30T01:59:30+02:00"), 20 + 20, "the same moment");
    assert_eq!(daily("start: 2026-11-29T23:59:30-05:00"), 20, "4:59 in the morning in UTC");
}

#[test]
fn a_providers_minute_begins_with_that_of_the_clock() {
    let minutely = |start| succeeded(start, "limits: { rpm: 20, window: 1m }", PLAIN);
    assert_eq!(minutely(""), 20);
    assert_eq!(minutely("start: 2026-11-29T08:00:30Z"), 20 + 20);
    // 50 s of one minute, and 10 s, in which ten come, of the next.
    assert_eq!(minutely("start: 2026-11-29T08:00:10Z"), 20 + 10);
}

/// A thousand prompt tokens for a dollar.
const BUDGET: &str = "budgets: { team: { limit: $5, period: day } }
  groups:
    all:
      cooldown: never
      max_queue_wait: 0s
      deployments: [ { name: one, provider: one, price: { input: $1000, output: $0 }, budgets: [team] } ]";

#[test]
fn a_budget_of_a_day_is_there_again_at_midnight() {
    let spent = |start| succeeded(start, "", BUDGET);
    assert_eq!(spent(""), 5);
    assert_eq!(spent("start: 2026-11-29T23:59:30Z"), 5 + 5);
    let by_offset = BUDGET.replace("period: day", "period: day, utc_offset: -05:00");
    assert_eq!(succeeded("start: 2026-11-29T23:59:30-05:00", "", &by_offset), 5 + 5);
}

#[test]
fn a_journal_is_replayed_from_the_start_of_its_run() {
    let scenario = scenario("start: 2026-11-29T23:59:30Z", "", BUDGET);
    let recording = run(&scenario);
    let bytes = recording.journal.as_ref().expect("a journal");
    let frames = || JournalReader::new(bytes).and_then(JournalReader::frames).expect("frames");
    let replay =
        |epoch| journal::replay(scenario.router.clone(), [], scenario.seed, epoch, frames());
    assert!(replay(scenario.epoch_nanos()).is_ok());
    assert!(replay(EPOCH_NANOS).is_err(), "another midnight, other answers");
}

#[test]
fn without_a_start_it_is_the_first_of_january_2026() {
    let limits = "limits: { rpm: 20, window: 1m, rpd: 30 }";
    let digest = |start| run(&scenario(start, limits, BUDGET)).header.digest;
    assert_eq!(digest("start: 2026-01-01T00:00Z"), digest(""));
    assert_eq!(digest("start: 2026-01-01T02:00+02:00"), digest(""));
    assert_ne!(digest("start: 2026-01-01T00:00:30Z"), digest(""));
}
