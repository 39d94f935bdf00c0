//! A configuration against itself under other seeds, a hundred times: a comparison calls something regressed or improved
//! no more often than it states. And against a weakened one, which it finds each time.

use squall_campaign::{CheckOptions, check_each};
use squall_judge::{
    ComparisonMethod, ComparisonOutcome, Origin, RunComparison, RunSet, StatedMargin, compare_runs,
    measure_run,
};
use squall_scenario::{METRICS, Scenario};

const TRIES: u64 = 100;
const SEEDS: usize = 59;

const SCENARIO: &str = "\
name: compared
seed: 1
phases: { calm: 0s..8s, outage: 8s..18s, recovery: 18s..30s }
traffic: { group: chat, arrivals: poisson, rate: 40, prompt_tokens: 100, output_tokens: 50, stream: 50%, client: { timeout: 10s } }
providers:
  a: { format: openai, ttft: { lognormal: { median: 300ms, p95: 700ms } }, itl: 10ms, faults: [{ at: 8s, for: 10s, error: 503, share: 80% }] }
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
  - latency_p95 <= 20s during outage
";

/// Runs of a scenario with 59 seeds, of which no other number has one.
fn runs(text: &str, number: u64) -> RunSet {
    let scenario = Scenario::read("compared.yaml", text).expect("it reads");
    let first_seed = Some(1 + number * SEEDS as u64);
    let options = CheckOptions { seeds: SEEDS, first_seed, ..CheckOptions::default() };
    let measured = check_each(&[&scenario], &options, &|| false, measure_run, |_| ());
    let set = RunSet::simulated(format!("runs {number}"), &scenario, Origin::default());
    set.with_runs(measured.expect("they run").remove(0), SEEDS)
}

fn calls(comparison: &RunComparison) -> Vec<&str> {
    let is_called = |outcome| {
        matches!(
            outcome,
            ComparisonOutcome::Regressed | ComparisonOutcome::Improved | ComparisonOutcome::Changed
        )
    };
    let called = comparison.rows.iter().filter(|row| is_called(row.outcome));
    called.map(|row| row.figure.name.as_str()).collect()
}

/// At the stated rate of one in 20, five of 100 are expected at most, and more than eleven come once in 250 such tests.
/// That is with no margin at all; the usual ones make them far rarer.
#[test]
fn a_configuration_is_called_different_from_itself_no_more_often_than_stated() {
    let (mut called, mut usual, mut settled) = (Vec::new(), Vec::new(), 0);
    let none: Vec<_> = METRICS.iter().map(|spec| no_margin(spec.name)).collect();
    for attempt in 0..TRIES {
        let (reference, candidate) = (runs(SCENARIO, 2 * attempt), runs(SCENARIO, 2 * attempt + 1));
        let strict = compare_runs(&reference, &candidate, &none);
        assert_eq!(strict.method, ComparisonMethod::Unpaired(SEEDS, SEEDS));
        let comparison = compare_runs(&reference, &candidate, &[]);
        settled += u64::from(comparison.overall == ComparisonOutcome::NoDifference);
        for (called, comparison) in [(&mut called, &strict), (&mut usual, &comparison)] {
            let figures = calls(comparison);
            if !figures.is_empty() {
                called.push(format!("try {attempt}: {}", figures.join(", ")));
            }
        }
    }
    let (without, with) = (called.len(), usual.len());
    assert!(without <= 11, "{called:#?}");
    assert!(with <= 1, "{usual:#?}");
    // Quiet, and not for want of evidence.
    assert!(settled >= TRIES / 2, "{settled}");
}

fn no_margin(metric: &str) -> StatedMargin {
    let texts = ["0%", "0ms", "0"].map(|size| format!("{metric}={size}").parse());
    texts.into_iter().flatten().next().expect("one of the units fits")
}

#[test]
fn a_weakened_configuration_is_found_paired_and_unpaired() {
    let weak = SCENARIO.replace("retries: 2", "retries: 0");
    for attempt in 0..10 {
        let (reference, paired) = (runs(SCENARIO, 1_000 + attempt), runs(&weak, 1_000 + attempt));
        for candidate in [paired, runs(&weak, 2_000 + attempt)] {
            let comparison = compare_runs(&reference, &candidate, &[]);
            assert_eq!(comparison.overall, ComparisonOutcome::Regressed, "{attempt}");
            let is_it = |name: &&str| *name == "success_rate";
            assert!(calls(&comparison).iter().any(is_it), "{:?}", calls(&comparison));
            let row = comparison.rows.iter().find(|row| row.figure.name == "success_rate");
            let row = row.expect("it is there");
            let (low, high) = row.interval.expect("there are many runs");
            assert!(low < high && high < -row.margin, "{row:?}");
        }
    }
}
