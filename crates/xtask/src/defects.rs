//! `cargo xtask defects`: plants one defect after the other, and says which suite catches it.

use std::fs;
use std::process::{Command, Stdio};

/// A suite: its name in the table, and what cargo runs. The cheapest first; the last only where none before it
/// caught the defect.
const SUITES: [(&str, &[&str]); 5] = [
    (
        "unit",
        &[
            "-p",
            "squall-router",
            "-p",
            "squall-provider",
            "-p",
            "squall-workload",
            "--lib",
            "--tests",
        ],
    ),
    ("properties", &["-p", "squall-tests", "--test", "properties"]),
    ("swarm", &["-p", "squall-tests", "--test", "swarm"]),
    ("features", &["-p", "squall-tests", "--test", "features"]),
    ("theory", &["-p", "squall-tests", "--test", "ground_truth"]),
];

/// Where the list of defects stands: one in each line.
const LIST: &str = "crates/defects/src/lib.rs";

pub(crate) fn run() -> bool {
    let Some(defects) = defects() else {
        eprintln!("error: no defect is listed in {LIST}");
        return false;
    };
    if SUITES.iter().any(|(name, suite)| {
        caught(suite, "") && {
            eprintln!("error: the suite `{name}` fails without a defect");
            true
        }
    }) {
        return false;
    }
    let names: Vec<_> = SUITES.iter().map(|(name, _)| *name).collect();
    println!("| defect | {} |", names.join(" | "));
    println!("| --- |{}", " :---: |".repeat(SUITES.len()));
    let mut escaped = Vec::new();
    for (name, what) in &defects {
        let mut found = false;
        let mut cells = Vec::with_capacity(SUITES.len());
        for (place, (_, suite)) in SUITES.iter().enumerate() {
            let asked = place + 1 < SUITES.len() || !found;
            let catches = asked && caught(suite, name);
            found |= catches;
            cells.push(if catches { "caught" } else { "" });
        }
        println!("| {what} (`{name}`) | {} |", cells.join(" | "));
        if !found {
            escaped.push(name.as_str());
        }
    }
    println!(
        "\n{} of {} planted defects were caught",
        defects.len() - escaped.len(),
        defects.len()
    );
    if !escaped.is_empty() {
        eprintln!("error: nothing catches {}", escaped.join(", "));
    }
    escaped.is_empty()
}

/// The names of the defects, and what each does.
fn defects() -> Option<Vec<(String, String)>> {
    let text = fs::read_to_string(LIST).ok()?;
    let (_, listed) = text.split_once("\ndefects! {\n")?;
    let (listed, _) = listed.split_once("\n}")?;
    let line = |line: &str| {
        let (name, what) = line.trim().trim_end_matches(',').split_once(": ")?;
        Some((name.to_owned(), what.trim_matches('"').trim_end_matches('.').to_owned()))
    };
    listed.lines().map(line).collect()
}

/// Whether a suite fails with a defect in a build of its own.
fn caught(suite: &[&str], defect: &str) -> bool {
    let mut command = Command::new(env!("CARGO"));
    command
        .args(["test", "--quiet", "--locked", "--target-dir", "target/defects"])
        .args(suite)
        .env("RUSTFLAGS", "--cfg squall_defects")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if !defect.is_empty() {
        command.env("SQUALL_DEFECT", defect);
    }
    !command.status().is_ok_and(|status| status.success())
}
