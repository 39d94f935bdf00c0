//! Latencies and counts of answers on recordings made by hand: each number is worked out beside its test.

use super::by_hand::MeasureByHand as _;
use super::*;
use squall_record::{AnswerSeen, AttemptRow, RequestOutcome, RequestRow, SeenBy};
use squall_testkit::by_hand::{
    A, B, CHAT, FAILED, Fixture, WHOLE, answered, at, secs, succeeded, throttled,
};

/// So many requests, the first of which is answered after `step` milliseconds, the second after twice as long, and so
/// on; they arrive a millisecond apart, and the slowest first.
fn rising(count: u64, step: u64) -> Fixture {
    let mut run = Fixture::new();
    for nth in 0..count {
        let request = succeeded(at(1_000 + nth), (count - nth) * step);
        run.request(RequestRow { request: nth, ..request });
    }
    run
}

/// A time in milliseconds, which is told at most 0.8 % too high and never too low.
#[track_caller]
fn assert_millis(run: &Fixture, metric: MetricId, exact: u128) {
    let MetricValue::Duration(time) = run.value(metric, None, WHOLE) else { panic!("no time") };
    let most = exact + exact * 8 / 1_000 + 1;
    assert!((exact..=most).contains(&time.as_millis()), "{metric:?}: {time:?}, not {exact} ms");
}

#[test]
fn a_percentile_is_the_request_at_its_rank() {
    // Of 10, 20, ... 2,000 ms the 100th and the 190th.
    let run = rising(200, 10);
    assert_millis(&run, MetricId::LatencyP50, 1_000);
    assert_millis(&run, MetricId::LatencyP95, 1_900);
    // Of 1 to 1,000 ms the 990th.
    assert_millis(&rising(1_000, 1), MetricId::LatencyP99, 990);
    let reason = rising(199, 10).reason(MetricId::LatencyP95, None, WHOLE);
    assert!(reason.contains("200"), "ten of 200 lie beyond it: {reason}");
}

#[test]
fn the_time_to_the_first_token_is_of_streams_that_were_answered() {
    let mut run = Fixture::new();
    for nth in 1..=1_000 {
        let first_token = Some(at(5_000 + nth));
        run.request(RequestRow { request: nth, first_token, ..succeeded(at(5_000), 3_000) });
    }
    // Neither of these has a first token that counts.
    for nth in 0..500 {
        run.request(RequestRow { request: nth, stream: false, ..succeeded(at(5_000), 1) });
        run.request(RequestRow { request: nth, outcome: FAILED, ..succeeded(at(5_000), 1) });
    }
    assert_millis(&run, MetricId::TtftP50, 500);
    assert_millis(&run, MetricId::TtftP95, 950);
    assert_millis(&run, MetricId::TtftP99, 990);
    assert_eq!(run.measured(MetricId::TtftP99, CHAT, WHOLE).n, 1_000);
}

#[test]
fn the_99th_percentile_of_answers_is_never_once_more_than_one_in_a_hundred_failed() {
    let with = |failed: u64| {
        let mut run = rising(1_000 - failed, 1);
        run.requests(0..10_000, failed, FAILED);
        run
    };
    // The 990th of 1,000 is the slowest that was answered.
    assert_millis(&with(10), MetricId::AnswerTimeP99, 990);
    let never = with(11).value(MetricId::AnswerTimeP99, None, WHOLE);
    assert_eq!(never, MetricValue::Duration(Duration::MAX));
}

#[test]
fn the_longest_latency_is_of_a_request_that_succeeded() {
    let mut run = rising(3, 700);
    run.request(RequestRow { outcome: FAILED, ..succeeded(at(1_000), 30_000) });
    assert_millis(&run, MetricId::LatencyMax, 2_100);
    // (700 + 1,400 + 2,100) / 3 of twenty alike.
    let mut run = Fixture::new();
    for (nth, took) in [700, 1_400, 2_100].iter().cycle().take(21).enumerate() {
        run.request(RequestRow { request: nth as u64, ..succeeded(at(1_000), *took) });
    }
    let MetricValue::Duration(mean) = run.value(MetricId::LatencyMean, None, WHOLE) else {
        panic!()
    };
    assert!((1_394..=1_406).contains(&mean.as_millis()), "within 0.4 % of 1,400 ms: {mean:?}");
}

#[test]
fn clients_that_left_are_counted_and_those_that_failed_are_not() {
    let mut run = Fixture::new();
    run.requests(0..10_000, 20, RequestOutcome::Succeeded)
        .requests(0..10_000, 3, RequestOutcome::GaveUp)
        .requests(10_000..20_000, 4, RequestOutcome::GaveUp)
        .requests(0..10_000, 5, FAILED);
    assert_eq!(run.value(MetricId::GaveUp, None, WHOLE), MetricValue::Count(7));
    assert_eq!(run.value(MetricId::GaveUp, CHAT, secs(0..10)), MetricValue::Count(3));
    assert_eq!(run.value(MetricId::Answered, None, WHOLE), MetricValue::Count(20));
}

#[test]
fn a_success_with_another_text_is_truncated_and_one_without_usage_is_told_so() {
    let mut run = Fixture::new();
    run.requests(0..10_000, 15, RequestOutcome::Succeeded);
    let other_text = AnswerSeen { whole: false, ..AnswerSeen::WHOLE };
    let without_usage = AnswerSeen { usage: false, ..AnswerSeen::WHOLE };
    for answer in [other_text, other_text, without_usage, without_usage, without_usage] {
        run.request(RequestRow { answer, ..succeeded(at(2_000), 100) });
    }
    // A failure is no answer, whatever its text.
    run.request(RequestRow { answer: other_text, outcome: FAILED, ..succeeded(at(2_000), 100) });
    assert_eq!(run.value(MetricId::TruncatedAnswers, None, WHOLE), MetricValue::Count(2));
    // 17 of 20.
    assert_eq!(run.value(MetricId::UsageTold, None, WHOLE), MetricValue::Fraction(0.85));
}

#[test]
fn attempts_count_where_they_ran_and_refused_ones_where_they_were_tried() {
    let mut run = Fixture::new();
    run.first(0, 0..10_000, 30).first(1, 0..10_000, 12).first(1, 10_000..20_000, 5);
    run.attempt(throttled(1, at(3_000), Duration::from_secs(1)));
    run.attempt(AttemptRow { seen_by: SeenBy::Gateway, ..answered(0, at(4_000)) });
    assert_eq!(run.value(MetricId::Attempts, None, WHOLE), MetricValue::Count(49));
    assert_eq!(run.value(MetricId::Attempts, A, WHOLE), MetricValue::Count(31));
    assert_eq!(run.value(MetricId::Attempts, B, secs(0..10)), MetricValue::Count(13));
}

#[test]
fn every_metric_is_held_by_a_recording_made_by_hand() {
    let tests = [
        include_str!("answer_tests.rs"),
        include_str!("outcome_tests.rs"),
        include_str!("tests.rs"),
    ];
    for (id, ..) in MEASURES {
        let name = format!("MetricId::{id:?}");
        let follows = |text: &str, at: usize| {
            let next = text[at + name.len()..].chars().next();
            next.is_some_and(|next| !next.is_alphanumeric())
        };
        let is_held =
            tests.iter().any(|text| text.match_indices(&name).any(|(at, _)| follows(text, at)));
        assert!(is_held, "{name} has no test");
    }
}
