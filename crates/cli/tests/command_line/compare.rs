//! Runs against those of a reference.

use crate::squall::{Ended, Folder, viral_spike};
use serde_json::Value;

const WEAK: [&str; 4] = ["--set", "router.retries=0", "--set", "router.groups.chat.cooldown=never"];

fn folder(name: &str) -> Folder {
    let folder = Folder::new(name);
    folder.write("viral-spike.yaml", &viral_spike());
    folder
}

#[track_caller]
fn says(ended: &Ended, code: i32, words: &str) {
    assert_eq!(ended.code, code, "{}{}", ended.out, ended.err);
    assert!(ended.out.contains(words), "{}", ended.out);
}

#[track_caller]
fn refuses(ended: &Ended, words: &str) {
    assert_eq!(ended.code, 2, "{}{}", ended.out, ended.err);
    assert!(ended.err.contains(words) && !ended.err.contains("panicked"), "{}", ended.err);
}

fn comparison(folder: &Folder, out: &str) -> Value {
    let text = folder.read(&format!("{out}/compare.json"));
    serde_json::from_str(&text).expect("it is JSON")
}

fn figure<'c>(comparison: &'c Value, name: &str) -> &'c Value {
    let figures = comparison["comparisons"][0]["figures"].as_array().expect("a list");
    figures.iter().find(|figure| figure["figure"] == name).expect("the figure is there")
}

#[test]
fn a_weakened_router_has_regressed_with_an_interval_for_each_figure() {
    let folder = folder("compare-weak");
    let ended = folder.squall(&[&["compare", "viral-spike.yaml"][..], &WEAK].concat());
    says(&ended, 1, "paired by 59 seeds");
    says(&ended, 1, "verdict: REGRESSED (");
    says(&ended, 1, "router.groups.chat.retries: 2 in the reference, 0 in the candidate");
    let told = comparison(&folder, "reports/compare");
    assert_eq!(told["verdict"], "regressed");
    let success = figure(&told, "success_rate");
    let number = |value: &Value| value.as_f64().expect("a number");
    let (low, high) = (number(&success["interval"][0]), number(&success["interval"][1]));
    let difference = number(&success["difference"]);
    assert!(low < difference && difference < high && high < -0.05, "{success}");
    assert_eq!(success["verdict"], "regressed");
    assert_eq!(figure(&told, "failover_time(eu)")["candidate"]["never"], 59);
    let page = folder.read("reports/compare/compare.html");
    assert!(page.contains("figures regressed") && page.contains("failover_time(eu)"));
    let markdown = folder.read("reports/compare/compare.md");
    assert!(markdown.starts_with("### squall compare: REGRESSED\n"), "{markdown}");
    assert!(markdown.contains("| **regressed** | `success_rate` |"), "{markdown}");
}

#[test]
fn a_configuration_is_no_different_from_itself_and_other_seeds_are_not_paired() {
    let folder = folder("compare-same");
    folder.write("same.yaml", &viral_spike());
    let ended = folder.squall(&["compare", "viral-spike.yaml", "same.yaml", "--json"]);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    let document: Value = serde_json::from_str(&ended.out).expect("it is JSON");
    assert_eq!(document["result"]["comparison"]["verdict"], "no difference");
    let check = |seed: &str, out: &str| {
        let ended =
            folder.squall(&["check", "viral-spike.yaml", "--first-seed", seed, "--out", out, "-q"]);
        assert_eq!(ended.code, 0, "{}", ended.err);
    };
    check("1000", "a");
    check("2000", "b");
    let ended = folder.squall(&["compare", "a", "b", "--inconclusive", "warn"]);
    says(&ended, 0, "59 runs of the reference, 59 of the candidate");
    let told = comparison(&folder, "reports/compare");
    let verdicts = told["comparisons"][0]["figures"].as_array().expect("a list");
    assert!(verdicts.iter().all(|figure| figure["verdict"] != "regressed"), "{told}");
}

