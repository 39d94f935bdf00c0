//! The walls of the design: who may use whom, what the pure rooms never name, and who alone prints or
//! parses.

mod circles;

use squall_tests::{files, root};
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Each room, and the rooms it may use. Anything else is a wall.
const MAY_USE: [(&str, &[&str]); 31] = [
    ("determinism", &[]),
    ("defects", &[]),
    ("failure", &[]),
    ("clock", &["determinism"]),
    ("net", &[]),
    ("wire", &["failure"]),
    ("shared-state", &["determinism"]),
    ("router", &["defects", "determinism", "failure", "shared-state"]),
    ("provider", &["defects", "determinism", "failure"]),
    ("workload", &["defects", "determinism", "failure"]),
    ("trace", &["determinism"]),
    ("record", &["determinism", "failure", "router"]),
    ("config-file", &["determinism"]),
    ("litellm", &["config-file", "determinism", "failure", "router", "wire"]),
    (
        "scenario",
        &[
            "config-file",
            "determinism",
            "failure",
            "litellm",
            "record",
            "router",
            "provider",
            "trace",
            "workload",
            "wire",
        ],
    ),
    ("blueprint", &["config-file", "determinism", "litellm", "scenario", "wire"]),
    ("sim", &["determinism", "failure", "scenario", "router", "provider", "workload", "record"]),
    ("redis-store", &["determinism", "shared-state"]),
    ("decision-trail", &["determinism", "failure", "router"]),
    (
        "gateway",
        &[
            "decision-trail",
            "determinism",
            "failure",
            "clock",
            "net",
            "redis-store",
            "router",
            "wire",
            "record",
        ],
    ),
    ("mock-provider", &["determinism", "failure", "clock", "net", "provider", "wire", "record"]),
    ("traffic", &["determinism", "failure", "clock", "net", "workload", "wire", "record"]),
    (
        "live",
        &[
            "determinism",
            "failure",
            "clock",
            "net",
            "router",
            "scenario",
            "gateway",
            "mock-provider",
            "target",
            "traffic",
            "record",
        ],
    ),
    ("target", &["scenario", "router", "wire", "failure", "provider", "net"]),
    ("explain", &["decision-trail", "determinism", "failure", "scenario", "router", "record"]),
    ("judge", &["determinism", "failure", "scenario", "provider", "record"]),
    (
        "report",
        &[
            "determinism",
            "failure",
            "judge",
            "scenario",
            "router",
            "provider",
            "trace",
            "workload",
            "record",
        ],
    ),
    (
        "live-view",
        &[
            "determinism",
            "failure",
            "judge",
            "net",
            "record",
            "report",
            "router",
            "scenario",
            "wire",
        ],
    ),
    (
        "campaign",
        &["determinism", "judge", "provider", "record", "router", "scenario", "sim", "workload"],
    ),
    ("testkit", &["determinism", "failure", "record", "router", "scenario"]),
    ("xtask", &[]),
];

/// Rooms without clock, sockets, environment, threads or random order.
const PURE: [&str; 7] =
    ["determinism", "failure", "shared-state", "router", "provider", "workload", "sim"];

/// What a pure room never names.
const IMPURE: [&str; 12] = [
    "tokio",
    "std::net",
    "std::time::Instant",
    "Instant::now",
    "SystemTime",
    "std::env",
    "HashMap",
    "HashSet",
    "std::thread",
    "thread_rng",
    "rand::rng(",
    "std::fs",
];

/// The normal dependencies of each package of the workspace, as cargo tells them.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo can be run");
    let metadata: serde_json::Value =
        serde_json::from_slice(&output.stdout).expect("cargo metadata gives JSON");
    let packages = metadata["packages"].as_array().expect("packages are a list");
    packages
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().expect("dependencies are a list");
            let normal = dependencies.iter().filter(|each| each["kind"].is_null());
            let names = normal.filter_map(|each| each["name"].as_str()).map(str::to_owned);
            (package["name"].as_str().expect("packages have names").to_owned(), names.collect())
        })
        .collect()
}

/// Examples show how the rooms are used from outside, whichever.
fn is_example(package: &str) -> bool {
    package.starts_with("squall-example-")
}

fn room(package: &str) -> &str {
    package.strip_prefix("squall-").unwrap_or(package)
}

