//! Soft expectations: what they are told as, and that nothing counts them.

use super::*;
use crate::{junit, markdown, summary, terminal_table};
use squall_record::RequestOutcome;
use squall_testkit::by_hand::{FAILED, Fixture};

/// A run with 95 of 100 requests answered, held against `expect`.
fn judged(expect: &str) -> (Fixture, Verdict) {
    let mut run = Fixture::new();
    let (text, _) = run.scenario.text.split_once("\nexpect:").expect("it expects something");
    let text = format!("{text}\nexpect:\n{expect}");
    run.scenario = Scenario::read("by-hand.yaml", &text).unwrap_or_else(|wrong| panic!("{wrong}"));
    run.requests(0..100_000, 95, RequestOutcome::Succeeded).requests(0..100_000, 5, FAILED);
    let verdict = judge(&run.scenario, &run.recording());
    (run, verdict)
}

/// One that is met, one that is missed softly, and one that has too few requests, softly.
const MIXED: &str =
    "  - success_rate >= 90%\n  - warn: success_rate >= 99%\n  - { warn: latency_p95 <= 1s }\n";

#[test]
fn a_soft_miss_is_a_warning_that_neither_verdict_nor_exit_code_counts() {
    let (_, verdict) = judged(MIXED);
    assert_eq!((verdict.overall, verdict.exit_code()), (Judgement::Met, 0));
    assert_eq!(verdict.tally(), "1 of 1 expectations met, 2 warned");
    let [missed, few] = verdict.soft.as_slice() else { panic!("{:?}", verdict.soft) };
    assert_eq!((missed.outcome(), missed.judgement), (RowOutcome::Warned, Judgement::Missed));
    let reason = "95% under limit 99% over the whole run, from 100 requests; failed: 5 server";
    assert_eq!((missed.reason.as_str(), missed.line), (reason, 33));
    assert_eq!((few.outcome(), few.judgement), (RowOutcome::Warned, Judgement::Inconclusive));
    assert_eq!(few.reason, "95 successful requests, but at least 200 are required");
}

#[test]
fn the_same_expectation_without_its_warn_is_missed() {
    let (_, verdict) = judged(&MIXED.replace("warn: success_rate", "success_rate"));
    assert_eq!((verdict.overall, verdict.exit_code()), (Judgement::Missed, 1));
    assert_eq!(verdict.tally(), "1 of 2 expectations met, 1 missed, 1 warned");
}

#[test]
fn a_soft_expectation_that_is_met_is_met() {
    let (_, verdict) = judged("  - success_rate >= 90%\n  - warn: success_rate >= 94%\n");
    assert_eq!(verdict.soft[0].outcome(), RowOutcome::Met);
    assert_eq!(verdict.tally(), "1 of 1 expectations met");
}

#[test]
fn a_run_of_soft_expectations_alone_has_nothing_to_meet() {
    for limit in ["90%", "99%"] {
        let (_, verdict) = judged(&format!("  - warn: success_rate >= {limit}\n"));
        assert_eq!((verdict.overall, verdict.exit_code()), (Judgement::Inconclusive, 3));
        let told = "every expectation is soft: there is nothing to meet; add one without `warn:`";
        assert_eq!(verdict.warnings, [told]);
    }
}

#[test]
fn every_output_shows_it_as_a_warning() {
    let (run, verdict) = judged(MIXED);
    insta::assert_snapshot!("soft_table", terminal_table(&verdict));
    insta::assert_snapshot!("soft_markdown", markdown(&verdict));
    insta::assert_snapshot!(
        "soft_junit",
        junit(std::slice::from_ref(&verdict)).expect("it is XML")
    );
    let summary = summary(&run.scenario, &run.recording(), &verdict);
    let rows: Vec<_> =
        summary.expectations.iter().map(|each| (each.verdict, each.soft, each.value)).collect();
    assert_eq!(
        rows,
        [("met", false, Some(0.95)), ("warned", true, Some(0.95)), ("warned", true, None)]
    );
    assert_eq!(summary.verdict, "met");
}
