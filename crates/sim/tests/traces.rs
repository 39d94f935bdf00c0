//! Traffic that replays a trace: its bursts, its sizes, its kinds, and what becomes of a run whose trace breaks.

use as_published::counts;
use flate2::read::GzDecoder;
use squall_record::{Recording, RunEnd};
use squall_scenario::Scenario;
use squall_sim::{SimOptions, simulate};
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;

/// A world in which everything succeeds, with this traffic and so many seconds.
fn text(traffic: &str, seconds: u64) -> String {
    format!(
        "name: traced\nseed: 7\nduration: {seconds}s\n\
         traffic: {{ group: chat, {traffic} }}\n\
         providers: {{ one: {{ ttft: 200ms, itl: 1ms }} }}\n\
         router: {{ groups: {{ chat: {{ deployments: [ {{ name: a, provider: one }} ] }} }} }}\n"
    )
}

fn read(traffic: &str, seconds: u64) -> Scenario {
    let read = Scenario::read("traced.yaml", &text(traffic, seconds));
    read.unwrap_or_else(|problems| panic!("{problems}"))
}

fn run(scenario: &Scenario) -> Recording {
    simulate(scenario, SimOptions::default()).expect("the router runs")
}

mod as_published {
    //! The trace as it is in its file, read without any reader of ours.

    use super::*;

    /// Milliseconds, prompts and answers of the Azure code hour.
    pub(super) fn rows() -> Vec<(u64, u32, u32)> {
        let packed: &[u8] = include_bytes!("../../trace/data/azure2023_code.csv.gz");
        let mut text = String::new();
        GzDecoder::new(packed).read_to_string(&mut text).expect("it is gzip");
        let row = |line: &str| {
            let mut fields = line.split(',').map(|field| field.parse::<u64>().expect("a number"));
            let mut next = || fields.next().expect("three fields");
            (next(), next() as u32, next() as u32)
        };
        text.lines().skip(1).map(row).collect()
    }

    /// How many times lie in each window of so many milliseconds.
    pub(super) fn counts(times: impl Iterator<Item = u64>, window: u64) -> Vec<u64> {
        let mut counts = Vec::new();
        for at in times {
            let place = (at / window) as usize;
            counts.resize(counts.len().max(place + 1), 0);
            counts[place] += 1;
        }
        counts
    }
}

const PRESET: &str = "arrivals: { trace: { preset: azure-code-bursts } }";

#[test]
fn a_replay_of_the_azure_code_hour_keeps_its_bursts_in_every_window_of_ten_seconds() {
    let recording = run(&read(PRESET, 3_440));
    let rows = as_published::rows();
    let sent =
        counts(recording.requests.iter().map(|row| row.intended.as_nanos() / 1_000_000), 10_000);
    let wanted = counts(rows.iter().map(|row| row.0), 10_000);
    assert_eq!(sent.len(), wanted.len());
    for (place, (sent, wanted)) in sent.iter().zip(&wanted).enumerate() {
        let off = sent.abs_diff(*wanted) as f64;
        assert!(off <= 0.02 * *wanted as f64, "{sent} of {wanted} in the window at {place}0 s");
    }
    // The busiest windows, as others counted them.
    assert_eq!((sent[86], sent[57], sent[85]), (327, 234, 166));
    assert_eq!(recording.requests.len(), 8_819);
    for (row, (_, input, output)) in recording.requests.iter().zip(&rows) {
        assert_eq!((row.input_tokens, row.output_tokens), (*input, (*output).max(1)));
    }
    assert_eq!(recording.header.ended, RunEnd::Complete);
    let trace = &recording.header.traces[0];
    assert_eq!((trace.name.as_str(), &trace.fault), ("azure-code-bursts", &None));
    assert_eq!(trace.sha256.as_ref().map(String::len), Some(64));
}

#[test]
fn ten_times_as_fast_its_bursts_are_in_every_second() {
    let traffic = "arrivals: { trace: { preset: azure-code-bursts, time_scale: 0.1 } }";
    let recording = run(&read(traffic, 344));
    let sent =
        counts(recording.requests.iter().map(|row| row.intended.as_nanos() / 1_000_000), 1_000);
    let wanted = counts(as_published::rows().iter().map(|row| row.0), 10_000);
    assert_eq!(sent, wanted);
}

#[test]
fn a_seed_means_the_same_requests_and_another_one_others() {
    let traffic = "arrivals: { trace: { preset: azure-code-bursts, rate_scale: 1.5, loop: true, \
                   window: { from: 800s, for: 120s } } }";
    let digest = |seed: u64| {
        let mut scenario = read(traffic, 200);
        scenario.set_seed(squall_determinism::Seed::new(seed));
        run(&scenario).header.digest
    };
    assert_eq!(digest(7), digest(7));
    assert_ne!(digest(7), digest(8));
    let recording = run(&read(traffic, 240));
    let times = || recording.requests.iter().map(|row| row.intended.as_nanos() / 1_000_000);
    let (first, again) =
        (times().filter(|at| *at < 120_000).count(), times().filter(|at| *at >= 120_000).count());
    let rows = as_published::rows();
    let once = rows.iter().filter(|row| (800_000..920_000).contains(&row.0)).count() as f64;
    for passed in [first, again] {
        assert!((passed as f64 / once / 1.5 - 1.0).abs() < 0.1, "{passed} of {once}");
    }
}

