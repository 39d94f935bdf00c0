//! `cargo xtask test`: the whole gate. `.ci/run` calls this and nothing else.
//!
//! What is over real sockets shares the machine with nothing of ours: everything is compiled first, then the pure suites
//! run on all cores, then the live suites, one test at a time.

use crate::step::Steps;
use crate::unjudged::Unjudged;
use crate::{digest, machine, suites};

/// Of every run of tests: the whole workspace, so that no choice of packages builds dependencies anew with other
/// features.
const TEST: [&str; 3] = ["test", "--workspace", "--locked"];

/// Stops at the first step that fails.
pub(crate) fn run() -> bool {
    if !machine::prepare() {
        return false;
    }
    let mut steps = Steps::default();
    let unjudged = Unjudged::new();
    let passed = checks(&mut steps) && pure(&mut steps) && live(&mut steps, &unjudged);
    steps.tell();
    let lines = unjudged.take();
    for line in &lines {
        println!("{line}");
    }
    if !lines.is_empty() {
        println!("{} live tests were not judged: the machine had too much to do", lines.len());
    }
    passed
}

/// What is looked at and not run, and what both profiles give.
fn checks(steps: &mut Steps) -> bool {
    let clippy = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    let doc = ["doc", "--workspace", "--no-deps", "--locked", "--quiet"];
    steps.cargo(&["fmt", "--all", "--check"], &[])
        && steps.cargo(&clippy, &[])
        && steps.cargo(&doc, &[("RUSTDOCFLAGS", "-D warnings")])
        && steps.step("a debug and a release build give the same digest", digest::agree)
        && steps.cargo(&[&TEST[..], &["--no-run", "--quiet"]].concat(), &[])
}

/// Unit tests, the test targets that open no socket, and the examples in the documentation.
fn pure(steps: &mut Steps) -> bool {
    let Some(names) = suites::pure() else { return false };
    let mut arguments = [&TEST[..], &["--lib", "--bins"]].concat();
    for name in &names {
        arguments.extend(["--test", name]);
    }
    steps.step("cargo test: the pure suites", || crate::step::cargo(&arguments, &[]))
        && steps.cargo(&[&TEST[..], &["--doc"]].concat(), &[])
}

/// One suite after the other, one test after the other.
fn live(steps: &mut Steps, unjudged: &Unjudged) -> bool {
    suites::live().iter().all(|name| {
        steps.step(&format!("cargo test: live suite `{name}`"), || suite(name, unjudged))
    })
}

/// Runs a live suite.
pub(crate) fn suite(name: &str, unjudged: &Unjudged) -> bool {
    let (variable, path) = unjudged.variable();
    let arguments = [&TEST[..], &["--test", name, "--", "--test-threads=1"]].concat();
    crate::step::cargo(&arguments, &[(variable, &path)])
}
