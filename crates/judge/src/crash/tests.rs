//! Recordings made by hand, each judged as the methodology has it: by what was seen, whatever router made it.

use super::*;
use squall_determinism::Timestamp;
use squall_failure::{FailureClass, FailureSource};
use squall_record::{
    AnswerSeen, AttemptOutcome, AttemptRow, Collector, RequestOutcome, RequestRow, RowRetention,
    RunEnd, SeenBy, SeriesLayout,
};
use squall_scenario::Scenario;

const SCENARIO: &str = "
name: by-hand
phases: { fault: 0s..200s }
traffic:
  group: chat
  arrivals: { at: [0s] }
  prompt_tokens: 100
  output_tokens: 60
  mix:
    chat: { share: 100%, group: chat }
    alive: { share: 0%, group: chat }
providers:
  primary: { ttft: 15ms, itl: 15ms }
  fallback: { ttft: 15ms, itl: 15ms }
router:
  groups:
    chat:
      deployments: [ { name: primary, provider: primary } ]
      fallback: [backup]
    backup:
      deployments: [ { name: fallback, provider: fallback } ]
expect: [ success_rate >= 0% ]
";

const PRIMARY: u16 = 0;
const FALLBACK: u16 = 1;

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// A run made by hand.
#[derive(Clone, Debug, Default)]
struct Run {
    requests: Vec<RequestRow>,
    attempts: Vec<AttemptRow>,
    interrupted: bool,
}

impl Run {
    /// A request from one moment to another, in milliseconds.
    fn request(mut self, sent: u64, ended: u64, outcome: RequestOutcome) -> Self {
        let whole = outcome == RequestOutcome::Succeeded;
        self.requests.push(RequestRow {
            request: self.requests.len() as u64,
            group: 0,
            kind: 0,
            intended: at(sent),
            sent: at(sent),
            first_token: None,
            ended: at(ended),
            stream: true,
            input_tokens: 100,
            output_tokens: 60,
            received_tokens: 60,
            outcome,
            status: if whole { 200 } else { 503 },
            answer: if whole { AnswerSeen::WHOLE } else { AnswerSeen::default() },
            calls: 1,
        });
        self
    }

    fn answered(self, sent: u64, ended: u64) -> Self {
        self.request(sent, ended, RequestOutcome::Succeeded)
    }

    fn failed(self, sent: u64, ended: u64) -> Self {
        let (class, source) = (FailureClass::Cut, FailureSource::Gateway);
        self.request(sent, ended, RequestOutcome::Failed { class, source })
    }

    /// The last request is one that asks whether the system is alive.
    fn alive(mut self) -> Self {
        self.last().kind = 1;
        self
    }

    fn last(&mut self) -> &mut RequestRow {
        self.requests.last_mut().expect("a request")
    }

    /// What its answer told of itself.
    fn telling(mut self, answer: AnswerSeen) -> Self {
        self.last().answer = answer;
        self
    }

    fn attempt(mut self, deployment: u16, started: u64, outcome: AttemptOutcome) -> Self {
        self.attempts.push(AttemptRow {
            request: Some(0),
            ordinal: 0,
            deployment,
            seen_by: SeenBy::Provider,
            started: at(started),
            first_token: None,
            ended: at(started + 10),
            outcome,
            status: 503,
            retry_after: None,
            fault: Some(0),
            limit: None,
            stream: true,
            input_tokens: 100,
            output_tokens: 0,
        });
        self
    }

    /// Attempts at the primary that fail, at these moments.
    fn primary(self, started: &[u64]) -> Self {
        let failed = AttemptOutcome::Failed { class: FailureClass::Overloaded };
        started.iter().fold(self, |run, &started| run.attempt(PRIMARY, started, failed))
    }

    /// An attempt at the fallback that answers.
    fn fallback(self, started: u64) -> Self {
        self.attempt(FALLBACK, started, AttemptOutcome::Succeeded)
    }

