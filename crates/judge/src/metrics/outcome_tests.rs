//! Metrics of what failures cost, on recordings made by hand: each number is worked out beside its test.

use super::by_hand::MeasureByHand as _;
use super::*;
use squall_record::{AttemptOutcome, AttemptRow, CellMarks, RequestOutcome, RequestRow};
use squall_testkit::by_hand::{
    A, B, C, CHAT, FAILED, Fixture, WHOLE, answered, at, secs, succeeded, throttled,
};

fn millis(value: MetricValue) -> u128 {
    match value {
        MetricValue::Duration(time) => time.as_millis(),
        other => panic!("{other:?} is no time"),
    }
}

#[test]
fn a_request_that_failed_never_got_its_answer() {
    let with = |answered: u64, failed: u64| {
        let mut run = Fixture::new();
        run.requests(0..10_000, answered, RequestOutcome::Succeeded);
        run.requests(0..10_000, failed - 1, FAILED).requests(0..10_000, 1, RequestOutcome::GaveUp);
        // What the run cut off is neither.
        run.requests(0..10_000, 7, RequestOutcome::Unfinished);
        run.measured(MetricId::AnswerTimeP95, None, WHOLE)
    };
    // The 190th of 200 is answered after 500 ms; told at most 0.8 % too high.
    let measured = with(190, 10);
    assert!((500..=504).contains(&millis(measured.value)), "{measured:?}");
    assert_eq!((measured.n, measured.of), (200, "requests"));
    assert_eq!(measured.detail, ["10 of 200 requests never got their answer"]);
    // With one more that failed, the 190th is none that was answered.
    assert_eq!(with(189, 11).value, MetricValue::Duration(Duration::MAX));
}

#[test]
fn the_median_answer_is_a_request_and_not_between_two() {
    let mut run = Fixture::new();
    for (place, took) in [(10, 100), (10, 200)].into_iter().enumerate() {
        for nth in 0..took.0 {
            run.request(RequestRow {
                request: place as u64 * 10 + nth,
                ..succeeded(at(1_000), took.1)
            });
        }
    }
    // The tenth of twenty is the last of those with 100 ms.
    assert!((100..=101).contains(&millis(run.value(MetricId::AnswerTimeP50, None, WHOLE))));
    run.requests(0..10_000, 1, FAILED);
    assert!((200..=202).contains(&millis(run.value(MetricId::AnswerTimeP50, None, WHOLE))));
}

#[test]
fn goodput_within_a_latency_counts_exactly_those_that_keep_to_it() {
    let mut run = Fixture::new();
    run.within = Some(Duration::from_secs(2));
    for (took, count) in [(1_900, 12), (2_000, 2), (2_001, 3)] {
        for _ in 0..count {
            run.request(succeeded(at(5_000), took));
        }
    }
    run.requests(0..10_000, 3, FAILED);
    for marks in [Vec::new(), vec![Duration::from_secs(2)]] {
        run.header.marks = CellMarks { cuts: Vec::new(), within: marks };
        let measured = run.measured(MetricId::AnsweredWithin, CHAT, WHOLE);
        // 14 of 20.
        assert_eq!((measured.value, measured.n), (MetricValue::Fraction(0.7), 20));
        assert_eq!(measured.detail, ["3 were answered later and 3 not at all"]);
    }
}

#[test]
fn an_error_budget_is_spent_as_a_full_outage_would_spend_it() {
    let mut run = Fixture::new();
    run.requests(0..100_000, 1_950, RequestOutcome::Succeeded);
    run.requests(20_000..40_000, 50, FAILED);
    // 50 of 2,000 are 2.5 % of 100 s.
    let measured = run.measured(MetricId::ErrorBudgetSpent, None, WHOLE);
    assert_eq!(measured.value, MetricValue::Duration(Duration::from_millis(2_500)));
    let detail = "50 of 2,000 requests failed in 100 s: 0.09% of the 43.2 minutes that 99.9% leaves in 30 days";
    assert_eq!(measured.detail, [detail]);
    // 390 and 50 in that phase: 5/44 of 20 s.
    let spent = millis(run.value(MetricId::ErrorBudgetSpent, None, secs(20..40)));
    assert_eq!(spent, 2_272);
}

