//! `cargo xtask publish`: whether the crates that stand alone can be published, without publishing anything.

use crate::step::Steps;
use std::process::Command;

/// Packages each crate that may be published, in the order of their dependencies. With `--verify` each package is built
/// as somebody else would build it; without, it takes seconds.
pub(crate) fn run(arguments: &[String]) -> bool {
    let Some(names) = published() else {
        eprintln!("error: cargo metadata names no crate that may be published");
        return false;
    };
    let mut steps = Steps::default();
    // What is not committed yet is packaged as well: this is a question, and the answer is wanted before the commit.
    let mut publish = vec!["publish", "--dry-run", "--locked", "--quiet", "--allow-dirty"];
    if !arguments.iter().any(|argument| argument == "--verify") {
        publish.push("--no-verify");
    }
    publish.extend(names.iter().flat_map(|name| ["--package", name]));
    let passed = steps.cargo(&publish, &[]);
    steps.tell();
    passed
}

/// The crates that may be published: `publish` is not `false` in their manifest.
fn published() -> Option<Vec<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--locked"])
        .output()
        .ok()?;
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
    let packages = metadata["packages"].as_array()?;
    let public = packages.iter().filter(|package| package["publish"].is_null());
    let names: Vec<_> =
        public.filter_map(|package| package["name"].as_str().map(str::to_owned)).collect();
    (!names.is_empty()).then_some(names)
}
