//! Comparisons of runs made by hand.

use super::*;
use crate::FileError;
use squall_determinism::{RandomStream, Seed, StreamPurpose};
use std::path::PathBuf;
use std::sync::LazyLock;

const TEXT: &str = include_str!("../../../../scenarios/viral-spike.yaml");

/// Runs of the seeds from `first`, each with these values of the figures.
fn set(figures: &[&str], first: u64, runs: &[Vec<RunFigure>]) -> RunSet {
    static SCENARIO: LazyLock<Scenario> =
        LazyLock::new(|| Scenario::read("viral-spike.yaml", TEXT).expect("it reads"));
    let scenario = &*SCENARIO;
    let named = figures.iter().map(|name| ComparedFigure::named(name, true).expect("a figure"));
    let runs = (first..).zip(runs).map(|(seed, values)| {
        let values = values.clone();
        MeasuredRun { seed, values, doubts: Vec::new() }
    });
    let runs: Vec<_> = runs.collect();
    RunSet {
        figures: named.collect(),
        asked: runs.len(),
        runs,
        ..RunSet::simulated(format!("from {first}"), scenario, Origin::default())
    }
}

/// Runs with these values of one figure.
fn of(figure: &str, first: u64, values: impl IntoIterator<Item = f64>) -> RunSet {
    let runs: Vec<_> = values.into_iter().map(|value| vec![RunFigure::Value(value)]).collect();
    set(&[figure], first, &runs)
}

fn only_row(reference: &RunSet, candidate: &RunSet) -> ComparedRow {
    let mut rows = compare_runs(reference, candidate, &[]).rows;
    assert_eq!(rows.len(), 1, "{rows:?}");
    rows.remove(0)
}

/// Values that spread evenly around a middle.
fn around(middle: f64, spread: f64, count: u32) -> impl Iterator<Item = f64> {
    (0..count).map(move |place| {
        // In an order that has nothing to do with the seeds.
        let step = (place * 37) % count;
        middle + spread * (f64::from(step) / f64::from(count - 1) - 0.5)
    })
}

#[test]
fn the_same_seeds_are_compared_in_pairs_and_others_by_their_means() {
    let reference = of("latency_p95", 7, around(1_000.0, 400.0, 59));
    let method = |first: u64, count: u32| {
        let candidate = of("latency_p95", first, around(1_000.0, 400.0, count));
        compare_runs(&reference, &candidate, &[]).method
    };
    assert_eq!(method(7, 59), ComparisonMethod::Paired(59));
    assert_eq!(method(7, 236), ComparisonMethod::Paired(59));
    assert_eq!(method(30, 59), ComparisonMethod::Paired(36), "most of the seeds are in both");
    assert_eq!(method(60, 59), ComparisonMethod::Unpaired(59, 59));
    assert_eq!(method(1_007, 236), ComparisonMethod::Unpaired(59, 59), "as many of each");
    let live = RunSet { mode: Mode::Live, ..of("latency_p95", 7, around(1_000.0, 400.0, 59)) };
    assert_eq!(compare_runs(&reference, &live, &[]).method, ComparisonMethod::Unpaired(59, 59));
}

/// 30 ms are lost in a spread of 400 ms, and plain in pairs: the margin of 105 ms is stated as 10 ms.
#[test]
fn pairs_find_what_the_noise_of_the_traffic_hides() {
    let reference = of("latency_p95", 7, around(1_000.0, 400.0, 59));
    let slower = |first| of("latency_p95", first, around(1_030.0, 400.0, 59));
    let margins = ["latency_p95=10ms".parse().expect("a margin")];
    let outcome = |candidate: &RunSet| compare_runs(&reference, candidate, &margins).overall;
    assert_eq!(outcome(&slower(7)), ComparisonOutcome::Regressed);
    assert_eq!(outcome(&slower(1_007)), ComparisonOutcome::Inconclusive);
}

