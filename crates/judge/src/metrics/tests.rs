//! Each metric on recordings made by hand.

use super::by_hand::MeasureByHand as _;
use super::*;
use squall_record::{AttemptRow, RequestOutcome, RequestRow};
use squall_scenario::METRICS;
use squall_testkit::by_hand::{
    A, B, CHAT, FAILED, Fixture, WHOLE, answered, at, secs, succeeded, throttled,
};

fn duration(millis: u64) -> MetricValue {
    MetricValue::Duration(Duration::from_millis(millis))
}

fn fraction(value: MetricValue) -> f64 {
    match value {
        MetricValue::Fraction(fraction) => fraction,
        other => panic!("{other:?} is no share"),
    }
}

#[test]
fn every_metric_has_a_line_here_and_a_row_and_a_section_in_the_documentation() {
    let documentation = include_str!("../../../../docs/METRICS.md");
    let (_, table) = documentation.split_once("\n## Metrics\n").expect("it has them");
    let names = |line: &'static str| {
        let words = line.split('`').skip(1).step_by(2);
        let names = words.map(|word| word.split('(').next().unwrap_or(word));
        // `(group or kind)` alone is no name.
        names.filter(|name| !name.is_empty()).collect::<Vec<_>>()
    };
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    let rows: Vec<_> = rows.map(|row| names(row.split(" | ").next().unwrap_or(row))).collect();
    let sections = table.lines().filter(|line| line.starts_with("### `")).map(names);
    let sections: Vec<_> = sections.collect();
    for section in table.split("\n### ").skip(1) {
        let section = section.split("\n## ").next().unwrap_or(section);
        let title = section.lines().next().unwrap_or_default();
        assert!(section.contains("\n\n    "), "{title} has no formula");
        assert!(section.contains("\n\nSource: "), "{title} does not say which log it is from");
    }
    for spec in METRICS {
        assert!(MEASURES.iter().any(|(id, ..)| *id == spec.id), "{} is not measured", spec.name);
        let count = |of: &[Vec<&str>]| of.iter().filter(|names| names.contains(&spec.name)).count();
        assert_eq!((count(&rows), count(&sections)), (1, 1), "{}: a row, a section", spec.name);
    }
    assert_eq!(MEASURES.len(), METRICS.len());
    let known = |name: &&str| METRICS.iter().any(|spec| spec.name == *name);
    let documented = rows.iter().chain(&sections).flatten();
    assert_eq!(documented.filter(|name| !known(name)).collect::<Vec<_>>(), Vec::<&&str>::new());
}

#[test]
fn a_request_cut_off_by_the_end_is_neither_success_nor_failure() {
    let mut run = Fixture::new();
    run.requests(0..10_000, 90, RequestOutcome::Succeeded)
        .requests(0..10_000, 6, FAILED)
        .requests(0..10_000, 4, RequestOutcome::GaveUp)
        .requests(0..10_000, 50, RequestOutcome::Unfinished);
    let measured = run.measured(MetricId::SuccessRate, None, WHOLE);
    assert_eq!((measured.value, measured.n), (MetricValue::Fraction(0.9), 100));
    assert_eq!(measured.detail[0], "failed: 6 server, 4 abandoned");
    assert!(
        measured.detail[1].starts_with("50 requests were still in flight"),
        "{:?}",
        measured.detail
    );
}

#[test]
fn success_counts_requests_by_when_their_user_asked() {
    let mut run = Fixture::new();
    run.requests(0..10_000, 50, RequestOutcome::Succeeded).requests(10_000..20_000, 50, FAILED);
    assert_eq!(run.value(MetricId::SuccessRate, None, secs(0..10)), MetricValue::Fraction(1.0));
    assert_eq!(run.value(MetricId::SuccessRate, CHAT, secs(10..20)), MetricValue::Fraction(0.0));
}

#[test]
fn a_handful_of_requests_says_nothing_of_success() {
    let mut run = Fixture::new();
    run.requests(0..10_000, 19, RequestOutcome::Succeeded);
    let reason = run.reason(MetricId::SuccessRate, None, WHOLE);
    assert_eq!(reason, "19 requests, but at least 20 are required");
}

