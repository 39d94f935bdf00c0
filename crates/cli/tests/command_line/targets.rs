//! `--target`: what is said of one that there is not, that is no target, or that does not come up.

use crate::squall::{Ended, Folder, viral_spike};

fn run(test: &str, target: &str, files: &[(&str, &str)]) -> (Folder, Ended) {
    let folder = Folder::new(test);
    folder.write("spike.yaml", &viral_spike());
    files.iter().for_each(|(name, text)| folder.write(name, text));
    let ended = folder.squall(&["run", "spike.yaml", "--target", target, "--out", "out"]);
    (folder, ended)
}

#[test]
fn a_name_that_is_no_target_is_told_with_those_that_are() {
    let (folder, ended) = run("no-such-target", "ngnix", &[]);
    assert_eq!(ended.code, 2, "{}", ended.err);
    assert!(ended.err.contains("`ngnix` is neither a ready-made target (nginx,"), "{}", ended.err);
    assert_eq!(folder.names(), ["spike.yaml"], "something was written");
}

#[test]
fn a_target_is_called_on_this_machine_by_plain_http() {
    let (_, ended) = run("remote-target", "http://10.0.0.1:4000/v1", &[]);
    assert_eq!(ended.code, 4, "{}", ended.err);
    assert!(ended.err.contains("is not on this machine"), "{}", ended.err);
    let (_, ended) = run("https-target", "https://127.0.0.1:9/v1", &[]);
    assert_eq!(ended.code, 4, "{}", ended.err);
    assert!(ended.err.contains("called by plain HTTP on this machine"), "{}", ended.err);
}

#[test]
fn a_target_file_for_other_providers_names_the_one_that_is_missing() {
    let text = "url: http://127.0.0.1:${port}/v1\nstart: { command: [gateway, '${provider.azure.url}'] }\n";
    let (folder, ended) = run("other-providers", "target.yaml", &[("target.yaml", text)]);
    assert_eq!(ended.code, 2, "{}", ended.err);
    let told = "the target `target` names the provider `azure`, which the scenario does not have: it has openai-eu";
    assert!(ended.err.contains(told), "{}", ended.err);
    assert!(!folder.path("out").join("target").exists(), "nothing was started");
}

#[test]
fn mistakes_in_a_target_file_are_told_with_their_places() {
    let text = "url: http://127.0.0.1:${prt}/v1\nstrat: {}\n";
    let (_, ended) = run("bad-target", "target.yaml", &[("target.yaml", text)]);
    assert_eq!(ended.code, 2, "{}", ended.err);
    assert!(
        ended.err.contains("target.yaml:1:6") && ended.err.contains("`${prt}`"),
        "{}",
        ended.err
    );
    assert!(ended.err.contains("did you mean `start`?"), "{}", ended.err);
}

#[test]
fn a_target_that_does_not_come_up_leaves_its_log_and_can_be_tried_again() {
    let text = "url: http://127.0.0.1:${port}/v1\nstart: { command: [sh, -c, 'echo bad config; exit 9'] }\n";
    let (folder, ended) = run("dead-target", "target.yaml", &[("target.yaml", text)]);
    assert_eq!(ended.code, 4, "{}", ended.err);
    assert!(ended.err.contains("it exited with code 9"), "{}", ended.err);
    assert!(ended.err.contains("| bad config"), "{}", ended.err);
    assert!(folder.path("out").join("target").join("target.log").exists());
    let again = folder.squall(&["run", "spike.yaml", "--target", "target.yaml", "--out", "out"]);
    assert_eq!(again.code, 4, "the folder of the first try is no obstacle: {}", again.err);
}

#[test]
fn a_simulation_has_no_target() {
    let folder = Folder::new("simulated-target");
    folder.write("spike.yaml", &viral_spike());
    let ended = folder.squall(&["run", "spike.yaml", "--sim", "--target", "nginx"]);
    assert_eq!(ended.code, 2, "{}", ended.err);
}

#[test]
fn a_check_against_a_target_has_no_seeds() {
    let folder = Folder::new("seeds-and-target");
    folder.write("spike.yaml", &viral_spike());
    let ended = folder.squall(&["check", "spike.yaml", "--target", "nginx", "--seeds", "5"]);
    assert_eq!(ended.code, 2, "{}", ended.err);
    let ended = folder.squall(&["check", "spike.yaml", "--target", "ngnix"]);
    assert_eq!(ended.code, 2, "{}", ended.err);
    assert!(ended.err.contains("neither a ready-made target"), "{}", ended.err);
    assert_eq!(folder.names(), ["spike.yaml"], "something was written");
}