    fn judge(&self, id: &str) -> CrashRow {
        let scenario = Scenario::read("by-hand.yaml", SCENARIO).unwrap_or_else(|e| panic!("{e}"));
        let mut header = scenario.run_header(Mode::Simulated);
        if self.interrupted {
            header.ended = RunEnd::Interrupted { at: at(1) };
        }
        let shape = SeriesLayout { groups: 2, deployments: 2, kinds: 2 };
        let mut collector = Collector::new(shape, RowRetention::Rows);
        self.requests.iter().for_each(|row| collector.request(row));
        self.attempts.iter().for_each(|row| collector.attempt(row));
        let test = CRASH_TESTS.iter().find(|test| test.id == id).expect("a test");
        judge_crash(test, &collector.finish(header))
    }

    #[track_caller]
    fn is(&self, id: &str, verdict: CrashVerdict) {
        let row = self.judge(id);
        assert_eq!(row.verdict, verdict, "{id}: {row:#?}");
        assert_eq!(row.why.is_empty(), verdict == Pass, "{id}: {row:#?}");
    }
}

/// One request that was answered.
fn answered(ended: u64) -> Run {
    Run::default().answered(0, ended)
}

/// One request that was told an error.
fn failed(ended: u64) -> Run {
    Run::default().failed(0, ended)
}

use CrashVerdict::{Fail, Inconclusive, Partial, Pass, Safe};

#[test]
fn a_throttled_primary_is_asked_again_when_it_said_and_not_sooner() {
    answered(3_000).primary(&[0, 2_000]).is("S01", Pass);
    answered(3_000).primary(&[0, 1_700]).is("S01", Partial);
    answered(1_000).primary(&[0]).fallback(20).is("S01", Partial);
    answered(3_000).primary(&[0, 400, 800]).is("S01", Fail);
    failed(10).primary(&[0]).is("S01", Safe);
}

#[test]
fn a_storm_of_429s_bounds_attempts_in_the_first_seconds_and_in_all() {
    answered(2_000).primary(&[0, 500, 1_000]).fallback(1_100).is("S02", Pass);
    answered(4_000).primary(&[0, 100, 200, 300]).fallback(400).is("S02", Pass);
    answered(4_000).primary(&[0, 100, 200, 300, 400]).fallback(500).is("S02", Fail);
    answered(9_000).primary(&[0, 1, 2, 3, 3_100, 3_200]).fallback(3_300).is("S02", Pass);
    answered(9_000).primary(&[0, 1, 2, 3, 3_100, 3_200, 3_300]).fallback(3_400).is("S02", Fail);
}

#[test]
fn a_single_server_error_is_tried_again_where_it_was() {
    answered(1_500).primary(&[0, 500]).is("S03", Pass);
    answered(1_000).primary(&[0]).fallback(20).is("S03", Partial);
}

#[test]
fn a_dead_primary_gets_six_attempts_at_most() {
    answered(2_000).primary(&[0, 1, 2, 3, 4, 5]).fallback(9).is("S04", Pass);
    answered(2_000).primary(&[0, 1, 2, 3, 4, 5, 6]).fallback(9).is("S04", Fail);
    failed(2_000).primary(&[0]).is("S04", Safe);
}

#[test]
fn a_hang_fails_whatever_else_holds() {
    let gave_up = Run::default().request(0, 40_000, RequestOutcome::GaveUp);
    for id in ["S04", "S08", "S11", "S13", "S14", "S16"] {
        let row = gave_up.clone().primary(&[0]).judge(id);
        assert_eq!(row.verdict, Fail, "{id}");
        assert!(row.why.contains("hung"), "{}", row.why);
    }
    let unfinished = Run::default().request(0, 9_000, RequestOutcome::Unfinished);
    unfinished.primary(&[0]).is("S05", Fail);
}