#[test]
fn failover_ends_when_the_traffic_has_left() {
    let mut run = Fixture::new();
    run.weighted(0..20_000).first(0, 20_000..21_300, 16).first(1, 20_000..40_000, 400);
    let measured = run.measured(MetricId::FailoverTime, A, WHOLE);
    // The sixteenth, at 21.218 s, is within the 5 %.
    assert_eq!(measured.value, duration(1_200));
    assert_eq!(measured.n, 60, "12 a second for 5 s");
    let line = "fault at 20 s: 1,200 ms, with 15 first attempts sent there in that time";
    assert_eq!(measured.detail, [line], "faults that touch are one");
}

#[test]
fn a_probe_now_and_then_does_not_undo_a_failover() {
    let mut run = Fixture::new();
    // 5 % of 60 % of 40 are 1.2.
    run.weighted(0..20_000).first(1, 20_000..44_000, 480).first(0, 20_000..44_000, 12);
    assert_eq!(run.value(MetricId::FailoverTime, A, WHOLE), duration(0));
    run.first(0, 20_050..44_050, 12);
    assert_eq!(run.value(MetricId::FailoverTime, A, WHOLE), MetricValue::Duration(Duration::MAX));
}

#[test]
fn a_lone_probe_does_not_undo_a_failover_where_it_is_more_than_five_percent() {
    // 6 a second of 10, so that 5 % of 2 s are 0.6 of an attempt.
    let run = |during: u64, probes: u64| {
        let mut run = Fixture::new();
        run.first(0, 0..20_000, 120).first(1, 0..20_000, 80);
        run.first(1, 20_000..44_000, 24 * during).first(0, 20_000..44_000, probes);
        run.value(MetricId::FailoverTime, A, WHOLE)
    };
    assert_eq!(run(10, 8), duration(0), "one each 3 s");
    assert_eq!(run(10, 48), MetricValue::Duration(Duration::MAX), "four each 2 s are no probes");
    assert_eq!(run(4, 12), MetricValue::Duration(Duration::MAX), "one of five is no probe");
}

#[test]
fn traffic_that_stays_never_fails_over() {
    let mut run = Fixture::new();
    run.weighted(0..60_000);
    let measured = run.measured(MetricId::FailoverTime, A, WHOLE);
    assert_eq!(measured.value.display(), "never");
}

#[test]
fn an_interrupted_run_does_not_say_never() {
    let mut run = Fixture::new();
    run.weighted(0..30_000).interrupted(at(30_000));
    let reason = run.reason(MetricId::FailoverTime, A, WHOLE);
    assert_eq!(reason, "fault at 20 s: the run ended before the traffic had moved");
}

#[test]
fn without_traffic_before_the_fault_nothing_can_move() {
    let mut run = Fixture::new();
    run.first(0, 15_000..20_000, 19).first(1, 0..40_000, 400);
    let reason = run.reason(MetricId::FailoverTime, A, WHOLE);
    assert!(reason.starts_with("fault at 20 s: 19 first attempts in the 5 s before"), "{reason}");
}

#[test]
fn a_slowdown_is_no_fault_to_fail_over_from() {
    let mut run = Fixture::new();
    run.weighted(0..100_000);
    let reason = run.reason(MetricId::FailoverTime, B, WHOLE);
    assert_eq!(reason, "no fault in this window makes it fail");
}

#[test]
fn recovery_is_the_start_of_the_nine_seconds_that_held() {
    let mut run = Fixture::new();
    run.weighted(0..20_000).first(1, 20_000..45_000, 500).weighted(45_000..100_000);
    let MetricValue::Duration(time) = run.value(MetricId::RecoveryTime, A, WHOLE) else { panic!() };
    // The first of the three windows may begin a little before: it needs only 80 % of the share.
    assert!((4_300..=5_000).contains(&(time.as_millis() as u64)), "{time:?}");
}

