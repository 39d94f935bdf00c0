//! Each rule with a call that breaks it, one that keeps it, and what lies at its thresholds.

use super::*;
use proptest::prelude::*;
use squall_failure::FailureClass;
use squall_record::{AttemptRow, BrokenAnswer, SeenBy};
use std::time::Duration;

const CUT: FailureClass = FailureClass::Cut;
const SERVER: FailureClass = FailureClass::Server;

/// An attempt from one moment to another, in milliseconds.
fn attempt(from_ms: u64, to_ms: u64, outcome: AttemptOutcome, status: u16) -> CallAttempt {
    CallAttempt {
        row: AttemptRow {
            request: None,
            ordinal: 0,
            deployment: 0,
            seen_by: SeenBy::Provider,
            started: Timestamp::from_millis(from_ms),
            first_token: None,
            ended: Timestamp::from_millis(to_ms),
            outcome,
            status,
            retry_after: None,
            fault: None,
            limit: None,
            stream: false,
            input_tokens: 10,
            output_tokens: 3,
        },
        provider: 0,
        call: CallKey::Body(0xb0d1),
        target: 1,
        broken: None,
        silence: None,
        malformed_event: None,
    }
}

fn failed(from_ms: u64, to_ms: u64, status: u16) -> CallAttempt {
    let class = FailureClass::of_status(status);
    attempt(from_ms, to_ms, AttemptOutcome::Failed { class }, status)
}

fn throttled(from_ms: u64, to_ms: u64, retry_after_ms: u64) -> CallAttempt {
    let mut attempt = failed(from_ms, to_ms, 429);
    attempt.row.retry_after = Some(Duration::from_millis(retry_after_ms));
    attempt
}

fn answered(from_ms: u64, to_ms: u64) -> CallAttempt {
    attempt(from_ms, to_ms, AttemptOutcome::Succeeded, 200)
}

/// A stream of three tokens that ended so.
fn broken(from_ms: u64, to_ms: u64, broken: BrokenAnswer) -> CallAttempt {
    let mut attempt = attempt(from_ms, to_ms, AttemptOutcome::Failed { class: CUT }, 200);
    attempt.broken = Some(broken);
    attempt
}

fn report_at(attempts: &[CallAttempt], now_ms: u64, client_done: bool) -> FindingsReport {
    let evidence = ClientEvidence {
        attempts,
        open: 0,
        forgotten: 0,
        providers: &["eu".to_owned(), "us".to_owned()],
        behind: &BTreeMap::new(),
        now: Timestamp::from_millis(now_ms),
        client_done,
    };
    judge_findings(&evidence, &FindingSettings::default())
}

/// After the client has ended.
fn report(attempts: &[CallAttempt]) -> FindingsReport {
    report_at(attempts, 300_000, true)
}

/// What is found, by its id, and what else was put to the test.
fn found(report: &FindingsReport) -> (Vec<&str>, Vec<&str>) {
    let (broken, other): (Vec<_>, Vec<_>) =
        report.rows.iter().filter(|row| row.tested > 0).partition(|row| row.broken > 0);
    let ids = |rows: Vec<&FindingRow>| rows.iter().map(|row| row.rule.id).collect();
    (ids(broken), ids(other))
}

#[test]
fn an_attempt_before_retry_after_is_over_is_found_and_one_within_the_slack_is_not() {
    let report_after =
        |gap_ms: u64| report(&[throttled(0, 10, 7_000), answered(10 + gap_ms, 8_000)]);
    let early = report_after(500);
    assert_eq!(found(&early), (vec!["retry_after_ignored"], vec!["retry_storm", "gave_up"]));
    let seen = &early.rows[0].examples[0].seen;
    assert_eq!(seen, "attempt 2 came 500 ms after a 429 whose Retry-After asked for 7 s");
    // 50 ms and 5 % of 7 s may be missing.
    assert_eq!(found(&report_after(6_599)).0, ["retry_after_ignored"]);
    assert!(found(&report_after(6_600)).0.is_empty());
    assert!(found(&report_after(7_000)).1.contains(&"retry_after_ignored"));
}

#[test]
fn retry_after_binds_the_provider_the_model_and_the_key_that_told_it() {
    let mut elsewhere = answered(20, 40);
    elsewhere.provider = 1;
    let (broken, tested) = (vec![], vec!["retry_storm", "gave_up"]);
    assert_eq!(found(&report(&[throttled(0, 10, 7_000), elsewhere])), (broken, tested));
    let mut other_key = answered(20, 40);
    other_key.target = 2;
    assert!(found(&report(&[throttled(0, 10, 7_000), other_key])).0.is_empty());
    // And still after a detour.
    let back = [throttled(0, 10, 7_000), CallAttempt { provider: 1, ..failed(20, 40, 500) }];
    let back = [back[0], back[1], answered(60, 80)];
    let report = report(&back);
    assert_eq!(found(&report).0, ["retry_after_ignored"]);
    let evidence = report.rows[0].examples[0].attempts.iter().map(|each| each.is_evidence);
    assert_eq!(evidence.collect::<Vec<_>>(), [true, false, true]);
}

