//! Traces at the command line: in figures, as laws that can be pasted, and replayed by a run.

use crate::squall::Folder;
use std::fmt::Write as _;

#[test]
fn a_trace_is_told_in_figures_on_the_terminal_as_json_and_as_a_page() {
    let folder = Folder::new("trace-describe");
    let ended = folder.squall(&["trace", "describe", "azure-code-bursts", "--out", "out"]);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    let headline = "azure-code-bursts (csv): 8,819 requests in 57 min 15.9 s, 2.57 per second";
    assert!(ended.out.starts_with(headline), "{}", ended.out);
    for told in ["67", "26.11", "12.79", "13.15", "7,303"] {
        assert!(ended.out.contains(told), "no {told} in {}", ended.out);
    }
    assert_eq!(
        Folder::names_of(&folder.path("out")),
        ["arrivals.png", "arrivals.svg", "trace.html", "trace.json"]
    );
    assert!(folder.read("out/trace.html").contains("<svg"));
    let json = folder.squall(&["trace", "describe", "azure-code-bursts", "--json"]);
    let document: serde_json::Value = serde_json::from_str(&json.out).expect("it is JSON");
    let summary = &document["result"]["trace"]["summary"];
    assert_eq!(summary["rows"], 8_819);
    assert_eq!(summary["windows"][1]["busiest"][0]["requests"], 327);
    let written: serde_json::Value =
        serde_json::from_str(&folder.read("out/trace.json")).expect("it is JSON");
    assert_eq!(written["summary"], *summary);
}

#[test]
fn a_broken_trace_is_a_usage_error_with_its_line() {
    let folder = Folder::new("trace-broken");
    folder.write("bad.csv", "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.0,1,x\n");
    for command in ["describe", "fit"] {
        let ended = folder.squall(&["trace", command, "bad.csv"]);
        assert_eq!((ended.code, ended.out.as_str()), (2, ""), "{}", ended.err);
        assert!(ended.err.contains("bad.csv:2: `GeneratedTokens` is `x`"), "{}", ended.err);
    }
    let ended = folder.squall(&["trace", "describe", "none.csv"]);
    assert_eq!(ended.code, 2);
    assert!(ended.err.contains("none.csv: cannot be read"), "{}", ended.err);
}

/// A world for a section `traffic`.
fn world(traffic: &str) -> String {
    format!(
        "name: pasted\nduration: 100s\n{traffic}\
         providers: {{ one: {{ ttft: 50ms, itl: 1ms }} }}\n\
         router: {{ groups: {{ chat: {{ deployments: [ {{ name: a, provider: one }} ] }} }} }}\n\
         expect: [ success_rate >= 99% ]\n"
    )
}

#[test]
fn fitted_laws_are_a_section_that_a_scenario_takes() {
    let folder = Folder::new("trace-fit");
    // Even, calm and bursty; with sizes and without.
    let mut even = String::from("t_ms\n");
    let mut sized = String::from("t_s,input_tokens,output_tokens\n");
    for row in 0..1_000_u32 {
        writeln!(even, "{}", row * 100).expect("memory takes it");
        let burst = row / 10 * 1_000 + row % 10;
        writeln!(sized, "{},{},{}", f64::from(burst) / 10_000.0, 100 + row % 400, row % 7)
            .expect("memory takes it");
    }
    folder.write("even.csv", &even);
    folder.write("sized.csv", &sized);
    for trace in ["even.csv", "sized.csv", "azure-code-bursts"] {
        let window = if trace.starts_with("azure") { "20m" } else { "20s" };
        let ended = folder.squall(&["trace", "fit", trace, "--window", window, "--quiet"]);
        assert_eq!(ended.code, 0, "{}", ended.err);
        // Segments after the end of the run are refused: the first 100 s are enough.
        folder.write("pasted.yaml", &world(&ended.out));
        let duration = if trace.starts_with("azure") { "duration=3600s" } else { "duration=100s" };
        let run = folder.squall(&[
            "check",
            "pasted.yaml",
            "--seeds",
            "1",
            "--set",
            duration,
            "--inconclusive",
            "warn",
        ]);
        assert_eq!(run.code, 0, "{trace}: {}{}\n{}", run.out, run.err, ended.out);
    }
}

#[test]
fn a_run_replays_the_trace_beside_its_scenario_and_its_report_does_without() {
    let folder = Folder::new("trace-run");
    let rows: String = (0..500).map(|row| format!("{},100,5\n", row * 20)).collect();
    folder.write("calls.csv", &format!("t_ms,input_tokens,output_tokens\n{rows}"));
    let traffic = "traffic: { group: chat, arrivals: { trace: { file: calls.csv } } }\n";
    folder.write("replay.yaml", &world(traffic).replace("duration: 100s", "duration: 11s"));
    let ended = folder.squall(&["run", "replay.yaml", "--sim", "--out", "out"]);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    let told: serde_json::Value = serde_json::from_str(&folder.read("out/run.json")).expect("JSON");
    assert_eq!(told["traces"][0]["name"], "calls.csv");
    std::fs::remove_file(folder.path("calls.csv")).expect("it was there");
    let report = folder.squall(&["report", "out"]);
    assert_eq!(report.code, 0, "{}{}", report.out, report.err);
    let gone = folder.squall(&["run", "replay.yaml", "--sim"]);
    assert_eq!(gone.code, 2);
    assert!(gone.err.contains("calls.csv") && gone.err.contains("replay.yaml:"), "{}", gone.err);
}
