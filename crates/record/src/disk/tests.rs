//! A recording comes back from disk as it went there.

use super::checked::FileInfo;
use crate::*;
use proptest::prelude::*;
use squall_determinism::Timestamp;
use squall_failure::{FailureClass, FailureSource, ProviderLimitKind};
use squall_router::{
    AttemptId, CancelReason, CooldownCause, DeploymentId, GroupId, LimitScope, PickProblem,
    RequestKey, RetryWait, RouterEvent as Decision,
};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

fn header() -> RunHeader {
    let deployment = |name: &str, provider| DeploymentInfo {
        name: name.to_owned(),
        group: 0,
        provider,
        weight: 3,
    };
    RunHeader {
        scenario: "test".to_owned(),
        scenario_text: "name: test\n".to_owned(),
        seed: 7,
        mode: Mode::Live,
        duration: Duration::from_secs(90),
        ended: RunEnd::Interrupted { at: Timestamp::from_secs(3) },
        groups: vec!["chat".to_owned(), "small".to_owned()],
        deployments: vec![deployment("eu", 0), deployment("us", 1)],
        providers: vec!["one".to_owned(), "two, with a comma".to_owned()],
        kinds: vec!["paid".to_owned(), "free".to_owned()],
        changes: vec![ChangeInfo {
            at: Timestamp::from_millis(1_500),
            what: "weights eu 1, us 9".to_owned(),
            weights: vec![1, 9],
        }],
        lag: Some(Lag {
            p50: Duration::from_micros(5),
            p99: Duration::from_millis(1),
            max: Duration::from_millis(2),
        }),
        traces: vec![TraceInfo {
            name: "../traces/azure.csv.gz".to_owned(),
            sha256: Some("ab".repeat(32)),
            fault: Some("azure.csv.gz:9: the row has 2 columns".to_owned()),
        }],
        marks: CellMarks {
            cuts: vec![Timestamp::from_millis(1_550)],
            within: vec![Duration::from_secs(2)],
        },
        target: Some(TargetInfo {
            name: "litellm".to_owned(),
            version: Some("1.108.7".to_owned()),
            cpu: Some(Duration::from_millis(1_230)),
            peak_memory: Some(512 << 20),
            cpu_of_others: Some(Duration::from_millis(77)),
            cpu_idle: Some(Duration::from_secs(3)),
            died: Some((Timestamp::from_secs(2), "it exited with code 1".to_owned())),
            join: JoinCounts { attempts: 7, prompt: 6, unknown: 1, ..JoinCounts::default() },
            has_own_providers: true,
        }),
        server_lag: vec![ServerLag {
            part: "gateway".to_owned(),
            lag: Lag {
                p50: Duration::from_micros(6),
                p99: Duration::from_millis(3),
                max: Duration::from_millis(40),
            },
            stalls: vec![Stall {
                from: Timestamp::from_secs(1),
                until: Timestamp::from_millis(1_040),
            }],
        }],
        shards: Some(shards()),
        lacked: Lacked::default(),
        digest: String::new(),
        version: "0.1.0".to_owned(),
    }
}

fn shards() -> ShardSet {
    ShardSet {
        of: 8,
        members: [2, 5]
            .map(|number| ShardInfo {
                number,
                began: (number == 2).then_some(Duration::from_secs(1_790_000_000)),
                digest: (number == 5).then(|| "0f".repeat(16)),
            })
            .to_vec(),
    }
}

fn requests() -> Vec<RequestRow> {
    let class = FailureClass::Throttled;
    let outcomes = [
        RequestOutcome::Succeeded,
        RequestOutcome::Failed { class, source: FailureSource::Gateway },
        RequestOutcome::GaveUp,
        RequestOutcome::Unfinished,
    ];
    let rows = outcomes.into_iter().zip(0..).map(|(outcome, request)| RequestRow {
        request,
        group: 1,
        kind: request as u16 % 2,
        intended: Timestamp::from_nanos(1_234_567_891 + request),
        sent: Timestamp::from_nanos(1_234_567_899 + request),
        first_token: (request == 0).then_some(Timestamp::from_secs(2)),
        ended: Timestamp::from_secs(3),
        stream: request % 2 == 0,
        input_tokens: 420,
        output_tokens: 60,
        received_tokens: 59,
        outcome,
        status: 200,
        answer: AnswerSeen::WHOLE,
        calls: 1,
    });
    rows.collect()
}

