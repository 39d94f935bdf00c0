//! `docs/ROUTER.md` has every feature with its setting, default, source, and where it is shown.

use crate::{folder, scenarios};
use squall_router::Strategy;
use std::fs;
use std::path::Path;

/// The rows of the page's first table, cell by cell.
fn rows() -> Vec<Vec<String>> {
    let page = fs::read_to_string(folder().join("../../docs/ROUTER.md")).expect("it is there");
    let rows = page.lines().skip_while(|line| !line.starts_with("| feature |")).skip(2);
    let rows = rows.take_while(|line| line.starts_with('|'));
    // A bar inside code is none between cells: none stands there.
    rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect())
        .collect()
}

#[test]
fn no_cell_is_empty_and_each_feature_is_shown_somewhere() {
    let scenarios = scenarios();
    let tests = tests_of(&folder().join("../../crates"));
    for row in rows() {
        assert_eq!(row.len(), 5, "{row:?}");
        assert!(row.iter().all(|cell| !cell.is_empty()), "{row:?}");
        let shown = row[4].as_str();
        let found = match shown.strip_prefix("test `").and_then(|name| name.strip_suffix('`')) {
            Some(name) => tests.contains(&format!("fn {name}(")),
            None => scenarios.iter().any(|(scenario, _)| scenario == shown),
        };
        assert!(found, "{shown} is not there: {row:?}");
    }
}

#[test]
fn every_strategy_is_in_the_table() {
    let settings: String = rows().iter().map(|row| format!("{}\n", row[1])).collect();
    let strategies = Strategy::WORDS.iter().map(|word| format!("strategy: {word}"));
    let missing: Vec<_> = strategies.filter(|setting| !settings.contains(setting)).collect();
    assert!(missing.is_empty(), "not in the table of docs/ROUTER.md: {}", missing.join(", "));
}

#[test]
fn every_scenario_of_the_router_is_in_the_table() {
    let rows = rows();
    assert!(rows.len() > 50, "{} rows", rows.len());
    for (name, _) in scenarios() {
        assert!(rows.iter().any(|row| row[4] == name), "{name} is not in the table");
    }
}

/// The text of all tests of the crates.
fn tests_of(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).expect("it is there").flatten() {
        let path = entry.path();
        if path.is_dir() {
            text.push_str(&tests_of(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            text.push_str(&fs::read_to_string(&path).expect("it can be read"));
        }
    }
    text
}
