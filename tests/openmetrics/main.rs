//! A run as OpenMetrics text, taken in or scraped by a real Prometheus and asked in PromQL: the answers are those that the
//! rows of the run give.

mod prometheus;

use prometheus::Prometheus;
use squall_live_view::{DriveTick, LivePage, LiveView};
use squall_record::{AttemptOutcome, Recording, RequestOutcome};
use squall_report::{SampleTimes, write_openmetrics};
use squall_scenario::Scenario;
use squall_sim::{SimOptions, simulate};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// When the run is said to have begun, in seconds since 1970.
const START: u64 = 1_767_225_600;

fn viral_spike() -> (Scenario, Recording) {
    let text = include_str!("../../scenarios/viral-spike.yaml");
    let scenario = Scenario::read("viral-spike.yaml", text);
    let scenario = scenario.unwrap_or_else(|diagnostics| panic!("{diagnostics}"));
    let recording = simulate(&scenario, SimOptions::default()).expect("it runs");
    (scenario, recording)
}

fn openmetrics(scenario: &Scenario, recording: &Recording) -> Vec<u8> {
    let times = SampleTimes::of(recording, Duration::from_secs(START), None);
    let mut text = Vec::new();
    write_openmetrics(scenario, recording, times, &mut text).expect("memory takes it");
    text
}

/// What is counted by an outcome and a class.
type Tally = BTreeMap<(String, String), f64>;

fn requests_by_outcome(recording: &Recording) -> Tally {
    let mut tally = Tally::new();
    for row in &recording.requests {
        let (outcome, class) = match row.outcome {
            RequestOutcome::Succeeded => ("succeeded", ""),
            RequestOutcome::Failed { class, .. } => ("failed", class.as_str()),
            RequestOutcome::GaveUp => ("gave_up", ""),
            RequestOutcome::Unfinished => ("unfinished", ""),
        };
        *tally.entry((outcome.to_owned(), class.to_owned())).or_default() += 1.0;
    }
    tally
}

fn attempts_by_deployment(recording: &Recording) -> Tally {
    let mut tally = Tally::new();
    for row in &recording.attempts {
        let outcome = match row.outcome {
            AttemptOutcome::Succeeded => "succeeded",
            AttemptOutcome::Failed { class } => class.as_str(),
            AttemptOutcome::Abandoned => "abandoned",
            AttemptOutcome::Unfinished => continue,
        };
        let deployment = &recording.header.deployments[usize::from(row.deployment)].name;
        *tally.entry((deployment.clone(), outcome.to_owned())).or_default() += 1.0;
    }
    tally
}

/// The answers by two labels, without those that counted nothing.
fn by_labels(answers: Vec<prometheus::Sample>, first: &str, second: &str) -> Tally {
    let label = |sample: &prometheus::Sample, name: &str| {
        sample.labels.get(name).cloned().unwrap_or_default()
    };
    let samples = answers.into_iter().filter(|sample| sample.value > 0.0);
    samples.map(|sample| ((label(&sample, first), label(&sample, second)), sample.value)).collect()
}

#[test]
fn prometheus_counts_what_the_rows_count() {
    let (scenario, recording) = viral_spike();
    let prometheus = Prometheus::with(&openmetrics(&scenario, &recording));
    let end = START + recording.header.duration.as_secs() + 30;

    let requests = prometheus.ask("sum by (outcome, class) (squall_run_requests_total)", end);
    assert_eq!(by_labels(requests, "outcome", "class"), requests_by_outcome(&recording));

    let attempts = |by: &str, of: &str| {
        let query = format!("sum by (deployment, {by}) (squall_run_attempts_total{{{of}}})");
        by_labels(prometheus.ask(&query, end), "deployment", by)
    };
    let mut all = attempts("outcome", "class=\"\"");
    all.extend(attempts("class", "class!=\"\""));
    assert_eq!(all, attempts_by_deployment(&recording));
}

#[test]
fn what_happened_between_two_moments_is_the_difference_of_a_counter() {
    let (scenario, recording) = viral_spike();
    let prometheus = Prometheus::with(&openmetrics(&scenario, &recording));
    for (from, until) in [(10, 20), (30, 31), (35, 45)] {
        let first = recording.attempts.iter().filter(|row| row.ordinal == 0);
        let mut expected = BTreeMap::<_, f64>::new();
        for row in first {
            let second = row.started.as_nanos() / 1_000_000_000;
            if (from..until).contains(&second) {
                let deployment = &recording.header.deployments[usize::from(row.deployment)].name;
                *expected.entry(deployment.clone()).or_default() += 1.0;
            }
        }
        let counter = "squall_run_first_attempts_total";
        let difference = format!(
            "sum by (deployment) ({counter} @ {} - {counter} @ {})",
            START + until,
            START + from
        );
        let answers = prometheus.ask(&difference, START + until);
        let told: BTreeMap<_, _> = answers
            .into_iter()
            .filter(|sample| sample.value > 0.0)
            .map(|sample| (sample.labels["deployment"].clone(), sample.value))
            .collect();
        assert_eq!(told, expected, "from {from} s to {until} s");
    }
}

