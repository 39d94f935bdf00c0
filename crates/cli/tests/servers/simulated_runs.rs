//! Signals in the middle of many simulated runs: what was run is told, marked, and never met.

use crate::interrupt::interrupted;
use crate::squall::{Folder, viral_spike};

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
