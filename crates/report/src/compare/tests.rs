//! Comparisons of runs made by hand, as files.

use super::*;
use squall_judge::{Origin, RunSet, compare_runs};
use squall_record::RequestOutcome;
use squall_testkit::by_hand::{FAILED, Fixture};
use std::fs;

/// A run in which so many of 1,000 requests of the first ten seconds failed.
fn run(failed: u64) -> Fixture {
    let mut run = Fixture::new();
    run.requests(0..10_000, 1_000 - failed, RequestOutcome::Succeeded);
    run.requests(0..10_000, failed, FAILED);
    run
}

fn side(label: &str, run: &Fixture, runs: usize) -> (RunSet, ComparedCurves) {
    let recording = run.recording();
    let mut set = RunSet::recorded(label.to_owned(), &run.scenario, &recording, Origin::default());
    let first = set.runs[0].clone();
    set.runs.extend(
        (1..runs as u64)
            .map(|seed| squall_judge::MeasuredRun { seed: first.seed + seed, ..first.clone() }),
    );
    let bins = curve_bins(&run.scenario, &recording);
    (set, ComparedCurves::new(label.to_owned(), &run.scenario, vec![bins; runs]))
}

fn files(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("it is there").flatten();
    let mut names: Vec<_> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn bins_hold_what_a_run_did() {
    let run = run(250);
    let bins = curve_bins(&run.scenario, &run.recording());
    let sum = |of: fn(&CurveBin) -> u32| bins.iter().map(of).sum::<u32>();
    assert_eq!((sum(|bin| bin.arrived), sum(|bin| bin.succeeded)), (1_000, 750));
    let (_, curves) = side("A", &run, 3);
    let failed = curves.line(|bins| {
        let sum = |of: fn(&CurveBin) -> u32| bins.iter().map(|bin| f64::from(of(bin))).sum::<f64>();
        (sum(|bin| bin.arrived) > 0.0)
            .then(|| 1.0 - sum(|bin| bin.succeeded) / sum(|bin| bin.arrived))
    });
    let (at, first) = failed[0];
    assert_eq!(at, curves.width as f64 / 2.0);
    assert!((first.expect("requests arrived") - 0.25).abs() < 0.05, "{first:?}");
    assert!(failed.last().expect("there are bins").1.is_none(), "nothing arrived at the end");
}

#[test]
fn a_comparison_leaves_a_page_with_every_chart_and_a_file_of_each() {
    let ((before, before_curves), (after, after_curves)) =
        (side("main", &run(10), 59), side("branch", &run(400), 59));
    let comparisons = [compare_runs(&before, &after, &[])];
    let dir = std::env::temp_dir().join(format!("squall-compare-{}", std::process::id()));
    let _ = fs::remove_dir_all(&dir);
    let paths = write_comparison(&dir, &comparisons, &[before_curves, after_curves]).unwrap();
    let expected = [
        "compare-attempts.png",
        "compare-attempts.svg",
        "compare-failures.png",
        "compare-failures.svg",
        "compare-latency.png",
        "compare-latency.svg",
        "compare.html",
        "compare.json",
        "compare.md",
        "differences.png",
        "differences.svg",
    ];
    assert_eq!(files(&dir), expected);
    let page = fs::read_to_string(paths.html).unwrap();
    assert!(page.contains("regressed") && page.contains("success_rate"));
    // Each chart in a wide and a narrow form.
    assert_eq!(page.matches("<svg ").count(), 8);
    assert!(page.contains("main (59 runs)") && page.contains("branch (59 runs)"));
    assert!(!page.contains("<script") && !page.contains("http://") && !page.contains("https://"));
    let svg = fs::read_to_string(dir.join("compare-failures.svg")).unwrap();
    assert!(svg.contains("main (59 runs)") && svg.contains("40%"), "the axis reaches the failures");
    fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn single_runs_have_no_intervals_to_draw_and_a_check_that_kept_figures_alone_no_curves() {
    let ((before, curves), (after, _)) = (side("A", &run(10), 1), side("B", &run(400), 1));
    let comparisons = [compare_runs(&before, &after, &[])];
    let dir = std::env::temp_dir().join(format!("squall-compare-one-{}", std::process::id()));
    let _ = fs::remove_dir_all(&dir);
    write_comparison(&dir, &comparisons, &[curves]).unwrap();
    assert_eq!(files(&dir), ["compare.html", "compare.json", "compare.md"]);
    fs::remove_dir_all(&dir).unwrap();
}
