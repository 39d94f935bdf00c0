//! `cargo xtask additions`: what it takes to add one of each thing that grows. Adds all of them to a copy of the tree,
//! each by touching the files that it states, and holds that whatever is made from the tables knows them: the reference
//! and the schemas, the tests of the pages, the swarm's draw, the effective configuration, a run, and the benchmark.

mod arrivals;
mod edit;
mod fault;
mod format;
mod metric;
mod scratch;
mod setting;
mod strategy;

use crate::step::Steps;
use edit::Addition;
use scratch::Scratch;
use std::path::Path;

const ALL: [Addition; 6] = [
    strategy::ADDITION,
    fault::ADDITION,
    setting::ADDITION,
    arrivals::ADDITION,
    metric::ADDITION,
    format::ADDITION,
];

/// What the tests and tools write themselves, and nobody counts.
const GENERATED: [&str; 3] = ["docs/SCENARIOS.md", "docs/schema/", ".snap"];

/// A scenario that uses all of them.
const SCENARIO: &str = "name: additions
seed: 7
duration: 20s
traffic:
  group: chat
  arrivals: example_arrivals
  rate: 10
  prompt_tokens: 100
  output_tokens: 10
providers:
  a:
    format: example_format
    ttft: 50ms
    itl: 5ms
    faults: [ { at: 5s, for: 5s, example_fault: 1s } ]
router:
  groups:
    chat:
      strategy: example_strategy
      deployments: [ { name: a, provider: a, example_setting: 5 } ]
expect:
  - success_rate >= 100%
  - example_metric(a) >= 100
";

/// The scenario's name in the copy.
const SCENARIO_FILE: &str = "target/additions.yaml";

pub(crate) fn run() -> bool {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let texts = match edit::apply(&root, &ALL) {
        Ok(texts) => texts,
        Err(problem) => {
            eprintln!("error: {problem}");
            return false;
        }
    };
    let scratch = match Scratch::new(&root, &texts, (SCENARIO_FILE, SCENARIO)) {
        Ok(scratch) => scratch,
        Err(problem) => {
            eprintln!("error: {problem}");
            return false;
        }
    };
    let mut steps = Steps::default();
    let passed = build(&scratch, &mut steps)
        && steps.step("nothing else was changed", || changed(&scratch))
        && steps.step("the reference and the schemas have every word", || documented(&scratch))
        && steps.step("config show has every word", || shown(&scratch));
    steps.tell();
    if passed {
        table();
    }
    passed
}

/// Writes what is generated, and runs the tests that hold the tables against each other.
fn build(scratch: &Scratch, steps: &mut Steps) -> bool {
    let write = [("UPDATE_REFERENCE", "1"), ("INSTA_UPDATE", "always")];
    let page = ["test", "-q", "-p", "squall-scenario", "--lib", "--test", "formats_page"];
    let pages = [
        &["test", "-q", "-p", "squall-provider", "-p", "squall-workload", "-p", "squall-router"][..],
        &["-p", "squall-judge", "--lib"],
    ];
    let suites = [
        &["test", "-q", "-p", "squall-tests", "--test", "swarm", "--test", "faults"][..],
        &["--test", "features", "--", "every_strategy", "every_kind", "no_cell"],
    ];
    let setting = ["test", "-q", "-p", "squall-router", "--test", "behaviour", "example_setting"];
    let bench = [
        &["bench", "-q", "--profile", "dev", "-p", "squall-router", "--bench", "decision", "--"][..],
        &["count", "10", strategy::ADDITION.word],
    ];
    let simulate = ["run", "-q", "-p", "squall", "--", "run", SCENARIO_FILE, "--sim", "--out"];
    let simulate = [&simulate[..], &["target/additions-run"]].concat();
    scratch.cargo(steps, &page, &write)
        && scratch.cargo(steps, &pages.concat(), &[])
        && scratch.cargo(steps, &setting, &[])
        && scratch.cargo(steps, &suites.concat(), &[])
        && scratch.cargo(steps, &bench.concat(), &[])
        && scratch.cargo(steps, &simulate, &[])
}

/// Whether the generated files are all that changed beside what the additions state.
fn changed(scratch: &Scratch) -> bool {
    let generated = |file: &&String| !GENERATED.iter().any(|part| file.contains(part));
    let others: Vec<_> = scratch.changed().into_iter().collect();
    let others: Vec<_> = others.iter().filter(generated).collect();
    for file in &others {
        eprintln!("error: {file} was changed as well");
    }
    others.is_empty()
}

fn documented(scratch: &Scratch) -> bool {
    let mut complete = true;
    for addition in &ALL {
        for document in addition.documents {
            if !scratch.read(document).contains(addition.word) {
                eprintln!("error: {document} does not know `{}`", addition.word);
                complete = false;
            }
        }
    }
    complete
}

fn shown(scratch: &Scratch) -> bool {
    let show = ["run", "-q", "-p", "squall", "--", "config", "show", SCENARIO_FILE];
    let Some(output) = scratch.output(&show) else { return false };
    // Expectations are no configuration.
    let words =
        ALL.iter().map(|addition| addition.word).filter(|word| *word != metric::ADDITION.word);
    let missing: Vec<_> = words.filter(|word| !output.contains(word)).collect();
    for word in &missing {
        eprintln!("error: config show does not know `{word}`:\n{output}");
    }
    missing.is_empty()
}

fn table() {
    println!("\n| to add | files | at most | which |\n| --- | ---: | ---: | --- |");
    for addition in &ALL {
        let files = addition.files();
        let own = addition.own.map_or_else(String::new, |own| format!(", beside `{own}/`"));
        let which: Vec<_> = files.iter().map(|file| format!("`{file}`")).collect();
        let (what, goal, which) = (addition.what, addition.goal, which.join(", "));
        println!("| {what} | {} | {goal} | {which}{own} |", files.len());
    }
    println!(
        "The reference, the schemas and snapshots are written by their tests, and not counted."
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
    }

    #[test]
    fn every_addition_finds_its_places_and_stays_within_its_goal() {
        edit::apply(&root(), &ALL).unwrap_or_else(|problem| panic!("{problem}"));
        for addition in &ALL {
            let files = addition.files();
            assert!(files.len() <= addition.goal, "{}: {files:?}", addition.what);
        }
    }

    #[test]
    fn the_guide_for_contributors_states_the_counts_that_are_proven() {
        let guide = std::fs::read_to_string(root().join("CONTRIBUTING.md")).expect("it is there");
        for addition in &ALL {
            let (what, files) = (addition.what, addition.files().len());
            let row = guide.lines().find(|line| line.starts_with(&format!("| {what} | ")));
            let row = row.unwrap_or_else(|| panic!("CONTRIBUTING.md has no row for {what}"));
            let stated = row.trim_matches('|').split('|').nth(1).map(str::trim);
            assert_eq!(stated, Some(files.to_string().as_str()), "{row}");
        }
    }
}
