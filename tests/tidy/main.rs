//! What a reader may rely on in every file.

use squall_tests::{files, root};
use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

/// A file of one idea is shorter.
const LINES_MAX: usize = 700;

fn sources() -> Vec<(String, String)> {
    let mut all = files("crates", ".rs");
    all.extend(files("examples", ".rs"));
    all.extend(files("tests", ".rs"));
    all.extend(files("fuzz", ".rs"));
    assert!(all.len() > 100, "the tree is not where it should be");
    all
}

#[test]
fn every_file_says_first_what_it_is() {
    for (path, text) in sources() {
        assert!(text.starts_with("//!"), "{path} does not open with a module comment");
    }
}

#[test]
fn no_file_is_long() {
    for (path, text) in sources() {
        let lines = text.lines().count();
        assert!(lines <= LINES_MAX, "{path} has {lines} lines");
    }
}

#[test]
fn nothing_is_left_for_later() {
    // In pieces, so that this file passes its own test.
    let words = [
        ["TO", "DO"],
        ["FIX", "ME"],
        ["XX", "X"],
        ["todo", "!("],
        ["unimplemented", "!("],
        ["#[all", "ow("],
    ];
    for (path, text) in sources() {
        for word in words {
            assert!(!text.contains(&word.concat()), "{path} holds {}", word.concat());
        }
    }
}

#[test]
fn no_file_names_the_machine_it_was_written_on() {
    let homes = ["/home/", "/root/", "/Users/", "/tmp/", "/work/"];
    let mut all = sources();
    for ending in [".toml", ".yaml", ".md", ".snap"] {
        ["crates", "docs", "scenarios", "tests"]
            .iter()
            .for_each(|folder| all.extend(files(folder, ending)));
    }
    for (path, text) in all.iter().filter(|(path, _)| path != "tests/tidy/main.rs") {
        for home in homes {
            assert!(!text.contains(home), "{path} names {home}");
        }
    }
}

/// What git keeps, by path.
fn tracked() -> String {
    let listed = Command::new("git").args(["ls-files"]).current_dir(root()).output();
    String::from_utf8_lossy(&listed.expect("git can be run").stdout).into_owned()
}

#[test]
fn the_lock_file_is_tracked_and_builds_are_not() {
    let tracked = tracked();
    assert!(tracked.lines().any(|path| path == "Cargo.lock"));
    assert!(!tracked.lines().any(|path| path.starts_with("target/")));
}

#[test]
fn the_top_level_holds_what_the_design_lists() {
    let allowed = [
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "Cargo.toml",
        "Cargo.lock",
        "Dockerfile",
        "README.md",
        "SECURITY.md",
        "deny.toml",
        "deploy",
        "LICENSE-MIT",
        "LICENSE-APACHE",
        "clients",
        "crates",
        "docs",
        "examples",
        "fuzz",
        "reports",
        "scenarios",
        "tests",
    ];
    for path in tracked().lines() {
        let top = path.split('/').next().unwrap_or_default();
        assert!(top.starts_with('.') || allowed.contains(&top), "{top} is not of the top level");
    }
}

#[test]
fn every_scenario_expects_something_and_is_written_about() {
    let mut written = fs::read_to_string(root().join("README.md")).unwrap_or_default();
    files("docs", ".md").into_iter().for_each(|(_, text)| written.push_str(&text));
    let scenarios = files("scenarios", ".yaml");
    assert!(!scenarios.is_empty());
    let is_scenario = |(path, _): &(String, String)| !path.contains("/fragments/");
    for (path, text) in scenarios.into_iter().filter(is_scenario) {
        // A checklist has a gate.
        let word = if path.contains("/checklists/") { "\ngate:" } else { "\nexpect:" };
        assert!(text.contains(word), "{path} expects nothing");
        let name = path.rsplit('/').next().unwrap_or_default().trim_end_matches(".yaml");
        assert!(written.contains(name), "{path} is not written about");
    }
}

#[test]
fn the_architecture_names_every_crate() {
    let text = fs::read_to_string(root().join("docs/ARCHITECTURE.md")).expect("it is there");
    for entry in fs::read_dir(root().join("crates")).expect("crates are there").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        assert!(text.contains(&format!("| `{name}` |")), "{name} has no row");
    }
    for place in
        text.split('`').filter(|word| word.starts_with("crates/") || word.starts_with("docs/"))
    {
        assert!(root().join(place).exists(), "{place} is not there");
    }
}

/// Types that stand more than once on purpose.
const SAID_TWICE: [&str; 2] = [
    // One alias, with TLS and without.
    "Connector",
    // The doctests of each crate's README.
    "Readme",
];

