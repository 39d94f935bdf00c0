//! From measurements to a verdict and its words.

use super::*;
use crate::{junit, markdown, summary, terminal_table};
use squall_record::{JoinCounts, Lacked, Lag, RequestOutcome, RunEnd, TargetInfo};
use squall_testkit::by_hand::{FAILED, Fixture, at};

/// A run that meets success, failover and weights, and has too few requests for a p99 of its outage.
fn healthy() -> Fixture {
    let mut run = Fixture::new();
    run.weighted(0..20_000).first(0, 20_000..21_300, 16).first(1, 20_000..40_000, 400);
    run.weighted(40_000..100_000).requests(0..100_000, 2_000, RequestOutcome::Succeeded);
    run
}

/// As [`healthy`], with a p99 that can be measured.
fn met() -> Fixture {
    let mut run = healthy();
    run.requests(20_000..40_000, 1_000, RequestOutcome::Succeeded);
    run
}

fn judged(run: &Fixture) -> Verdict {
    judge(&run.scenario, &run.recording())
}

#[test]
fn all_met_is_met() {
    let verdict = judged(&met());
    assert_eq!(verdict.tally(), "4 of 4 expectations met");
    assert_eq!((verdict.overall, verdict.exit_code()), (Judgement::Met, 0));
}

#[test]
fn too_few_samples_are_never_met() {
    let verdict = judged(&healthy());
    assert_eq!((verdict.overall, verdict.exit_code()), (Judgement::Inconclusive, 3));
    let reason = &verdict.rows[3].reason;
    assert_eq!(reason, "400 successful requests, but at least 1,000 are required");
}

#[test]
fn a_miss_outweighs_what_is_inconclusive() {
    let mut run = healthy();
    run.requests(0..100_000, 100, FAILED);
    let verdict = judged(&run);
    assert_eq!((verdict.overall, verdict.exit_code()), (Judgement::Missed, 1));
    let reason = "95.23% under limit 99% over the whole run, from 2,100 requests; \
                  failed: 100 server";
    assert_eq!(verdict.rows[0].reason, reason);
}

#[test]
fn a_miss_in_a_phase_says_when_it_was() {
    let mut run = met();
    run.first(1, 0..20_000, 100);
    let reason = &judged(&run).rows[2].reason;
    let start = "86% under limit 97% between 0 s and 20 s, from 500 first attempts; a: 48%";
    assert!(reason.starts_with(start), "{reason}");
}

#[test]
fn what_an_interruption_cut_short_is_not_met() {
    let mut run = met();
    run.interrupted(at(90_000));
    let verdict = judged(&run);
    assert_eq!(verdict.rows[0].judgement, Judgement::Inconclusive);
    assert!(verdict.rows[0].reason.ends_with("; the run was interrupted at 90 s"));
    assert_eq!(verdict.rows[2].judgement, Judgement::Met, "calm was over by then");
    assert_eq!(verdict.exit_code(), 3);
}

#[test]
fn a_driver_that_lagged_leaves_nothing_to_be_met() {
    let mut run = met();
    let lag = |millis| {
        let late = Duration::from_millis(millis);
        Some(Lag { p50: late, p99: late, max: late })
    };
    run.header.lag = lag(5);
    assert_eq!(judged(&run).exit_code(), 0);
    run.header.lag = lag(20);
    let verdict = judged(&run);
    assert_eq!(verdict.exit_code(), 3);
    assert!(
        verdict.validity_problems[0].starts_with("the driver lagged"),
        "{:?}",
        verdict.validity_problems
    );
}

#[test]
fn what_was_missed_for_want_of_descriptors_is_nobodys_miss_and_the_want_is_named() {
    let mut run = healthy();
    run.requests(0..100_000, 100, FAILED);
    run.header.lacked = Lacked { file_descriptors: 31, file_limit: Some(128), ..Lacked::default() };
    let verdict = judged(&run);
    assert_eq!((verdict.overall, verdict.exit_code()), (Judgement::Inconclusive, 3));
    assert!(verdict.rows[0].reason.ends_with("; the run ran out of file descriptors"));
    let problem = &verdict.validity_problems[0];
    assert!(problem.contains("(limit of the process: 128)"), "{problem}");
    assert!(problem.contains("31 connections") && problem.contains("ulimit -n"), "{problem}");
}