fn attempts() -> Vec<AttemptRow> {
    let class = FailureClass::ContextWindow;
    let outcomes = [
        AttemptOutcome::Succeeded,
        AttemptOutcome::Failed { class },
        AttemptOutcome::Abandoned,
        AttemptOutcome::Unfinished,
    ];
    let rows = outcomes.into_iter().zip(0..).map(|(outcome, place)| AttemptRow {
        request: (place > 0).then_some(place),
        ordinal: 1,
        deployment: 1,
        seen_by: if place == 3 { SeenBy::Gateway } else { SeenBy::Provider },
        started: Timestamp::from_secs(place),
        first_token: None,
        ended: Timestamp::from_secs(place + 1),
        outcome,
        status: 429,
        retry_after: Some(Duration::from_millis(1_500)),
        fault: Some(2),
        limit: (place == 1).then_some(ProviderLimitKind::InputTokens),
        stream: true,
        input_tokens: 1,
        output_tokens: 2,
    });
    rows.collect()
}

fn notes() -> Vec<NoteRow> {
    let request = RequestKey { slot: 3, generation: 4 };
    let attempt = AttemptId { request, nth: 1 };
    let deployment = DeploymentId(1);
    let group = GroupId(0);
    let until = Timestamp::from_secs(9);
    let wait = RetryWait {
        retry: 2,
        ceiling: Duration::from_secs(1),
        jitter: Duration::from_millis(300),
        retry_after: None,
        delay: Duration::from_millis(300),
    };
    let decisions = [
        Decision::CooldownStarted { deployment, cause: CooldownCause::FailureShare, until },
        Decision::CooldownEnded { deployment },
        Decision::Probe { deployment, attempt },
        Decision::Recovered { deployment },
        Decision::RetryScheduled { request, wait },
        Decision::RetryBudgetExhausted { request, group },
        Decision::SpendBudgetExceeded { deployment, until },
        Decision::GroupUnavailable { request, group },
        Decision::RateLimited { request, tenant: None, limit: LimitScope::Requests },
        Decision::FellBack { request, from: group, to: GroupId(1) },
        Decision::Queued { request, group, until },
        Decision::LimitReached { deployment, limit: LimitScope::Tokens },
        Decision::TimedOut { attempt, deployment, reason: CancelReason::FirstTokenTimeout },
        Decision::PickRejected { request, group, problem: PickProblem::Nobody },
        Decision::NotSent { attempt, deployment },
        Decision::Silent { attempt, deployment },
        Decision::AttemptFailed { attempt, deployment, class: FailureClass::Cut },
    ];
    let faults = [
        RecordedEvent::FaultStarted { provider: 1, fault: 2 },
        RecordedEvent::FaultEnded { provider: 1, fault: 2 },
    ];
    let all = decisions.into_iter().map(RecordedEvent::Router).chain(faults);
    all.zip(0..)
        .map(|(note, place)| NoteRow {
            at: Timestamp::from_nanos(place),
            request: Some(place),
            note,
        })
        .collect()
}

const SHAPE: SeriesLayout = SeriesLayout { groups: 2, deployments: 2, kinds: 2 };

