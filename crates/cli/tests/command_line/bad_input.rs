//! Mistakes in a scenario: all of them at once, each at its place, and nothing started or written.

use crate::squall::{Ended, Folder, viral_spike};

/// Runs the shipped scenario with some of it replaced.
fn spoiled(test: &str, changes: &[(&str, &str)]) -> (Folder, Ended) {
    let folder = Folder::new(test);
    let mut text = viral_spike();
    for (from, to) in changes {
        assert!(text.contains(from), "the scenario has no `{from}`");
        text = text.replacen(from, to, 1);
    }
    folder.write("bad.yaml", &text);
    let ended = folder.squall(&["run", "bad.yaml", "--sim"]);
    (folder, ended)
}

#[track_caller]
fn refused(test: &str, changes: &[(&str, &str)]) -> String {
    let (folder, ended) = spoiled(test, changes);
    assert_eq!(ended.code, 2, "{}{}", ended.out, ended.err);
    assert_eq!(folder.names(), ["bad.yaml"], "something was written");
    assert!(ended.out.is_empty(), "{}", ended.out);
    ended.err
}

#[test]
fn an_unknown_field() {
    insta::assert_snapshot!(refused("field", &[("arrivals: poisson", "arivals: poisson")]));
}

#[test]
fn a_wrong_unit() {
    insta::assert_snapshot!(refused("unit", &[("itl: 20ms", "itl: 20")]));
}

#[test]
fn a_name_that_no_one_defined() {
    insta::assert_snapshot!(refused("name", &[("provider: openai-us", "provider: openai-su")]));
}

#[test]
fn a_phase_outside_the_run() {
    let changes = [("phases: {", "duration: 60s\nphases: {")];
    insta::assert_snapshot!(refused("phase", &changes));
}

#[test]
fn a_weight_below_zero() {
    insta::assert_snapshot!(refused("weight", &[("weight: 6", "weight: -1")]));
}

#[test]
fn a_key_twice() {
    insta::assert_snapshot!(refused("twice", &[("seed: 7", "seed: 7\nseed: 8")]));
}

#[test]
fn several_at_once() {
    let changes =
        [("stream: 70%", "stream: 170%"), ("weight: 3", "wieght: 3"), ("peak: 200", "peak: -5")];
    insta::assert_snapshot!(refused("several", &changes));
}

#[test]
fn a_file_that_is_not_there() {
    let ended = Folder::new("not-there").squall(&["run", "nowhere.yaml", "--sim"]);
    assert_eq!(ended.code, 2);
    assert!(ended.err.contains("cannot read `nowhere.yaml`"), "{}", ended.err);
}

/// What no machine holds is refused before anything is begun, with its numbers, its place and what to do.
#[test]
fn traffic_that_the_machine_cannot_hold() {
    let spike = "spike: { peak: 200, rise: 4s, decay: { exponent: 1.4, scale: 12s } }";
    let told = refused("rate", &[("rps: 20", "rps: 99999999"), (spike, "rps: 1")]);
    // 20 s at the one rate, 70 s at the other.
    let starts = "error: this machine cannot hold it: about 2,000,000,050 requests take about ";
    assert!(told.starts_with(starts), "{told}");
    assert!(told.contains(" of memory, and ") && told.contains(" are available"), "{told}");
    assert!(told.contains("--> bad.yaml:") && told.contains("rps: 99999999"), "{told}");
    assert!(told.contains(" in 90 s") && told.contains("`--allow-large`"), "{told}");
}

#[test]
fn every_command_that_simulates_refuses_what_it_cannot_hold() {
    let folder = Folder::new("large");
    folder.write("large.yaml", &viral_spike().replacen("peak: 200", "peak: 99999999", 1));
    for name in ["rollout.yaml", "checklists/rollout.yaml"] {
        let path = format!("{}/../../scenarios/{name}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).expect("it is shipped");
        std::fs::create_dir_all(folder.path("checklists")).expect("the folder can be made");
        folder.write(name, &text.replace("\nrate: 50", "\nrate: 99999999"));
    }
    let before = folder.names();
    for command in [
        &["check", "large.yaml"][..],
        &["plan", "large.yaml", "--vary", "traffic.peak"],
        &["rehearse", "checklists/rollout.yaml"],
    ] {
        let ended = folder.squall(command);
        assert_eq!(ended.code, 2, "{command:?}: {}{}", ended.out, ended.err);
        assert!(ended.err.contains("this machine cannot hold it: about "), "{}", ended.err);
        assert!(ended.err.contains("rate") && ended.err.contains("--allow-large"), "{}", ended.err);
        assert_eq!(folder.names(), before, "something was written");
    }
}

#[test]
fn a_year_is_refused_and_what_fits_is_run_without_a_word() {
    let folder = Folder::new("year");
    folder.write("a.yaml", &viral_spike());
    let ended = folder.squall(&["run", "a.yaml", "--sim"]);
    assert_eq!((ended.code, ended.err.contains("this is large")), (0, false), "{}", ended.err);
    // A year has a billion requests, and cells of 31,536,000 s.
    let text = viral_spike();
    let (head, rest) = text.split_once("\nphases:").expect("phases");
    let (_, rest) = rest.split_once("\ntraffic:").expect("traffic");
    let (rest, _) = rest.split_once("\nexpect:").expect("expectations");
    let year = format!("{head}\nduration: 8760h\ntraffic:{rest}\nexpect: [ success_rate >= 1% ]\n");
    folder.write("year.yaml", &year);
    let ended = folder.squall(&["check", "year.yaml"]);
    assert_eq!(ended.code, 2, "{}", ended.err);
    assert!(ended.err.contains(" in 31536000 s"), "{}", ended.err);
}