#[test]
fn a_truncated_success_fails_and_an_error_in_its_place_is_safe() {
    let short = AnswerSeen { whole: false, ..AnswerSeen::WHOLE };
    for id in ["S08", "S09", "S10", "S14", "S04"] {
        answered(700).telling(short).primary(&[0]).is(id, Fail);
    }
    for id in ["S08", "S14", "S10"] {
        failed(700).primary(&[0]).is(id, Safe);
    }
    answered(2_600).primary(&[0]).fallback(700).is("S08", Pass);
}

#[test]
fn silence_is_left_in_time_and_the_silent_one_is_not_asked_again() {
    answered(31_000).primary(&[0]).fallback(30_000).is("S06", Pass);
    answered(61_000).primary(&[0, 30_000]).fallback(60_000).is("S06", Partial);
    failed(60_000).primary(&[0, 30_000]).is("S06", Safe);
    answered(101_000).primary(&[0]).fallback(100_000).is("S06", Fail);
}

#[test]
fn a_late_first_token_is_not_waited_for() {
    answered(11_000).primary(&[0]).fallback(10_000).is("S07", Pass);
    answered(21_000).primary(&[0]).is("S07", Partial);
}

#[test]
fn after_a_stall_and_a_malformed_event_a_healthy_request_is_answered() {
    failed(30_300).primary(&[0]).answered(50_000, 50_900).alive().is("S09", Safe);
    failed(45_100).primary(&[0]).answered(50_000, 50_900).alive().is("S09", Fail);
    failed(30_300).primary(&[0]).answered(50_000, 61_000).alive().is("S09", Fail);
    failed(30_300).primary(&[0]).failed(50_000, 50_001).alive().is("S09", Fail);
    answered(900).primary(&[0]).answered(15_000, 15_900).alive().is("S10", Pass);
    failed(200).primary(&[0]).answered(15_000, 15_900).alive().is("S10", Safe);
}

#[test]
fn a_whole_stream_without_its_mark_is_over_in_time_and_tells_its_usage() {
    let silent = AnswerSeen { usage: false, ..AnswerSeen::WHOLE };
    answered(1_000).primary(&[0]).is("S11", Pass);
    answered(1_000).telling(silent).primary(&[0]).is("S11", Partial);
    answered(9_000).primary(&[0]).is("S11", Fail);
    failed(1_000).primary(&[0]).is("S11", Safe);
}

#[test]
fn a_prompt_that_was_too_long_is_never_sent_again_as_long() {
    answered(1_000).primary(&[0]).fallback(10).is("S12", Pass);
    answered(1_000).primary(&[0, 10]).fallback(20).is("S12", Fail);
    let mut trimmed = answered(1_000).primary(&[0, 10]).fallback(20);
    trimmed.attempts[1].input_tokens = 80;
    trimmed.is("S12", Pass);
    let mut thrice = trimmed.primary(&[30]);
    thrice.attempts.last_mut().expect("an attempt").input_tokens = 60;
    thrice.is("S12", Fail);
}

#[test]
fn a_refusal_by_policy_is_told_and_not_asked_again() {
    failed(20).primary(&[0]).is("S13", Pass);
    answered(1_000).primary(&[0]).fallback(10).is("S13", Partial);
    failed(20).primary(&[0, 10]).is("S13", Fail);
}

#[test]
fn a_refused_prefill_is_not_the_callers_error() {
    let refused = AttemptOutcome::Failed { class: FailureClass::BadRequest };
    failed(800).primary(&[0]).attempt(FALLBACK, 700, refused).is("S14", Fail);
    answered(2_700).primary(&[0]).attempt(FALLBACK, 700, refused).fallback(800).is("S14", Pass);
}

/// Twenty requests, one each four seconds, each answered within a second.
fn twenty() -> Run {
    (0..20).fold(Run::default(), |run, nth| run.answered(4_000 * nth, 4_000 * nth + 1_000))
}

