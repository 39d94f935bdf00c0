//! Many seeds of every scenario, judged together.

use crate::squall::{Ended, Folder, viral_spike};

fn folder(name: &str) -> Folder {
    let folder = Folder::new(name);
    folder.write("viral-spike.yaml", &viral_spike());
    folder
}

fn summary(folder: &Folder) -> serde_json::Value {
    serde_json::from_str(&folder.read("reports/check/summary.json")).expect("it is JSON")
}

#[track_caller]
fn says(ended: &Ended, code: i32, words: &str) {
    assert_eq!(ended.code, code, "{}{}", ended.out, ended.err);
    assert!(ended.out.contains(words), "{}", ended.out);
}

#[test]
fn a_folder_is_checked_with_59_seeds_each_and_leaves_junit_json_and_markdown() {
    let folder = Folder::new("check");
    std::fs::create_dir_all(folder.path("all/deeper")).expect("the folder can be made");
    std::fs::create_dir_all(folder.path("all/checklists")).expect("the folder can be made");
    folder.write("all/one.yaml", &viral_spike());
    folder.write("all/deeper/two.yaml", &viral_spike().replace("name: viral-spike", "name: two"));
    folder.write("all/checklists/rollout.yaml", "no scenario: at all");
    let ended = folder.squall(&["check", "all"]);
    says(&ended, 0, "met           viral-spike  7 of 7 over 59 seeds (7 to 65)");
    says(&ended, 0, "met           two  7 of 7 over 59 seeds (7 to 65)");
    assert_eq!(folder.read("reports/check/junit.xml").matches("<testsuite ").count(), 2);
    assert!(folder.read("reports/check/summary.md").starts_with("### squall check: 2 of 2"));
    assert_eq!(summary(&folder)["scenarios"][0]["seeds"], 59);
}

#[test]
fn a_weakened_router_is_told_which_expectation_which_seeds_and_how_far() {
    let folder = folder("check-weak");
    let weak = ["--set", "router.retries=0", "--set", "router.groups.chat.cooldown=never"];
    let ended = folder.squall(&[&["check", "viral-spike.yaml"][..], &weak].concat());
    says(
        &ended,
        1,
        "success_rate >= 99%: 59 of 59 seeds missed it: 7, 8, 9, 10, 11, and 54 more; ",
    );
    says(&ended, 1, " points under the limit (failed: ");
    says(&ended, 1, "see it: squall run viral-spike.yaml --sim --seed ");
    says(&ended, 1, " --set router.retries=0 --set router.groups.chat.cooldown=never");
    let junit = folder.read("reports/check/junit.xml");
    assert!(junit.contains("<failure message=\"59 of 59 seeds missed it"), "{junit}");
    let first = &summary(&folder)["scenarios"][0]["expectations"][0];
    assert_eq!(first["missed_seeds"].as_array().map(Vec::len), Some(59));
}

#[test]
fn fewer_than_59_seeds_are_inconclusive_and_said_to_be_too_few_once() {
    let folder = folder("check-few");
    let ended = folder.squall(&["check", "viral-spike.yaml", "--seeds", "5", "--twice"]);
    says(
        &ended,
        3,
        "all 5 seeds met it, but 59 are required for a statement about 95% of all runs",
    );
    assert_eq!(ended.out.matches("59 are required").count(), 1, "{}", ended.out);
}

#[test]
fn a_quantile_over_seeds_is_judged_by_check_and_left_open_by_run() {
    let folder = Folder::new("check-quantile");
    let text = viral_spike()
        .replace("- failover_time(eu) <= 2s", "- p50 of recovery_time(eu) over seeds <= 2500ms");
    folder.write("viral-spike.yaml", &text);
    let ended = folder.squall(&["check", "viral-spike.yaml"]);
    says(
        &ended,
        3,
        "p50 of recovery_time(eu) over seeds <= 2500ms: p50 is between 2,200 ms and 6,400 ms",
    );
    let ended = folder.squall(&["run", "viral-spike.yaml", "--sim"]);
    says(&ended, 0, "is judged by `squall check` only; the value of this run is 7 s");
}

#[test]
fn a_blessed_baseline_is_held_and_a_change_for_the_worse_within_the_limits_is_found() {
    let folder = folder("check-baseline");
    let ended = folder.squall(&["check", "viral-spike.yaml", "--bless"]);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    let ended = folder.squall(&["check", "viral-spike.yaml"]);
    says(&ended, 0, "21 of 21 over 59 seeds");
    let slower =
        ["check", "viral-spike.yaml", "--set", "failure.cap=30s", "--set", "failure.base=10s"];
    let ended = folder.squall(&slower);
    says(&ended, 1, "recovery_time(eu) <= 12s (baseline, median: ");
    says(&ended, 1, "worse than the baseline of 59 seeds: p50 is at least ");
    let ended = folder.squall(&["check", "viral-spike.yaml", "--seeds", "9", "--bless"]);
    assert_eq!(ended.code, 2);
    assert!(ended.err.contains("a baseline requires at least 59 seeds, and there are 9"));
}

