//! Many runs to one verdict: runs made by hand.

use super::*;
use crate::verdict::judge;
use squall_record::RequestOutcome;
use squall_testkit::by_hand::{FAILED, Fixture};

const EXPECT: &str = "
  - success_rate >= 99%
  - p50 of success_rate over seeds >= 97%
  - p5 of success_rate over seeds >= 97%
";

/// A run of the seed in which so many of 1,000 requests failed.
fn run(seed: u64, failed: u32) -> (Scenario, Verdict) {
    let mut run = Fixture::new();
    let (text, _) = run.scenario.text.split_once("\n  - success_rate").expect("it expects that");
    run.scenario = Scenario::read("by-hand.yaml", &format!("{text}{EXPECT}")).expect("it reads");
    run.requests(0..100_000, u64::from(1_000 - failed), RequestOutcome::Succeeded);
    run.requests(0..100_000, failed.into(), FAILED);
    run.header.seed = seed;
    let verdict = judge(&run.scenario, &run.recording());
    (run.scenario, verdict)
}

/// Runs of the seeds from 1, each with so many failures.
fn judged(failed: &[u32], baseline: Option<&Baseline>) -> SeedsVerdict {
    // Runs that are alike differ by their seeds alone.
    let mut made = std::collections::BTreeMap::new();
    let verdict = |(seed, &failed)| {
        let (_, verdict): &(Scenario, Verdict) =
            made.entry(failed).or_insert_with(|| run(seed, failed));
        Verdict { seed, ..verdict.clone() }
    };
    let verdicts: Vec<_> = (1..).zip(failed).map(verdict).collect();
    let origin = Origin { path: "by-hand.yaml".to_owned(), ..Origin::default() };
    judge_seeds(&run(1, 2).0, origin, &verdicts, baseline)
}

fn told(verdict: &SeedsVerdict, row: usize) -> (Judgement, &str) {
    (verdict.rows[row].judgement, &verdict.rows[row].reason)
}

#[test]
fn fifty_nine_runs_that_meet_it_speak_for_95_of_100() {
    let verdict = judged(&[2; 59], None);
    assert_eq!(verdict.overall, Judgement::Met);
    let reason = "all 59 seeds met it; the closest is seed 1 with 99.8%";
    assert_eq!(told(&verdict, 0), (Judgement::Met, reason));
    let reason = "p5 is at least 99.8% with 95% confidence, from 59 seeds";
    assert_eq!(told(&verdict, 2), (Judgement::Met, reason));
}

#[test]
fn fewer_runs_say_nothing_of_those_that_were_not_made() {
    let verdict = judged(&[2; 58], None);
    assert_eq!(verdict.overall, Judgement::Inconclusive);
    let reason = "all 58 seeds met it, but 59 are required for a statement about 95% of all runs";
    assert_eq!(told(&verdict, 0), (Judgement::Inconclusive, reason));
    let reason = "58 seeds cannot bound p5: 59 are required";
    assert_eq!(told(&verdict, 2), (Judgement::Inconclusive, reason));
}

#[test]
fn a_few_runs_that_miss_are_named_with_how_far_they_missed_and_leave_it_open() {
    let mut failed = [2; 59];
    (failed[4], failed[9]) = (25, 14);
    let verdict = judged(&failed, None);
    let reason = "2 of 59 seeds missed it: 5, 10; the worst is seed 5 with 97.5%, 1.5 points under the \
                  limit (failed: 25 server); open whether 95% of all runs meet it: 124 seeds of which \
                  no other misses it would show that";
    assert_eq!(told(&verdict, 0), (Judgement::Inconclusive, reason));
    assert_eq!(verdict.rows[0].missed, [5, 10]);
    // 1 − 0.95⁵⁹ − 59 · 0.05 · 0.95⁵⁸.
    let p_value = verdict.rows[0].doubt.as_ref().expect("there is some").p_value;
    assert!((p_value - 0.800_9).abs() < 5e-5, "{p_value}");
}

