//! `squall run --tui` in a real terminal, which is tmux's: `cargo xtask test` installs it.

mod tmux;

use squall_tests::valid_run::{Run, valid_run};
use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use tmux::Tmux;

/// `eu` errs from 3 s to 7 s, and is probed every second or two.
const OUTAGE: &str = "
name: short-outage
seed: 7
phases: { calm: 0s..3s, outage: 3s..7s, after: 7s..16s }
traffic: { group: chat, rate: 20, prompt_tokens: 50, output_tokens: 10, client: { timeout: 5s } }
providers:
  openai-eu: { ttft: 60ms, itl: 5ms, faults: [ { at: 3s, for: 4s, error: 503 } ] }
  openai-us: { ttft: 80ms, itl: 5ms }
router:
  groups:
    chat:
      deployments:
        - { name: eu, provider: openai-eu, weight: 6 }
        - { name: us, provider: openai-us, weight: 4 }
      cooldown: { failure: { base: 1s, cap: 2s } }
expect: [ success_rate >= 50% ]
";

/// A folder with a scenario.
fn folder(name: &str, scenario: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("terminal-{name}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder of our own");
    fs::write(folder.join("scenario.yaml"), scenario).expect("a file of our own");
    folder
}

/// What the terminal's user types: what it prints at its end does not stand in it.
fn command() -> String {
    let squall = env!("CARGO_BIN_EXE_squall");
    format!("{squall} run scenario.yaml --tui --out run; echo ended 'with' $?")
}

/// A terminal that has its lines, its cursor and its echo.
fn assert_restored(tmux: &Tmux) {
    assert_eq!(tmux.format("#{alternate_on} #{cursor_flag}"), "0 1");
    tmux.enter("case \" $(stty -a) \" in *' -icanon '*|*' -echo '*) echo 'it' is raw;; *) echo 'it' is cooked;; esac");
    tmux.wait_for("it is cooked");
}

#[test]
fn an_outage_is_watched_in_a_terminal_and_the_verdict_stands_in_it_afterwards() {
    let parts = [
        "short-outage",
        "phase outage",
        "fault at eu (openai-eu): 503",
        "fault begins at eu (openai-eu): 503",
        "first failure at eu",
        "ejected ",
        "eu ejected after",
        "fault ends at eu",
        "probe of eu succeeds",
        "phase after",
    ];
    let seen = valid_run("an outage in a terminal", || {
        let tmux = Tmux::start(&folder("outage", OUTAGE), (100, 32));
        tmux.enter(&command());
        let mut seen = BTreeSet::new();
        let last = tmux.watch("ended with ", |screen| {
            seen.extend(parts.iter().filter(|part| screen.contains(**part)));
        });
        for word in ["verdict", "success_rate >= 50%", "digest: ", "report: run/report.html"] {
            assert!(last.contains(word), "{word} is not on:\n{last}");
        }
        assert!(!last.contains("what happened"), "panels are left over:\n{last}");
        assert_restored(&tmux);
        let problems = last.lines().filter(|line| line.starts_with("inconclusive: "));
        Run { result: seen, problems: problems.map(str::to_owned).collect() }
    });
    if let Some(seen) = seen {
        assert_eq!(seen, parts.into_iter().collect(), "left: what was seen");
    }
}

#[test]
fn a_q_ends_the_run_and_keeps_what_was_measured() {
    let folder = folder("quit", OUTAGE);
    let tmux = Tmux::start(&folder, (80, 24));
    tmux.enter(&command());
    tmux.wait_for(" of 0:16");
    // A key pressed twice is no more than one.
    tmux.keys(&["q", "q"]);
    let screen = tmux.wait_for("ended with 3");
    assert!(screen.contains("interrupted at "), "{screen}");
    assert!(folder.join("run/report.html").exists());
    assert_restored(&tmux);
}

#[test]
fn ctrl_c_is_a_signal_in_the_panels_too() {
    let tmux = Tmux::start(&folder("interrupt", OUTAGE), (20, 5));
    tmux.enter(&command());
    tmux.wait_for(" of 0:16");
    tmux.keys(&["C-c"]);
    tmux.wait_for("ended with 3");
    assert_restored(&tmux);
}

#[test]
fn a_terminal_that_is_closed_ends_the_run_and_keeps_what_was_measured() {
    let folder = folder("closed", OUTAGE);
    let tmux = Tmux::start(&folder, (80, 24));
    tmux.enter(&format!("exec {} run scenario.yaml --tui --out run", env!("CARGO_BIN_EXE_squall")));
    tmux.wait_for(" of 0:16");
    let process = PathBuf::from(format!("/proc/{}/stat", tmux.format("#{pane_pid}")));
    drop(tmux);
    let is_over = || fs::read_to_string(&process).map_or(true, |stat| stat.contains(") Z "));
    for _ in 0..600 {
        if is_over() {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(is_over(), "a process is left over that nobody sees");
    assert!(folder.join("run/report.html").exists());
    let summary = fs::read_to_string(folder.join("run/summary.json")).expect("it was written");
    assert!(!summary.contains("\"interrupted_at_ms\": null"), "{summary}");
}

#[test]
fn a_run_that_cannot_begin_gives_the_terminal_back_and_says_why() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = taken.local_addr().expect("an address");
    let scenario = OUTAGE.replace("openai-us: { ", &format!("openai-us: {{ listen: \"{addr}\", "));
    let tmux = Tmux::start(&folder("error", &scenario), (100, 24));
    tmux.enter(&command());
    let screen = tmux.wait_for("ended with 4");
    assert!(screen.contains(&format!("failed to listen on {addr}")), "{screen}");
    assert_restored(&tmux);
}

#[test]
fn without_a_terminal_there_are_plain_lines_and_that_is_said() {
    let folder = folder("plain", &OUTAGE.replace("after: 7s..16s", "after: 7s..8s"));
    let ran = Command::new(env!("CARGO_BIN_EXE_squall"))
        .args(["run", "scenario.yaml", "--tui", "--out", "run"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .expect("the binary is there");
    let told = String::from_utf8_lossy(&ran.stderr);
    assert!(told.contains("--tui needs a terminal on standard error: plain lines"), "{told}");
    assert!(!told.contains('\u{1b}'), "panels are drawn: {told}");
    assert!(String::from_utf8_lossy(&ran.stdout).contains("verdict: "), "{told}");
}