#[test]
fn traffic_that_comes_back_and_leaves_again_has_not_recovered() {
    let mut run = Fixture::new();
    run.weighted(0..20_000).first(1, 20_000..42_000, 440).weighted(42_000..47_000);
    run.first(1, 47_000..55_000, 160).weighted(55_000..100_000);
    let MetricValue::Duration(time) = run.value(MetricId::RecoveryTime, A, WHOLE) else { panic!() };
    assert!((14_300..=15_000).contains(&(time.as_millis() as u64)), "{time:?}");
}

#[test]
fn a_deployment_without_its_share_to_the_end_never_recovers() {
    let mut run = Fixture::new();
    run.weighted(0..20_000).first(1, 20_000..100_000, 1_600);
    assert_eq!(run.value(MetricId::RecoveryTime, A, WHOLE).display(), "never");
    run.interrupted(at(45_000));
    let reason = run.reason(MetricId::RecoveryTime, A, WHOLE);
    assert_eq!(reason, "fault until 40 s: observed for 5 s after it, but 9 s are required");
}

#[test]
fn a_return_that_was_seen_for_less_than_nine_seconds_is_no_never() {
    let mut run = Fixture::new();
    run.weighted(0..20_000).first(1, 20_000..95_000, 1_500).weighted(95_000..100_000);
    let reason = run.reason(MetricId::RecoveryTime, A, WHOLE);
    assert!(reason.starts_with("fault until 40 s: traffic may be back from 94."), "{reason}");
    assert!(reason.contains(" after that, and 9 s are required"), "{reason}");
    let recording = run.recording();
    let within = |limit| {
        let limit = Some(Limit::Duration(Duration::from_secs(limit)));
        let (scenario, window) = (&run.scenario, WHOLE);
        let query = MetricQuery {
            scenario,
            recording: &recording,
            argument: A,
            within: None,
            window,
            limit,
        };
        measure(MetricId::RecoveryTime, &query)
    };
    // By the limit of 30 s it was surely not back; with 57 s it may have been.
    let Measurement::Measured(measured) = within(30) else { panic!("it is known") };
    assert_eq!(measured.value.display(), "never");
    assert!(matches!(within(57), Measurement::Inconclusive { .. }));
}

#[test]
fn weights_that_are_kept_adhere_wholly() {
    let mut run = Fixture::new();
    run.weighted(0..20_000);
    let measured = run.measured(MetricId::WeightAdherence, CHAT, WHOLE);
    assert!((fraction(measured.value) - 1.0).abs() < 1e-12);
    assert_eq!(measured.n, 400);
}

#[test]
fn weights_that_are_not_kept_lose_what_went_elsewhere() {
    let mut run = Fixture::new();
    run.first(0, 0..20_000, 100).first(1, 0..20_000, 80).first(2, 0..20_000, 20);
    let value = fraction(run.value(MetricId::WeightAdherence, CHAT, WHOLE));
    assert!((value - 0.9).abs() < 1e-12, "{value}");
}

#[test]
fn faults_and_retry_after_are_no_time_to_judge_weights_by() {
    let mut run = Fixture::new();
    run.weighted(0..20_000).first(1, 20_000..40_000, 400);
    run.attempt(throttled(0, at(50_000), Duration::from_secs(10)));
    run.first(1, 50_100..59_900, 200).weighted(60_000..61_000);
    let measured = run.measured(MetricId::WeightAdherence, CHAT, WHOLE);
    assert!((fraction(measured.value) - 1.0).abs() < 1e-12, "{measured:?}");
    assert!(measured.detail.iter().any(|line| line.starts_with("30 s of faults")), "{measured:?}");
}

#[test]
fn ninety_nine_first_attempts_say_nothing_of_weights() {
    let mut run = Fixture::new();
    run.first(0, 0..20_000, 99);
    let reason = run.reason(MetricId::WeightAdherence, CHAT, WHOLE);
    assert_eq!(reason, "99 first attempts while all were healthy, but at least 100 are required");
}

#[test]
fn amplification_is_attempts_over_requests() {
    let mut run = Fixture::new();
    run.requests(0..10_000, 100, RequestOutcome::Succeeded);
    run.first(0, 0..10_000, 100).first(3, 0..10_000, 8);
    assert_eq!(run.value(MetricId::RetryAmplification, None, WHOLE), MetricValue::Ratio(1.08));
    assert_eq!(run.value(MetricId::RetryAmplification, CHAT, WHOLE), MetricValue::Ratio(1.0));
    let reason = run.reason(MetricId::RetryAmplification, None, secs(50..60));
    assert_eq!(reason, "0 requests, but at least 20 are required");
}

