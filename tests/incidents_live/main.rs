//! Two incidents of the library over real sockets: they come out as they say there too.

use squall_judge::judge;
use squall_scenario::Scenario;
use squall_tests::valid_run::{Run, valid_run};

fn comes_out_as_it_says(name: &str, text: &str) {
    let scenario = Scenario::read(name, text).unwrap_or_else(|diagnostics| panic!("{diagnostics}"));
    let verdict = valid_run(name, || {
        let options = squall_live::RunOptions::default();
        let recording = squall_live::run(&scenario, &options, |_| {}).expect("it runs");
        let verdict = judge(&scenario, &recording);
        Run { problems: verdict.validity_problems.clone(), result: verdict }
    });
    let Some(verdict) = verdict else { return };
    let missed = verdict.rows.iter().filter(|row| !row.is_met());
    let missed: Vec<_> = missed.map(|row| format!("{}: {}", row.text, row.reason)).collect();
    assert!(missed.is_empty(), "{name}:\n{}", missed.join("\n"));
}

#[test]
fn servers_that_a_configuration_crashed_come_out_as_they_say_over_sockets() {
    let text = include_str!("../../scenarios/incidents/openai-2024-11-08.yaml");
    comes_out_as_it_says("openai-2024-11-08", text);
}

#[test]
fn keys_that_were_refused_though_right_come_out_as_they_say_over_sockets() {
    let text = include_str!("../../scenarios/incidents/anthropic-2026-04-28.yaml");
    comes_out_as_it_says("anthropic-2026-04-28", text);
}