/// Reads a scenario from a file in a folder, where its trace is.
fn read_in(folder: &Path, traffic: &str, seconds: u64) -> Result<Scenario, String> {
    let path = folder.join("traced.yaml").display().to_string();
    let nothing = |_: &str| Err(std::io::ErrorKind::NotFound.into());
    let read = Scenario::read_with(&path, &text(traffic, seconds), &nothing);
    read.map_err(|problems| problems.to_string())
}

#[test]
fn a_column_tells_the_kind_of_each_request_and_its_session() {
    let folder = tempfile::tempdir().expect("a folder");
    let rows = "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\n\
                0,s1,1,ChatGPT,100,10,110,API log\n1,s2,1,GPT-4,200,20,220,API log\n\
                2,s1,1,GPT-4-32k,300,30,330,API log\n3,s3,1,other,400,0,400,API log\n";
    std::fs::write(folder.path().join("burst.csv"), rows).expect("it is written");
    let traffic = "arrivals: { trace: { file: burst.csv, columns: { kind: Model, session: Session ID }, \
                   kinds: { ChatGPT: small, 'GPT-4*': large } } }, \
                   mix: { small: { share: 100% }, large: { share: 0%, output_tokens: 7 } }";
    let scenario =
        read_in(folder.path(), traffic, 10).unwrap_or_else(|problems| panic!("{problems}"));
    let recording = run(&scenario);
    let told: Vec<_> = recording
        .requests
        .iter()
        .map(|row| (row.kind, row.input_tokens, row.output_tokens))
        .collect();
    // A kind that says its sizes has them; one that the table lacks is drawn by share.
    assert_eq!(told, [(0, 100, 10), (1, 200, 7), (1, 300, 7), (0, 400, 1)]);
}

#[test]
fn a_broken_row_in_a_small_file_is_told_before_the_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let rows = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.0,1,1\n2023-11-16 18:17:04.0,-2,1\n";
    std::fs::write(folder.path().join("bad.csv"), rows).expect("it is written");
    let refused = read_in(folder.path(), "arrivals: { trace: { file: bad.csv } }", 10)
        .expect_err("it is bad");
    for word in
        ["bad.csv:3: `ContextTokens` is `-2`", "expected a number of tokens", "traced.yaml:4:"]
    {
        assert!(refused.contains(word), "no `{word}` in {refused}");
    }
    let missing = read_in(folder.path(), "arrivals: { trace: { file: none.csv } }", 10)
        .expect_err("none there");
    assert!(missing.contains("none.csv: "), "{missing}");
}

#[test]
fn a_large_trace_that_breaks_midway_ends_its_run_which_is_marked() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut rows = String::from("t_ms,input_tokens,output_tokens,note\n");
    for row in 0..120_000_u64 {
        let tokens = if row == 20_000 { "broken" } else { "10" };
        // Above the size up to which files are read through before the run.
        writeln!(rows, "{row},{tokens},2,{:0>150}", row).expect("memory takes it");
    }
    std::fs::write(folder.path().join("large.csv"), rows).expect("it is written");
    let traffic = "arrivals: { trace: { file: large.csv, rate_scale: 0.05, reorder: 0s } }";
    let scenario =
        read_in(folder.path(), traffic, 60).unwrap_or_else(|problems| panic!("{problems}"));
    let recording = run(&scenario);
    let RunEnd::BrokenTrace { at } = recording.header.ended else {
        panic!("{:?}", recording.header.ended)
    };
    assert!((19.5..=20.0).contains(&at.as_secs_f64()), "{at}");
    assert!((900..1_100).contains(&recording.requests.len()), "{}", recording.requests.len());
    let fault = recording.header.traces[0].fault.as_deref().expect("it says why");
    assert!(fault.contains("large.csv:20002: `input_tokens` is `broken`"), "{fault}");
}

#[test]
fn a_scenario_from_a_recording_has_no_trace_and_says_so() {
    let traffic = "prompt_tokens: 10, output_tokens: 2, arrivals: { trace: { file: gone.csv } }";
    let recording = run(&read(traffic, 10));
    assert!(matches!(recording.header.ended, RunEnd::BrokenTrace { .. }));
    let fault = recording.header.traces[0].fault.as_deref().expect("it says why");
    assert!(fault.starts_with("gone.csv: the trace is not in the recording"), "{fault}");
}
