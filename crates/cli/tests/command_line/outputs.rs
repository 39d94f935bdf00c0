//! Where a run writes, what it replaces there, and what becomes of files that were changed.

use crate::squall::{Folder, viral_spike};

#[test]
fn a_folder_that_cannot_take_the_report_is_refused_before_anything_is_run() {
    let folder = Folder::new("out-refused");
    folder.write("viral-spike.yaml", &viral_spike());
    let refused = |out: &str| {
        let ended = folder.squall(&["run", "viral-spike.yaml", "--sim", "--out", out]);
        assert_eq!(ended.code, 2, "{}{}", ended.out, ended.err);
        assert_eq!(ended.out, "", "{out}");
        assert!(!ended.err.contains("in virtual time"), "nothing was started: {}", ended.err);
        ended.err
    };
    std::fs::create_dir(folder.path("mine")).expect("it can be made");
    folder.write("mine/thesis.txt", "years of work");
    assert!(refused("mine").contains("it holds `thesis.txt` and no recording of squall's"));
    assert_eq!(folder.read("mine/thesis.txt"), "years of work");
    assert!(refused("viral-spike.yaml").contains("a file is in the way"));
    assert!(refused("viral-spike.yaml/out").contains("cannot write into"));
    let scenario =
        folder.squall(&["check", "viral-spike.yaml", "--seeds", "1", "--out", "mine/thesis.txt"]);
    assert_eq!(scenario.code, 2, "{}", scenario.err);
}

#[test]
fn an_earlier_run_is_kept_below_the_newest_and_can_be_compared_with_it() {
    let folder = Folder::new("out-kept");
    folder.write("viral-spike.yaml", &viral_spike());
    let run = |seed: &str| folder.squall(&["run", "viral-spike.yaml", "--sim", "--seed", seed]);
    let first = run("1");
    assert!(!first.err.contains("earlier"), "{}", first.err);
    let report = folder.read("reports/viral-spike/sim/report.html");
    let second = run("2");
    let kept = second.err.split_once("kept in ").expect("it is told").1;
    let kept = kept.lines().next().expect("a line");
    assert!(kept.starts_with("reports/viral-spike/sim/earlier/20"), "{kept}");
    assert_eq!(folder.read(&format!("{kept}/report.html")), report);
    assert_ne!(folder.read("reports/viral-spike/sim/report.html"), report);
    assert_eq!(folder.squall(&["replay", kept]).code, 0);
    let compared = folder.squall(&["compare", kept, "reports/viral-spike/sim"]);
    assert!(compared.out.contains("success_rate"), "{}{}", compared.out, compared.err);
}

#[test]
fn an_older_report_never_survives_beside_a_new_one() {
    let folder = Folder::new("out-replaced");
    folder.write("viral-spike.yaml", &viral_spike());
    let out = ["--out", "out", "--keep", "0"];
    let run = |seed: &str| {
        folder.squall(&[&["run", "viral-spike.yaml", "--sim", "--seed", seed], &out[..]].concat())
    };
    run("1");
    // What a run that was killed while it wrote its report leaves of the older one.
    folder.write("out/report.html", "of seed 1");
    folder.write("out/requests.csv.tmp", "half");
    let second = run("2");
    assert_eq!(second.code, 0, "{}{}", second.out, second.err);
    assert!(folder.read("out/report.html").len() > 1_000);
    assert!(!folder.path("out/requests.csv.tmp").exists());
    assert!(!folder.path("out/earlier").exists());
    assert!(second.err.contains("replaces the run of 20"), "{}", second.err);
}

#[test]
fn replay_names_the_file_that_was_changed() {
    let folder = Folder::new("replay-changed");
    folder.write("viral-spike.yaml", &viral_spike());
    folder.squall(&["run", "viral-spike.yaml", "--sim", "--out", "out"]);
    for name in ["requests.csv", "attempts.csv", "notes.csv"] {
        let text = folder.read(&format!("out/{name}"));
        let last = text.lines().last().expect("there are rows");
        folder.write(&format!("out/{name}"), text.trim_end_matches(&format!("{last}\n")));
        let ended = folder.squall(&["replay", "out"]);
        assert_eq!(ended.code, 5, "{}{}", ended.out, ended.err);
        assert!(ended.err.contains(&format!("{name}` was changed after the run")), "{}", ended.err);
        folder.write(&format!("out/{name}"), &text);
    }
    assert_eq!(folder.squall(&["replay", "out"]).code, 0, "as it was");
}

#[test]
fn a_run_is_written_as_openmetrics_beside_its_report_or_to_standard_output_alone() {
    let folder = Folder::new("openmetrics");
    folder.write("viral-spike.yaml", &viral_spike());
    folder.squall(&["run", "viral-spike.yaml", "--sim", "--out", "out"]);
    let report =
        |more: &[&str]| folder.squall(&[&["report", "out", "--openmetrics"], more].concat());

    let file = report(&["run.om"]);
    assert_eq!(file.code, 0, "{}{}", file.out, file.err);
    assert!(file.err.contains("OpenMetrics, a sample every 1 s: run.om"), "{}", file.err);
    let text = folder.read("run.om");
    assert!(text.ends_with("# EOF\n"));

    let alone = report(&["-", "--quiet"]);
    assert_eq!((alone.code, alone.out.trim_end()), (0, text.trim_end()));
    let document = report(&["-", "--json", "--step", "10s"]);
    let document: serde_json::Value = serde_json::from_str(&document.out).expect("it is JSON");
    let tenth = document["result"]["openmetrics"].as_str().expect("it is a field");
    assert!(tenth.ends_with("# EOF\n") && tenth.len() < text.len() / 5);

    let refused = report(&["gone/run.om"]);
    assert_eq!(refused.code, 4);
    assert!(refused.err.contains("cannot write `gone/run.om`: No such file"), "{}", refused.err);
    let step = report(&["run.om", "--step", "500ms"]);
    assert_eq!(step.code, 2);
    assert!(step.err.contains("expected whole seconds, such as `5s`"), "{}", step.err);
}
