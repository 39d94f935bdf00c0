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
        // An item is inconclusive because its run was invalid, and for no other reason.
        let is_problem = |line: &&str| line.trim_start().starts_with("the run is valid:");
        let problems: Vec<_> = told.lines().filter(is_problem).collect();
        let inconclusive = items(&told, "inconclusive");
        assert_eq!(inconclusive, problems.len(), "{told}");
        let problems = problems.into_iter().map(|line| line.trim().to_owned()).collect();
        Run { problems, result: told }
    });
    let Some(told) = told else { return };
    assert_eq!(items(&told, "passed"), 6, "{told}");
    let markdown = std::fs::read_to_string(out.join("sign-off.md")).expect("it is signed off");
    assert!(markdown.contains("live, over real sockets on loopback"), "{markdown}");
}

/// How many items came out so.
fn items(told: &str, outcome: &str) -> usize {
    let items = told.lines().take_while(|line| !line.is_empty());
    items.filter(|line| line.starts_with(outcome)).count()
}
