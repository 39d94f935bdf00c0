//! Whether both build profiles give the same digest: what optimisation may never change.

use std::process::{Command, Stdio};

const SCENARIO: &str = "scenarios/viral-spike.yaml";

pub(crate) fn agree() -> bool {
    let (debug, release) = (digest(&[]), digest(&["--release"]));
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

/// The line with the digest that a simulated run prints.
fn digest(profile: &[&str]) -> Option<String> {
    let out = std::env::temp_dir().join(format!("squall-digest-{}", std::process::id()));
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--locked", "--package", "squall"])
        .args(profile)
        .args(["--", "run", SCENARIO, "--sim", "--out"])
        .arg(&out)
        .stderr(Stdio::inherit())
        .output()
        .ok()?;
    let _ = std::fs::remove_dir_all(&out);
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().find(|line| line.starts_with("digest: ")).map(str::to_owned)
}