#[test]
fn no_room_uses_a_room_behind_a_wall() {
    let mut dependencies = dependencies();
    // An example may use whatever it shows.
    dependencies.retain(|package, _| !package.starts_with("squall-example-"));
    for (package, uses) in &dependencies {
        if package == "squall" || package == "squall-tests" || is_example(package) {
            continue;
        }
        let allowed = MAY_USE.iter().find(|(name, _)| *name == room(package));
        let (_, allowed) = allowed.unwrap_or_else(|| panic!("`{package}` has no line in MAY_USE"));
        for used in uses.iter().filter(|name| dependencies.contains_key(*name)) {
            assert!(allowed.contains(&room(used)), "`{package}` uses `{used}`");
        }
    }
    let rooms = dependencies.keys().filter(|package| !is_example(package)).count();
    assert_eq!(rooms, MAY_USE.len() + 2, "a room of MAY_USE is gone");
}

#[test]
fn pure_rooms_name_no_clock_no_socket_and_no_random_order() {
    for room in PURE {
        for (path, text) in files(&format!("crates/{room}/src"), ".rs") {
            for (number, line) in text.lines().enumerate() {
                let code = line.split("//").next().unwrap_or_default();
                for word in IMPURE {
                    assert!(!code.contains(word), "{path}:{} names {word}", number + 1);
                }
            }
        }
    }
}

#[test]
fn the_cores_are_no_std() {
    for core in ["determinism", "failure", "shared-state", "router", "provider", "workload"] {
        let (_, text) = files(&format!("crates/{core}/src"), "lib.rs").remove(0);
        assert!(text.contains("#![no_std]"), "{core}");
    }
}

#[test]
fn only_the_command_line_prints() {
    for (path, text) in files("crates", ".rs") {
        let may = ["crates/cli/", "crates/xtask/"].iter().any(|room| path.starts_with(room));
        if may
            || path.contains("/benches/")
            || path.contains("/tests")
            || path.contains("/examples/")
        {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            let prints = ["println!", "eprintln!", "print!(", "eprint!("];
            let prints = prints.iter().any(|word| code.contains(word));
            assert!(!prints, "{path}:{} prints", number + 1);
        }
    }
}

#[test]
fn only_config_file_parses_yaml_and_only_the_command_line_reads_arguments_and_hears_the_log() {
    for (package, uses) in dependencies() {
        let yaml = uses.iter().any(|name| name.contains("yaml") || name.contains("granit"));
        assert!(!yaml || package == "squall-config-file", "{package} parses YAML");
        // Servers say what they do; where that goes is the command line's to decide.
        let logs = ["gateway", "mock-provider"].contains(&room(&package)) || package == "squall";
        assert!(!uses.contains("tracing") || logs, "{package} writes to the log");
        let hears = uses.iter().any(|name| name.starts_with("tracing-"));
        assert!(!hears || package == "squall", "{package} decides where the log goes");
        assert!(!uses.contains("clap") || package == "squall", "{package} reads arguments");
        assert!(!uses.contains("tokio") || !PURE.contains(&room(&package)), "{package} uses tokio");
    }
}

/// Folders of `wire`, and what none of their files names: what stands above it, and the vendor beside it.
const ABOVE: [(&str, &[&str]); 8] = [
    ("error", &["chat", "call", "serve", "vendor"]),
    ("chat", &["call", "serve", "vendor"]),
    ("call", &["serve", "vendor"]),
    ("serve", &["call", "vendor"]),
    ("vendor/openai", &["vendor::azure", "vendor::anthropic", "vendor::gemini"]),
    // What Azure serves are OpenAI's bodies.
    ("vendor/azure", &["vendor::anthropic", "vendor::gemini"]),
    ("vendor/anthropic", &["vendor::openai", "vendor::azure", "vendor::gemini"]),
    ("vendor/gemini", &["vendor::openai", "vendor::azure", "vendor::anthropic"]),
];

#[test]
fn the_chat_stands_below_its_vendors_and_these_beside_each_other() {
    for (folder, above) in ABOVE {
        let files = files(&format!("crates/wire/src/{folder}"), ".rs");
        assert!(!files.is_empty(), "{folder} is gone");
        for (path, text) in files.iter().filter(|(path, _)| !path.contains("/tests")) {
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            for room in above {
                let named = code.contains(&format!("crate::{room}"));
                assert!(!named, "{path} names crate::{room}, which stands above it or beside");
            }
        }
    }
}
