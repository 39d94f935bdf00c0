//! The forms of what is printed: `--json`, `--quiet`, `--color`, completions and man pages.

use crate::squall::{Folder, viral_spike};
use serde_json::Value;

/// The one document on standard output.
fn document(out: &str) -> Value {
    serde_json::from_str(out).unwrap_or_else(|error| panic!("{error}: {out}"))
}

#[test]
fn a_run_gives_one_document_with_its_verdict_and_exit_code() {
    let folder = Folder::new("forms-run");
    folder.write("viral-spike.yaml", &viral_spike());
    let ended = folder.squall(&["run", "viral-spike.yaml", "--sim", "--json", "--out", "out"]);
    let given = document(&ended.out);
    assert_eq!((given["exit_code"].as_i64(), ended.code), (Some(0), 0), "{}", ended.err);
    assert_eq!(given["command"], "run");
    assert_eq!(given["result"]["summary"], document(&folder.read("out/summary.json")));
    assert_eq!(given["result"]["summary"]["verdict"], "met");
    assert!(given.get("error").is_none());
    let replayed = document(&folder.squall(&["replay", "out", "--json"]).out);
    assert!(replayed["result"]["replayed"]["inputs"].as_u64() > Some(1_000), "{replayed}");
}

#[test]
fn a_missed_expectation_is_in_the_exit_code_alone_where_quiet_is_asked_for() {
    let folder = Folder::new("forms-quiet");
    folder.write("viral-spike.yaml", &viral_spike());
    let met = folder.squall(&["run", "viral-spike.yaml", "--sim", "--quiet"]);
    assert_eq!((met.code, met.out.as_str(), met.err.as_str()), (0, "", ""));
    let hard = viral_spike().replace("failover_time(eu) <= 2s", "failover_time(eu) <= 50ms");
    folder.write("hard.yaml", &hard);
    let missed = folder.squall(&["-q", "run", "hard.yaml", "--sim"]);
    assert_eq!((missed.code, missed.out.as_str(), missed.err.as_str()), (1, "", ""));
}

#[test]
fn each_mistake_of_a_file_has_its_place_in_the_document() {
    let folder = Folder::new("forms-mistakes");
    let text = viral_spike().replace("weight: 6", "wieght: 6");
    folder.write("bad.yaml", &text);
    let ended = folder.squall(&["check", "bad.yaml", "--json", "--quiet"]);
    let given = document(&ended.out);
    assert_eq!((given["exit_code"].as_i64(), ended.code), (Some(2), 2));
    let problem = &given["error"]["problems"][0];
    assert!(problem["message"].as_str().is_some_and(|text| text.contains("wieght")), "{given}");
    let line = text.lines().position(|line| line.contains("wieght")).expect("it is there") + 1;
    assert_eq!(problem["line"].as_u64(), Some(line as u64));
    assert_eq!(given["error"]["file"], "bad.yaml");
    assert!(ended.err.contains("wieght"), "people are told as well: {}", ended.err);
}

#[test]
fn what_a_command_is_there_to_write_is_written_however_quiet_it_is() {
    let folder = Folder::new("forms-product");
    for kind in
        ["scenario", "gateway", "mock", "checklist", "summary", "check-summary", "comparison"]
    {
        let schema = document(&folder.squall(&["schema", kind, "--quiet"]).out);
        assert_eq!(schema["title"], format!("Squall {kind}"));
        let wrapped = document(&folder.squall(&["schema", kind, "--json"]).out);
        assert_eq!(wrapped["result"]["schema"], schema);
    }
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = folder.squall(&["completions", shell]);
        assert_eq!(script.code, 0, "{}", script.err);
        for command in ["rehearse", "completions", "json"] {
            assert!(script.out.contains(command), "{shell} has no {command}");
        }
    }
}

#[test]
fn every_command_has_a_man_page() {
    let folder = Folder::new("forms-man");
    let one = folder.squall(&["man"]);
    assert!(one.out.contains(".TH squall 1"), "{}", one.out);
    let all = document(&folder.squall(&["man", "--out", "man", "--json"]).out);
    let files = all["result"]["files"].as_array().expect("a list").len();
    let written = std::fs::read_dir(folder.path("man")).expect("it is there").count();
    assert_eq!(files, written);
    for page in ["squall.1", "squall-run.1", "squall-mock-inject.1"] {
        assert!(folder.read(&format!("man/{page}")).contains(".TH "), "{page}");
    }
}

#[test]
fn colour_is_as_asked_for() {
    let folder = Folder::new("forms-colour");
    folder.write("bad.yaml", &viral_spike().replace("weight: 6", "wieght: 6"));
    let err = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = folder.command(&[&["run", "bad.yaml", "--sim"], arguments].concat());
        command.env_remove("NO_COLOR").envs(variables.iter().copied());
        let output = command.output().expect("the binary can be run");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let escape = '\u{1b}';
    assert!(!err(&[], &[]).contains(escape), "a pipe has no colours");
    assert!(err(&["--color", "always"], &[]).contains(escape));
    assert!(
        err(&["--color", "always"], &[("NO_COLOR", "1")]).contains(escape),
        "what is typed wins"
    );
    assert!(err(&[], &[("CLICOLOR_FORCE", "1")]).contains(escape));
    assert!(!err(&["--color=never"], &[("CLICOLOR_FORCE", "1")]).contains(escape));
}
