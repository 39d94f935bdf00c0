//! Every format reads a file that is written as its publisher writes it: headers, times, quotes and gaps.

use flate2::Compression;
use flate2::write::GzEncoder;
use squall_trace::{
    TimeUnit, TraceColumns, TraceFormat, TraceInput, TraceOptions, TraceReader, TraceRow,
};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples").join(name)
}

fn read(name: &str, options: &TraceOptions) -> (TraceFormat, Vec<TraceRow>) {
    let rows = TraceReader::open(&TraceInput::file(&sample(name)), options);
    let rows = rows.unwrap_or_else(|error| panic!("{error}"));
    let format = rows.format();
    let rows: Result<Vec<_>, _> = rows.collect();
    (format, rows.unwrap_or_else(|error| panic!("{error}")))
}

/// Times in milliseconds, prompts and answers.
fn short(rows: &[TraceRow]) -> Vec<(f64, Option<u32>, Option<u32>)> {
    rows.iter().map(|row| (row.at as f64 / 1e6, row.input_tokens, row.output_tokens)).collect()
}

fn usual() -> TraceOptions {
    TraceOptions::default()
}

fn columns(columns: TraceColumns) -> TraceOptions {
    TraceOptions { columns, ..usual() }
}

fn named(name: &str) -> Option<String> {
    Some(name.to_owned())
}

#[test]
fn azure_has_times_to_a_tenth_of_a_microsecond() {
    let (format, rows) = read("azure.csv", &usual());
    assert_eq!(format, TraceFormat::Azure);
    let expected =
        [(0.0, 4_808, 10), (52.0, 3_180, 8), (98.189, 110, 27), (2_520.039_9, 7_433, 14)];
    assert_eq!(short(&rows), expected.map(|(at, input, output)| (at, Some(input), Some(output))));
    let (format, rows) = read("azure_2024.csv", &usual());
    assert_eq!((format, rows.len(), rows[1].at), (TraceFormat::Azure, 3, 7_405_000));
}

#[test]
fn mooncake_has_times_in_milliseconds() {
    let (format, rows) = read("mooncake.jsonl", &usual());
    assert_eq!(format, TraceFormat::Mooncake);
    let expected = [(0.0, 6_758, 500), (0.0, 7_322, 490), (3_052.0, 52, 3), (27_482.0, 655, 1)];
    assert_eq!(short(&rows), expected.map(|(at, input, output)| (at, Some(input), Some(output))));
}

#[test]
fn burstgpt_has_times_in_seconds_and_its_later_version_sessions() {
    let model = TraceColumns { kind: named("Model"), ..TraceColumns::default() };
    let (format, rows) = read("burstgpt.csv", &columns(model.clone()));
    assert_eq!(format, TraceFormat::BurstGpt);
    let expected =
        [(0.0, 472, 18), (40_000.0, 1_087, 230), (113_000.0, 417, 276), (114_000.0, 520, 0)];
    assert_eq!(short(&rows), expected.map(|(at, input, output)| (at, Some(input), Some(output))));
    assert_eq!(rows[2].kind.as_deref(), Some("GPT-4"));
    let sessions = TraceColumns { session: named("Session ID"), ..model };
    let (format, rows) = read("burstgpt_sessions.csv", &columns(sessions));
    assert_eq!((format, rows[2].at), (TraceFormat::BurstGpt, 82_500_000_000));
    assert_eq!(
        (rows[0].session == rows[2].session, rows[0].session == rows[1].session),
        (true, false)
    );
}

#[test]
fn nginx_has_combined_lines_or_those_of_its_log_format() {
    let (format, rows) = read("nginx_combined.log", &usual());
    assert_eq!(format, TraceFormat::Nginx);
    assert_eq!(short(&rows), [(0.0, None, None), (0.0, None, None), (2_000.0, None, None)]);

    let options = TraceOptions {
        log_format: named(
            "$msec $request_time $status \"$http_x_model\" $upstream_http_x_input_tokens $upstream_http_x_output_tokens",
        ),
        columns: TraceColumns {
            input_tokens: named("upstream_http_x_input_tokens"),
            output_tokens: named("upstream_http_x_output_tokens"),
            kind: named("http_x_model"),
            ..TraceColumns::default()
        },
        ..usual()
    };
    let (format, rows) = read("nginx_msec.log", &options);
    assert_eq!(format, TraceFormat::Nginx);
    // nginx writes when a request has ended: the one that took 2 s began first, at …622.1.
    let expected =
        [(0.0, Some(812), Some(64)), (1_900.0, Some(90), Some(12)), (2_500.0, None, None)];
    assert_eq!(short(&rows), expected);
    assert_eq!(rows[1].kind.as_deref(), Some("gpt-4o-mini"));
}