#[test]
fn a_miss_of_a_lagging_driver_is_no_miss() {
    let mut run = healthy();
    run.requests(0..100_000, 100, FAILED);
    let late = Duration::from_millis(200);
    run.header.lag = Some(Lag { p50: late, p99: late, max: late });
    assert_eq!(judged(&run).exit_code(), 3);
}

#[test]
fn a_miss_that_an_interruption_leaves_open_is_no_miss_and_one_that_was_over_is() {
    let mut run = met();
    run.first(1, 0..20_000, 100).requests(0..100_000, 100, FAILED);
    run.interrupted(at(90_000));
    let verdict = judged(&run);
    assert_eq!(verdict.rows[0].judgement, Judgement::Inconclusive, "{:?}", verdict.rows[0]);
    assert_eq!(verdict.rows[2].judgement, Judgement::Missed, "calm was over by then");
}

#[test]
fn a_window_is_open_while_a_request_of_it_was_under_way_at_the_end() {
    let mut run = met();
    run.requests(19_000..20_000, 1, RequestOutcome::Unfinished);
    run.interrupted(at(90_000));
    assert_eq!(judged(&run).rows[2].judgement, Judgement::Inconclusive);
}

#[test]
fn what_a_killed_run_has_not_written_is_open() {
    let mut run = met();
    run.header.ended = RunEnd::Killed { at: at(90_000), torn: 2 };
    let mut recording = run.recording();
    recording.requests.sort_by_key(|row| row.intended);
    (0..).zip(&mut recording.requests).for_each(|(number, row)| row.request = number);
    let verdict = judge(&run.scenario, &recording);
    assert_eq!(verdict.rows[2].judgement, Judgement::Met, "calm was over, and all of it is there");
    assert_eq!(verdict.exit_code(), 3);
    assert!(verdict.validity_problems[0].starts_with("the run was interrupted at 90 s of 100 s"));
    assert!(verdict.validity_problems[0].ends_with("2 truncated lines are skipped"));
    // One of calm is missing: it was under way, or its row was not written yet.
    recording.requests.remove(7);
    let verdict = judge(&run.scenario, &recording);
    assert_eq!(verdict.rows[2].judgement, Judgement::Inconclusive);
}

#[test]
fn a_value_at_its_limit_meets_it_unless_it_must_be_beyond() {
    let limit = MetricValue::Fraction(0.3);
    let value = MetricValue::Fraction(0.1 + 0.2);
    let holds = |comparison| side(comparison, value, limit).holds;
    assert!(holds(Comparison::AtLeast) && holds(Comparison::AtMost) && holds(Comparison::Equal));
    assert!(!holds(Comparison::Above) && !holds(Comparison::Below));
}

/// A run of another gateway, which asked `a` so often in the outage, in which connections were refused.
fn of_a_target() -> Fixture {
    let mut run = met();
    run.header.target = Some(TargetInfo {
        name: "nginx".to_owned(),
        version: Some("1.22.1".to_owned()),
        cpu: Some(Duration::from_secs(3)),
        peak_memory: Some(18 << 20),
        cpu_of_others: Some(Duration::from_secs(9)),
        cpu_idle: Some(Duration::from_secs(20)),
        died: None,
        join: JoinCounts {
            attempts: 200,
            header: 150,
            prompt: 180,
            unknown: 20,
            ..JoinCounts::default()
        },
        has_own_providers: false,
    });
    run
}

#[test]
fn what_rests_on_attempts_is_not_met_where_refused_connections_are_in_no_log() {
    let verdict = judged(&of_a_target());
    let judgements: Vec<_> = verdict.rows.iter().map(|row| row.judgement).collect();
    // What clients saw, and what was before the fault, is as certain as ever.
    let open = Judgement::Inconclusive;
    assert_eq!(judgements, [Judgement::Met, open, Judgement::Met, Judgement::Met]);
    let reason = &verdict.rows[1].reason;
    let why = "; connections that north refused are in no log of this target, so the value is a lower bound";
    assert!(reason.ends_with(why), "{reason}");
    assert_eq!(
        judged(&met()).rows[1].judgement,
        Judgement::Met,
        "the built-in gateway tells of them"
    );
}

#[test]
fn a_lower_bound_over_its_limit_is_missed() {
    let mut run = of_a_target();
    run.first(0, 21_300..30_000, 200);
    let verdict = judged(&run);
    assert_eq!(verdict.rows[1].judgement, Judgement::Missed, "{}", verdict.rows[1].reason);
}

