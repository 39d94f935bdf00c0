//! Signals in the middle of simulated runs: what was run is told, marked, and never met, and every file is whole.

use crate::interrupt::{LONG, interrupted};
use crate::squall::{Ended, Folder, viral_spike};
use std::collections::BTreeSet;
use std::process::{Command, Stdio};

/// More seeds than anybody waits for.
const MANY: &str = "100000";

fn json(folder: &Folder, path: &str) -> serde_json::Value {
    serde_json::from_str(&folder.read(path)).expect("it is JSON")
}

#[test]
fn a_check_judges_the_seeds_that_were_run_and_meets_nothing() {
    for signal in ["INT", "TERM"] {
        let folder = Folder::new(&format!("interrupt-check-{signal}"));
        std::fs::create_dir_all(folder.path("all")).expect("the folder can be made");
        folder.write("all/one.yaml", &viral_spike());
        folder.write("all/two.yaml", &viral_spike().replace("name: viral-spike", "name: two"));
        let arguments = ["check", "all", "--seeds", MANY, "--bless"];
        let ended = interrupted(&folder, signal, "2 scenarios", &arguments);
        assert_eq!(ended.code, 3, "{}{}", ended.out, ended.err);
        assert!(ended.err.contains("interrupted: judging the "), "{}", ended.err);
        assert!(ended.err.contains("no baseline was written"), "{}", ended.err);
        assert!(ended.out.contains(", interrupted (100,000 requested)"), "{}", ended.out);
        assert!(ended.out.contains("0 of 2 scenarios met"), "{}", ended.out);
        let summary = json(&folder, "reports/check/summary.json");
        for scenario in summary["scenarios"].as_array().expect("there are two") {
            assert_eq!(scenario["interrupted"], true, "{scenario:#}");
            assert_eq!(scenario["verdict"], "inconclusive", "{scenario:#}");
        }
        let junit = folder.read("reports/check/junit.xml");
        assert!(junit.contains("<error message=\"interrupted after "), "{junit}");
        assert_eq!(folder.names(), ["all", "reports"]);
        assert!(!folder.path("all/one.baseline.json").exists(), "half a check blesses nothing");
    }
}

#[test]
fn a_plan_tells_how_far_its_search_had_come() {
    let folder = Folder::new("interrupt-plan");
    folder.write("spike.yaml", &viral_spike());
    let arguments = ["plan", "spike.yaml", "--vary", "traffic.peak", "--seeds", MANY];
    // With so many seeds the first value takes for ever.
    let ended = interrupted(&folder, "TERM", "testing ", &arguments);
    assert_eq!(ended.code, 3, "{}{}", ended.out, ended.err);
    assert!(ended.out.contains("Interrupted: the last answer"), "{}", ended.out);
    assert!(ended.out.contains("unknown"), "{}", ended.out);
    let plan = json(&folder, "reports/viral-spike/plan/plan.json");
    assert_eq!(plan["interrupted"], true);
    assert_eq!(plan["answers"].as_array().map(Vec::len), Some(1), "{plan:#}");
    assert_eq!(plan["answers"][0]["met_up_to"], serde_json::Value::Null, "{plan:#}");
    assert!(folder.read("reports/viral-spike/plan/plan.html").contains("Interrupted: "));
}

const ROLLOUT: &str = "
name: long
duration: 60s
traffic: { group: old, rate: 20, prompt_tokens: 10, output_tokens: 5, client: { timeout: 20s } }
providers:
  one: { ttft: 100ms, itl: 10ms }
router:
  groups:
    old: { deployments: [ { name: old, provider: one } ] }
    new: { deployments: [ { name: new, provider: one } ] }
";

#[test]
fn a_rehearsal_signs_off_what_it_came_to_and_is_not_ready() {
    let folder = Folder::new("interrupt-rehearse");
    folder.write("long.yaml", ROLLOUT);
    folder.write(
        "checklist.yaml",
        "name: long\nscenario: long.yaml\nfrom: old\nto: new\nitems:\n  - baseline: { dwell: 5m }\n  - step: { share: 50% }\n",
    );
    let arguments = ["rehearse", "checklist.yaml", "--seeds", MANY];
    let ended = interrupted(&folder, "INT", "2 items", &arguments);
    assert_eq!(ended.code, 3, "{}{}", ended.out, ended.err);
    assert!(ended.out.contains("not reached    step to 50%"), "{}", ended.out);
    assert!(ended.out.contains("Not shown to be ready"), "{}", ended.out);
    let sign_off = folder.read("reports/long/rehearsal/sign-off.md");
    assert!(sign_off.contains("; interrupted"), "{sign_off}");
}

/// What a run has left: every file that a run `like` it leaves is there as a whole, the recording can be read back, and
/// nothing else is there.
fn assert_whole(folder: &Folder, ended: &Ended, like: &str) {
    folder.write("small.yaml", like);
    folder.squall(&["run", "small.yaml", "--sim", "--out", "small"]);
    let names = |name: &str| {
        let entries = std::fs::read_dir(folder.path(name)).expect("the folder is there").flatten();
        entries.map(|entry| entry.file_name()).collect::<BTreeSet<_>>()
    };
    assert_eq!(names("out"), names("small"), "{}{}", ended.out, ended.err);
    assert!(folder.read("out/report.html").trim_end().ends_with("</html>"));
    let again = folder.squall(&["replay", "out"]);
    assert_eq!(again.digest(), ended.digest(), "{}", again.err);
}

#[test]
fn ctrl_c_in_a_simulated_run_keeps_what_was_simulated() {
    let folder = Folder::new("interrupt-sim");
    // Two million requests: seconds of work on any machine, and the signal comes as soon as it is promised to count.
    folder.write("long.yaml", &LONG.replace("0s..10m", "0s..20h"));
    let arguments = ["run", "long.yaml", "--sim", "--rows", "all", "--out", "out"];
    let ended = interrupted(&folder, "INT", "Ctrl-C stops", &arguments);
    assert_eq!(ended.code, 3, "{}{}", ended.out, ended.err);
    assert!(ended.err.contains("interrupted at "), "{}", ended.err);
    assert!(json(&folder, "out/summary.json")["interrupted_at_ms"].as_u64() > Some(0));
    assert_whole(&folder, &ended, &LONG.replace("0s..10m", "0s..1s"));
    std::fs::remove_dir_all(folder.path("out")).expect("it is large");
}

#[test]
fn ctrl_c_while_a_simulated_run_writes_lets_it_finish() {
    let folder = Folder::new("interrupt-sim-writes");
    folder.write("spike.yaml", &viral_spike());
    let arguments = ["run", "spike.yaml", "--sim", "--out", "out"];
    let child = folder
        .command(&arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary can be run");
    // The first file of the recording, or its first part.
    let begun = ["out/requests.csv", "out/requests.csv.tmp"];
    while !begun.iter().any(|name| folder.path(name).exists()) {
        std::thread::yield_now();
    }
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(sent.expect("kill is there").success());
    let ended = Ended::from(child.wait_with_output().expect("it ends"));
    let undisturbed = folder.squall(&["run", "spike.yaml", "--sim", "--out", "undisturbed"]);
    assert_eq!((ended.code, ended.digest()), (undisturbed.code, undisturbed.digest()));
    assert_whole(&folder, &ended, &viral_spike());
}
