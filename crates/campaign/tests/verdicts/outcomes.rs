//! What users got, and what is said where nothing was expected or asked.

use crate::{judged, judgements, scenario};
use squall_campaign::{CheckOptions, check};
use squall_judge::Judgement::{Inconclusive, Met, Missed};
use squall_judge::{Origin, check_lines, judge_seeds};

const SLOW_FAILURES: &str = include_str!("s1.yaml");

/// Its text with other expectations.
fn expecting(expect: &str) -> String {
    let (text, _) = SLOW_FAILURES.split_once("expect:").expect("it expects something");
    format!("{text}{expect}")
}

#[test]
fn where_many_fail_after_seconds_the_time_to_an_answer_is_no_tenth_of_one() {
    let expect = "expect: [ latency_p95 <= 1s, answer_time_p50 <= 1s, answer_time_p95 <= 1s, answered_within(1s) >= 99% ]";
    let verdict = judged(&scenario("s1.yaml", &expecting(expect)));
    assert_eq!(judgements(&verdict), [Met, Met, Missed, Missed]);
    let measured: Vec<_> = verdict.rows.iter().map(|row| row.measured.as_str()).collect();
    assert_eq!(measured, ["105 ms", "105 ms", "never", "57.39%"]);
    let reason = &verdict.rows[2].reason;
    assert!(reason.ends_with("; 1,287 of 3,021 requests never got their answer"), "{reason}");
}

#[test]
fn nothing_that_is_expected_is_nothing_that_is_met() {
    // A file that lost its `expect:`, or never had one; and expectations that a single run cannot meet.
    for (expect, why) in [
        ("", "the scenario expects nothing: there is nothing to meet; add an `expect:`"),
        ("expect: []", "the scenario expects nothing: there is nothing to meet; add an `expect:`"),
        (
            "expect: [ p5 of success_rate over seeds >= 50% ]",
            "no expectation is about a single run: there is nothing that it could meet",
        ),
    ] {
        let verdict = judged(&scenario("s1.yaml", &expecting(expect)));
        assert_eq!((verdict.overall, verdict.exit_code()), (Inconclusive, 3), "{expect}");
        assert_eq!(
            (verdict.tally().as_str(), verdict.warnings[0].as_str()),
            ("no expectations", why)
        );
    }
    let scenario = scenario("s1.yaml", &expecting(""));
    let runs = check(
        &[&scenario],
        &CheckOptions { seeds: 59, ..CheckOptions::default() },
        &|| false,
        |_| (),
    );
    let verdict = judge_seeds(&scenario, Origin::default(), &runs.expect("it runs")[0], None);
    assert_eq!(verdict.overall, Inconclusive);
    assert!(check_lines(&verdict).concat().contains("the scenario expects nothing"));
}

#[test]
fn a_run_without_a_request_tests_nothing() {
    let text = expecting("expect: [ throttled <= 5, gave_up <= 3 ]");
    let text = text.replace("rate: 50", "rate: 0.00001");
    let verdict = judged(&scenario("s1.yaml", &text));
    assert_eq!(judgements(&verdict), [Inconclusive, Inconclusive]);
    assert_eq!(verdict.validity_problems, ["no request was made: nothing was tested"]);
    assert_eq!(verdict.exit_code(), 3);
}
