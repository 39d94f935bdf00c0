//! What comes as files: those that people write, those of LiteLLM, and recordings.

use squall_determinism::Timestamp;
use squall_judge::{
    compare_runs, comparison_json, comparison_lines, comparison_markdown, control_comparisons,
    judge, parse_stored_runs, summary, terminal_table,
};
use squall_litellm::{InitOptions, LitellmFile};
use squall_record::{JournalReader, Recording};
use squall_router::{Profile, Router, RouterConfig, journal};
use squall_scenario::{Checklist, EPOCH_NANOS, GatewayFile, MockFile, Scenario, read_fault};
use squall_sim::{SimOptions, simulate};
use squall_trace::{TraceInput, TraceOptions, TraceReader};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

/// A scenario that may name a LiteLLM file: read, or refused with places. What is read, the router takes.
pub(crate) fn scenarios(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    // What it names is itself: any text may be behind a name.
    let load = |_: &str| -> io::Result<String> { Ok(text.to_owned()) };
    match Scenario::read_with("fuzz.yaml", text, &load) {
        Ok(scenario) => taken(&scenario.router, scenario.seed),
        Err(problems) => is_shown(&problems.to_string()),
    }
    // A fault as the admin API takes it.
    if let Err(problems) = read_fault(text, Timestamp::ZERO) {
        is_shown(&problems.to_string());
    }
}

/// A file of the gateway, and of the mock.
pub(crate) fn gateway_files(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match GatewayFile::read("fuzz.yaml", text) {
        Ok(file) => taken(&file.router, squall_determinism::Seed::new(7)),
        Err(problems) => is_shown(&problems.to_string()),
    }
    if let Err(problems) = MockFile::read("fuzz.yaml", text) {
        is_shown(&problems.to_string());
    }
}

/// A checklist of a rollout.
pub(crate) fn checklists(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Err(problems) = Checklist::read("fuzz.yaml", text) {
        is_shown(&problems.to_string());
    }
}

/// A LiteLLM file, all the way to a scenario of ours. What is read, the router takes, and what is written from it can
/// be read.
pub(crate) fn litellm_files(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let file = match LitellmFile::read("fuzz.yaml", text) {
        Ok(file) => file,
        Err(problems) => return is_shown(&problems.to_string()),
    };
    for profile in Profile::ALL {
        taken(&file.router(profile), squall_determinism::Seed::new(7));
        assert!(file.findings(profile).len() <= bytes.len() + 64, "a finding is about something");
        let written =
            squall_scenario::litellm_scenario_yaml(&file, &InitOptions::new("fuzz", profile));
        if let Err(problems) = Scenario::read("written.yaml", &written) {
            panic!("what we wrote cannot be read: {problems}\n{written}");
        }
    }
}

/// What a check kept of its runs: refused, or compared with itself and told.
pub(crate) fn check_values(bytes: &[u8]) {
    let sets = match parse_stored_runs(bytes, Path::new("values.json"), "fuzz") {
        Ok(sets) => sets,
        Err(problem) => return is_shown(&problem.to_string()),
    };
    let pairs = sets.iter().zip(sets.iter().skip(1)).chain(sets.iter().map(|set| (set, set)));
    let mut comparisons: Vec<_> =
        pairs.map(|(before, after)| compare_runs(before, after, &[])).collect();
    control_comparisons(&mut comparisons);
    is_shown(&comparison_markdown(&comparisons));
    let told: Vec<_> = comparisons.iter().flat_map(comparison_lines).collect();
    assert!(comparisons.is_empty() || !told.is_empty());
    assert!(comparison_json(&comparisons).is_object());
}

