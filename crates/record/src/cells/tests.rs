use super::*;
use crate::SeenBy;
use core::time::Duration;
use squall_failure::{FailureClass, Source};

fn millis(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn request(intended: u64, ended: u64, outcome: RequestOutcome) -> RequestRow {
    RequestRow {
        request: intended,
        group: 0,
        intended: millis(intended),
        sent: millis(intended),
        first_token: Some(millis(ended - 10)),
        ended: millis(ended),
        stream: true,
        input_tokens: 100,
        output_tokens: 10,
        received_tokens: 10,
        outcome,
        status: 200,
    }
}

fn attempt(started: u64, ended: u64) -> AttemptRow {
    AttemptRow {
        request: Some(started),
        ordinal: 0,
        deployment: 0,
        seen_by: SeenBy::Provider,
        started: millis(started),
        first_token: None,
        ended: millis(ended),
        outcome: AttemptOutcome::Succeeded,
        status: 200,
        retry_after: None,
        fault: None,
        stream: false,
        input_tokens: 100,
        output_tokens: 10,
    }
}

fn throttled(ended: u64, retry_after: u64) -> AttemptRow {
    AttemptRow {
        outcome: AttemptOutcome::Failed { class: FailureClass::Throttled },
        status: 429,
        retry_after: Some(Duration::from_millis(retry_after)),
        ..attempt(ended - 1, ended)
    }
}

fn attempts(rows: impl IntoIterator<Item = AttemptRow>) -> DeploymentCells {
    let mut cells = Cells::new(1, 1);
    rows.into_iter().for_each(|row| cells.attempt(&row));
    cells.deployments[0].clone()
}

fn broken(rows: impl IntoIterator<Item = AttemptRow>) -> u32 {
    attempts(rows).window(Window::WHOLE).retry_afters_broken
}

#[test]
fn requests_count_when_they_were_meant_and_answers_when_they_came() {
    let mut cells = Cells::new(1, 0);
    cells.request(&request(50, 250, RequestOutcome::Succeeded));
    cells.request(&request(60, 350, RequestOutcome::GaveUp));
    let failed = RequestOutcome::Failed { class: FailureClass::Server, source: Source::Provider };
    cells.request(&request(170, 350, failed));
    cells.request(&request(180, 400, RequestOutcome::Unfinished));
    let ticks = cells.groups()[0].ticks();
    assert_eq!((ticks[0].arrived, ticks[0].succeeded, ticks[0].gave_up), (2, 1, 1));
    assert_eq!((ticks[1].arrived, ticks[1].unfinished), (2, 1));
    assert_eq!(ticks[1].failed.of(FailureClass::Server), 1);
    assert_eq!((ticks[2].answered_ok, ticks[3].answered_badly), (1, 2));
    let sum = cells.groups()[0].window(Window::new(millis(100), millis(200)));
    assert_eq!((sum.arrived, sum.failed.total()), (2, 1));
}

#[test]
fn latency_is_of_successes_and_counts_from_the_intended_time() {
    let mut cells = Cells::new(1, 0);
    cells.request(&request(1_500, 1_700, RequestOutcome::Succeeded));
    cells.request(&request(1_600, 9_700, RequestOutcome::GaveUp));
    let group = &cells.groups()[0];
    let latency = group.latency().merged(Window::new(millis(1_000), millis(2_000)));
    assert_eq!(latency.len(), 1);
    assert!(latency.equivalent(latency.max(), 200_000));
    let ttft = group.ttft().merged(Window::WHOLE);
    assert!(ttft.equivalent(ttft.max(), 190_000));
}

#[test]
fn an_attempt_inside_a_retry_after_breaks_it_once() {
    let ask = throttled(1_000, 2_000);
    assert_eq!(broken([ask, attempt(3_000, 3_100)]), 0, "it waited");
    assert_eq!(broken([ask, attempt(2_999, 3_100)]), 1, "it did not");
    assert_eq!(broken([ask, attempt(2_000, 2_100), attempt(2_500, 2_600)]), 1, "twice is once");
    assert_eq!(broken([ask, throttled(1_500, 2_000), attempt(2_500, 2_600)]), 2, "each is broken");
}

#[test]
fn an_attempt_that_set_out_before_the_429_arrived_is_exempt() {
    let ask = throttled(1_000, 2_000);
    assert_eq!(broken([ask, attempt(900, 1_400)]), 0, "before it");
    assert_eq!(broken([ask, attempt(1_025, 1_400)]), 0, "in transit");
    assert_eq!(broken([ask, attempt(1_026, 1_400)]), 1, "after it");
}

#[test]
fn a_broken_retry_after_counts_when_it_was_asked() {
    let cells = attempts([throttled(1_000, 2_000), attempt(2_500, 2_600)]);
    assert_eq!(cells.ticks()[10].retry_afters, 1);
    assert_eq!(cells.ticks()[10].retry_afters_broken, 1);
}

#[test]
fn a_retry_after_outlives_shorter_ones_that_came_later() {
    let later = AttemptRow { started: millis(1_010), ..throttled(2_000, 100) };
    assert_eq!(broken([throttled(1_000, 60_000), later, attempt(30_000, 30_001)]), 1);
}

#[test]
fn overlapping_waits_are_one_stretch() {
    let cells = attempts([throttled(1_000, 500), throttled(1_200, 500), throttled(5_000, 100)]);
    let stretches = [(millis(1_000), millis(1_700)), (millis(5_000), millis(5_100))];
    assert_eq!(cells.embargoed(), stretches);
}

#[test]
fn a_series_is_the_same_whatever_the_order_of_its_values() {
    let values: Vec<_> = (0..3_000_u64).map(|n| (n * 37 % 200, n * n % 700_000)).collect();
    let record = |values: &[(u64, u64)]| {
        let mut series = Series::default();
        for &(second, value) in values {
            series.record(Timestamp::from_secs(second), Duration::from_micros(value));
        }
        series.settle();
        series
    };
    let mut sorted = values.clone();
    sorted.sort_unstable();
    assert_eq!(record(&values), record(&sorted));
    assert_eq!(record(&values).merged(Window::WHOLE).len(), 3_000);
}

#[test]
fn a_series_agrees_with_hdrhistogram() {
    let mut series = Series::default();
    let mut oracle = hdrhistogram::Histogram::<u64>::new_with_bounds(1, 3_600_000_000, 2).unwrap();
    for n in 0..2_000_u64 {
        let value = n * 7_919 % 1_000_003;
        series.record(millis(n % 1_000), Duration::from_micros(value));
        oracle.record(value).unwrap();
    }
    let merged = series.merged(Window::WHOLE);
    for quantile in [0.01, 0.5, 0.95, 0.99, 1.0] {
        assert_eq!(merged.value_at_quantile(quantile), oracle.value_at_quantile(quantile));
    }
}

#[test]
fn a_nonsensical_time_does_not_fill_the_memory() {
    let mut cells = Cells::new(1, 1);
    cells.attempt(&AttemptRow { started: Timestamp::MAX, ..attempt(1, 2) });
    assert!(cells.deployments()[0].ticks().len() < 10_000_000);
}