#[test]
fn a_quantile_lies_in_the_bucket_in_which_it_is() {
    let (scenario, recording) = viral_spike();
    let prometheus = Prometheus::with(&openmetrics(&scenario, &recording));
    let end = START + recording.header.duration.as_secs() + 30;
    let succeeded =
        recording.requests.iter().filter(|row| row.outcome == RequestOutcome::Succeeded);
    let mut latencies: Vec<_> =
        succeeded.map(|row| row.ended.since(row.intended).as_secs_f64()).collect();
    latencies.sort_by(f64::total_cmp);
    for quantile in [0.5, 0.9, 0.99] {
        let exact = latencies[(latencies.len() as f64 * quantile) as usize];
        let asked = format!(
            "histogram_quantile({quantile}, sum by (le) (squall_run_latency_seconds_bucket{{group=\"chat\"}}))"
        );
        let told = prometheus.ask(&asked, end)[0].value;
        // The bounds grow by two thirds at most, up to a doubling and a half at the low end.
        assert!(told / exact < 2.5 && exact / told < 2.5, "p{quantile}: {told} for {exact}");
    }
    let count = prometheus.ask("squall_run_latency_seconds_count{group=\"chat\"}", end)[0].value;
    assert_eq!(count, latencies.len() as f64);
    let mean = "squall_run_latency_seconds_sum{group=\"chat\"} / squall_run_latency_seconds_count";
    let told = prometheus.ask(mean, end)[0].value;
    let exact = latencies.iter().sum::<f64>() / latencies.len() as f64;
    assert!((told / exact - 1.0).abs() < 0.01, "mean {told} for {exact}");
}

#[test]
fn the_faults_of_the_scenario_are_there_when_they_are() {
    let (scenario, recording) = viral_spike();
    let prometheus = Prometheus::with(&openmetrics(&scenario, &recording));
    for second in 0..recording.header.duration.as_secs() {
        let there = scenario.providers.iter().flat_map(|provider| &provider.config.faults);
        let there = there.filter(|fault| {
            let second = squall_determinism::Timestamp::from_secs(second);
            fault.at <= second && second < fault.until()
        });
        let told = prometheus.ask("sum(squall_run_fault)", START + second);
        assert_eq!(told[0].value, there.count() as f64, "at {second} s");
    }
}

#[test]
fn prometheus_scrapes_a_run_that_is_served_while_it_goes_on() {
    let (scenario, _) = viral_spike();
    let mut view = LiveView::new(&scenario, None);
    view.tick(DriveTick { elapsed: Duration::from_secs(30), offered: 1_200, in_flight: 40 }, 0);
    let (_told, snapshots) = watch::channel(Arc::new(view.snapshot()));
    let page = LivePage::start(0, snapshots).expect("loopback has a port");
    let address = page.url().replace("http://", "").replace('/', "");
    let prometheus = Prometheus::scraping(&address);
    let mut told = Vec::new();
    for _ in 0..600 {
        told = prometheus.ask_now("squall_run_requests_intended_total{scenario=\"viral-spike\"}");
        if !told.is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(told.iter().map(|sample| sample.value).collect::<Vec<_>>(), [1_200.0]);
    assert_eq!(prometheus.ask_now("squall_run_requests_in_flight")[0].value, 40.0);
    let states = prometheus.ask_now("sum by (state) (squall_run_deployment_state)");
    let states: BTreeMap<_, _> =
        states.into_iter().map(|sample| (sample.labels["state"].clone(), sample.value)).collect();
    assert_eq!(states, BTreeMap::from([("healthy".to_owned(), 4.0)]));
    let shares = prometheus.ask_now("sum by (group) (squall_run_weight_ratio)");
    assert!(shares.iter().all(|share| (share.value - 1.0).abs() < 1e-9), "{shares:?}");
    assert_eq!(prometheus.ask_now("up")[0].value, 1.0);
}

#[test]
fn every_panel_of_the_dashboard_for_runs_shows_something_in_a_viral_spike() {
    let (scenario, recording) = viral_spike();
    let prometheus = Prometheus::with(&openmetrics(&scenario, &recording));
    let dashboard = include_str!("../../deploy/runs/run-dashboard.json");
    let dashboard: serde_json::Value = serde_json::from_str(dashboard).expect("it is JSON");
    let panels = dashboard["panels"].as_array().expect("it has panels").iter();
    let queries: Vec<_> = panels
        .flat_map(|panel| panel["targets"].as_array().into_iter().flatten())
        .map(|target| target["expr"].as_str().expect("each target has a query"))
        .collect();
    assert!(queries.len() >= 15, "{queries:?}");
    for query in queries {
        let asked = query.replace("$scenario", "viral-spike").replace("$seed", "7");
        let seconds = 5..recording.header.duration.as_secs();
        let mut answers =
            seconds.step_by(5).flat_map(|second| prometheus.ask(&asked, START + second));
        assert!(answers.any(|sample| sample.value > 0.0), "{query} shows nothing");
    }
}