#[test]
fn with_more_seeds_a_few_that_miss_it_are_few_enough() {
    let with = |bad: usize, seeds: usize| {
        let mut failed = vec![2; seeds];
        failed[..bad].fill(25);
        judged(&failed, None).rows[0].judgement
    };
    // Tables of order statistics (Wilks): the worst of 59, the second worst of 93, the third worst of 124.
    assert_eq!([with(0, 58), with(0, 59)], [Judgement::Inconclusive, Judgement::Met]);
    assert_eq!([with(1, 92), with(1, 93)], [Judgement::Inconclusive, Judgement::Met]);
    assert_eq!([with(2, 123), with(2, 124)], [Judgement::Inconclusive, Judgement::Met]);
}

#[test]
fn a_seed_that_cannot_tell_counts_as_one_that_may_have_missed() {
    let with = |seeds: u64| {
        let runs: Vec<_> = (1..=seeds).map(|seed| run(seed, 2)).collect();
        let mut verdicts: Vec<_> = runs.iter().map(|(_, verdict)| verdict.clone()).collect();
        let row = &mut verdicts[3].rows[0];
        row.judgement = Judgement::Inconclusive;
        row.reason = "19 requests, but at least 20 are required".to_owned();
        row.measurement = crate::Measurement::Inconclusive { reason: row.reason.clone() };
        judge_seeds(&runs[0].0, Origin::default(), &verdicts, None)
    };
    let reason = "seed 4: 19 requests, but at least 20 are required; 93 seeds could leave it out";
    assert_eq!(told(&with(59), 0), (Judgement::Inconclusive, reason));
    let reason = "92 of 93 seeds met it, and 1 cannot tell; the closest is seed 1 with 99.8%";
    assert_eq!(told(&with(93), 0), (Judgement::Met, reason));
}

/// A check of a hundred expectations, all of which hold for 95 % of all runs and no more, may call one missed in 20
/// checks: each row by itself would in three of them.
#[test]
fn false_alarms_are_controlled_over_all_expectations_of_a_check() {
    let bad = |bad: usize| {
        let mut failed = [2; 59];
        failed[..bad].fill(25);
        judged(&failed, None)
    };
    let missed = |verdicts: &[SeedsVerdict]| {
        let of = |verdict: &SeedsVerdict| verdict.rows[0].judgement == Judgement::Missed;
        verdicts.iter().map(of).collect::<Vec<_>>()
    };
    // Of three rows, nine misses of 59 are more than chance explains: P(Bin(59, 5 %) ≥ 9) = 0.25 %, eight come in 0.89 %,
    // and 2.5 % ÷ 3 is 0.83 %.
    assert_eq!(missed(&[bad(8), bad(9)]), [false, true]);
    let mut check = vec![bad(0); 99];
    check.extend([bad(9), bad(11), bad(12)]);
    control_false_alarms(&mut check);
    // Of 306 rows it takes twelve, which come in 0.003 %: 2.5 % ÷ 306 is 0.008 %, and eleven come in 0.015 %.
    assert_eq!(missed(&check[99..]), [false, false, true]);
    assert_eq!(check[100].overall, Judgement::Inconclusive);
}

#[test]
fn a_median_that_became_worse_is_worse_than_the_baseline() {
    let runs: Vec<_> = (1..60).map(|seed| run(seed, if seed == 1 { 9 } else { 1 })).collect();
    let verdicts: Vec<_> = runs.iter().map(|(_, verdict)| verdict.clone()).collect();
    let baseline = Baseline::of(&runs[0].0, &verdicts).expect("59 are enough");
    assert_eq!((baseline.expectations[0].bound, baseline.expectations[0].median), (0.991, 0.999));
    // No run is as bad as the worst one was, and most are three times as bad as the median.
    let verdict = judged(&[3; 59], Some(&baseline));
    assert_eq!(verdict.rows[3].judgement, Judgement::Met);
    assert_eq!(
        (verdict.rows[4].claim, verdict.rows[4].judgement),
        (Claim::BaselineMedian, Judgement::Missed)
    );
    let reason = "worse than the baseline of 59 seeds: p50 is at most 99.7% with 95% confidence, from 59 seeds";
    assert_eq!(verdict.rows[4].reason, reason);
    assert!(check_lines(&verdict)[1].contains("(baseline, median: >= 99.79%)"));
}

