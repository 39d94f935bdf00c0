//! A configuration against itself is quiet, and a weakened one is found: three tries of the hundred that
//! `tests/comparisons` makes.

use squall_campaign::{CheckOptions, check_each};
use squall_judge::{ComparisonOutcome, Origin, RunComparison, RunSet, compare_runs, measure_run};
use squall_scenario::Scenario;

const SCENARIO: &str = "\
name: compared
seed: 1
phases: { calm: 0s..5s, outage: 5s..10s, recovery: 10s..15s }
traffic: { group: chat, arrivals: poisson, rate: 30, prompt_tokens: 100, output_tokens: 20, stream: 50%, client: { timeout: 10s } }
providers:
  a: { format: openai, ttft: { lognormal: { median: 300ms, p95: 700ms } }, itl: 10ms, faults: [{ at: 5s, for: 5s, error: 503 }] }
  b: { format: openai, ttft: { lognormal: { median: 400ms, p95: 900ms } }, itl: 10ms }
router:
  retries: 2
  groups:
    chat:
      strategy: weighted_random
      deployments:
        - { name: a, provider: a, weight: 2 }
        - { name: b, provider: b, weight: 1 }
expect:
  - success_rate >= 50%
";

fn runs(text: &str, first_seed: u64) -> RunSet {
    let scenario = Scenario::read("compared.yaml", text).expect("it reads");
    let options =
        CheckOptions { first_seed: Some(first_seed), seeds: 59, ..CheckOptions::default() };
    let measured = check_each(&[&scenario], &options, &|| false, measure_run, |_| ());
    let set = RunSet::simulated("runs".to_owned(), &scenario, Origin::default());
    set.with_runs(measured.expect("they run").remove(0), options.seeds)
}

fn outcome(comparison: &RunComparison, figure: &str) -> ComparisonOutcome {
    let row = comparison.rows.iter().find(|row| row.figure.name == figure);
    row.expect("it is there").outcome
}

#[test]
fn a_configuration_is_not_called_different_from_itself_under_other_seeds() {
    for attempt in 0..3 {
        let first = 1 + attempt * 1_000;
        let comparison = compare_runs(&runs(SCENARIO, first), &runs(SCENARIO, first + 500), &[]);
        for called in
            [ComparisonOutcome::Regressed, ComparisonOutcome::Improved, ComparisonOutcome::Changed]
        {
            assert_eq!(comparison.count(called), 0, "{comparison:#?}");
        }
    }
}

#[test]
fn a_weakened_configuration_has_regressed_by_the_same_seeds_and_by_others() {
    let (reference, weak) = (runs(SCENARIO, 1), SCENARIO.replace("retries: 2", "retries: 0"));
    for first in [1, 501] {
        let comparison = compare_runs(&reference, &runs(&weak, first), &[]);
        assert_eq!(comparison.overall, ComparisonOutcome::Regressed);
        assert_eq!(outcome(&comparison, "success_rate"), ComparisonOutcome::Regressed);
        assert_eq!(outcome(&comparison, "ttft_p50"), ComparisonOutcome::NoDifference);
    }
}

/// What changes no decision changes no draw: the same seeds give the same runs, and each difference is nothing.
#[test]
fn the_same_configuration_with_the_same_seeds_differs_by_nothing() {
    let comparison = compare_runs(&runs(SCENARIO, 1), &runs(SCENARIO, 1), &[]);
    let differences = comparison.rows.iter().map(|row| row.difference);
    assert!(differences.clone().count() > 10);
    assert!(differences.flatten().all(|difference| difference == 0.0), "{comparison:#?}");
}