#[test]
fn a_request_error_that_is_sent_again_is_found_and_one_that_passes_is_not() {
    for status in [400, 401, 403, 404, 422] {
        let again = report(&[failed(0, 10, status), failed(1_000, 1_010, status)]);
        assert_eq!(found(&again).0, ["retried_non_retryable"], "{status}");
        let once = report(&[failed(0, 10, status)]);
        assert_eq!(found(&once), (vec![], vec!["retried_non_retryable"]), "{status}");
    }
    for status in [408, 409, 429, 500, 503, 529] {
        let again = report(&[failed(0, 10, status), answered(1_000, 1_010)]);
        assert!(!found(&again).0.contains(&"retried_non_retryable"), "{status}");
    }
    // Its body tells that it passes, whatever its status says.
    let mut odd = failed(0, 10, 400);
    odd.row.outcome = AttemptOutcome::Failed { class: SERVER };
    assert!(found(&report(&[odd, answered(1_000, 1_010)])).0.is_empty());
    // With another key it may succeed.
    let other_key = CallAttempt { target: 2, ..answered(20, 40) };
    assert!(found(&report(&[failed(0, 10, 401), other_key])).0.is_empty());
}

/// Attempts that fail with 503 at these moments, each in 10 ms.
fn failures(starts_ms: &[u64]) -> Vec<CallAttempt> {
    starts_ms.iter().map(|&start| failed(start, start + 10, 503)).collect()
}

#[test]
fn the_eleventh_attempt_is_a_storm_unless_more_are_allowed() {
    let starts: Vec<_> = (0..11).map(|n| 100 * n * n).collect();
    let (ten, eleven) = (failures(&starts[..10]), failures(&starts));
    assert_eq!(found(&report(&ten)), (vec![], vec!["retry_storm", "no_backoff", "gave_up"]));
    let report = report(&eleven);
    assert_eq!(found(&report).0, ["retry_storm"]);
    assert_eq!(report.rows[2].examples[0].seen, "11 attempts in 10 s, where 10 are allowed");
    let evidence = ClientEvidence {
        attempts: &eleven,
        open: 0,
        forgotten: 0,
        providers: &[],
        behind: &BTreeMap::new(),
        now: Timestamp::from_millis(60_000),
        client_done: true,
    };
    let more = FindingSettings { max_attempts: 11, ..FindingSettings::default() };
    assert!(found(&judge_findings(&evidence, &more)).0.is_empty());
}

#[test]
fn waits_that_do_not_grow_are_no_backoff() {
    // Each after the end of the one before, 10 ms after its start.
    let at_once = report(&failures(&[0, 15, 30]));
    assert_eq!(found(&at_once).0, ["no_backoff"]);
    assert!(at_once.rows[4].examples[0].seen.contains("at once: 5 ms at most"));
    let constant = report(&failures(&[0, 1_000, 2_000]));
    assert!(constant.rows[4].examples[0].seen.contains("constant interval of about 990 ms"));
    assert!(found(&report(&failures(&[0, 1_000, 2_050]))).0.contains(&"no_backoff"), "6 % more");
    assert!(found(&report(&failures(&[0, 1_000, 2_150]))).0.is_empty(), "15 % more");
    // The SDKs of OpenAI: half a second and a second, each less a quarter at most.
    assert!(found(&report(&failures(&[0, 510, 1_270]))).0.is_empty());
    // One wait shows no pattern.
    assert_eq!(found(&report(&failures(&[0, 15]))).1, ["retry_storm", "gave_up"]);
}

#[test]
fn waits_that_were_asked_for_and_own_time_limits_are_not_taken_for_backoff() {
    let told = [throttled(0, 10, 1_000), throttled(1_010, 1_020, 1_000), answered(2_020, 2_030)];
    assert!(found(&report(&told)).0.is_empty());
    let hung_up = |from| attempt(from, from + 500, AttemptOutcome::Abandoned, 0);
    assert!(found(&report(&[hung_up(0), hung_up(505), hung_up(1_010)])).0.is_empty());
}