fn recording() -> Recording {
    let mut collector = Collector::new(SHAPE, RowRetention::Rows);
    requests().iter().for_each(|row| collector.request(row));
    attempts().iter().for_each(|row| collector.attempt(row));
    notes().into_iter().for_each(|row| collector.note(row));
    Recording { journal: Some(vec![1, 2, 3]), ..collector.finish(header()) }
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("squall-record-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

#[test]
fn a_recording_comes_back_as_it_was() {
    let folder = folder("recording");
    let recording = recording();
    recording.write(&folder).unwrap();
    assert_eq!(Recording::read(&folder).unwrap(), recording);
}

/// The recording as it was written in form 2: some events had other words, cells another file, and attempts no limit.
#[test]
fn a_recording_of_form_2_comes_back_too() {
    let folder = folder("form-2");
    let recording = recording();
    recording.write(&folder).unwrap();
    edit(&folder.join("notes.csv"), |text| {
        let words = [
            ("retry_budget_exhausted", "budget_spent"),
            ("spend_budget_exceeded", "budget_exceeded"),
            ("group_unavailable", "all_out"),
            ("rate_limited", "held_back"),
        ];
        words.iter().fold(text, |text, (word, old)| {
            assert!(text.contains(&format!(",{word},")), "{word}");
            text.replace(&format!(",{word},"), &format!(",{old},"))
        })
    });
    edit(&folder.join("attempts.csv"), |text| {
        assert!(text.contains(",fault,limit,stream,"));
        without_column(&text, 9)
    });
    edit(&folder.join("requests.csv"), |text| {
        assert!(text.contains(",usage,model,calls\n"));
        without_column(&text, 18)
    });
    std::fs::rename(folder.join("timeseries.bin"), folder.join("cells.json")).unwrap();
    edit(&folder.join("run.json"), |text| text.replace("\"format\":8", "\"format\":2"));
    seal(&folder);
    let attempts: Vec<_> =
        attempts().into_iter().map(|row| AttemptRow { limit: None, ..row }).collect();
    let logs = Logs { requests: requests(), attempts: attempts.clone(), ..Logs::default() };
    let Recording { cells, .. } = Recording::of_logs(header(), RowRetention::Cells, logs);
    assert_eq!(Recording::read(&folder).unwrap(), Recording { cells, attempts, ..recording });
}

/// A table without one of its columns.
fn without_column(text: &str, without: usize) -> String {
    let line = |line: &str| {
        let cells = line.split(',').enumerate().filter(|&(column, _)| column != without);
        cells.map(|(_, cell)| cell).collect::<Vec<_>>().join(",")
    };
    text.lines().map(|each| line(each) + "\n").collect()
}

#[test]
fn a_recording_of_form_7_tells_of_one_call_for_each_request() {
    let folder = folder("form-7");
    let recording = recording();
    recording.write(&folder).unwrap();
    edit(&folder.join("requests.csv"), |text| without_column(&text, 18));
    edit(&folder.join("run.json"), |text| text.replace("\"format\":8", "\"format\":7"));
    let mut cells = std::fs::read(folder.join("timeseries.bin")).unwrap();
    cells[8] = 1;
    std::fs::write(folder.join("timeseries.bin"), cells).unwrap();
    seal(&folder);
    assert_eq!(Recording::read(&folder).unwrap(), recording);
}

/// Tells the checksums of a folder's files as they are now, as somebody would who edits a recording and hides it.
fn seal(folder: &Path) {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let (name, bytes) =
            (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap());
        let rows = name.ends_with(".csv").then(|| bytes.split(|&byte| byte == b'\n').count() - 2);
        let sha256 = super::checked::sha256(&bytes);
        let info =
            FileInfo { rows: rows.map(|rows| rows as u64), bytes: bytes.len() as u64, sha256 };
        files.insert(name, info);
    }
    files.remove("run.json");
    edit(&folder.join("run.json"), |text| {
        let told = text.find("\"files\":").unwrap() + "\"files\":".len();
        let text = format!("{}{}}}", &text[..told], serde_json::to_string(&files).unwrap());
        let start = text.find("\"checksum\":\"").unwrap() + "\"checksum\":\"".len();
        let end = start + text[start..].find('"').unwrap();
        let unsealed = [&text[..start], &text[end..]].concat();
        let checksum = super::checked::sha256(unsealed.as_bytes());
        [&text[..start], &checksum, &text[end..]].concat()
    });
}

#[test]
fn a_recording_without_a_journal_leaves_no_older_one_behind() {
    let folder = folder("no-journal");
    recording().write(&folder).unwrap();
    let without = Recording { journal: None, ..recording() };
    without.write(&folder).unwrap();
    assert_eq!(Recording::read(&folder).unwrap().journal, None);
}

#[test]
fn a_damaged_line_is_named() {
    let folder = folder("damaged");
    recording().write(&folder).unwrap();
    edit(&folder.join("attempts.csv"), |text| text.replace("context_window", "contxt"));
    let error = Recording::read(&folder).unwrap_err().to_string();
    assert!(
        error.contains("attempts.csv") && error.contains("line 3: no class `contxt`"),
        "{error}"
    );
}

#[test]
fn a_folder_that_holds_no_recording_says_what_is_missing() {
    let error = Recording::read(&folder("nothing")).unwrap_err().to_string();
    assert!(error.contains("run.json"), "{error}");
}

fn edit(path: &Path, change: impl FnOnce(String) -> String) {
    let text = std::fs::read_to_string(path).unwrap();
    std::fs::write(path, change(text)).unwrap();
}

/// What reading says of a recording of which one file was changed.
fn error_after(name: &str, change: impl FnOnce(String) -> String) -> String {
    let folder = folder("changed");
    Recording { journal: None, ..recording() }.write(&folder).unwrap();
    edit(&folder.join(name), change);
    let error = Recording::read(&folder).unwrap_err();
    let text = error.to_string();
    assert!(text.contains(&format!("{name}`")), "the file is named: {text}");
    text
}

#[test]
fn a_file_that_was_changed_is_named_with_what_is_different() {
    let row = |text: &str| text.lines().last().unwrap().to_owned();
    let without = |text: String| text.replace(&format!("{}\n", row(&text)), "");
    let error = error_after("requests.csv", without);
    assert!(error.contains("it holds 3 rows, and 4 were written"), "{error}");
    let error = error_after("attempts.csv", |text| format!("{text}{}\n", row(&text)));
    assert!(error.contains("it holds 5 rows, and 4 were written"), "{error}");
    let error = error_after("requests.csv", |text| format!("{text}{}\n", row(&text)));
    assert!(error.contains("line 6: request 3 is on line 5 too"), "{error}");
    let error = error_after("requests.csv", |text| text.replace(",59,", ",58,"));
    assert!(error.contains("SHA-256"), "{error}");
    let error = error_after("run.json", |text| text.replace("\"seed\":7", "\"seed\":8"));
    assert!(error.contains("checksum"), "{error}");
    let error = error_after("notes.csv", |_| String::new());
    assert!(error.contains("it holds 0 rows"), "{error}");
}

/// The judge is the machine's own `sha256sum`, where there is one.
#[test]
fn the_checksums_are_those_that_everybody_computes() {
    let folder = folder("sha256");
    recording().write(&folder).unwrap();
    let run: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(folder.join("run.json")).unwrap()).unwrap();
    for name in ["requests.csv", "attempts.csv", "notes.csv", "timeseries.bin", "journal.bin"] {
        let told = run["files"][name]["sha256"].as_str().unwrap();
        assert_eq!(told.len(), 64);
        let Ok(output) = Command::new("sha256sum").arg(folder.join(name)).output() else {
            continue;
        };
        assert!(String::from_utf8_lossy(&output.stdout).starts_with(told), "{name}");
    }
}