#[test]
fn users_lost_are_those_who_asked_during_a_fault() {
    let mut run = Fixture::new();
    run.requests(0..100_000, 2_000, RequestOutcome::Succeeded);
    run.requests(20_000..39_000, 28, FAILED).requests(39_900..40_000, 2, RequestOutcome::GaveUp);
    // Before the fault, after it, and one that the end of the run cut off.
    run.requests(10_000..20_000, 5, FAILED).requests(40_000..50_000, 9, FAILED);
    run.requests(30_000..30_001, 1, RequestOutcome::Unfinished);
    let measured = run.measured(MetricId::UsersLost, A, WHOLE);
    assert_eq!(measured.value, MetricValue::Count(30));
    assert_eq!(measured.detail, ["fault at 20 s: 30 of 430 requests for chat lost"]);
    // A slowdown is a fault of which users can be lost too, and there were none.
    assert_eq!(run.value(MetricId::UsersLost, B, WHOLE), MetricValue::Count(0));
    let reason = run.reason(MetricId::UsersLost, C, WHOLE);
    assert_eq!(reason, "no fault in this window makes it fail");
}

#[test]
fn tokens_that_are_in_no_answer_are_wasted() {
    let mut run = Fixture::new();
    run.requests(0..10_000, 100, RequestOutcome::Succeeded).requests(0..10_000, 10, FAILED);
    run.first(0, 0..10_000, 100);
    for nth in 0..25 {
        let outcome = AttemptOutcome::Abandoned;
        run.attempt(AttemptRow { outcome, ordinal: 1, ..answered(1, at(nth * 100)) });
    }
    // 125 times 10 were sent, 100 times 10 received.
    let measured = run.measured(MetricId::WastedTokens, None, WHOLE);
    assert_eq!((measured.value, measured.n), (MetricValue::Fraction(0.2), 1_250));
    assert_eq!(measured.detail, ["250 of 1,250 output tokens are in no answer that a client got"]);
}

#[test]
fn what_is_sent_is_billed_at_the_price_of_its_deployment() {
    let mut run = Fixture::new();
    run.requests(0..10_000, 60, RequestOutcome::Succeeded).first(0, 0..10_000, 100);
    let reason = run.reason(MetricId::Cost, A, WHOLE);
    assert_eq!(reason, "no deployment of it has a `price`");
    let priced = "weight: 6, price: { input: $2, output: $10 } }";
    let text = run.scenario.text.replace("weight: 6 }", priced);
    run.scenario = Scenario::read("priced.yaml", &text).expect("it reads");
    // An answer that sent nothing is not billed.
    run.attempt(throttled(0, at(9_000), Duration::from_secs(1)));
    run.first(1, 0..10_000, 50);
    // 100 times 100 tokens for 2 and 10 tokens for 10 dollars a million: 0.02 and 0.01.
    let cost = |of| match run.value(MetricId::Cost, of, WHOLE) {
        MetricValue::Dollars(dollars) => dollars,
        other => panic!("{other:?} is no money"),
    };
    assert!((cost(A) - 0.03).abs() < 1e-12 && (cost(None) - 0.03).abs() < 1e-12);
    let MetricValue::Dollars(each) = run.value(MetricId::CostPerThousand, CHAT, WHOLE) else {
        panic!("money")
    };
    assert!((each - 0.5).abs() < 1e-12, "3 cents for 60 requests are 50 for a thousand");
    assert_eq!(run.measured(MetricId::Cost, None, WHOLE).detail[0], "a: $0.03");
}

