//! What a reader of the text finds is what happened.

use super::*;
use squall_record::RequestOutcome;
use squall_testkit::by_hand::{FAILED, Fixture};
use std::collections::BTreeMap;

fn text_of(run: &Fixture, step: Option<u64>) -> String {
    let recording = run.recording();
    let start = Duration::from_secs(1_000_000);
    let times = SampleTimes::of(&recording, start, step.map(Duration::from_secs));
    let mut text = Vec::new();
    write_openmetrics(&run.scenario, &recording, times, &mut text).expect("memory takes it");
    String::from_utf8(text).expect("it is text")
}

/// The samples by series, each with its time.
fn series(text: &str) -> BTreeMap<&str, Vec<(&str, &str)>> {
    let mut all = BTreeMap::<_, Vec<_>>::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.rsplitn(3, ' ');
        let (Some(time), Some(value), Some(name)) = (words.next(), words.next(), words.next())
        else {
            panic!("{line}")
        };
        all.entry(name).or_default().push((time, value));
    }
    all
}

fn outage() -> Fixture {
    let mut run = Fixture::new();
    run.requests(0..100_000, 1_000, RequestOutcome::Succeeded).requests(20_000..40_000, 40, FAILED);
    run.weighted(0..20_000).first(1, 20_000..40_000, 400).weighted(40_000..100_000);
    run
}

#[test]
fn a_counter_begins_at_nothing_and_ends_at_the_sum() {
    let text = text_of(&outage(), None);
    let all = series(&text);
    let name = "squall_run_requests_intended_total{scenario=\"by-hand\",seed=\"7\",group=\"chat\"}";
    let samples = all.get(name).unwrap_or_else(|| panic!("{:?}", all.keys()));
    assert_eq!(samples[0], ("1000000.000", "0"));
    assert_eq!(samples[1].0, "1000001.000");
    assert_eq!(samples.last().map(|sample| sample.1), Some("1040"));
}

#[test]
fn every_series_has_a_sample_at_every_step_and_no_time_twice() {
    let text = text_of(&outage(), Some(7));
    for (name, samples) in series(&text) {
        let times: Vec<_> =
            samples.iter().map(|(time, _)| time.parse::<f64>().expect(name)).collect();
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] == 7.0), "{name}: {times:?}");
        assert_eq!(times[0], 1_000_000.0, "{name}");
    }
}

#[test]
fn the_buckets_of_a_distribution_hold_all_that_succeeded() {
    let text = text_of(&outage(), None);
    let all = series(&text);
    let last = |wanted: &str| {
        let found = all.iter().find(|(name, _)| name.contains(wanted) && name.contains("chat"));
        found.and_then(|(_, samples)| samples.last()).expect(wanted).1
    };
    assert_eq!(
        last("latency_seconds_bucket{scenario=\"by-hand\",seed=\"7\",group=\"chat\",le=\"+Inf\"}"),
        "1000"
    );
    assert_eq!(last("latency_seconds_count"), "1000");
}

#[test]
fn a_fault_is_there_from_its_start_to_its_end() {
    let text = text_of(&outage(), None);
    let all = series(&text);
    // Two of one provider follow each other.
    let faults = all.iter().filter(|(name, _)| name.contains("provider=\"north\",number="));
    let there: Vec<Vec<_>> = faults
        .map(|(_, samples)| {
            samples.iter().filter(|sample| sample.1 == "1").map(|sample| sample.0).collect()
        })
        .collect();
    let ends: Vec<_> = there.iter().map(|times| (times[0], times[times.len() - 1])).collect();
    assert_eq!(ends, [("1000020.000", "1000029.000"), ("1000030.000", "1000039.000")]);
}

#[test]
fn a_run_of_a_year_has_no_more_samples_than_one_of_three_hours() {
    let mut recording = outage().recording();
    recording.header.duration = Duration::from_secs(365 * 86_400);
    let times = SampleTimes::of(&recording, Duration::ZERO, None);
    assert_eq!(times.step(), Duration::from_secs(3_154));
    assert!(times.ends().count() as u64 <= SAMPLES_MAX + 1);
}

#[test]
fn names_with_quotes_and_line_ends_break_no_line() {
    let mut run = outage();
    run.header.scenario = "a \"b\"\\\nc".to_owned();
    let text = text_of(&run, None);
    assert!(text.contains(r#"scenario="a \"b\"\\\nc""#));
    assert!(text.ends_with("# EOF\n"));
}
