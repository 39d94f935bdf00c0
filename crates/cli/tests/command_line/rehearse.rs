//! Rollouts, gone through to their sign-off.

use crate::squall::{Ended, Folder};

fn shipped(name: &str) -> String {
    let path = format!("{}/../../scenarios/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).expect("it is shipped")
}

fn folder(name: &str) -> Folder {
    let folder = Folder::new(name);
    std::fs::create_dir_all(folder.path("scenarios/checklists")).expect("the folder can be made");
    for name in ["rollout.yaml", "checklists/rollout.yaml", "checklists/rollout-short.yaml"] {
        folder.write(&format!("scenarios/{name}"), &shipped(name));
    }
    folder
}

fn rehearse(folder: &Folder, checklist: &str, arguments: &[&str]) -> Ended {
    let path = format!("scenarios/checklists/{checklist}.yaml");
    folder.squall(&[&["rehearse", &path][..], arguments].concat())
}

/// How each item came out, without those that nobody was asked about.
fn outcomes(ended: &Ended) -> Vec<&str> {
    let items = ended.out.lines().take_while(|line| !line.is_empty());
    let items = items.filter(|line| !line.starts_with([' ', 's']));
    items.map(|line| line.split("  ").next().unwrap_or_default()).collect()
}

#[test]
fn the_shipped_checklist_passes_and_leaves_something_to_sign() {
    let folder = folder("rehearse");
    // The long form takes as long as a test profile needs for forty million requests: half of it is enough.
    let checklist = shipped("checklists/rollout.yaml").replace("to: 2% }", "to: 5% }");
    folder.write("scenarios/checklists/rollout.yaml", &checklist);
    let ended = rehearse(&folder, "rollout", &[]);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    assert_eq!(outcomes(&ended), ["passed"; 8], "{}", ended.out);
    let conclusion =
        "Ready for the rollout once the skipped items are done. 8 of 14 items passed, 6 skipped.";
    assert!(ended.out.contains(conclusion), "{}", ended.out);
    let markdown = folder.read("reports/rollout/rehearsal/sign-off.md");
    assert!(markdown.contains("| owner of the feature |") && markdown.contains(conclusion));
    assert!(markdown.contains(
        "| met | `the rise can be detected` | 478 requests on the new path are required"
    ));
    assert_eq!(folder.read("reports/rollout/rehearsal/junit.xml").matches("<testcase").count(), 8);
    let page = folder.read("reports/rollout/rehearsal/sign-off.html");
    assert!(page.contains("Signatures") && page.contains("Reproduce: <code>squall run "));
}

#[test]
fn the_short_form_passes_in_virtual_time() {
    let folder = folder("rehearse-short");
    let ended = rehearse(&folder, "rollout-short", &[]);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    assert_eq!(outcomes(&ended), ["passed"; 6], "{}", ended.out);
}

#[test]
fn a_router_without_cooldowns_stops_at_the_static_checks() {
    let folder = folder("rehearse-static");
    let ended = rehearse(&folder, "rollout-short", &["--set", "router.groups.chat.cooldown=never"]);
    assert_eq!(ended.code, 1, "{}{}", ended.out, ended.err);
    assert_eq!(outcomes(&ended)[..3], ["FAILED", "not reached", "not reached"], "{}", ended.out);
    assert!(ended.out.contains("cooldown: cooldowns are off"), "{}", ended.out);
    assert!(
        ended.out.contains("Not ready: the rollout stops at “static checks of the configuration”.")
    );
}

#[test]
fn limits_too_small_for_what_is_left_stop_it_at_the_step_where_they_are_met() {
    let folder = folder("rehearse-step");
    // Without `static`, which would have seen it: 20 and 10 a second are left when the largest is gone.
    let checklist = "\
name: blind
scenario: ../rollout.yaml
from: direct
to: chat
detect: { from: 1%, to: 10% }
items:
  - step: { share: 25%, fault: { provider: openai-eu, for: 20s, error: 503 } }
  - step: { share: 50%, fault: { provider: openai-eu, for: 20s, error: 503 } }
  - step: { share: 100%, fault: { provider: openai-eu, for: 20s, error: 503 } }
  - manual: Nobody comes here.
";
    folder.write("scenarios/checklists/blind.yaml", checklist);
    let small = ["--set", "openai-us.rpm=1200", "--set", "anthropic.rpm=600"];
    let ended = rehearse(&folder, "blind", &small);
    assert_eq!(ended.code, 1, "{}{}", ended.out, ended.err);
    assert_eq!(outcomes(&ended), ["passed", "passed", "FAILED", "not reached"], "{}", ended.out);
    assert!(
        ended.out.contains("success_rate(new) >= 99%: 59 of 59 seeds missed it"),
        "{}",
        ended.out
    );
}

#[test]
fn a_dwell_that_is_too_short_is_not_called_passed() {
    let folder = folder("rehearse-dwell");
    let checklist = "\
name: hasty
scenario: ../rollout.yaml
from: direct
to: chat
items: [ step: { share: 5%, dwell: 5m } ]
";
    folder.write("scenarios/checklists/hasty.yaml", checklist);
    let ended = rehearse(&folder, "hasty", &[]);
    assert_eq!(ended.code, 3, "{}{}", ended.out, ended.err);
    assert!(ended.out.starts_with("cannot detect  step to 5%"), "{}", ended.out);
    assert!(
        ended.out.contains("4308 requests on the new path are required, and there were "),
        "{}",
        ended.out
    );
}

#[test]
fn a_checklist_with_mistakes_is_told_all_of_them_and_nothing_is_run() {
    let folder = folder("rehearse-bad");
    let bad = shipped("checklists/rollout-short.yaml").replace("share: 50%", "shore: 50%");
    folder.write("scenarios/checklists/bad.yaml", &bad);
    let ended = rehearse(&folder, "bad", &[]);
    assert_eq!((ended.code, ended.out.as_str()), (2, ""), "{}", ended.err);
    assert!(
        ended.err.contains("unknown key `shore`") && ended.err.contains("did you mean `share`?")
    );
}