#[test]
fn a_failure_that_passes_and_is_not_tried_again_is_given_up() {
    let report = report(&[failed(0, 10, 503)]);
    assert_eq!(found(&report), (vec!["gave_up"], vec![]));
    assert_eq!(report.rows[5].examples[0].seen, "no attempt followed a 503 within 300.0 s");
    let closed = broken(0, 10, BrokenAnswer::Closed);
    let seen = |attempt| self::report(&[attempt]).rows[5].examples[0].seen.clone();
    assert!(seen(closed).contains("a stream that broke off after 3 tokens"));
    let mut reset = closed;
    (reset.row.output_tokens, reset.row.status) = (0, 0);
    assert!(seen(reset).contains("a connection that was closed without an answer"));
}

#[test]
fn giving_up_is_right_where_no_second_attempt_can_help() {
    for status in [400, 401, 404, 422] {
        assert!(found(&report(&[failed(0, 10, status)])).0.is_empty(), "{status}");
    }
    let mut spent = failed(0, 10, 429);
    spent.row.outcome = AttemptOutcome::Failed { class: FailureClass::QuotaSpent };
    assert!(found(&report(&[spent])).0.is_empty());
    assert_eq!(found(&report(&[throttled(0, 10, 60_000)])).0, ["gave_up"]);
    assert!(found(&report(&[throttled(0, 10, 61_000)])).0.is_empty());
}

#[test]
fn a_stream_without_its_finish_is_suspected_to_be_taken_for_whole_unless_it_is_tried_again() {
    let short = broken(0, 100, BrokenAnswer::NoFinish);
    let report_of = report(&[short]);
    assert_eq!(found(&report_of), (vec!["truncated_stream_accepted"], vec![]));
    let finding = &report_of.rows[3].examples[0];
    assert!(finding.suspected && finding.seen.contains("probably"), "{finding:?}");
    let again = report(&[short, answered(600, 700)]);
    assert_eq!(found(&again), (vec![], vec!["retry_storm", "truncated_stream_accepted"]));
}

#[test]
fn whoever_stays_in_a_silence_of_a_second_has_no_time_limit_and_whoever_leaves_has() {
    let silent = |outcome, silence_ms: u64| {
        let mut silent = attempt(0, silence_ms + 40, outcome, 200);
        silent.silence = Some(Duration::from_millis(silence_ms));
        report(&[silent])
    };
    let cut = AttemptOutcome::Failed { class: CUT };
    let id = "no_read_timeout";
    assert!(found(&silent(cut, 1_000)).0.contains(&id));
    assert!(!found(&silent(cut, 999)).0.contains(&id));
    assert!(found(&silent(AttemptOutcome::Unfinished, 4_000)).0.contains(&id));
    assert_eq!(found(&silent(AttemptOutcome::Abandoned, 4_000)), (vec![], vec![id]));
}

#[test]
fn a_malformed_event_is_swallowed_by_whoever_reads_on() {
    let id = "malformed_event_ignored";
    let stream = |outcome, read_on_ms: u64| {
        let mut stream = attempt(0, 100 + read_on_ms, outcome, 200);
        stream.malformed_event = Some(Timestamp::from_millis(100));
        stream
    };
    let whole = |read_on_ms| stream(AttemptOutcome::Succeeded, read_on_ms);
    assert_eq!(found(&report(&[whole(200)])), (vec![id], vec![]));
    assert!(found(&report(&[whole(200), answered(900, 950)])).1.contains(&id), "tried again");
    assert_eq!(found(&report(&[stream(AttemptOutcome::Abandoned, 5)])), (vec![], vec![id]));
    let soon = report(&[whole(199)]);
    assert_eq!(found(&soon), (vec![], vec![id]));
    assert_eq!(soon.rows[7].unclear.values().sum::<usize>(), 1, "it cannot be told");
}

#[test]
fn while_a_client_runs_a_call_waits_for_its_next_attempt() {
    let given_up = [failed(0, 10, 503), failed(20, 30, 503)];
    let lone = [given_up[0]];
    let waiting = report_at(&lone, 10_009, false);
    assert_eq!((found(&waiting).0, waiting.rows[5].waiting), (vec![], 1));
    assert_eq!(found(&report_at(&lone, 10_010, false)).0, ["gave_up"]);
    assert_eq!(found(&report_at(&lone, 20, true)).0, ["gave_up"]);
    // What Retry-After asked for comes on top.
    let told = [throttled(0, 10, 5_000)];
    assert_eq!(report_at(&told, 15_009, false).rows[5].waiting, 1);
    assert_eq!(found(&report_at(&told, 15_010, false)).0, ["gave_up"]);
}