#[test]
fn client_amplification_is_calls_over_requests() {
    let mut run = Fixture::new();
    run.requests(0..10_000, 90, RequestOutcome::Succeeded);
    for (second, calls) in (10_u64..20).zip([1, 3, 2, 7, 1, 1, 1, 1, 1, 2]) {
        run.request(RequestRow { calls, ..succeeded(at(second * 1_000), 100) });
    }
    let value = |window| run.value(MetricId::ClientAmplification, None, window);
    assert_eq!(value(WHOLE), MetricValue::Ratio(1.1));
    assert_eq!(value(secs(0..10)), MetricValue::Ratio(1.0));
    let reason = run.reason(MetricId::ClientAmplification, CHAT, secs(10..20));
    assert_eq!(reason, "10 requests, but at least 20 are required");
}

#[test]
fn a_retry_after_is_honoured_unless_an_attempt_comes_before_its_end() {
    let mut run = Fixture::new();
    let wait = Duration::from_secs(2);
    for second in [0, 10, 20, 30] {
        run.attempt(throttled(0, at(second * 1_000), wait));
    }
    run.attempt(answered(0, at(1_000))).attempt(answered(0, at(12_000)));
    let measured = run.measured(MetricId::RetryAfterHonoured, A, WHOLE);
    assert_eq!((measured.value, measured.n), (MetricValue::Fraction(0.75), 4));
    let reason = run.reason(MetricId::RetryAfterHonoured, B, WHOLE);
    assert_eq!(reason, "no 429 with Retry-After was sent");
}

#[test]
fn throttled_counts_rate_limits_and_none_is_an_answer() {
    let mut run = Fixture::new();
    for second in 0..25 {
        run.attempt(throttled(0, at(second * 1_000), Duration::from_millis(1)));
    }
    assert_eq!(run.value(MetricId::Throttled, A, WHOLE), MetricValue::Count(25));
    assert_eq!(run.value(MetricId::Throttled, None, secs(0..10)), MetricValue::Count(10));
    assert_eq!(run.value(MetricId::Throttled, B, WHOLE), MetricValue::Count(0));
}

#[test]
fn a_share_of_attempts_counts_retries_too() {
    let mut run = Fixture::new();
    run.first(0, 0..10_000, 60);
    for nth in 0..20 {
        run.attempt(AttemptRow { ordinal: 1, ..answered(1, at(nth * 100)) });
    }
    assert_eq!(run.value(MetricId::AttemptShare, B, WHOLE), MetricValue::Fraction(0.25));
    let reason = run.reason(MetricId::AttemptShare, B, secs(50..60));
    assert_eq!(reason, "0 attempts in its group, but at least 20 are required");
}

#[test]
fn a_percentile_takes_ten_samples_beyond_it() {
    let mut run = Fixture::new();
    run.requests(0..10_000, 999, RequestOutcome::Succeeded);
    let reason = run.reason(MetricId::LatencyP99, None, WHOLE);
    assert_eq!(reason, "999 successful requests, but at least 1,000 are required");
    run.requests(0..10_000, 1, RequestOutcome::Succeeded);
    let MetricValue::Duration(p99) = run.value(MetricId::LatencyP99, None, WHOLE) else { panic!() };
    assert!((500..=504).contains(&(p99.as_millis() as u64)), "{p99:?}");
    let MetricValue::Duration(ttft) = run.value(MetricId::TtftP50, CHAT, secs(0..10)) else {
        panic!()
    };
    assert!((100..=101).contains(&(ttft.as_millis() as u64)), "{ttft:?}");
}

const PAID: Option<Argument> = Some(Argument::Kind(0));
const FREE: Option<Argument> = Some(Argument::Kind(1));