#[test]
fn a_gray_fault_counts_from_when_it_could_be_seen() {
    let mut run = Fixture::new();
    run.weighted(0..80_000);
    // `b` is slow from 80 s on; the first that it hits tells of it at 81.2 s, and traffic leaves at 84 s.
    for started in (80_000..84_000).step_by(1_000) {
        let late = at(started + 1_200);
        run.attempt(AttemptRow {
            first_token: Some(late),
            ended: late,
            fault: Some(0),
            ordinal: 1,
            ..answered(1, at(started))
        });
    }
    run.first(1, 80_000..84_000, 24).first(0, 80_000..90_000, 120).first(2, 80_000..90_000, 20);
    run.first(0, 84_000..90_000, 36);
    // From 83.1 s on, two seconds hold five at `b`, under half of the 30 % of 40.
    let measured = run.measured(MetricId::GrayFailoverTime, B, WHOLE);
    assert_eq!(measured.value, MetricValue::Duration(Duration::from_millis(1_900)));
    let line =
        "fault at 80 s, seen at 81.2 s: 1,900 ms, with 11 first attempts sent there in that time";
    assert_eq!(measured.detail, [line]);
    let reason = run.reason(MetricId::GrayFailoverTime, C, WHOLE);
    assert!(reason.starts_with("no fault in this window shows in attempts"), "{reason}");
}

#[test]
fn a_gray_fault_that_nobody_leaves_is_never_left_and_one_that_hit_nothing_tells_nothing() {
    let mut run = Fixture::new();
    run.weighted(0..100_000);
    let reason = run.reason(MetricId::GrayFailoverTime, B, WHOLE);
    assert_eq!(reason, "fault at 80 s: it hit no attempt here");
    run.attempt(AttemptRow { fault: Some(0), ordinal: 1, ..answered(1, at(80_000)) });
    assert_eq!(run.value(MetricId::GrayFailoverTime, B, WHOLE).display(), "never");
}

#[test]
fn weights_are_judged_by_what_chance_would_give() {
    let with = |a: u64, b: u64| {
        let mut run = Fixture::new();
        run.changed(0, "weights 1 and 1", [1, 1, 0, 1]);
        run.first(0, 0..10_000, a).first(1, 0..10_000, b);
        match run.value(MetricId::WeightChance, CHAT, WHOLE) {
            MetricValue::Fraction(chance) => chance,
            other => panic!("{other:?} is no share"),
        }
    };
    // 60 of 100 are two deviations of 5 from a half, on either side: 4.55 %; 55 are one: 31.7 %. From 10,000 draws.
    assert!((with(60, 40) - 0.0455).abs() < 0.006, "{}", with(60, 40));
    assert!((with(45, 55) - 0.3173).abs() < 0.014, "{}", with(45, 55));
    // The same shares of a hundred times as many are no accident.
    assert_eq!((with(50, 50), with(6_000, 4_000)), (1.0, 0.0));
}

#[test]
fn traffic_flaps_when_it_returns_too_early_or_leaves_for_nothing() {
    let mut run = Fixture::new();
    // `a` fails from 20 s to 40 s. It is left, and returned to when that is over.
    run.weighted(0..20_000).first(1, 20_000..28_000, 160);
    run.first(1, 32_000..40_000, 160).weighted(40_000..60_000).weighted(66_000..100_000);
    let mut calm = run.clone();
    calm.first(1, 28_000..32_000, 80).weighted(60_000..66_000);
    assert_eq!(calm.value(MetricId::Flaps, A, WHOLE), MetricValue::Count(0));
    // It is tried with all its traffic in the middle of it, and left for six seconds without reason.
    run.weighted(28_000..32_000).first(1, 60_000..66_000, 120);
    let measured = run.measured(MetricId::Flaps, A, WHOLE);
    assert_eq!(measured.value, MetricValue::Count(2));
    assert!(measured.detail[0].starts_with("traffic returned during a fault at 2"), "{measured:?}");
    assert!(measured.detail[1].starts_with("traffic left it without a fault at "), "{measured:?}");
    // Two a second are due to `c`: twenty in ten.
    assert_eq!(run.value(MetricId::Flaps, C, WHOLE), MetricValue::Count(0));
}