#[test]
fn a_type_has_a_name_of_its_own_in_the_whole_workspace() {
    let mut places = BTreeMap::<String, Vec<String>>::new();
    for (path, text) in files("crates", ".rs") {
        if !path.contains("/src/") {
            continue;
        }
        // Associated types, and those within a function, are named for where they stand.
        for line in text.lines().filter(|line| !line.starts_with(char::is_whitespace)) {
            let item = line.strip_prefix("pub").map_or(line, |rest| {
                rest.split_once(')')
                    .filter(|_| rest.starts_with('('))
                    .map_or(rest, |(_, item)| item)
            });
            let mut words = item.split_whitespace();
            let is_type =
                matches!(words.next(), Some("struct" | "enum" | "trait" | "type" | "union"));
            let name = words.next().unwrap_or_default();
            let end = name.find(|c: char| !c.is_alphanumeric()).unwrap_or(name.len());
            if is_type && end > 0 && !SAID_TWICE.contains(&&name[..end]) {
                places.entry(name[..end].to_owned()).or_default().push(path.clone());
            }
        }
    }
    assert!(places.len() > 500, "the types were found: {}", places.len());
    places.retain(|_, paths| paths.len() > 1);
    assert!(places.is_empty(), "a search for these lands in more than one place: {places:#?}");
}

/// What a test does that opens sockets, or starts a server that does.
const LIVE: [&str; 10] = [
    "TcpListener",
    "TcpStream",
    "UdpSocket",
    "squall_live::run",
    "Gateway::start",
    "MockProvider::start",
    ".spawn()",
    "\"--live\"",
    "RunningTarget::start",
    "valid_run(",
];

/// The text of each test target by its name: of its file, or of all files in its folder.
fn test_targets() -> BTreeMap<String, String> {
    let mut targets = BTreeMap::<String, String>::new();
    let mut add = |below: &str, text: &str| {
        let name = below.split('/').next().unwrap_or_default().trim_end_matches(".rs");
        targets.entry(name.to_owned()).or_default().push_str(text);
    };
    for (path, text) in files("crates", ".rs").into_iter().chain(files("examples", ".rs")) {
        if let Some((_, below)) = path.split_once("/tests/")
            && !path.contains("/src/")
        {
            add(below, &text);
        }
    }
    for (path, text) in files("tests", ".rs") {
        let below = path.trim_start_matches("tests/");
        if !below.starts_with("src/") {
            add(below, &text);
        }
    }
    targets.remove("tidy");
    targets
}

#[test]
fn every_suite_over_sockets_is_listed_and_runs_apart() {
    let listed = fs::read_to_string(root().join("tests/live-suites.txt")).expect("it is there");
    let listed: Vec<_> = listed.lines().collect();
    let targets = test_targets();
    assert!(targets.len() > 20, "{} test targets were found", targets.len());
    for (name, text) in &targets {
        let live = LIVE.iter().find(|word| text.contains(*word));
        match (live, listed.contains(&name.as_str())) {
            (Some(word), false) => panic!("`{name}` has {word}: list it in tests/live-suites.txt"),
            (None, true) => panic!("tests/live-suites.txt lists `{name}`, which opens no socket"),
            (Some(_), true) | (None, false) => {}
        }
    }
    assert!(listed.iter().all(|name| targets.contains_key(*name)), "{listed:?}");
}

#[test]
fn nextest_runs_the_same_suites_apart() {
    let read = |path: &str| fs::read_to_string(root().join(path)).expect("it is there");
    let listed = read("tests/live-suites.txt");
    let filter: Vec<_> = listed.lines().map(|name| format!("binary(={name})")).collect();
    let line = format!("filter = \"{}\"", filter.join(" | "));
    assert!(read(".config/nextest.toml").contains(&line), "nextest.toml should have: {line}");
}

/// What can be had only from inside a crate: a core that panics, a listener's backlog. They wait for what comes, however
/// long.
const MAY: [&str; 2] = ["crates/gateway/src/router_handle/tests.rs", "crates/net/src/listener.rs"];

/// Unit tests run beside everything else.
#[test]
fn no_unit_test_opens_a_socket() {
    for (path, text) in files("crates", ".rs") {
        let tests =
            path.ends_with("/tests.rs") || path.contains("/src/") && path.contains("/tests/");
        let (_, unit) = text.split_once("#[cfg(test)]").unwrap_or_default();
        let unit = if tests && path.contains("/src/") { text.as_str() } else { unit };
        for word in &LIVE {
            let may = MAY.contains(&path.as_str()) || !unit.contains(word);
            assert!(may, "{path} has {word}: move it to a live suite");
        }
    }
}
