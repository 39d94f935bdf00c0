//! `cargo xtask test`: the whole gate. `.ci/run` calls this and nothing else.
//!
//! `cargo xtask test --fast` is the lane for every commit: format, clippy, and the pure suites that are quick.
//!
//! What is over real sockets shares the machine with nothing of ours: everything is compiled first, then the pure suites
//! run on all cores, then the live suites, one test at a time.

use crate::perf::{self, CountVerdict};
use crate::step::Steps;
use crate::timing::SuiteTimes;
use crate::unjudged::Unjudged;
use crate::{digest, machine, suites};

/// Of every run of tests: the whole workspace, so that no choice of packages builds dependencies anew with other
/// features.
const TEST: [&str; 3] = ["test", "--workspace", "--locked"];

/// The whole gate, or the fast lane. Stops at the first step that fails.
pub(crate) fn run(arguments: &[String]) -> bool {
    match arguments {
        [] => everything(),
        [only] if only == "--fast" => fast(),
        _ => {
            eprintln!("error: `cargo xtask test` takes `--fast` and nothing else");
            false
        }
    }
}

fn everything() -> bool {
    if !machine::prepare() {
        return false;
    }
    let mut steps = Steps::default();
    let mut times = SuiteTimes::default();
    let unjudged = Unjudged::new();
    let passed = checks(&mut steps)
        && steps.step("instruction counts are as committed", || counts(&unjudged))
        && pure(&mut steps, &mut times, &[])
        && documentation(&mut steps, &mut times)
        && live(&mut steps, &mut times, &unjudged);
    times.tell();
    steps.tell();
    let lines = unjudged.take();
    for line in &lines {
        println!("{line}");
    }
    if !lines.is_empty() {
        println!("{} were not judged, each for the reason beside it", lines.len());
    }
    passed
}

fn fast() -> bool {
    if !machine::prepare_to_build() {
        return false;
    }
    let mut steps = Steps::default();
    let mut times = SuiteTimes::default();
    let passed = lints(&mut steps) && pure(&mut steps, &mut times, &suites::slow());
    times.tell();
    steps.tell();
    println!("left to `cargo xtask test`: {}, and the live suites", suites::slow().join(", "));
    passed
}

fn lints(steps: &mut Steps) -> bool {
    // A suite that the gate does not run is not among all targets.
    let clippy =
        ["clippy", "--workspace", "--all-targets", "--test", "large_validators", "--locked"];
    let clippy = [&clippy[..], &["--", "-D", "warnings"]].concat();
    steps.cargo(&["fmt", "--all", "--check"], &[]) && steps.cargo(&clippy, &[])
}

/// What is looked at and not run, and what both profiles give.
fn checks(steps: &mut Steps) -> bool {
    let doc = ["doc", "--workspace", "--no-deps", "--locked", "--quiet"];
    lints(steps)
        && steps.cargo(&doc, &[("RUSTDOCFLAGS", "-D warnings")])
        && steps.step("a debug and a release build give the same digest", digest::agree)
        && steps.cargo(&[&TEST[..], &["--no-run", "--quiet"]].concat(), &[])
}

/// Under other conditions than those of the committed counts there is nothing to compare, which the summary says.
fn counts(unjudged: &Unjudged) -> bool {
    match perf::check() {
        CountVerdict::Within => true,
        CountVerdict::Beyond => false,
        CountVerdict::NotJudged(why) => {
            unjudged.say(&format!("NOT JUDGED: instruction counts: {why}"))
        }
    }
}

/// Unit tests, and the test targets that open no socket, but for some.
fn pure(steps: &mut Steps, times: &mut SuiteTimes, but: &[&str]) -> bool {
    let Some(names) = suites::pure() else { return false };
    let mut arguments = [&TEST[..], &["--no-fail-fast", "--lib", "--bins"]].concat();
    for name in names.iter().filter(|name| !but.contains(&name.as_str())) {
        arguments.extend(["--test", name]);
    }
    steps.step("cargo test: the pure suites", || times.cargo(&arguments, &[]))
}

/// The examples in the documentation.
fn documentation(steps: &mut Steps, times: &mut SuiteTimes) -> bool {
    let arguments = [&TEST[..], &["--doc"]].concat();
    steps.step("cargo test: the documentation", || times.cargo(&arguments, &[]))
}

/// One suite after the other, one test after the other.
fn live(steps: &mut Steps, times: &mut SuiteTimes, unjudged: &Unjudged) -> bool {
    suites::live().iter().all(|name| {
        steps.step(&format!("cargo test: live suite `{name}`"), || suite(name, times, unjudged))
    })
}

/// Runs a live suite.
pub(crate) fn suite(name: &str, times: &mut SuiteTimes, unjudged: &Unjudged) -> bool {
    let (variable, path) = unjudged.variable();
    let arguments = [&TEST[..], &["--test", name, "--", "--test-threads=1"]].concat();
    times.cargo(&arguments, &[(variable, &path)])
}