#[test]
fn a_quantile_is_missed_when_that_is_sure_and_open_when_it_is_not() {
    let with = |bad: usize| {
        let mut failed = [2; 59];
        failed[..bad].fill(50);
        judged(&failed, None).rows[2].judgement
    };
    // Of 59 and of three expectations, nine or more below a limit say that p5 is below it; one to eight say nothing.
    assert_eq!(
        [0, 1, 8, 9].map(with),
        [Judgement::Met, Judgement::Inconclusive, Judgement::Inconclusive, Judgement::Missed]
    );
}

#[test]
fn a_baseline_forgives_a_draw_and_not_a_change_for_the_worse() {
    let runs: Vec<_> = (1..60).map(|seed| run(seed, 1)).collect();
    let verdicts: Vec<_> = runs.iter().map(|(_, verdict)| verdict.clone()).collect();
    let baseline = Baseline::of(&runs[0].0, &verdicts).expect("59 are enough");
    assert_eq!(baseline.expectations[0].bound, 0.999);

    let verdict = judged(&[1; 59], Some(&baseline));
    assert_eq!((verdict.rows.len(), verdict.overall), (9, Judgement::Met));
    // 99.9 % less a tenth of what was lost and a tenth of a point.
    assert_eq!(verdict.rows[3].limit, ">= 99.79%");

    let mut failed = [1; 59];
    failed[..6].fill(9);
    assert_eq!(judged(&failed, Some(&baseline)).overall, Judgement::Met);
    let verdict = judged(&[6; 59], Some(&baseline));
    assert_eq!(verdict.rows[0].judgement, Judgement::Met, "99.4 % is above what is written");
    assert_eq!(verdict.rows[3].judgement, Judgement::Missed);
    let reason = "worse than the baseline of 59 seeds: p5 is at most 99.4% with 95% confidence, from 59 \
                  seeds";
    assert_eq!(verdict.rows[3].reason, reason);
}

#[test]
fn github_is_told_the_file_the_line_and_why() {
    let mut failed = [2; 59];
    failed[4..24].fill(25);
    let told = annotations(&judged(&failed, None));
    let starts = "::error file=by-hand.yaml,line=";
    assert!(told[0].starts_with(starts), "{}", told[0]);
    assert!(
        told[0].contains("title=by-hand%3A missed::success_rate >= 99%25: 20 of 59"),
        "{}",
        told[0]
    );
}

#[test]
fn what_was_met_until_an_interruption_is_not_met_and_a_miss_stays_one() {
    let verdict = judged(&[2; 80], None).of_asked(100);
    assert_eq!(verdict.overall, Judgement::Inconclusive);
    let reason =
        "interrupted after 80 of 100 seeds: all 80 seeds met it; the closest is seed 1 with 99.8%";
    assert_eq!(told(&verdict, 0), (Judgement::Inconclusive, reason));
    assert_eq!(verdict.count(Judgement::Met), 0, "a quantile is not met either");
    let line = "inconclusive  by-hand  0 of 3 over 80 seeds (1 to 80), interrupted (100 requested)";
    assert_eq!(check_lines(&verdict)[0], line);

    let mut failed = [2; 80];
    failed[4..24].fill(25);
    let verdict = judged(&failed, None).of_asked(100);
    assert_eq!(verdict.overall, Judgement::Missed);
    assert_eq!(judged(&[2; 80], None).of_asked(80), judged(&[2; 80], None), "it had ended by then");
}

#[test]
fn a_scenario_that_an_interrupted_check_did_not_come_to_is_inconclusive() {
    let (scenario, _) = run(1, 2);
    let verdict = judge_seeds(&scenario, Origin::default(), &[], None).of_asked(59);
    assert_eq!(verdict.overall, Judgement::Inconclusive);
    let reason = "interrupted after 0 of 59 seeds: no seed was run";
    assert_eq!(told(&verdict, 0), (Judgement::Inconclusive, reason));
}

#[test]
fn more_seeds_are_worth_it_where_they_can_decide_what_is_open() {
    let with = |bad: usize| {
        let mut failed = [2; 59];
        failed[..bad].fill(15);
        judged(&failed, None)
    };
    // One to six of 59 may be few enough of 236; seven are too many, and what is met or missed is decided.
    let decidable = [0, 1, 6, 7, 30].map(|bad| with(bad).is_decidable_by(236));
    assert_eq!(decidable, [false, true, true, false, false]);
    assert!(!with(1).is_decidable_by(92) && with(1).is_decidable_by(93));
}