#[test]
fn garbage_and_too_much_of_it_are_refused_with_their_line() {
    let error = error_after("requests.csv", |text| format!("{text}\u{0}\u{1}garbage\n"));
    assert!(error.contains("line 6"), "{error}");
    let long = "x".repeat(100 << 10);
    let error = error_after("requests.csv", |text| format!("{text}{long}"));
    assert!(error.contains("line 6 is longer than"), "{error}");
    let error = error_after("attempts.csv", |text| text.replacen("deployment", "server", 1));
    assert!(error.contains("line 1: the columns are `request,ordinal,server,"), "{error}");
    for form in [1, 9] {
        let other = format!("\"format\":{form}");
        let error = error_after("run.json", |text| text.replace("\"format\":8", &other));
        assert!(error.contains(&format!("form {form}, written by squall 0.1.0")), "{error}");
    }
    let error = error_after("run.json", |_| String::new());
    assert!(error.contains("EOF"), "{error}");
}

/// A line of a gigabyte that is mostly a hole: nothing of it is kept.
#[test]
fn a_line_without_an_end_is_refused_before_it_is_read() {
    let folder = folder("endless");
    recording().write(&folder).unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(folder.join("requests.csv")).unwrap();
    file.set_len(1 << 30).unwrap();
    let error = Recording::read(&folder).unwrap_err().to_string();
    assert!(error.contains("line 6 is longer than"), "{error}");
}