#[test]
fn envoy_has_lines_of_its_default_format_string() {
    let columns =
        columns(TraceColumns { kind: named("REQ(:AUTHORITY)"), ..TraceColumns::default() });
    let (format, rows) = read("envoy.log", &columns);
    assert_eq!(format, TraceFormat::Envoy);
    // Rows are in the order of answers; the second of the file began first.
    assert_eq!(short(&rows), [(0.0, None, None), (5.0, None, None), (1_505.0, None, None)]);
    assert_eq!((rows[0].line, rows[1].kind.as_deref()), (2, Some("locations")));
}

#[test]
fn spend_logs_of_litellm_read_as_csv_and_as_json() {
    let team = columns(TraceColumns { kind: named("team_id"), ..TraceColumns::default() });
    let (format, rows) = read("litellm.csv", &team);
    assert_eq!(format, TraceFormat::Litellm);
    let expected = [(0.0, Some(9), Some(3)), (1_120.0, Some(20), Some(10)), (4_500.0, None, None)];
    assert_eq!(short(&rows), expected, "rows are in the order of their starts");
    let kinds: Vec<_> = rows.iter().filter_map(|row| row.kind.as_deref()).collect();
    assert_eq!(kinds, ["team-b", "team-a", "team-b"]);
    // A row of the export runs over two lines.
    assert_eq!(rows.iter().map(|row| row.line).collect::<Vec<_>>(), [4, 2, 5]);

    let (format, rows) = read("litellm.json", &team);
    assert_eq!(format, TraceFormat::Litellm);
    assert_eq!(short(&rows), expected[..2]);
    assert_eq!(rows[1].kind.as_deref(), Some("team-a"));
}

#[test]
fn any_csv_and_json_lines_read_by_their_columns() {
    let csv = columns(TraceColumns {
        time: named("when"),
        input_tokens: named("in"),
        output_tokens: named("out"),
        kind: named("who"),
        session: None,
    });
    let (format, rows) = read("plain.csv", &csv);
    assert_eq!(format, TraceFormat::Csv);
    let expected = [(0.0, 100, 20), (250.0, 1_200, 35), (1_500.0, 80, 9)];
    assert_eq!(short(&rows), expected.map(|(at, input, output)| (at, Some(input), Some(output))));
    let json = columns(TraceColumns {
        time: named("at_ms"),
        input_tokens: named("prompt"),
        output_tokens: named("answer"),
        ..TraceColumns::default()
    });
    let (format, rows) = read("plain.jsonl", &json);
    assert_eq!(format, TraceFormat::Jsonl);
    assert_eq!(short(&rows), [(0.0, Some(100), Some(20)), (250.5, Some(1_200), Some(35))]);
    let minutes = TraceOptions { time_unit: Some(TimeUnit::Seconds), ..json };
    assert_eq!(read("plain.jsonl", &minutes).1[1].at, 250_500_000_000, "as it is told");
}

#[test]
fn gzip_is_known_by_its_content_and_may_have_several_members() {
    let plain = std::fs::read(sample("azure.csv")).expect("it is there");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("azure.csv");
    let half = plain.len() / 2;
    let mut packed = Vec::new();
    for part in [&plain[..half], &plain[half..]] {
        let mut encoder = GzEncoder::new(&mut packed, Compression::default());
        encoder.write_all(part).expect("memory takes it");
        encoder.finish().expect("memory takes it");
    }
    std::fs::write(&path, packed).expect("it is written");
    let rows = TraceReader::open(&TraceInput::file(&path), &usual()).expect("it opens");
    let rows: Result<Vec<_>, _> = rows.collect();
    assert_eq!(rows.expect("it reads"), read("azure.csv", &usual()).1);
}

#[test]
fn rows_that_are_a_little_out_of_order_are_put_in_order() {
    let text = b"t_s,id\n0,a\n5,b\n4.5,c\n9,d\n5,e\n";
    let kind = columns(TraceColumns { kind: named("id"), ..TraceColumns::default() });
    let input = TraceInput::memory("a.csv", text);
    let order = |options: &TraceOptions| {
        let rows = TraceReader::open(&input, options).expect("it opens");
        rows.map(|row| row.map(|row| row.kind.unwrap_or_default())).collect::<Result<String, _>>()
    };
    assert_eq!(order(&kind).expect("within 10 s"), "acbed");
    let strict = TraceOptions { reorder: Some(Duration::from_secs(1)), ..kind };
    let error = order(&strict).expect_err("4 s are more than 1 s").to_string();
    assert!(error.starts_with("a.csv:6: time goes backwards: the row is 4 s before"), "{error}");
}
