//! Soft expectations over seeds: warnings, which are no part of what controls the false alarms of the others.

use super::*;
use crate::verdict::judge;
use squall_record::RequestOutcome;
use squall_testkit::by_hand::{FAILED, Fixture};

/// Runs of 59 seeds of which `bad` lost 25 of 1,000 requests and the others 2, held against `expect`.
fn judged(expect: &str, bad: usize) -> SeedsVerdict {
    let run = |failed: u32| {
        let mut run = Fixture::new();
        let (text, _) = run.scenario.text.split_once("\nexpect:").expect("it expects something");
        let text = format!("{text}\nexpect:\n{expect}");
        run.scenario = Scenario::read("by-hand.yaml", &text).expect("it reads");
        run.requests(0..100_000, u64::from(1_000 - failed), RequestOutcome::Succeeded);
        run.requests(0..100_000, failed.into(), FAILED);
        let verdict = judge(&run.scenario, &run.recording());
        (run.scenario, verdict)
    };
    let ((scenario, good), (_, worse)) = (run(2), run(25));
    let verdicts = (1..=59).map(|seed| {
        let of = if seed <= bad as u64 { &worse } else { &good };
        Verdict { seed, ..of.clone() }
    });
    let origin = Origin { path: "by-hand.yaml".to_owned(), ..Origin::default() };
    judge_seeds(&scenario, origin, &verdicts.collect::<Vec<_>>(), None)
}

const SOFT: &str = "  - success_rate >= 90%\n  - warn: success_rate >= 99%\n  - warn: p5 of success_rate over seeds >= 99%\n";

#[test]
fn what_most_seeds_miss_softly_is_warned_and_the_check_is_met() {
    let verdict = judged(SOFT, 30);
    assert_eq!((verdict.overall, verdict.warned()), (Judgement::Met, 2));
    let soft: Vec<_> = verdict.soft.iter().map(|row| (row.outcome(), row.judgement)).collect();
    assert_eq!(soft, [(RowOutcome::Warned, Judgement::Missed); 2]);
    assert!(
        verdict.soft[0].reason.starts_with("30 of 59 seeds missed it: 1, 2, 3, 4, 5, and 25 more")
    );
    insta::assert_snapshot!("soft_lines", check_lines(&verdict).join("\n"));
    insta::assert_snapshot!("soft_check_markdown", check_markdown(&[verdict]));
}

#[test]
fn what_a_few_seeds_leave_open_softly_draws_no_more_seeds_and_is_met() {
    let verdict = judged(SOFT, 3);
    assert_eq!((verdict.overall, verdict.warned()), (Judgement::Met, 2));
    assert_eq!(verdict.soft[0].judgement, Judgement::Inconclusive);
    assert!(!verdict.is_decidable_by(236));
}

#[test]
fn github_is_warned_and_the_files_say_warned() {
    let verdict = judged(SOFT, 30);
    let told = annotations(&verdict);
    assert_eq!(told.len(), 2, "{told:?}");
    let start = "::warning file=by-hand.yaml,line=33,title=by-hand%3A warned::success_rate >= 99%25: 30 of 59";
    assert!(told[0].starts_with(start), "{}", told[0]);
    let folder = std::env::temp_dir().join(format!("squall-soft-{}", std::process::id()));
    let paths = write_check(&folder, &[verdict]).expect("it writes");
    let read = |path: &std::path::Path| std::fs::read_to_string(path).expect("it is there");
    let (junit, summary) = (read(&paths.junit), read(&paths.summary));
    assert!(junit.contains("failures=\"0\" errors=\"0\""), "{junit}");
    assert!(junit.contains("<system-out>warned: 30 of 59 seeds missed it"), "{junit}");
    let summary: serde_json::Value = serde_json::from_str(&summary).expect("it is JSON");
    assert_eq!(summary["verdict"], "met");
    let row = &summary["scenarios"][0]["expectations"][1];
    assert_eq!((row["verdict"].as_str(), row["soft"].as_bool()), (Some("warned"), Some(true)));
    assert!(summary["scenarios"][0]["expectations"][0].get("soft").is_none());
    std::fs::remove_dir_all(folder).expect("it goes away");
}

/// Eight of 59 are no false alarm for one expectation (0.89 % is below 2.5 %), and may be one among three (0.83 %).
#[test]
fn soft_expectations_make_no_other_harder_to_miss() {
    let hard = "  - success_rate >= 99%\n";
    let two = "success_rate >= 1%\n";
    let overall = |expect: String| judged(&expect, 8).overall;
    assert_eq!(overall(hard.to_owned()), Judgement::Missed);
    assert_eq!(overall(format!("{hard}  - {two}  - {two}")), Judgement::Inconclusive);
    assert_eq!(overall(format!("{hard}  - warn: {two}  - warn: {two}")), Judgement::Missed);
    // And the other way round.
    let soft = judged(&format!("  - warn: success_rate >= 99%\n  - {two}  - {two}"), 8);
    assert_eq!((soft.overall, soft.soft[0].judgement), (Judgement::Met, Judgement::Missed));
}

#[test]
fn a_check_of_soft_expectations_alone_is_inconclusive() {
    let verdict = judged("  - warn: success_rate >= 90%\n", 0);
    assert_eq!(verdict.overall, Judgement::Inconclusive);
    assert!(verdict.rows.is_empty() && verdict.warnings[0].contains("every expectation is soft"));
}