#[test]
fn of_a_target_with_its_own_providers_only_what_clients_saw_is_judged() {
    let mut run = of_a_target();
    if let Some(target) = &mut run.header.target {
        (target.has_own_providers, target.join) = (true, JoinCounts::default());
    }
    let verdict = judged(&run);
    assert!(verdict.validity_problems.is_empty(), "{:?}", verdict.validity_problems);
    assert_eq!(verdict.rows[0].judgement, Judgement::Met, "{}", verdict.rows[0].reason);
    let unknown = &verdict.rows[1];
    assert_eq!(unknown.judgement, Judgement::Inconclusive, "{}", unknown.reason);
    assert!(unknown.reason.ends_with("so its attempts are unknown"), "{}", unknown.reason);
    run.first(0, 21_300..30_000, 200);
    let unknown = &judged(&run).rows[1];
    assert_eq!(unknown.judgement, Judgement::Inconclusive, "not even a lower bound decides");
}

#[test]
fn a_run_that_was_aborted_says_what_ended_it() {
    let mut run = met();
    run.interrupted(at(90_000));
    run.header.ended = RunEnd::Aborted { at: at(90_000) };
    let verdict = judged(&run);
    let told =
        "the run was aborted at 90 s of 100 s, since more requests failed than `abort_when` allows";
    assert_eq!(verdict.validity_problems[0], told);
    assert_eq!(verdict.exit_code(), 3);
}

#[test]
fn a_target_that_ended_is_why_the_run_did() {
    let mut run = of_a_target();
    run.interrupted(at(90_000));
    if let Some(target) = &mut run.header.target {
        target.died = Some((at(89_500), "it exited with code 1".to_owned()));
    }
    let verdict = judged(&run);
    let problem = &verdict.validity_problems[0];
    assert_eq!(problem, "the target ended at 89.5 s of 100 s: it exited with code 1");
    assert_eq!(verdict.exit_code(), 3);
}

#[test]
fn a_gateway_beside_busy_programs_is_not_judged_by_what_it_lacked() {
    let mut run = of_a_target();
    assert!(judged(&run).validity_problems.is_empty(), "9 s of CPU time in 100 s");
    let mut beside = |others, idle| {
        if let Some(target) = &mut run.header.target {
            target.cpu_of_others = Some(Duration::from_secs(others));
            target.cpu_idle = Some(Duration::from_secs(idle));
        }
        judged(&run)
    };
    assert!(beside(36, 60).validity_problems.is_empty(), "there was enough for all");
    let verdict = beside(36, 20);
    assert_eq!(verdict.exit_code(), 3);
    let problem = &verdict.validity_problems[0];
    assert!(problem.starts_with("other programs used 36% of a processor"), "{problem}");
}

#[test]
fn what_is_known_of_a_target_stands_beside_the_verdict() {
    let verdict = judged(&of_a_target());
    insta::assert_snapshot!(verdict.target.join("\n"));
    assert!(terminal_table(&verdict).contains("target: nginx 1.22.1; "));
    assert!(markdown(&verdict).contains("- target: nginx 1.22.1; "));
}

/// A run with a miss, an inconclusive expectation and a warning.
fn mixed() -> Fixture {
    let mut run = healthy();
    run.requests(0..100_000, 100, FAILED).requests(99_000..100_000, 3, RequestOutcome::Unfinished);
    run
}

#[test]
fn the_terminal_shows_a_table_and_why() {
    insta::assert_snapshot!(terminal_table(&judged(&mixed())));
}

#[test]
fn a_pull_request_shows_the_worst_first() {
    insta::assert_snapshot!(markdown(&judged(&mixed())));
}

#[test]
fn a_ci_reads_misses_as_failures_and_doubts_as_errors() {
    let mut run = mixed();
    // A miss in a phase that was over, and one that the interruption leaves open.
    run.first(1, 0..20_000, 100).interrupted(at(90_000));
    insta::assert_snapshot!(junit(&[judged(&run)]).unwrap());
}

#[test]
fn a_script_reads_the_summary() {
    let run = mixed();
    let summary = summary(&run.scenario, &run.recording(), &judged(&run));
    insta::assert_snapshot!(serde_json::to_string_pretty(&summary).unwrap());
}