/// A recording, one of whose files is these bytes: the first line names it. Read, judged and replayed, or refused.
pub(crate) fn recordings(bytes: &[u8]) {
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else { return };
    let (line, text) = (&bytes[..end], &bytes[end + 1..]);
    let base = base().lock().unwrap_or_else(PoisonError::into_inner);
    let named = base.files.iter().find(|(name, _)| name.as_bytes() == line);
    let Some((name, whole)) = named else { return };
    let path = base.folder.join(name);
    fs::write(&path, text).expect("a folder of our own");
    let read = Recording::read(&base.folder);
    fs::write(&path, whole).expect("a folder of our own");
    let recording = match read {
        Ok(recording) => recording,
        Err(problem) => return is_shown(&problem.to_string()),
    };
    let Ok(mut scenario) = Scenario::read("run.json", &recording.header.scenario_text) else {
        return;
    };
    scenario.set_seed(squall_determinism::Seed::new(recording.header.seed));
    let verdict = judge(&scenario, &recording);
    is_shown(&terminal_table(&verdict));
    assert_eq!(
        summary(&scenario, &recording, &verdict).validity_problems,
        verdict.validity_problems
    );
    if let Some(bytes) = &recording.journal {
        replay(&scenario, bytes);
    }
}

/// A journal of the recording that the fuzzers know.
pub(crate) fn journals(bytes: &[u8]) {
    replay(&scenario(), bytes);
}

/// Replays, or says why not.
fn replay(scenario: &Scenario, bytes: &[u8]) {
    let frames = match JournalReader::new(bytes).and_then(JournalReader::frames) {
        Ok(frames) => frames,
        Err(problem) => return is_shown(&problem.to_string()),
    };
    let replayed =
        journal::replay(scenario.router.clone(), [], scenario.seed, scenario.epoch_nanos(), frames);
    if let Err(problem) = replayed {
        is_shown(&problem.to_string());
    }
}

/// A small run on disk, made once for each process.
struct Base {
    folder: PathBuf,
    files: Vec<(String, Vec<u8>)>,
}

fn base() -> &'static Mutex<Base> {
    static BASE: OnceLock<Mutex<Base>> = OnceLock::new();
    BASE.get_or_init(|| {
        let folder = std::env::temp_dir().join(format!("squall-fuzz-{}", std::process::id()));
        let options = SimOptions { journal: true, ..SimOptions::default() };
        let recording = simulate(&scenario(), options).expect("it runs");
        // A process before us may have had our number.
        let _ = fs::remove_dir_all(&folder);
        recording.write(&folder).expect("a folder of our own");
        let entries = fs::read_dir(&folder).expect("it was written").flatten();
        let mut files: Vec<_> = entries
            .map(|entry| {
                let name = entry.file_name().to_string_lossy().into_owned();
                (name, fs::read(entry.path()).expect("it was written"))
            })
            .collect();
        files.sort();
        Mutex::new(Base { folder, files })
    })
}

fn scenario() -> Scenario {
    let text = include_str!("recording.yaml");
    Scenario::read("recording.yaml", text).unwrap_or_else(|problems| panic!("{problems}"))
}

fn taken(config: &RouterConfig, seed: squall_determinism::Seed) {
    if let Err(problem) = Router::new(config.clone(), seed, EPOCH_NANOS) {
        panic!("the reader took what the router does not: {problem}");
    }
}

/// What is told of bad bytes is told in few words, however many they are.
fn is_shown(problem: &str) {
    assert!(!problem.is_empty(), "a problem without words");
    assert!(problem.len() <= 400_000, "{} bytes are told", problem.len());
}

/// A trace of any format: its rows are in the order of time, and it is described, and fitted, or refused in words.
pub(crate) fn traces(bytes: &[u8]) {
    let input = TraceInput::bytes("fuzzed", bytes.to_vec());
    let any = TraceOptions::default();
    let log = TraceOptions { log_format: Some("$msec $request_time".to_owned()), ..any.clone() };
    for options in [any, log] {
        let Ok(rows) = TraceReader::open(&input, &options) else { continue };
        let mut latest = 0;
        for row in rows {
            match row {
                Ok(row) => {
                    assert!(row.at >= latest, "rows are in the order of time");
                    latest = row.at;
                }
                Err(error) => assert!(!error.what.is_empty(), "an error says what it is"),
            }
        }
        if let Ok(fit) = squall_trace::fit(&input, &options, None) {
            assert!(fit.arrivals.gaps.shape.value > 0.0, "{fit:?}");
        }
    }
}
