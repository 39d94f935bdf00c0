//! Phases that begin and end wherever they like.

use crate::{judged, judgements, scenario};
use squall_judge::{Judgement::Met, Measurement, MetricValue};
use squall_scenario::Scenario;
use squall_sim::{SimOptions, simulate};
use std::time::Duration;

#[test]
fn a_phase_that_ends_within_a_second_holds_no_request_of_the_next() {
    let verdict = judged(&scenario("ph.yaml", include_str!("ph.yaml")));
    assert_eq!(judgements(&verdict), [Met, Met]);
    let Measurement::Measured(latency) = &verdict.rows[0].measurement else { panic!("it has one") };
    assert_eq!(latency.n, 1_260, "as many as `success_rate` is of");
    let MetricValue::Duration(p99) = latency.value else { panic!("a time") };
    // The longest is 104 ms, and told at most 0.8 % too high.
    assert!((103..=105).contains(&p99.as_millis()), "{p99:?}");
}

/// Not even on a tick: counts and latencies of each phase are those of the rows, and both phases make up the whole.
#[test]
fn phases_are_counted_as_their_rows_are() {
    let text = include_str!("ph.yaml").replace("12500ms..30s", "12537ms..30s");
    let text = text.replace("0s..12500ms", "0s..12537ms");
    let scenario: Scenario = scenario("ph.yaml", &text);
    let recording = simulate(&scenario, SimOptions::default()).expect("it runs");
    let mut all = 0;
    for phase in &scenario.phases {
        let window = || phase.start..phase.end;
        let rows = || recording.requests.iter().filter(|row| window().contains(&row.intended));
        let cells = &recording.cells.groups[0];
        assert_eq!(u64::from(cells.sum(window()).arrived), rows().count() as u64);
        let latencies = cells.latency.window(window());
        assert_eq!(latencies.len(), rows().count() as u64);
        let longest =
            rows().map(|row| row.ended.since(row.intended)).max().expect("there are some");
        let told = Duration::from_micros(latencies.max());
        assert!(longest <= told && told <= longest.mul_f64(1.008), "{longest:?} as {told:?}");
        let attempts = recording.attempts.iter().filter(|row| window().contains(&row.started));
        let started = recording.cells.deployments[0].sum(window()).started;
        assert_eq!(started as usize, attempts.count());
        all += latencies.len();
    }
    assert_eq!(all, recording.requests.len() as u64);
}