#[test]
fn an_answer_ends_a_call_and_the_next_with_its_body_is_another() {
    let report = report(&[failed(0, 10, 503), answered(600, 610), failed(700, 710, 401)]);
    assert_eq!(report.calls, 2);
    assert!(found(&report).0.is_empty(), "{report:?}");
}

#[test]
fn a_minute_after_an_attempt_and_its_retry_after_the_same_body_is_another_call() {
    let calls = |first: CallAttempt, start| report(&[first, failed(start, start + 10, 401)]).calls;
    assert_eq!(calls(failed(0, 10, 401), 60_010), 1);
    assert_eq!(calls(failed(0, 10, 401), 60_011), 2);
    assert_eq!(calls(throttled(0, 10, 30_000), 90_010), 1);
    assert_eq!(calls(throttled(0, 10, 30_000), 90_011), 2);
}

#[test]
fn calls_that_cannot_be_told_apart_are_not_judged_and_a_token_tells_them_apart() {
    // Two callers with one body at once, each of which obeys: 7 s after its own refusal.
    let attempts = [
        throttled(0, 10, 7_000),
        throttled(5, 20, 1_000),
        answered(1_020, 1_030),
        answered(7_010, 7_020),
    ];
    let blind = report(&attempts);
    assert_eq!((blind.calls, blind.ambiguous), (2, 2));
    assert_eq!(found(&blind), (vec![], vec![]));
    assert_eq!(blind.judgement(), Judgement::Inconclusive);
    let mut with_tokens = attempts;
    for (attempt, request) in with_tokens.iter_mut().zip([1, 2, 2, 1]) {
        attempt.call = CallKey::Token(request);
    }
    let told = report(&with_tokens);
    assert_eq!((told.calls, told.ambiguous), (2, 0));
    assert!(found(&told).1.contains(&"retry_after_ignored"));
    assert_eq!(told.judgement(), Judgement::Met);
}

#[test]
fn many_answers_to_one_body_at_once_are_nothing_to_be_told_apart() {
    let answers: Vec<_> = (0..100).map(|start| answered(start, start + 1_000)).collect();
    assert_eq!((report(&answers).calls, report(&answers).ambiguous), (100, 0));
    let refused: Vec<_> = (0..100).map(|start| failed(start, start + 1_000, 503)).collect();
    let refused = report(&refused);
    assert_eq!((refused.ambiguous, refused.rows[5].broken), (0, 100), "nobody came again");
}

#[test]
fn hedged_attempts_are_of_one_call_until_one_of_them_is_answered() {
    let with_token = |attempt| CallAttempt { call: CallKey::Token(1), ..attempt };
    let hedged = [answered(0, 500), failed(200, 300, 503), answered(600, 700)].map(with_token);
    assert_eq!(report(&hedged[..2]).calls, 1);
    assert_eq!(report(&hedged).calls, 2);
    // By the body alone, what comes while another is under way is another.
    assert_eq!(report(&[answered(0, 500), failed(200, 300, 503)]).calls, 2);
}

#[test]
fn a_caller_that_is_seen_to_hang_up_just_after_its_next_attempt_is_one_caller() {
    let gone = |to_ms| attempt(0, to_ms, AttemptOutcome::Abandoned, 0);
    assert_eq!(report(&[gone(1_080), answered(1_000, 1_100)]).calls, 1);
    assert_eq!(report(&[gone(1_101), answered(1_000, 1_100)]).calls, 2);
}

#[test]
fn the_verdict_counts_errors_that_are_not_allowed_and_nothing_seen_is_inconclusive() {
    assert_eq!(report(&[]).judgement(), Judgement::Inconclusive);
    assert_eq!(report(&[failed(0, 10, 503)]).judgement(), Judgement::Met, "a warning");
    let attempts = [throttled(0, 10, 7_000), answered(20, 30)];
    assert_eq!(report(&attempts).judgement(), Judgement::Missed);
    let evidence = ClientEvidence {
        attempts: &attempts,
        open: 0,
        forgotten: 0,
        providers: &[],
        behind: &BTreeMap::new(),
        now: Timestamp::from_millis(60_000),
        client_done: true,
    };
    let allowed = vec!["retry_after_ignored".to_owned()];
    let settings = FindingSettings { allowed, ..FindingSettings::default() };
    let report = judge_findings(&evidence, &settings);
    assert_eq!((report.judgement(), report.rows[0].broken), (Judgement::Met, 1));
}

