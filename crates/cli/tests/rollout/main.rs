//! The short form of the shipped rollout over real sockets. A target of its own, so that no other test takes the
//! time that its traffic needs.

use squall_tests::valid_run::{Run, valid_run};
use std::path::Path;
use std::process::Command;

#[test]
fn the_short_form_passes_over_real_sockets() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rollout");
    let told = valid_run("the short form of the rollout", || {
        let output = Command::new(env!("CARGO_BIN_EXE_squall"))
            .args(["rehearse", "scenarios/checklists/rollout-short.yaml", "--live"])
            .args(["--set", "traffic.output_tokens=20", "--out"])
            .arg(&out)
            .current_dir(&root)
            .env("NO_COLOR", "1")
            .output()
            .expect("the binary can be run");
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        let is_problem = |line: &&str| line.trim_start().starts_with("the run is valid:");
        let problems: Vec<_> = told.lines().filter(is_problem).map(str::trim).collect();
        let inconclusive = items(&told, "inconclusive");
        // An item is inconclusive because its run was invalid, for one reason or several, and for no other.
        assert_eq!(inconclusive, doubted(&told), "{told}");
        Run { problems: problems.into_iter().map(str::to_owned).collect(), result: told }
    });
    let Some(told) = told else { return };
    assert_eq!(items(&told, "passed"), 6, "{told}");
    let markdown = std::fs::read_to_string(out.join("sign-off.md")).expect("it is signed off");
    assert!(markdown.contains("live, over real sockets on loopback"), "{markdown}");
}

/// How many items are inconclusive and say that their run was invalid: lines of an item are indented below it.
fn doubted(told: &str) -> usize {
    let items = told.split('\n').collect::<Vec<_>>();
    let items = items.chunk_by(|_, line| line.starts_with(' '));
    let invalid = |item: &&[&str]| {
        item[0].starts_with("inconclusive")
            && item.iter().any(|line| line.trim_start().starts_with("the run is valid:"))
    };
    items.filter(invalid).count()
}

/// How many items came out so.
fn items(told: &str, outcome: &str) -> usize {
    let items = told.lines().take_while(|line| !line.is_empty());
    items.filter(|line| line.starts_with(outcome)).count()
}