#[test]
fn worse_is_lower_for_one_figure_and_higher_for_another_and_neither_for_a_share_of_attempts() {
    let moved = |figure: &str, by: f64| {
        let reference = of(figure, 7, around(0.5, 0.01, 59));
        only_row(&reference, &of(figure, 7, around(0.5 + by, 0.01, 59))).outcome
    };
    assert_eq!(moved("success_rate", -0.2), ComparisonOutcome::Regressed);
    assert_eq!(moved("success_rate", 0.2), ComparisonOutcome::Improved);
    assert_eq!(moved("wasted_tokens", 0.2), ComparisonOutcome::Regressed);
    assert_eq!(moved("wasted_tokens", -0.2), ComparisonOutcome::Improved);
    assert_eq!(moved("attempt_share(eu)", 0.2), ComparisonOutcome::Changed);
    assert_eq!(moved("attempt_share(eu)", 0.005), ComparisonOutcome::NoDifference);
}

#[test]
fn no_difference_takes_59_runs_and_an_interval_within_the_margin() {
    let with = |count, spread| {
        let reference = of("success_rate", 7, around(0.98, 0.0, count));
        only_row(&reference, &of("success_rate", 7, around(0.98, spread, count)))
    };
    assert_eq!(with(59, 0.001).outcome, ComparisonOutcome::NoDifference);
    let few = with(58, 0.001);
    assert_eq!(few.outcome, ComparisonOutcome::Inconclusive);
    assert_eq!(
        few.reason,
        "the interval is within the margin so far (0.3 points), but 58 pairs of runs are too few: 59 are required for \
         a statement about 95% of all runs"
    );
    let noisy = with(59, 0.1);
    assert_eq!(noisy.outcome, ComparisonOutcome::Inconclusive);
    assert_eq!(
        noisy.reason,
        "the interval reaches beyond the margin of 0.3 points: more runs would tell"
    );
    assert!(!noisy.is_not_worse);
}

#[test]
fn a_single_run_tells_nothing_and_a_few_say_how_many_it_takes() {
    let with = |count: u32| {
        let runs = |middle: f64, first| {
            let set =
                of("latency_p95", first, around(middle, 10.0, count.max(2)).take(count as usize));
            RunSet { mode: Mode::Live, ..set }
        };
        only_row(&runs(1_000.0, 7), &runs(2_000.0, 7))
    };
    let single = with(1);
    assert_eq!((single.outcome, single.interval), (ComparisonOutcome::Inconclusive, None));
    assert!(
        single.reason.starts_with("one run each: a single run cannot tell"),
        "{}",
        single.reason
    );
    // Of three and three, one of 20 ways to tell them apart is theirs; of four and four, one of 70.
    assert_eq!(with(2).outcome, ComparisonOutcome::Inconclusive);
    assert!(
        with(2).reason.ends_with("too few to rule out chance: 4 of each could"),
        "{}",
        with(2).reason
    );
    assert_eq!(
        [with(3), with(4)].map(|row| row.outcome),
        [ComparisonOutcome::Inconclusive, ComparisonOutcome::Regressed]
    );
}

#[test]
fn what_never_came_counts_as_long_as_the_run() {
    let reference = of("failover_time(eu)", 7, around(1_000.0, 100.0, 59));
    let runs: Vec<_> = (0..59)
        .map(|seed| vec![if seed % 4 == 0 { RunFigure::Never } else { RunFigure::Value(1_000.0) }])
        .collect();
    let row = only_row(&reference, &set(&["failover_time(eu)"], 7, &runs));
    assert_eq!((row.candidate.never, row.outcome), (15, ComparisonOutcome::Regressed));
    // 44 of a second and 15 of 90.
    assert_eq!(row.candidate.mean, Some((44.0 * 1_000.0 + 15.0 * 90_000.0) / 59.0));
    assert!(row.reason.ends_with("; never in 15 runs, 0 of the reference"), "{}", row.reason);
}

