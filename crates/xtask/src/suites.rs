//! The test targets of the workspace: those over real sockets, which run one at a time and apart, and the rest.

use std::collections::BTreeSet;
use std::process::Command;

/// The live suites, a name each. `tests/tidy` holds that whatever opens a socket or starts a server is here.
const LIVE: &str = include_str!("../../../tests/live-suites.txt");

/// Pure suites that the fast lane leaves out, a name each.
const SLOW: &str = include_str!("../../../tests/slow-suites.txt");

/// The live suites, in the order in which they run.
pub(crate) fn live() -> Vec<&'static str> {
    LIVE.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
}

/// The pure suites that the fast lane leaves out.
pub(crate) fn slow() -> Vec<&'static str> {
    SLOW.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
}

/// Every other test target, as cargo tells them; `None` if it cannot, or if a live suite is nowhere.
pub(crate) fn pure() -> Option<Vec<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--locked"])
        .output()
        .ok()?;
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
    let targets =
        metadata["packages"].as_array()?.iter().filter_map(|package| package["targets"].as_array());
    // A suite that is run by name alone is none of the gate's.
    let is_run =
        |target: &&serde_json::Value| target["kind"][0] == "test" && target["test"] == true;
    let tests = targets.flatten().filter(is_run);
    let all: BTreeSet<String> =
        tests.filter_map(|target| target["name"].as_str().map(str::to_owned)).collect();
    let live = live();
    for (file, names) in [("live", &live), ("slow", &slow())] {
        if let Some(gone) = names.iter().find(|name| !all.contains(**name)) {
            eprintln!("error: tests/{file}-suites.txt names `{gone}`, which is no test target");
            return None;
        }
    }
    Some(all.into_iter().filter(|name| !live.contains(&name.as_str())).collect())
}
