//! Whether both build profiles give the same digest: what optimisation may never change.
//!
//! The simulator alone is built for this, not the whole program with its servers: that takes minutes in release.

use crate::machine;
use std::process::{Command, Stdio};

const SCENARIO: &str = "scenarios/viral-spike.yaml";

pub(crate) fn agree() -> bool {
    // In debug with the features of the whole workspace, so that the tests use what is built for it.
    let debug = digest("debug", &["--workspace"]);
    let release = digest("release", &["--release", "--package", "squall-sim"]);
    match (debug, release) {
        (Some(debug), Some(release)) if debug == release => {
            println!("{debug} in both");
            true
        }
        (debug, release) => {
            eprintln!("{SCENARIO}: {debug:?} in debug, {release:?} in release");
            false
        }
    }
}

/// The line with the digest of a simulated run.
fn digest(folder: &str, build: &[&str]) -> Option<String> {
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "--example", "digest"])
        .args(build)
        .status()
        .ok()?;
    if !built.success() {
        return None;
    }
    let program = machine::target().join(folder).join("examples/digest");
    let output = Command::new(program).arg(SCENARIO).stderr(Stdio::inherit()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().find(|line| line.starts_with("digest: ")).map(str::to_owned)
}