#[test]
fn a_job_of_github_gets_annotations_and_a_summary() {
    let folder = folder("check-github");
    let mut command = folder.command(&[
        "check",
        "viral-spike.yaml",
        "--set",
        "router.groups.chat.cooldown=never",
    ]);
    command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", folder.path("summary.md"));
    let ended: Ended = command.output().expect("the binary can be run").into();
    says(&ended, 1, "::error file=viral-spike.yaml,line=");
    assert!(folder.read("summary.md").contains("#### `viral-spike`: missed (59 seeds (7 to 65))"));
}

#[test]
fn a_value_that_is_nowhere_in_the_file_is_told_what_is() {
    let folder = folder("check-set");
    let ended = folder.squall(&["check", "viral-spike.yaml", "--set", "traffic.rate.1.peek=9"]);
    assert_eq!(ended.code, 2);
    let near = "no value is at `traffic.rate.1.peek`: did you mean `traffic.rate.1.spike.peak`?";
    assert!(ended.err.contains(near) || ended.err.contains("unknown key `peek`"), "{}", ended.err);
}

#[test]
fn check_of_a_folder_without_scenarios_says_what_one_is() {
    let folder = Folder::new("check-nothing");
    let ended = folder.squall(&["check", "."]);
    assert_eq!(ended.code, 2);
    assert!(ended.err.contains("scenarios are files that end in `.yaml`"), "{}", ended.err);
}

#[test]
fn what_is_inconclusive_may_be_told_to_warn_and_what_is_interrupted_or_expects_nothing_may_not() {
    let folder = folder("check-warn");
    let few = ["check", "viral-spike.yaml", "--seeds", "5", "--inconclusive", "warn"];
    let ended = folder.squall(&few);
    says(&ended, 0, "inconclusive: viral-spike");
    assert!(ended.err.contains("warning: the result is inconclusive"), "{}", ended.err);
    assert_eq!(folder.squall(&few[..4]).code, 3);
    let missed = ["--set", "router.groups.chat.cooldown=never", "--set", "router.retries=0"];
    assert_eq!(folder.squall(&[&few[..], &missed].concat()).code, 1, "a miss is one all the same");

    let text = viral_spike();
    let (text, _) = text.split_once("expect:").expect("it expects something");
    folder.write("lost.yaml", text);
    let ended = folder.squall(&["check", "lost.yaml", "--inconclusive", "warn"]);
    says(&ended, 3, "the scenario expects nothing: there is nothing to meet");
    let ended = folder.squall(&["run", "lost.yaml", "--sim", "--inconclusive", "warn"]);
    says(&ended, 3, "the scenario expects nothing: there is nothing to meet; add an `expect:`");
}

/// What is missed softly is told and passes; what nothing but soft expectations is expected of, does not.
#[test]
fn a_soft_miss_is_told_and_changes_no_exit_code() {
    let folder = Folder::new("check-soft");
    let soft = |expect: &str| {
        let text = viral_spike();
        let (text, _) = text.split_once("\nexpect:").expect("it expects something");
        folder.write("viral-spike.yaml", &format!("{text}\nexpect:\n{expect}"));
    };
    soft("  - success_rate >= 90%\n  - warn: latency_p99 <= 1ms\n");
    let ended = folder.squall(&["run", "viral-spike.yaml", "--sim"]);
    says(&ended, 0, "warned   warn: latency_p99 <= 1ms");
    says(&ended, 0, "verdict: met (1 of 1 expectations met, 1 warned)");
    let page = folder.read("reports/viral-spike/sim/report.html");
    assert!(page.contains("<tr class=\"warned\"><td class=\"word\">! warned</td>"));
    let ended = folder.squall(&["check", "viral-spike.yaml"]);
    says(&ended, 0, "met           viral-spike  1 of 1 over 59 seeds (7 to 65), 1 warned");
    says(&ended, 0, "warned: viral-spike");
    assert_eq!(summary(&folder)["verdict"], "met");
    soft("  - warn: success_rate >= 90%\n");
    for command in [
        &["run", "viral-spike.yaml", "--sim", "--inconclusive", "warn"][..],
        &["check", "viral-spike.yaml"],
    ] {
        says(&folder.squall(command), 3, "every expectation is soft: there is nothing to meet");
    }
    let ended = folder.squall(&["plan", "viral-spike.yaml", "--vary", "traffic.peak"]);
    assert_eq!(ended.code, 2, "{}", ended.out);
    assert!(
        ended.err.contains("no expectations that decide anything: add `--until`"),
        "{}",
        ended.err
    );
}