#[test]
fn after_an_outage_the_primary_is_back_within_thirty_seconds() {
    let outage = twenty().primary(&[0, 4_000]);
    outage.clone().attempt(PRIMARY, 64_000, AttemptOutcome::Succeeded).is("S15", Pass);
    outage.clone().attempt(PRIMARY, 59_000, AttemptOutcome::Succeeded).is("S15", Fail);
    outage.clone().attempt(PRIMARY, 91_000, AttemptOutcome::Succeeded).is("S15", Fail);
    outage.is("S15", Fail);
    let back = |run: Run| run.primary(&[0]).attempt(PRIMARY, 64_000, AttemptOutcome::Succeeded);
    let mut unanswered = back(twenty());
    unanswered.requests[3].outcome =
        RequestOutcome::Failed { class: FailureClass::Overloaded, source: FailureSource::Provider };
    unanswered.is("S15", Fail);
    let mut later = back(twenty());
    later.requests[18].outcome = unanswered.requests[3].outcome;
    later.is("S15", Safe);
    let many: Vec<_> = (0..45).map(|nth| nth * 1_000).collect();
    let row = back(twenty().primary(&many)).judge("S15");
    assert_eq!(row.verdict, Pass, "how often the dead one was asked decides nothing");
    assert_eq!(row.checks[3].holds, Some(false));
}

#[test]
fn an_answer_of_the_fallback_names_its_model() {
    let named = AnswerSeen { model: Some(FALLBACK), ..AnswerSeen::WHOLE };
    answered(1_000).telling(named).primary(&[0]).fallback(10).is("S16", Pass);
    let other = AnswerSeen { model: Some(PRIMARY), ..AnswerSeen::WHOLE };
    answered(1_000).telling(other).primary(&[0]).fallback(10).is("S16", Fail);
    answered(1_000).primary(&[0]).fallback(10).is("S16", Fail);
    let silent = AnswerSeen { usage: false, ..named };
    answered(1_000).telling(silent).primary(&[0]).fallback(10).is("S16", Partial);
    let row = failed(10).primary(&[0]).judge("S16");
    assert_eq!((row.verdict, row.checks[0].holds), (Safe, None), "nothing was named");
}

#[test]
fn a_run_that_is_in_doubt_or_met_no_fault_says_nothing() {
    let mut run = answered(1_000).primary(&[0]);
    run.interrupted = true;
    run.is("S04", Inconclusive);
    answered(1_000).fallback(0).is("S04", Inconclusive);
    Run::default().is("S04", Inconclusive);
}

fn report(verdicts: &[CrashVerdict]) -> CrashReport {
    let row = |&verdict| CrashRow { verdict, ..answered(10).primary(&[0]).judge("S05") };
    let rows = verdicts.iter().map(row).collect();
    CrashReport { system: "squall".to_owned(), mode: Mode::Simulated, rows }
}

#[test]
fn a_report_is_as_good_as_its_worst_verdict() {
    assert_eq!(report(&[Pass, Safe]).is_at_least(Safe), Some(true));
    assert_eq!(report(&[Pass, Safe]).is_at_least(Partial), Some(false));
    assert_eq!(report(&[Pass, Inconclusive]).is_at_least(Safe), None);
    assert_eq!(report(&[Fail, Inconclusive]).is_at_least(Safe), Some(false), "that is known");
    assert_eq!(report(&[Pass, Fail, Pass]).tally(), "2 pass, 0 partial, 0 safe, 1 fail");
}

#[test]
fn the_table_says_how_each_came_through_and_why_it_is_no_pass() {
    let mut report = report(&[Pass, Fail]);
    report.rows[1].why = "it hung".to_owned();
    let lines = crash_lines(&report).join("\n");
    assert!(lines.contains("S05  pass     the first connection reset"), "{lines}");
    assert!(lines.contains("S05  FAIL"), "{lines}");
    assert!(lines.ends_with("S05 fail: it hung"), "{lines}");
    let json = crash_json(&report);
    assert_eq!(json["counts"]["fail"], 1);
    assert_eq!(json["tests"][0]["attempts"]["primary"], 1);
    assert!(crash_markdown(&report).contains("| S05 | R | no hang | yes |"));
}
