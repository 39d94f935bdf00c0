//! Arrivals of a trace: what they are read into, and what is said of mistakes.

use crate::Scenario;
use core::time::Duration;
use squall_determinism::Distribution;
use squall_workload::{Arrivals, SourceConfig, TraceReplay, TraceSizes, TraceWindow};

fn read(traffic: &str) -> Result<SourceConfig, String> {
    let text = format!(
        "name: traced\nduration: 60s\ntraffic:\n  group: chat\n{traffic}\n\
         providers: {{ one: {{ ttft: 200ms, itl: 1ms }} }}\n\
         router: {{ groups: {{ chat: {{ deployments: [ {{ name: a, provider: one }} ] }} }} }}\n"
    );
    let read = Scenario::read("traced.yaml", &text);
    read.map(|mut scenario| scenario.workload.sources.swap_remove(0))
        .map_err(|problems| problems.to_string())
}

fn good(traffic: &str) -> (SourceConfig, TraceReplay) {
    let workload = read(traffic).unwrap_or_else(|problems| panic!("{problems}"));
    let Arrivals::Trace { replay } = &workload.arrivals else { panic!("no trace") };
    let replay = (**replay).clone();
    (workload, replay)
}

fn assert_said(traffic: &str, words: &[&str]) {
    let said = read(traffic).expect_err("it is refused");
    for word in words {
        assert!(said.contains(word), "no `{word}` in\n{said}");
    }
}

#[test]
fn a_preset_has_its_times_and_sizes() {
    let (workload, replay) = good("  arrivals: { trace: { preset: azure-code-bursts } }");
    assert_eq!((replay.time_scale, replay.rate_scale, replay.repeat), (1.0, 1.0, false));
    assert_eq!(replay.sizes, TraceSizes { input: true, output: true });
    let identity = replay.source.identity();
    assert_eq!(
        (identity.name.as_str(), identity.sha256.map(|text| text.len())),
        ("azure-code-bursts", Some(64))
    );
    // What is to be expected is counted before the run: 63 of the 8,819 rows are of the first minute.
    let counted = replay.counted.expect("it is small");
    assert_eq!((counted.requests, counted.at_once), (63.0, 63.0));
    // Estimates go by the sizes of the trace.
    assert!(
        (1_900..2_200).contains(&workload.prompt_tokens.mean()),
        "{:?}",
        workload.prompt_tokens
    );
}

#[test]
fn scales_a_window_and_a_loop_are_those_that_are_written() {
    let (workload, replay) = good(
        "  arrivals: { trace: { preset: azure-code-bursts, time_scale: 0.1, rate_scale: 2, jitter: 50ms, loop: true, \
         window: { from: 800s, for: 120s } } }\n  output_tokens: 60",
    );
    assert_eq!((replay.time_scale, replay.rate_scale), (0.1, 2.0));
    assert_eq!((replay.jitter, replay.repeat), (Duration::from_millis(50), true));
    let (from, length) = (Duration::from_secs(800), Duration::from_secs(120));
    assert_eq!(replay.window, Some(TraceWindow { from, length }));
    assert_eq!(replay.sizes, TraceSizes { input: true, output: false });
    assert_eq!(workload.output_tokens, Distribution::Fixed { value: 60 });
}

#[test]
fn a_file_is_not_read_where_a_scenario_is_a_text_alone() {
    let (_, replay) = good("  arrivals: { trace: { file: ../azure.csv.gz, format: azure } }");
    assert_eq!(replay.source.identity().name, "../azure.csv.gz");
    assert_eq!(replay.counted, None);
}

#[test]
fn mistakes_are_told_where_they_are() {
    for (traffic, words) in [
        (
            "  arrivals: { trace: { file: a, preset: azure-code-bursts } }",
            &["`file` or `preset`, not both"][..],
        ),
        ("  arrivals: { trace: { format: azure } }", &["needs exactly one of `file`, `preset`"]),
        ("  arrivals: { trace: { preset: azure-code-burst } }", &["azure-code-bursts"]),
        (
            "  arrivals: { trace: { preset: azure-code-bursts } }\n  rate: 20",
            &["arrivals of a trace have no `rate`", "rate_scale"],
        ),
        (
            "  arrivals: { trace: { preset: azure-code-bursts, time_scale: 0 } }",
            &["`time_scale` is out of range"],
        ),
        (
            "  arrivals: { trace: { preset: azure-code-bursts, rate_scale: 0 } }",
            &["`rate_scale` is out of range"],
        ),
        (
            "  arrivals: { trace: { preset: azure-code-bursts, rate_scale: 5000 } }",
            &["`rate_scale` is out of range", "1000 at most"],
        ),
        (
            "  arrivals: { trace: { preset: azure-code-bursts, window: { from: 3500s, for: 60s } } }",
            &["no request of the trace lies in this window", "the last request is at 3435.948 s"],
        ),
        (
            "  arrivals: { trace: { preset: azure-code-bursts, sha256: abc } }",
            &["its SHA-256 differs", "the file has "],
        ),
        (
            "  arrivals: { trace: { preset: azure-code-bursts, columns: { time: when } } }",
            &["no column `when`", "`t_ms`"],
        ),
        (
            "  arrivals: { trace: { preset: azure-code-bursts, kinds: { gpt: small } } }",
            &["`kinds` needs the column"],
        ),
        (
            "  arrivals: { trace: { file: a.csv, columns: { kind: Model }, kinds: { gpt: smal } } }\n  mix: { small: { share: 100% } }",
            &["the mix has no kind `smal`", "small"],
        ),
        (
            "  arrivals: { trace: { preset: azure-code-bursts, format: parquet } }",
            &["azure", "mooncake"],
        ),
        ("  arrivals: { trace: {} }", &["needs exactly one of"]),
        ("  rate: 5\n  output_tokens: 5", &["traffic needs `prompt_tokens`"]),
    ] {
        assert_said(traffic, words);
    }
}
