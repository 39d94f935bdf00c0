//! LiteLLM configurations: imported, and rehearsed.

use crate::squall::Folder;

const FILES: [(&str, &str); 3] = [
    ("azure.yaml", include_str!("../../../litellm/tests/files/azure-and-openai.yaml")),
    ("usage.yaml", include_str!("../../../litellm/tests/files/usage-and-budgets.yaml")),
    ("latency.yaml", include_str!("../../../litellm/tests/files/latency-and-policies.yaml")),
];
const BROKEN: &str = include_str!("../../../litellm/tests/files/broken.yaml");

#[test]
fn an_import_prints_the_file_and_reports_beside_it() {
    let folder = Folder::new("import");
    folder.write("azure.yaml", FILES[0].1);
    let ended = folder.squall(&["import", "litellm", "azure.yaml"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(ended.out.contains("strategy: rpm_proportional"), "{}", ended.out);
    assert!(!ended.out.contains("settings:"), "{}", ended.out);
    let last = ended.err.lines().last().unwrap_or_default();
    let counts = "37 settings of routing: 22 exact, 13 approximate, 2 not supported; 3 others";
    assert_eq!(last, counts);
    assert!(!ended.err.contains("sk-example"), "{}", ended.err);
    assert_eq!(folder.names(), ["azure.yaml"]);
}

#[test]
fn a_broken_file_is_shown_and_nothing_is_printed() {
    let folder = Folder::new("import-broken");
    folder.write("broken.yaml", BROKEN);
    let commands: [&[&str]; 2] =
        [&["import", "litellm", "broken.yaml"], &["init", "--from", "litellm", "broken.yaml"]];
    for command in commands {
        let ended = folder.squall(command);
        assert_eq!(ended.code, 2);
        assert!(ended.out.is_empty(), "{}", ended.out);
        assert!(ended.err.contains("error: 9 problems in `broken.yaml`"), "{}", ended.err);
        assert_eq!(folder.names(), ["broken.yaml"]);
    }
}

#[test]
fn a_scenario_around_each_file_runs_at_once() {
    for (name, text) in FILES {
        for profile in ["squall", "litellm-1.80", "litellm"] {
            let folder = Folder::new(&format!("init-{name}-{profile}"));
            folder.write(name, text);
            let init = ["init", "--from", "litellm", name, "--out", "drills/day.yaml"];
            let ended = folder.squall(&[&init[..], &["--profile", profile]].concat());
            assert_eq!(ended.code, 0, "{}", ended.err);
            assert!(ended.err.contains(" settings of routing: "), "{}", ended.err);
            let last = ended.err.lines().last().unwrap_or_default();
            assert_eq!(last, "next: squall run --sim drills/day.yaml");
            let ended = folder.squall(&["run", "--sim", "drills/day.yaml", "--out", "out"]);
            assert!(ended.code <= 1, "{name} by {profile}: {}{}", ended.out, ended.err);
            let inline = [&init[..5], &["inline.yaml", "--inline", "--profile", profile]].concat();
            assert_eq!(folder.squall(&inline).code, 0);
            let inline = folder.squall(&["run", "--sim", "inline.yaml", "--out", "inline"]);
            assert!(inline.code <= 1, "{name} by {profile}: {}{}", inline.out, inline.err);
            // What was run can be run again from its recording alone.
            std::fs::remove_file(folder.path(name)).expect("it is there");
            let again = folder.squall(&["replay", "out"]);
            assert_eq!(again.code, ended.code, "{}{}", again.out, again.err);
        }
    }
}

#[test]
fn a_scenario_is_not_overwritten_unless_asked() {
    let folder = Folder::new("init-twice");
    folder.write("azure.yaml", FILES[0].1);
    let init = ["init", "--from", "litellm", "azure.yaml", "--inline"];
    assert_eq!(folder.squall(&init).code, 0);
    folder.write("scenarios/azure-drill.yaml", "mine");
    let ended = folder.squall(&init);
    assert_eq!(ended.code, 2);
    assert!(ended.err.contains("`--force` overwrites it"), "{}", ended.err);
    assert_eq!(folder.read("scenarios/azure-drill.yaml"), "mine");
    assert_eq!(folder.squall(&[&init[..], &["--force"]].concat()).code, 0);
    assert!(folder.read("scenarios/azure-drill.yaml").contains("deployments:"));
}