#[test]
fn a_figure_that_many_runs_cannot_tell_is_inconclusive_whatever_the_others_say() {
    let with = |unknown: usize| {
        let reference = of("recovery_time(eu)", 7, around(1_000.0, 0.0, 100));
        let runs: Vec<_> = (0..100)
            .map(|seed| {
                vec![if seed < unknown { RunFigure::Unknown } else { RunFigure::Value(1_000.0) }]
            })
            .collect();
        only_row(&reference, &set(&["recovery_time(eu)"], 7, &runs))
    };
    assert_eq!((with(5).outcome, with(5).reference.runs), (ComparisonOutcome::NoDifference, 95));
    assert_eq!(with(6).outcome, ComparisonOutcome::Inconclusive);
    assert_eq!(with(6).reason, "could not be measured in 6 of 100 runs of the candidate");
    assert_eq!(with(100).outcome, ComparisonOutcome::Inconclusive);
    // What neither of a pair can tell makes no difference between them.
    let runs: Vec<_> = (0..100)
        .map(|seed| vec![if seed < 41 { RunFigure::Unknown } else { RunFigure::Value(1_000.0) }])
        .collect();
    let same = set(&["recovery_time(eu)"], 7, &runs);
    let row = only_row(&same, &same);
    assert_eq!((row.outcome, row.reference.unknown), (ComparisonOutcome::NoDifference, 41));
}

#[test]
fn an_invalid_or_partial_run_is_left_out_and_told() {
    let reference = of("success_rate", 7, around(0.98, 0.001, 60));
    let mut candidate = reference.clone();
    candidate.runs[3].doubts = vec!["interrupted at 12 s".to_owned()];
    candidate.asked = 100;
    let comparison = compare_runs(&reference, &candidate, &[]);
    assert_eq!(comparison.method, ComparisonMethod::Paired(59));
    assert_eq!(
        comparison.notes,
        [
            "`from 7`: 1 of 60 runs are invalid or partial and left out: interrupted at 12 s",
            "`from 7` is partial: interrupted after 60 of 100 runs",
            "`from 7`: 59 of 60 runs are compared, those of seeds that both have, or as many as the other has",
        ]
    );
}

/// 0.4 % of all draws lie so far out: of one figure that is a regression (2.5 %), of forty it is none (0.06 %).
#[test]
fn false_alarms_are_controlled_over_all_figures_of_a_command() {
    let reference = of("latency_p95", 7, around(1_000.0, 400.0, 59));
    let candidate = of("latency_p95", 1_007, around(1_165.0, 400.0, 59));
    let alone = compare_runs(&reference, &candidate, &[]);
    let p = alone.rows[0].p_regressed.expect("it can be told");
    assert!((0.000_7..0.025).contains(&p), "{p}");
    assert_eq!(alone.overall, ComparisonOutcome::Regressed);
    let quiet = compare_runs(&reference, &reference, &[]);
    let mut all = vec![quiet; 40];
    all.push(alone);
    control_comparisons(&mut all);
    assert_eq!(all[40].overall, ComparisonOutcome::Inconclusive);
    let reason = &all[40].rows[0].reason;
    assert!(
        reason.ends_with("is no evidence among so many figures: more runs would tell"),
        "{reason}"
    );
}

#[test]
fn other_traffic_phases_and_faults_bar_a_comparison_and_another_router_is_what_is_compared() {
    let reference = of("success_rate", 7, [0.98]);
    let with = |from: &str, to: &str| {
        assert!(TEXT.contains(from), "{from}");
        let text = Some(TEXT.replace(from, to));
        conditions_differ(&reference, &RunSet { text, ..reference.clone() })
    };
    let traffic = with("rps: 20 }", "rps: 40 }");
    assert_eq!(traffic.barred.len(), 1, "{traffic:?}");
    assert!(traffic.barred[0].starts_with("traffic.rate"), "{traffic:?}");
    assert!(with("spike: 20s..38s", "spike: 21s..38s").barred[0].starts_with("phases"));
    assert!(with("error: 503", "error: 500").barred[0].starts_with("providers.openai-eu.faults"));
    let router = with("cap: 8s", "cap: 9s");
    assert_eq!(router.barred, Vec::<String>::new());
    assert_eq!(router.changed.len(), 1, "{router:?}");
    let expected = with("success_rate >= 99%", "success_rate >= 98%");
    assert_eq!((expected.barred.len(), expected.notes.len()), (0, 1), "{expected:?}");
    assert_eq!(with("seed: 7", "seed: 8"), RunConditions::default());
}