#[test]
fn the_table_tells_every_rule_what_was_found_and_what_to_do() {
    let mut attempts = failures(&[0, 15, 30]);
    attempts.push(throttled(45, 50, 7_000));
    attempts.push(answered(60, 70));
    let report = report(&attempts);
    insta::assert_snapshot!(findings_lines(&report).join("\n"));
    let json = findings_json(&report);
    assert_eq!(json["verdict"], "missed");
    assert_eq!((&json["errors"], &json["warnings"]), (&1.into(), &1.into()));
    let first = &json["rules"][0];
    assert_eq!(
        (&first["finding"], &first["result"]),
        (&"retry_after_ignored".into(), &"found".into())
    );
    assert_eq!(first["findings"][0]["joined_by"], "body");
    assert_eq!(first["findings"][0]["attempts"][3]["retry_after"], 7.0);
}

#[test]
fn every_rule_is_documented_with_its_severity_and_its_advice() {
    let docs = include_str!("../../../../docs/FINDINGS.md");
    for FindingRule { id, severity, suspects, advice, .. } in FINDING_RULES {
        let suspected = if *suspects { ", suspected" } else { "" };
        let row = docs.lines().find(|line| line.starts_with(&format!("| `{id}` |")));
        let row = row.unwrap_or_else(|| panic!("{id} has no row"));
        assert!(
            row.starts_with(&format!("| `{id}` | {}{suspected} |", severity.as_str())),
            "{row}"
        );
        assert!(row.ends_with(&format!("| {advice} |")), "{row}");
    }
}

/// Attempts of a few callers in any state, at any time, some with tokens.
fn any_attempts() -> impl Strategy<Value = Vec<CallAttempt>> {
    let outcome = prop_oneof![
        Just(AttemptOutcome::Succeeded),
        Just(AttemptOutcome::Failed { class: SERVER }),
        Just(AttemptOutcome::Failed { class: FailureClass::Auth }),
        Just(AttemptOutcome::Abandoned),
        Just(AttemptOutcome::Unfinished),
    ];
    let key = prop_oneof![(0_u64..3).prop_map(CallKey::Token), (0_u64..3).prop_map(CallKey::Body)];
    let retry_after = proptest::option::of((0_u64..90_000).prop_map(Duration::from_millis));
    let facts = (0_u16..2, proptest::bool::ANY, proptest::option::of(0_u64..3_000));
    let one = (0_u64..200_000, 0_u64..5_000, outcome, key, retry_after, facts);
    let one = one.prop_map(|(start, took, outcome, call, retry_after, facts)| {
        let mut attempt = attempt(start, start + took, outcome, 503);
        attempt.row.retry_after = retry_after;
        let (provider, is_malformed, silence_ms) = facts;
        CallAttempt {
            call,
            provider,
            malformed_event: is_malformed.then_some(attempt.row.started),
            silence: silence_ms.map(Duration::from_millis),
            ..attempt
        }
    });
    proptest::collection::vec(one, 0..40)
}

proptest! {
    #[test]
    fn every_attempt_is_of_exactly_one_call_and_no_order_of_the_log_changes_a_finding(
        attempts in any_attempts(),
        turned in 0_usize..40,
    ) {
        let calls = group_calls(&attempts, Timestamp::from_millis(300_000), true);
        let grouped = calls.iter().map(|call| call.attempts.len()).sum::<usize>();
        prop_assert_eq!(grouped, attempts.len());
        for call in &calls {
            prop_assert!(call.attempts.iter().all(|attempt| attempt.call == call.key));
            let starts = call.attempts.iter().map(|attempt| attempt.row.started);
            prop_assert!(starts.is_sorted());
            // Nobody who is told by his body tries again what has not ended.
            let is_body = matches!(call.key, CallKey::Body(_));
            let late = Duration::from_millis(100);
            let mut pairs = call.attempts.windows(2);
            let in_turn = pairs.all(|pair| pair[0].row.ended <= pair[1].row.started + late);
            prop_assert!(!is_body || in_turn);
        }
        // Attempts of one moment have no order but that of the log.
        let mut starts: Vec<_> = attempts.iter().map(|attempt| attempt.row.started).collect();
        starts.sort();
        starts.dedup();
        if starts.len() == attempts.len() {
            let mut other = attempts.clone();
            other.rotate_left(turned % attempts.len().max(1));
            prop_assert_eq!(report(&attempts), report(&other));
        }
    }

    #[test]
    fn nothing_is_found_that_was_not_tested_and_a_client_that_may_go_on_is_found_no_worse(
        attempts in any_attempts(),
    ) {
        let (done, going_on) = (report(&attempts), report_at(&attempts, 205_000, false));
        for (done, going_on) in done.rows.iter().zip(&going_on.rows) {
            prop_assert!(done.broken <= done.tested);
            prop_assert!(going_on.broken <= done.broken);
            prop_assert_eq!(going_on.tested, done.tested);
        }
    }
}
