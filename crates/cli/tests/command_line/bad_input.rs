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