#[test]
fn values_are_read_back_as_they_were_written() -> Result<(), FileError> {
    let folder = tempfile::tempdir().expect("a folder");
    let runs = [
        vec![RunFigure::Value(0.123_456_789), RunFigure::Never],
        vec![RunFigure::Unknown, RunFigure::Value(1_200.0)],
    ];
    let mut set = set(&["success_rate during calm", "failover_time(eu)"], 7, &runs);
    set.runs[1].doubts = vec!["the driver lagged".to_owned()];
    set.origin.settings = vec!["router.retries=0".to_owned()];
    write_stored_runs(folder.path(), std::slice::from_ref(&set))?;
    let read = read_stored_runs(folder.path(), "from 7").expect("it can be read");
    assert_eq!(read, Some(vec![set]));
    Ok(())
}

#[test]
fn values_that_were_cut_off_edited_or_written_by_another_version_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path: PathBuf = folder.path().join("values.json");
    let set = of("success_rate", 7, [0.98, 0.97]);
    write_stored_runs(folder.path(), &[set]).expect("it writes");
    let whole = std::fs::read_to_string(&path).expect("it is there");
    let refused = |text: &str| {
        std::fs::write(&path, text).expect("it writes");
        read_stored_runs(folder.path(), "A").expect_err("it is refused").to_string()
    };
    for end in (0..whole.len() - 2).step_by(97) {
        let problem = refused(&whole[..end]);
        assert!(problem.contains("is not as squall writes it: EOF"), "{problem}");
    }
    let other = whole.replace("\"schema_version\":1", "\"schema_version\":2");
    assert!(refused(&other).contains("is of form 2, written by squall"));
    let edited = whole.replace("[0.98,0.97]", "[0.98]");
    assert!(refused(&edited).contains("has 2 seeds and 1 values of `success_rate`"));
    std::fs::remove_file(&path).expect("it is there");
    assert_eq!(read_stored_runs(folder.path(), "A").expect("there is none"), None);
}

/// Figures as runs have them: nearly normal, skewed, of rare events, and of shares close to a whole.
fn draw(stream: &mut RandomStream, figure: usize) -> f64 {
    let uniform = stream.unit();
    match figure % 4 {
        0 => (0..12).map(|_| stream.unit()).sum(),
        1 => (-uniform.ln()).powi(2),
        2 => {
            if uniform < 0.05 {
                40.0
            } else {
                0.0
            }
        }
        _ => 1.0 - 0.01 * uniform.powi(6),
    }
}

/// Two sides that are alike, 400 times, of twelve figures each and without any margin, which is the hardest: at a rate of
/// 5 % twenty of them call something that is nothing; 33 come once in 300 such tests.
#[test]
fn two_sides_that_are_alike_are_called_different_no_more_often_than_stated() {
    let names = ["latency_p50", "latency_p95", "users_lost(a)", "wasted_tokens"];
    let names: Vec<_> =
        (0..12).map(|place| format!("{} during {place}", names[place % 4])).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let margins: Vec<_> =
        ["latency_p50=0ms", "latency_p95=0ms", "users_lost=0", "wasted_tokens=0%"]
            .iter()
            .map(|text| text.parse().expect("a margin"))
            .collect();
    for (first, runs) in [(7, 59), (1_007, 59), (1_007, 236)] {
        let calls = (0..400).filter(|&attempt| {
            let mut stream = Seed::new(attempt).stream(StreamPurpose::named("a test"), first, 0);
            let mut side = |first: u64, runs: usize| {
                let values: Vec<_> = (0..runs)
                    .map(|_| {
                        (0..12).map(|place| RunFigure::Value(draw(&mut stream, place))).collect()
                    })
                    .collect();
                set(&names, first, &values)
            };
            let (reference, candidate) = (side(7, 59), side(first, runs));
            let rows = compare_runs(&reference, &candidate, &margins).rows;
            rows.iter().any(|row| {
                matches!(row.outcome, ComparisonOutcome::Regressed | ComparisonOutcome::Improved)
            })
        });
        let calls = calls.count();
        assert!(calls <= 33, "{calls} of 400, {runs} runs from seed {first}");
    }
}
