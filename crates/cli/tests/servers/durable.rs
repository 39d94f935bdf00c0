//! What a live run leaves when it is killed, or lacks descriptors.

use crate::interrupt::LONG;
use crate::squall::{Ended, Folder};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

fn lines(folder: &Folder, name: &str) -> usize {
    std::fs::read(folder.path(name)).unwrap_or_default().iter().filter(|&&b| b == b'\n').count()
}

#[test]
fn a_run_that_is_killed_leaves_a_recording_with_every_request_that_had_ended() {
    let folder = Folder::new("killed");
    folder.write("long.yaml", LONG);
    let mut child = folder
        .command(&["run", "long.yaml", "--out", "out"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary can be run");
    // Bounded, since a run that writes nothing would never be killed.
    for _ in 0..3_000 {
        if lines(&folder, "out/requests.csv") > 60 && lines(&folder, "out/attempts.csv") > 60 {
            break;
        }
        sleep(Duration::from_millis(20));
    }
    let seen = lines(&folder, "out/requests.csv") - 1;
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    assert!(seen >= 60, "{seen} rows were written while it ran");
    assert!(folder.read("out/run.json").contains("\"state\":\"running\""));

    let before = folder.read("out/requests.csv");
    let ended = folder.squall(&["replay", "out"]);
    assert_eq!(ended.code, 3, "{}{}", ended.out, ended.err);
    let says =
        |text: &str| text.contains("the run was interrupted at") && text.contains("of 10 min");
    assert!(says(&ended.out), "{}", ended.out);
    assert!(says(&folder.read("out/report.html")));
    let summary: serde_json::Value =
        serde_json::from_str(&folder.read("out/summary.json")).expect("it is JSON");
    assert_eq!(summary["verdict"], "inconclusive");
    assert!(summary["interrupted_at_ms"].as_u64().is_some_and(|at| at > 0), "{summary}");
    let told = summary["totals"]["requests"].as_u64().expect("it is a number") as usize;
    assert!(told >= seen, "{told} of {seen} requests are in the report");
    assert_eq!(folder.read("out/requests.csv"), before, "the recording stays as it was left");
    // Its report is drawn without a replay of the journal too, and says the same.
    let page = folder.read("out/report.html");
    let ended = folder.squall(&["report", "out", "--out", "drawn"]);
    assert_eq!(ended.code, 3, "{}{}", ended.out, ended.err);
    assert!(says(&ended.out) && folder.read("drawn/report.html") == page, "{}", ended.out);
    // Whoever was served is known from the providers' own log too: none of them is without an attempt.
    let column = |name: &str, column: usize| -> std::collections::BTreeSet<String> {
        let text = folder.read(name);
        text.lines()
            .skip(1)
            .filter_map(|row| Some(row.split(',').nth(column)?.to_owned()))
            .collect()
    };
    let (requests, attempts) = (column("out/requests.csv", 0), column("out/attempts.csv", 0));
    let missing: Vec<_> = requests.difference(&attempts).collect();
    // Rows of the two files are written within a quarter of a second of each other.
    assert!(missing.len() <= 20, "{missing:?} were answered by nobody");

    // The next run takes the folder, and nothing of the old one stays.
    let ended = folder.squall(&["run", "long.yaml", "--sim", "--out", "out"]);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    assert!(folder.read("out/run.json").contains("\"state\":\"complete\""));
}

#[test]
fn a_run_without_descriptors_is_inconclusive_and_says_what_was_missing_before_and_after() {
    let folder = Folder::new("descriptors");
    folder
        .write("short.yaml", &LONG.replace("0s..10m", "0s..3s").replace("ttft: 50ms", "ttft: 1s"));
    let squall = env!("CARGO_BIN_EXE_squall");
    let command = format!("ulimit -n 72; exec '{squall}' run short.yaml --out out");
    let output = Command::new("sh")
        .args(["-c", &command])
        .current_dir(folder.path(""))
        .output()
        .expect("sh is there");
    let ended = Ended::from(output);
    assert_eq!(ended.code, 3, "{}{}", ended.out, ended.err);
    assert!(ended.err.contains("too few file descriptors: this run needs about"), "{}", ended.err);
    assert!(
        ended.out.contains("the run ran out of file descriptors (limit of the process: 72"),
        "{}",
        ended.out
    );
    assert!(!ended.out.contains("MISSED"), "{}", ended.out);
}