mod damaged;
mod running;

/// Any moment of a run of a day.
fn moment() -> impl Strategy<Value = Timestamp> {
    (0..86_400_000_000_000_u64).prop_map(Timestamp::from_nanos)
}

fn class() -> impl Strategy<Value = FailureClass> {
    prop::sample::select(&FailureClass::ALL[..])
}

prop_compose! {
    fn any_request()(
        (request, group, kind, stream) in (any::<u64>(), 0..2_u16, 0..2_u16, any::<bool>()),
        status in any::<u16>(),
        (intended, sent, ended) in (moment(), moment(), moment()),
        first_token in prop::option::of(moment()),
        (input_tokens, output_tokens, received_tokens) in any::<(u32, u32, u32)>(),
        outcome in prop_oneof![
            Just(RequestOutcome::Succeeded),
            (class(), prop::sample::select(vec![FailureSource::Client, FailureSource::Gateway, FailureSource::Provider]))
                .prop_map(|(class, source)| RequestOutcome::Failed { class, source }),
            Just(RequestOutcome::GaveUp),
            Just(RequestOutcome::Unfinished),
        ],
    ) -> RequestRow {
        RequestRow {
            request, group, kind, intended, sent, first_token, ended, stream, input_tokens, output_tokens,
            received_tokens, outcome, status,
            answer: AnswerSeen::WHOLE, calls: 1 }
    }
}

prop_compose! {
    fn any_attempt()(
        (request, ordinal, deployment) in (prop::option::of(any::<u64>()), any::<u16>(), 0..2_u16),
        seen_by in prop::sample::select(vec![SeenBy::Provider, SeenBy::Gateway]),
        (started, first_token, ended) in (moment(), prop::option::of(moment()), moment()),
        outcome in prop_oneof![
            Just(AttemptOutcome::Succeeded),
            class().prop_map(|class| AttemptOutcome::Failed { class }),
            Just(AttemptOutcome::Abandoned),
            Just(AttemptOutcome::Unfinished),
        ],
        (status, fault, stream) in (any::<u16>(), prop::option::of(any::<u16>()), any::<bool>()),
        retry_after in prop::option::of((0..3_600_000_000_000_u64).prop_map(Duration::from_nanos)),
        limit in prop::option::of(prop::sample::select(&ProviderLimitKind::ALL[..])),
        (input_tokens, output_tokens) in any::<(u32, u32)>(),
    ) -> AttemptRow {
        AttemptRow {
            request, ordinal, deployment, seen_by, started, first_token, ended, outcome, status,
            retry_after, fault, limit, stream, input_tokens, output_tokens,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_rows_come_back_as_they_were(
        requests in prop::collection::vec(any_request(), 0..20).prop_map(|mut rows| {
            rows.dedup_by_key(|row| row.request);
            rows
        }),
        attempts in prop::collection::vec(any_attempt(), 0..20),
    ) {
        // The rows and nothing else: cells of a whole day would be slow to write so often.
        let folder = folder("any-rows");
        let none = Collector::new(SHAPE, RowRetention::Rows).finish(header());
        let recording = Recording { requests, attempts, ..none };
        recording.write(&folder).unwrap();
        prop_assert_eq!(Recording::read(&folder).unwrap(), recording);
    }
}
