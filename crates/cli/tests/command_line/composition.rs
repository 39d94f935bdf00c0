//! Files that are composed: fragments, variables, matrices.

use crate::squall::{Ended, Folder};
use std::fs;
use std::path::Path;

/// The suite that ships, with its fragments.
fn suite(name: &str) -> Folder {
    let folder = Folder::new(name);
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/suite");
    fs::create_dir_all(folder.path("suite/fragments")).expect("the folder can be made");
    for file in ["failover.yaml", "fragments/three-providers.yaml", "fragments/slo.yaml"] {
        let text = fs::read_to_string(shipped.join(file)).expect("it ships");
        folder.write(&format!("suite/{file}"), &text);
    }
    folder
}

#[track_caller]
fn says(ended: &Ended, code: i32, words: &str) {
    assert_eq!(ended.code, code, "{}{}", ended.out, ended.err);
    let said = format!("{}{}", ended.out, ended.err);
    assert!(said.contains(words), "{words}:\n{said}");
}

#[test]
fn a_suite_of_twelve_cases_is_checked_by_their_names_and_its_fragments_are_no_scenarios() {
    let folder = suite("composed-check");
    let ended = folder.squall(&["check", "suite"]);
    says(&ended, 0, "12 of 12 scenarios met their expectations");
    says(&ended, 0, "met           failover-errors-50  3 of 3 over 59 seeds (7 to 65)");
    says(&ended, 0, "met           failover-brownout-200  3 of 3 over 59 seeds (7 to 65)");
    let junit = folder.read("reports/check/junit.xml");
    assert_eq!(junit.matches("<testsuite ").count(), 12);
    assert!(junit.contains("failover-silent-100"), "{junit}");
    let summary = folder.read("reports/check/summary.md");
    assert!(summary.starts_with("### squall check: 12 of 12"), "{summary}");
}

#[test]
fn a_case_that_misses_is_told_with_the_command_that_runs_it_alone() {
    let folder = suite("composed-missed");
    let weak = ["--set", "router.retries=0", "--set", "router.groups.chat.cooldown=never"];
    let one =
        ["check", "suite", "--var", "fault=errors", "--var", "peak=50", "--var", "outage=25s"];
    let ended = folder.squall(&[&one[..], &weak].concat());
    says(&ended, 1, "MISSED        failover-errors-50");
    let command = "suite/failover.yaml --sim --seed ";
    says(&ended, 1, command);
    says(&ended, 1, " --var fault=errors --var peak=50 --var outage=25s --set router.retries=0");
    let line = ended.out.lines().find(|line| line.contains(command)).expect("a command");
    let (_, typed) = line.split_once("squall ").expect("a command");
    let again = folder.squall(&typed.split(' ').collect::<Vec<_>>());
    says(&again, 1, "failover-errors-50");
}

#[test]
fn each_case_has_a_baseline_of_its_own() {
    let folder = suite("composed-bless");
    let ended = folder.squall(&["check", "suite", "--var", "fault=errors", "--bless"]);
    says(&ended, 0, "suite/failover-errors-200.baseline.json");
    let ended = folder.squall(&["check", "suite", "--var", "fault=errors"]);
    says(&ended, 0, "3 of 3 scenarios met their expectations");
    says(&ended, 0, "9 of 9 over 59 seeds");
    assert!(folder.path("suite/failover-errors-50.baseline.json").exists());
}

#[test]
fn a_run_takes_one_case_and_its_recording_is_replayed_without_the_files_it_came_from() {
    let folder = suite("composed-run");
    says(&folder.squall(&["run", "suite/failover.yaml", "--sim"]), 2, "the file has 12 cases");
    let one =
        ["run", "suite/failover.yaml", "--sim", "--var", "fault=refused", "--var", "peak=100"];
    let ended = folder.squall(&one);
    says(&ended, 0, "reports/failover-refused-100/sim/report.html");
    fs::remove_dir_all(folder.path("suite")).expect("it can be removed");
    let ended = folder.squall(&["replay", "reports/failover-refused-100/sim"]);
    says(&ended, 0, "digest");
    says(
        &folder.squall(&["explain", "reports/failover-refused-100/sim", "--slowest"]),
        0,
        "request",
    );
}

#[test]
fn the_environment_sets_a_variable_and_the_command_line_comes_before_it() {
    let folder = suite("composed-environment");
    let shown = |arguments: &[&str]| {
        let show =
            ["config", "show", "suite/failover.yaml", "--var", "fault=errors", "--var", "peak=50"];
        let mut command = folder.command(&[&show[..], arguments].concat());
        Ended::from(command.env("outage", "7s").output().expect("the binary can be run"))
    };
    let ended = shown(&[]);
    says(&ended, 0, "# outage: 7s  (environment)");
    says(&ended, 0, "for: 7s");
    says(&shown(&["--var", "outage=8s"]), 0, "# outage: 8s  (--var)");
    says(&shown(&["--json"]), 0, "\"from\": \"environment\"");
    says(&shown(&["--var", "outage=8 apples"]), 2, "the variable `outage` is `8 apples` (--var)");
}

#[test]
fn a_variable_that_no_file_has_is_refused_before_anything_is_run() {
    let folder = suite("composed-unknown");
    says(
        &folder.squall(&["check", "suite", "--var", "paek=3"]),
        2,
        "no file of these has a variable `paek`",
    );
    let run = ["run", "suite/failover.yaml", "--sim", "--var", "fault=errors", "--var", "peak=50"];
    says(&folder.squall(&[&run[..], &["--var", "paek=3"]].concat()), 2, "did you mean `peak`?");
    says(&folder.squall(&["check", "suite", "--var", "paek"]), 2, "write `NAME=VALUE`");
    assert!(!folder.path("reports").exists(), "nothing was begun");
}

#[test]
fn a_mistake_in_a_fragment_is_told_there_for_people_and_for_programs() {
    let folder = suite("composed-mistake");
    let slo = folder.read("suite/fragments/slo.yaml").replace("success_rate", "succes_rate");
    folder.write("suite/fragments/slo.yaml", &slo);
    let ended = folder.squall(&["check", "suite"]);
    says(&ended, 2, "suite/fragments/slo.yaml:3:5");
    assert_eq!(
        ended.err.matches("no metric is called").count(),
        1,
        "once for all cases: {}",
        ended.err
    );
    says(
        &folder.squall(&["check", "suite", "--json"]),
        2,
        "\"file\": \"suite/fragments/slo.yaml\"",
    );
}

#[test]
fn plan_varies_a_value_of_a_case() {
    let folder = suite("composed-plan");
    let plan =
        ["plan", "suite/failover.yaml", "--var", "fault=errors", "--var", "peak=50", "--as-it-is"];
    let sweep = ["--sweep", "traffic.rate.1.ramp.to=40..60/20", "--seeds", "3"];
    let ended = folder.squall(&[&plan[..], &sweep].concat());
    says(&ended, 0, "traffic.rate.1.ramp.to");
}
