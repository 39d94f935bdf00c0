//! A warm-up: nothing that begins before its end is in any value.

use super::*;
use crate::{junit, markdown, summary, terminal_table};
use squall_record::RequestOutcome;
use squall_testkit::by_hand::{FAILED, Fixture, at, succeeded, throttled};

/// A run with this warm-up, held against these expectations.
fn fixture(warm_up: &str, expect: &[&str]) -> Fixture {
    let mut run = Fixture::new();
    let (text, _) = run.scenario.text.split_once("\nexpect:").expect("it expects something");
    let expect: String = expect.iter().map(|each| format!("  - {each}\n")).collect();
    let text = text.replace("\nphases:", &format!("\nwarm_up: {warm_up}\nphases:"));
    run.scenario = Scenario::read("by-hand.yaml", &format!("{text}\nexpect:\n{expect}"))
        .unwrap_or_else(|wrong| panic!("{wrong}"));
    run.header.marks = run.scenario.cell_marks();
    run
}

/// What was measured of each expectation, and from how many.
fn measured(run: &Fixture) -> Vec<(String, Option<u64>)> {
    let verdict = judge(&run.scenario, &run.recording());
    verdict.rows.iter().map(|row| (row.measured.clone(), row.n())).collect()
}

/// A warm-up of 10.05 s, within a tick and a second: 51 requests fail or are slow before it, the last a millisecond
/// before its end. After it, one that begins with its end takes 900 ms, 99 take half a second, and ten fail.
fn requests(expect: &[&str]) -> Fixture {
    let mut run = fixture("10050ms", expect);
    run.requests(0..10_000, 50, FAILED).request(succeeded(at(10_049), 5_000));
    run.request(succeeded(at(10_050), 900));
    run.requests(20_000..40_000, 99, RequestOutcome::Succeeded);
    run.requests(50_000..60_000, 10, FAILED);
    run
}

#[test]
fn requests_count_from_the_very_nanosecond_of_its_end_on() {
    let run = requests(&[
        "success_rate >= 90%",
        "answered_within(600ms) >= 90%",
        "answered == 100",
        "latency_max <= 1s",
        "answer_time_p50 <= 1s",
        "error_budget_spent <= 9s",
        "success_rate >= 90% during calm",
    ]);
    let n = Some;
    let told = |value: &str, n: Option<u64>| (value.to_owned(), n);
    let rows = measured(&run);
    assert_eq!(rows[0], told("90.9%", n(110)), "100 of 110");
    assert_eq!(rows[1], told("90%", n(110)), "99 of 110");
    assert_eq!(rows[2], told("100", n(110)));
    let longest: u64 = rows[3].0.trim_end_matches(" ms").parse().expect("milliseconds");
    assert!((900..=908).contains(&longest), "{longest}: not the 5 s of the one before");
    assert_eq!(rows[3].1, n(100));
    assert_eq!(rows[4].1, n(110));
    // 89.95 s × 10 ÷ 110.
    assert_eq!(rows[5], told("8,178 ms", n(110)));
    assert_eq!(rows[6], told("-", None), "of calm, 10.05 s to 20 s, there is one request");
    let reason = judge(&run.scenario, &run.recording()).rows[0].reason.clone();
    assert!(reason.starts_with("90.9% above 90% from 10.1 s on, from 110 requests"), "{reason}");
}

#[test]
fn attempts_count_by_their_own_start() {
    let mut run = fixture(
        "10050ms",
        &[
            "attempts(a) == 101",
            "throttled == 1",
            "retry_after_honoured == 0%",
            "attempt_share(a) >= 50%",
            "weight_adherence(chat) >= 99%",
            "retry_amplification <= 2",
            "flaps(a) == 0",
        ],
    );
    // Before: everything at `a`, one 429 whose wait is broken. With the end: one of two.
    run.first(0, 0..10_000, 300).first(0, 10_000..10_100, 2);
    run.attempt(throttled(0, at(9_000), Duration::from_millis(500)));
    run.attempt(throttled(1, at(41_000), Duration::from_millis(500)));
    run.first(1, 41_100..41_200, 1);
    run.first(0, 60_000..70_000, 100).first(1, 60_000..70_000, 48).first(2, 60_000..70_000, 17);
    run.requests(0..10_000, 1_000, RequestOutcome::Succeeded);
    run.requests(50_000..60_000, 100, RequestOutcome::Succeeded);
    let rows = measured(&run);
    let told = |value: &str, n: u64| (value.to_owned(), Some(n));
    // 1 + 100 at a, 1 + 1 + 48 at b, 17 at c.
    assert_eq!(rows[0], told("101", 101));
    assert_eq!(rows[1], told("1", 168));
    assert_eq!(rows[2], told("0%", 1), "that of 9 s is not asked about");
    assert_eq!(rows[3], told("60.11%", 168));
    assert_eq!(rows[5], told("1.68", 100));
    // First attempts on whole ticks without a fault or a wait: 100, 48 and 17 of 165 against 60 %, 30 % and 10 %; the
    // tick in which the warm-up ends is cut, and of 20 s to 40 s and 80 s to 90 s there are none.
    assert_eq!(rows[4], told("99.09%", 165), "{rows:?}");
}

#[test]
fn faults_count_by_when_they_begin_and_recoveries_by_when_they_end() {
    let expect = ["failover_time(a) <= 2s", "recovery_time(a) <= 2s", "users_lost(a) <= 9"];
    let run_of = |warm_up| {
        let mut run = fixture(warm_up, &expect);
        run.weighted(0..20_000).first(0, 20_000..21_000, 10).first(1, 20_000..40_000, 400);
        run.weighted(40_000..100_000).requests(20_000..40_000, 8, FAILED);
        measured(&run)
    };
    let told = |value: &str, n: u64| (value.to_owned(), Some(n));
    // Of `a`, 12 a second in the 5 s before the fault of 20 s to 40 s.
    let rows = run_of("20s");
    assert_eq!(rows[0].1, Some(60), "what stood before the fault is a condition, and is no value");
    assert_eq!(rows[2], told("8", 8));
    // A tick later the fault begins within the warm-up, and ends after it all the same.
    let rows = run_of("20100ms");
    assert_eq!((&rows[0], &rows[2]), (&("-".to_owned(), None), &("-".to_owned(), None)));
    assert_eq!(rows[1], told("0 ms", 180));
}

#[test]
fn every_output_says_what_is_not_counted() {
    let run = requests(&["success_rate >= 90%"]);
    let verdict = judge(&run.scenario, &run.recording());
    assert!(terminal_table(&verdict).starts_with("first 10.1 s not counted\nverdict  expectation"));
    assert!(markdown(&verdict).contains(", simulated, first 10.1 s not counted."));
    let xml = junit(std::slice::from_ref(&verdict)).expect("it is XML");
    assert!(xml.contains("<property name=\"warm-up\" value=\"first 10.1 s not counted\"/>"));
    let summary = summary(&run.scenario, &run.recording(), &verdict);
    assert_eq!(summary.warm_up_ms, Some(10_050));
    let totals = (summary.totals.requests, summary.totals.succeeded, summary.totals.success_rate);
    assert_eq!(totals, (110, 100, Some(0.909_091)));
    assert_eq!((summary.groups[0].requests, summary.groups[0].latency.n), (110, 100));
    // Without one, nothing is said.
    let none = judge(&Fixture::new().scenario, &run.recording());
    assert!(!terminal_table(&none).contains("not counted"));
}