#[test]
fn a_check_is_held_against_an_earlier_one() {
    let folder = Folder::new("compare-against");
    let lenient = viral_spike().replace("failover_time(eu) <= 2s", "failover_time(eu) <= 5s");
    folder.write("viral-spike.yaml", &lenient);
    let met = folder.squall(&["check", "viral-spike.yaml", "--out", "main"]);
    assert_eq!(met.code, 0, "{}", met.err);
    let same = folder.squall(&["check", "viral-spike.yaml", "--against", "main"]);
    says(&same, 0, "viral-spike: reports/check against main, paired by 59 seeds");
    // Every expectation is still met, and failover takes longer.
    let slower = ["--set", "router.groups.chat.cooldown.failure.consecutive=20"];
    let margin = ["--margin", "failover_time=200ms", "--margin", "no_such=1"];
    let wrong =
        folder.squall(&[&["check", "viral-spike.yaml", "--against", "main"][..], &margin].concat());
    assert_eq!(wrong.code, 2, "{}", wrong.err);
    assert!(wrong.err.contains("no metric is called `no_such`"), "{}", wrong.err);
    let args = [&["check", "viral-spike.yaml", "--against", "main"][..], &slower, &margin[..2]];
    let ended = folder.squall(&args.concat());
    says(&ended, 1, "1 of 1 scenarios met their expectations");
    says(&ended, 1, "verdict: REGRESSED (");
    let mut command = folder.command(&args.concat());
    command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", folder.path("summary.md"));
    let ended: Ended = command.output().expect("it runs").into();
    let told = "::error file=viral-spike.yaml,title=viral-spike%3A regressed::";
    says(&ended, 1, told);
    assert!(folder.read("summary.md").contains("### squall compare: REGRESSED"));
}

#[test]
fn one_run_each_is_inconclusive_and_several_runs_in_a_folder_count_as_one_side() {
    let folder = folder("compare-runs");
    for (seed, out) in [("7", "a/1"), ("8", "a/2"), ("9", "b")] {
        folder.squall(&["run", "viral-spike.yaml", "--sim", "--seed", seed, "--out", out, "-q"]);
    }
    let ended = folder.squall(&["compare", "a/1", "b"]);
    says(&ended, 3, "one run each");
    says(&ended, 3, "a single run cannot tell a difference from the noise between runs");
    let ended = folder.squall(&["compare", "a", "b"]);
    says(&ended, 3, "2 runs of the reference, 1 of the candidate");
}

#[test]
fn runs_that_met_other_conditions_are_refused_with_what_differs() {
    let folder = folder("compare-other");
    let run = |text: &str, out: &str| {
        folder.write("scenario.yaml", text);
        folder.squall(&["run", "scenario.yaml", "--sim", "--out", out, "-q"]);
    };
    run(&viral_spike(), "a");
    run(&viral_spike().replace("rps: 20 }", "rps: 40 }"), "b");
    run(&viral_spike().replace("58s..90s", "58s..95s"), "c");
    refuses(&folder.squall(&["compare", "a", "b"]), "traffic.rate");
    refuses(&folder.squall(&["compare", "a", "c"]), "duration: 90 s in the reference, 95 s in `c`");
    let allowed = folder.squall(&["compare", "a", "b", "--allow-differences"]);
    says(&allowed, 3, "note: other conditions: traffic.rate");
}

#[test]
fn what_cannot_be_read_is_refused_and_never_panics() {
    let folder = folder("compare-bad");
    folder.squall(&["run", "viral-spike.yaml", "--sim", "--out", "a", "-q"]);
    folder.squall(&["run", "viral-spike.yaml", "--sim", "--out", "b", "-q"]);
    let compare = || folder.squall(&["compare", "a", "b"]);
    let rows = folder.read("b/requests.csv");
    folder.write("b/requests.csv", &rows[..rows.len() / 2]);
    refuses(&compare(), "b/requests.csv");
    folder.write("b/requests.csv", &rows.replacen("succeeded", "failed", 1));
    refuses(&compare(), "b/requests.csv");
    folder.write("b/requests.csv", &rows);
    let run = folder.read("b/run.json");
    for cut in [0, 1, run.len() / 3, run.len() - 3] {
        folder.write("b/run.json", &run[..cut]);
        refuses(&compare(), "b/run.json");
    }
    folder.write("b/run.json", &run);
    assert_eq!(compare().code, 3);
    refuses(&folder.squall(&["compare", "a", "nowhere"]), "cannot read `nowhere`");
    std::fs::create_dir(folder.path("empty")).expect("it can be made");
    refuses(&folder.squall(&["compare", "a", "empty"]), "`empty` holds no runs");
    refuses(&folder.squall(&["compare", "a"]), "`a` alone cannot be compared");
    folder.write("half.yaml", "name: half\ntraffic: {");
    refuses(&folder.squall(&["compare", "half.yaml", "viral-spike.yaml"]), "half.yaml");
    refuses(
        &folder.squall(&["compare", "a", "b", "--margin", "success_rate=lots"]),
        "expected percentage points, such as `0.5%`",
    );
}