#[test]
fn a_kind_of_request_is_measured_apart_from_its_group() {
    let mut run = Fixture::new();
    run.of_kind(0).requests(0..10_000, 100, RequestOutcome::Succeeded);
    run.of_kind(1).requests(0..10_000, 50, FAILED).requests(
        0..10_000,
        50,
        RequestOutcome::Succeeded,
    );
    let success = |of| run.value(MetricId::SuccessRate, of, WHOLE);
    assert_eq!(
        [PAID, FREE, CHAT, None].map(success),
        [1.0, 0.5, 0.75, 0.75].map(MetricValue::Fraction)
    );
    assert_eq!(run.measured(MetricId::LatencyP50, FREE, WHOLE).n, 50);
    assert_eq!(run.measured(MetricId::LatencyMean, FREE, WHOLE).n, 50);
    // Every attempt of the fixture is for the first request.
    run.first(0, 0..10_000, 120);
    assert_eq!(run.value(MetricId::RetryAmplification, PAID, WHOLE), MetricValue::Ratio(1.2));
    assert_eq!(run.value(MetricId::RetryAmplification, FREE, WHOLE), MetricValue::Ratio(0.0));
    assert_eq!(run.reason(MetricId::WeightAdherence, PAID, WHOLE), "a group is required");
}

#[test]
fn the_only_kind_is_all_requests() {
    let mut run = Fixture::new();
    run.requests(0..10_000, 100, RequestOutcome::Succeeded).first(0, 0..10_000, 110);
    for (metric, value) in [
        (MetricId::SuccessRate, MetricValue::Fraction(1.0)),
        (MetricId::RetryAmplification, MetricValue::Ratio(1.1)),
    ] {
        assert_eq!(run.value(metric, PAID, WHOLE), value);
    }
}

#[test]
fn a_first_attempt_is_due_by_the_weights_of_its_time() {
    let mut run = Fixture::new();
    // 6, 3, 1 for ten seconds, then 1, 3, 6: 60 and 10 per cent of 200 each.
    run.changed(10, "weights a 1, c 6", [1, 3, 6, 1]);
    run.first(0, 0..10_000, 120).first(1, 0..10_000, 60).first(2, 0..10_000, 20);
    run.first(0, 10_000..20_000, 20).first(1, 10_000..20_000, 60).first(2, 10_000..20_000, 120);
    let measured = run.measured(MetricId::WeightAdherence, CHAT, WHOLE);
    assert!((fraction(measured.value) - 1.0).abs() < 1e-12, "{measured:?}");
    assert!(measured.detail[0].ends_with("weight 35%"), "{measured:?}");
    let after = run.measured(MetricId::WeightAdherence, CHAT, secs(10..20));
    assert!((fraction(after.value) - 1.0).abs() < 1e-12 && after.n == 200, "{after:?}");
}

#[test]
fn a_deployment_that_is_not_there_is_due_nothing_and_its_faults_excuse_nothing() {
    let mut run = Fixture::new();
    // `a` leaves before the outage of its provider.
    run.changed(15, "chat: b, c", [0, 3, 1, 1]);
    run.weighted(0..15_000).first(1, 15_000..45_000, 900).first(2, 15_000..45_000, 300);
    let measured = run.measured(MetricId::WeightAdherence, CHAT, secs(20..40));
    assert!((fraction(measured.value) - 1.0).abs() < 1e-12, "{measured:?}");
    assert_eq!(measured.n, 800);
    assert!(measured.detail.iter().all(|line| !line.contains("left out")), "{measured:?}");
}

#[test]
fn recovery_is_held_against_the_weights_after_a_change() {
    let mut run = Fixture::new();
    // Back at 45 s with a tenth instead of six.
    run.changed(42, "weights a 1, b 8", [1, 8, 1, 1]);
    run.weighted(0..20_000).first(1, 20_000..45_000, 500);
    run.first(0, 45_000..100_000, 220).first(1, 45_000..100_000, 1_760);
    run.first(2, 45_000..100_000, 220);
    let MetricValue::Duration(time) = run.value(MetricId::RecoveryTime, A, WHOLE) else { panic!() };
    assert!((3_500..=5_000).contains(&(time.as_millis() as u64)), "{time:?}");
}
