//! Where dependencies come from and under which licence, by `deny.toml`, and that SECURITY.md speaks of what is there.
//! `cargo deny check` looks at more: at advisories, and at what other platforms need.

use serde_json::Value;
use spdx::{Expression, LicenseReq, ParseMode};
use squall_tests::root;
use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The licences that `deny.toml` allows.
fn allowed() -> BTreeSet<String> {
    let text = read("deny.toml");
    let (_, list) = text.split_once("\nallow = [").expect("a list of licences");
    let (list, _) = list.split_once(']').expect("its end");
    let quoted = list.split('"').skip(1).step_by(2);
    quoted.map(str::to_owned).collect()
}

/// What Linux builds are made of, with what tests need.
fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--locked"])
        .args(["--filter-platform", "x86_64-unknown-linux-gnu"])
        .current_dir(root())
        .output()
        .expect("cargo is there");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let nodes = metadata["resolve"]["nodes"].as_array().expect("what was resolved");
    let used: BTreeSet<_> = nodes.iter().filter_map(|node| node["id"].as_str()).collect();
    let packages = metadata["packages"].as_array().expect("packages");
    let is_used = |package: &&Value| package["id"].as_str().is_some_and(|id| used.contains(id));
    packages.iter().filter(is_used).cloned().collect()
}

fn is_allowed(licence: &str, allowed: &BTreeSet<String>) -> bool {
    let Ok(expression) = Expression::parse_mode(licence, ParseMode::LAX) else { return false };
    expression.evaluate(|wanted: &LicenseReq| allowed.contains(&wanted.to_string()))
}

#[test]
fn every_dependency_has_a_licence_that_is_allowed_and_comes_from_the_registry() {
    const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";
    let allowed = allowed();
    let packages = packages();
    let foreign: Vec<_> = packages.iter().filter(|package| !package["source"].is_null()).collect();
    assert!(foreign.len() > 200, "{}", foreign.len());
    let mut problems = Vec::new();
    for package in foreign {
        let name = format!("{} {}", package["name"], package["version"]);
        if package["source"] != REGISTRY {
            problems.push(format!("{name} comes from {}", package["source"]));
        }
        let licence = package["license"].as_str().unwrap_or("none");
        if !is_allowed(licence, &allowed) {
            problems.push(format!("{name} is under {licence}, which deny.toml does not allow"));
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn an_expression_is_allowed_if_one_of_its_alternatives_is_wholly_allowed() {
    let allowed = ["MIT", "ISC"].map(str::to_owned).into();
    for (licence, wanted) in [
        ("MIT", true),
        ("MIT/Apache-2.0", true),
        ("GPL-3.0-only OR MIT", true),
        ("MIT AND ISC", true),
        ("MIT AND GPL-3.0-only", false),
        ("Apache-2.0 WITH LLVM-exception", false),
        ("none", false),
    ] {
        assert_eq!(is_allowed(licence, &allowed), wanted, "{licence}");
    }
}

#[test]
fn no_dependency_is_of_any_version() {
    for (path, text) in squall_tests::files("", "Cargo.toml") {
        assert!(!text.contains("\"*\""), "{path}");
    }
}

#[test]
fn what_security_md_names_is_there() {
    let page = read("SECURITY.md");
    let sources: String = ["crates", "tests"]
        .into_iter()
        .flat_map(|folder| squall_tests::files(folder, ".rs"))
        .map(|(_, text)| text)
        .collect();
    let (_, table) = page.split_once("### What is defended").expect("the table");
    let (table, _) = table.split_once("### What is not").expect("its end");
    let mut tests = 0;
    for word in table.split('`').skip(1).step_by(2) {
        let is_test = word.contains('_') && !word.contains(['.', '/']);
        if is_test {
            tests += 1;
            assert!(sources.contains(&format!("fn {word}(")), "there is no test `{word}`");
        } else if word.contains('/') {
            assert!(root().join(word).exists(), "there is no {word}");
        }
    }
    assert!(tests > 15, "{tests}");
}
