//! Ctrl-C in the middle of a live run.

use crate::squall::{Ended, Folder};
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

#[test]
fn ctrl_c_ends_a_live_run_early_and_keeps_what_was_measured() {
    let folder = Folder::new("interrupt");
    folder.write("long.yaml", LONG);
    let arguments = ["run", "long.yaml", "--out", "out"];
    let ended = interrupted(&folder, "INT", "answered", &arguments);
    assert_eq!(ended.code, 3, "{}{}", ended.out, ended.err);
    assert!(ended.err.contains("interrupted at"), "{}", ended.err);
    assert!(ended.out.contains("inconclusive"), "{}", ended.out);
    assert!(folder.read("out/report.html").contains("interrupted"));
    assert!(folder.read("out/requests.csv").lines().count() > 10, "what was measured is there");
}

#[test]
fn ctrl_c_ends_a_whole_rehearsal_and_not_only_the_stage_that_runs() {
    let folder = Folder::new("interrupt-rehearsal");
    folder.write(
        "long.yaml",
        &LONG.replace(
            "router:\n  groups: {",
            "router:\n  groups: { old: { deployments: [ { name: old, provider: one } ] },",
        ),
    );
    let checklist = "name: long\nscenario: long.yaml\nfrom: old\nto: chat\nitems:\n  - baseline: { dwell: 5m }\n  - step: { share: 50% }\n";
    folder.write("checklist.yaml", checklist);
    let arguments = ["rehearse", "checklist.yaml", "--live"];
    let ended = interrupted(&folder, "INT", "answered", &arguments);
    assert_eq!(ended.code, 3, "{}{}", ended.out, ended.err);
    assert!(ended.out.contains("not reached    step to 50%"), "{}", ended.out);
    assert!(
        folder.read("reports/long/rehearsal/sign-off.md").contains("the run was interrupted at")
    );
}

#[test]
fn ctrl_c_ends_a_crash_test_of_a_target_and_what_was_not_tested_says_so() {
    let folder = Folder::new("interrupt-crash");
    folder.write(
        "never-ready.yaml",
        "url: http://127.0.0.1:${port}/v1\nstart: { command: [sleep, \"300\"] }\n",
    );
    let arguments = ["crash", "--target", "never-ready.yaml", "--out", "out"];
    let ended = interrupted(&folder, "INT", "16 faults", &arguments);
    assert_eq!(ended.code, 3, "{}{}", ended.out, ended.err);
    assert_eq!(ended.out.matches("interrupted before it began").count(), 16, "{}", ended.out);
    assert!(folder.read("out/summary.md").contains("16 inconclusive"));
}

/// Runs a command until it has said these words, and sends it a signal.
pub(crate) fn interrupted(folder: &Folder, signal: &str, words: &str, arguments: &[&str]) -> Ended {
    let mut child = folder
        .command(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary can be run");
    let mut stderr = BufReader::new(child.stderr.take().expect("it is piped"));
    let mut said = String::new();
    while !said.contains(words) {
        let read = stderr.read_line(&mut said).expect("it says what it does");
        assert!(read > 0, "it ended by itself: {said}");
    }
    let sent = Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status();
    assert!(sent.expect("kill is there").success());
    stderr.read_to_string(&mut said).expect("it says how it ends");
    let mut ended = Ended::from(child.wait_with_output().expect("it ends"));
    ended.err = said;
    ended
}

pub(crate) const LONG: &str = "
name: long
phases: { all: 0s..10m }
traffic:
  group: chat
  arrivals: poisson
  rate: 30
  prompt_tokens: 20
  output_tokens: 10
  stream: 50%
  client: { timeout: 5s }
providers:
  one: { format: openai, ttft: 50ms, itl: 10ms }
router:
  groups: { chat: { deployments: [ { name: one, provider: one } ] } }
expect:
  - success_rate >= 99%
";
