//! The same scenario over real sockets and in virtual time: the same verdicts, and figures within the
//! bands of the design.

use squall_record::Recording;
use squall_report::{Summary, Verdict, judge, summary};
use squall_scenario::Scenario;
use squall_sim::{SimOptions, simulate};

fn judged(scenario: &Scenario, recording: &Recording) -> (Verdict, Summary) {
    let verdict = judge(scenario, recording);
    let summary = summary(scenario, recording, &verdict);
    (verdict, summary)
}

#[test]
fn a_run_over_sockets_and_one_in_virtual_time_agree() {
    let scenario = Scenario::read("parity.yaml", include_str!("parity.yaml"));
    let scenario = scenario.unwrap_or_else(|diagnostics| panic!("{diagnostics}"));
    let live = squall_live::run(&scenario, &squall_live::RunOptions::default(), |_| {}).unwrap();
    let sim = simulate(&scenario, SimOptions::default()).unwrap();
    let (live_verdict, live) = judged(&scenario, &live);
    let (sim_verdict, sim) = judged(&scenario, &sim);

    for (live, sim) in live_verdict.rows.iter().zip(&sim_verdict.rows) {
        assert_eq!(live.judgement, sim.judgement, "{}\n{live:#?}\n{sim:#?}", live.text);
    }
    let success = |summary: &Summary| summary.totals.success_rate.unwrap_or_default();
    assert!((success(&live) - success(&sim)).abs() <= 0.01, "{} {}", success(&live), success(&sim));
    for (live, sim) in live.deployments.iter().zip(&sim.deployments) {
        let (one, other) = (live.share.unwrap_or_default(), sim.share.unwrap_or_default());
        assert!((one - other).abs() <= 0.02, "{}: {one} live, {other} simulated", live.name);
    }
    let failover = |summary: &Summary| {
        let row = summary.expectations.iter().find(|row| row.text.starts_with("failover_time"));
        row.and_then(|row| row.value).expect("the failover was measured")
    };
    // Durations are in milliseconds.
    assert!((failover(&live) - failover(&sim)).abs() <= 1_000.0);
}
