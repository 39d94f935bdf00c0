//! Every chart draws, whatever the run, and the same way twice.

use super::*;
use crate::metrics::fixture::Fixture;

#[test]
fn every_chart_draws_an_ordinary_run_the_same_way_twice() {
    let run = Fixture::new();
    let recording = run.recording();
    let once = draw_charts(&run.scenario, &recording).unwrap();
    let twice = draw_charts(&run.scenario, &recording).unwrap();
    assert_eq!(once.len(), CHARTS.len());
    for (once, twice) in once.iter().zip(&twice) {
        assert_eq!(once.svg, twice.svg, "{}", once.id);
        assert_eq!(once.png, twice.png, "{}", once.id);
        assert!(once.svg.starts_with("<svg") && !once.title.is_empty());
        assert!(once.png.starts_with(b"\x89PNG"));
    }
}

#[test]
fn a_run_in_which_nothing_happened_draws_too_and_says_so() {
    let run = Fixture::new();
    let shape = squall_record::Shape {
        groups: run.scenario.router.groups.len(),
        deployments: run.scenario.deployments.len(),
    };
    let empty = squall_record::Collector::new(shape, squall_record::Keep::Rows);
    let recording = empty.finish(run.recording().header);
    for chart in draw_charts(&run.scenario, &recording).unwrap() {
        assert!(chart.svg.contains("in this run"), "{} says nothing", chart.id);
    }
}
