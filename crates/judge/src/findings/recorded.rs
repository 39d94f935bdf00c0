//! The same findings about the gateway of a run, from its recording. There it is known what the gateway told its own
//! clients, and no body but the token joins attempts.

use super::settings::FindingSettings;
use super::{ClientEvidence, FindingsReport, GotBehind, judge_findings};
use squall_determinism::Timestamp;
use squall_failure::FailureClass;
use squall_provider::{BadAnswer, FaultKind};
use squall_record::{
    AttemptOutcome, AttemptRow, BrokenAnswer, CallAttempt, CallKey, Recording, RequestOutcome,
    SeenBy,
};
use squall_scenario::Scenario;
use std::collections::BTreeMap;
use std::time::Duration;

/// What the gateway of a run does wrong as a client of its providers; `None` where no row was kept.
#[must_use]
pub fn recorded_findings(scenario: &Scenario, recording: &Recording) -> Option<FindingsReport> {
    if recording.attempts.is_empty() {
        return None;
    }
    // Whose client has left, or whose run has ended, is not tried again, and should not be.
    let outcomes = recording.requests.iter().filter_map(|row| {
        let got = match row.outcome {
            RequestOutcome::Succeeded => GotBehind::Answer,
            RequestOutcome::Failed { class: FailureClass::Cut, .. } if row.status == 200 => {
                GotBehind::BrokenStream
            }
            RequestOutcome::Failed { .. } => GotBehind::Error,
            RequestOutcome::GaveUp | RequestOutcome::Unfinished => return None,
        };
        Some((row.request, got))
    });
    let behind: BTreeMap<_, _> = outcomes.collect();
    let attempts = recording.attempts.iter().filter(|row| row.seen_by == SeenBy::Provider);
    let attempts = attempts.filter_map(|row| {
        let request = row.request.filter(|request| behind.contains_key(request))?;
        call_attempt(scenario, row, request)
    });
    let attempts: Vec<_> = attempts.collect();
    let providers: Vec<_> = scenario.providers.iter().map(|each| each.name.clone()).collect();
    let evidence = ClientEvidence {
        attempts: &attempts,
        open: 0,
        forgotten: 0,
        providers: &providers,
        behind: &behind,
        now: Timestamp::ZERO + recording.header.duration,
        client_done: true,
    };
    Some(judge_findings(&evidence, &FindingSettings::default()))
}

fn call_attempt(scenario: &Scenario, row: &AttemptRow, request: u64) -> Option<CallAttempt> {
    let link = scenario.deployments.get(usize::from(row.deployment))?;
    let provider = &scenario.providers[usize::from(link.provider)];
    let kind = row.fault.and_then(|fault| provider.config.faults.get(usize::from(fault)));
    let kind = kind.map(|fault| fault.kind);
    // A wait that stands in the body alone is read by few.
    let retry_after = row.retry_after.filter(|_| provider.has_retry_after());
    Some(CallAttempt {
        row: AttemptRow { retry_after, ..*row },
        provider: link.provider,
        call: CallKey::Token(request),
        target: u64::from(row.deployment),
        broken: kind.and_then(|kind| broken(kind, row)),
        silence: kind.and_then(|kind| silence(kind, row)),
        // Rows do not tell when it left.
        malformed_event: None,
    })
}

/// How an answer that this fault hit lacked its end, if its caller was there to see it.
fn broken(kind: FaultKind, row: &AttemptRow) -> Option<BrokenAnswer> {
    if !matches!(row.outcome, AttemptOutcome::Failed { .. }) {
        return None;
    }
    match kind {
        FaultKind::Cut { .. } | FaultKind::Reset { .. } | FaultKind::Stall { .. } => {
            Some(BrokenAnswer::Closed)
        }
        FaultKind::BadAnswer(BadAnswer::Empty | BadAnswer::Truncated | BadAnswer::NoEnd)
            if row.stream =>
        {
            Some(BrokenAnswer::NoFinish)
        }
        _ => None,
    }
}

/// How long an answer that this fault hit was silent at its end, where the row tells: from its arrival if no token
/// came, and as the fault says if the provider closed it.
fn silence(kind: FaultKind, row: &AttemptRow) -> Option<Duration> {
    let closed = matches!(row.outcome, AttemptOutcome::Failed { .. });
    let without_a_token = || row.first_token.is_none().then(|| row.ended.since(row.started));
    match kind {
        FaultKind::BlackHole => without_a_token(),
        FaultKind::Stall { closes, .. } if closed => closes,
        FaultKind::Stall { .. } => without_a_token(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Judgement;
    use squall_failure::FailureSource;
    use squall_testkit::by_hand::{FAILED, Fixture, answered, at, throttled};

    const FAULTS: &str = "faults: [ { at: 0s, for: 10s, bad_answer: no_end }, { at: 0s, for: 10s, stall: { after: 9, closes: \
                          2s } }, { at: 0s, for: 10s, outage: blackhole } ]";

    /// A run whose first two requests succeed and whose third fails; `north` has three faults.
    fn fixture() -> Fixture {
        let mut fixture = Fixture::new();
        let text = fixture.header.scenario_text.replace(
            "faults: [ { at: 20s, for: 10s, error: 503 }, { at: 30s, for: 10s, outage: refuse } ]",
            FAULTS,
        );
        fixture.scenario = Scenario::read("findings.yaml", &text).expect("a scenario");
        fixture.requests(0..3_000, 2, RequestOutcome::Succeeded).requests(0..3_000, 1, FAILED);
        fixture
    }

    fn found(fixture: &Fixture) -> (Vec<&'static str>, FindingsReport) {
        let report = recorded_findings(&fixture.scenario, &fixture.recording()).expect("rows");
        let broken = report.rows.iter().filter(|row| row.broken > 0);
        (broken.map(|row| row.rule.id).collect(), report)
    }

    /// An attempt of a request at the first deployment that a fault hit.
    fn hit(request: u64, fault: u16, ended_ms: u64) -> AttemptRow {
        AttemptRow {
            request: Some(request),
            fault: Some(fault),
            ended: at(ended_ms),
            outcome: AttemptOutcome::Failed { class: FailureClass::Cut },
            ..answered(0, at(0))
        }
    }

    #[test]
    fn a_gateway_that_comes_again_too_early_is_found_and_one_that_goes_elsewhere_is_not() {
        let refused = throttled(0, at(0), Duration::from_secs(7));
        let again = |deployment| {
            let mut fixture = fixture();
            fixture.attempt(refused).attempt(answered(deployment, at(500)));
            found(&fixture)
        };
        let (ids, report) = again(0);
        assert_eq!((ids, report.judgement()), (vec!["retry_after_ignored"], Judgement::Missed));
        let finding = &report.rows[0].examples[0];
        assert_eq!((&*finding.call, finding.by_token), ("request 0", true));
        assert_eq!(finding.attempts[0].provider, "north");
        assert!(again(1).0.is_empty());
    }

    #[test]
    fn what_the_client_behind_got_tells_whether_a_truncated_stream_was_taken_for_whole() {
        let of_request = |request| {
            let mut fixture = fixture();
            let class = FailureClass::Cut;
            let cut = RequestOutcome::Failed { class, source: FailureSource::Provider };
            fixture.requests(0..1_000, 1, cut);
            fixture.attempt(hit(request, 0, 500));
            found(&fixture)
        };
        let (ids, report) = of_request(1);
        assert_eq!(ids, ["truncated_stream_accepted"]);
        let finding = &report.rows[3].examples[0];
        assert!(!finding.suspected && finding.seen.ends_with("its client got it as a success"));
        let results = |request| {
            let (ids, report) = of_request(request);
            (ids.len(), report.rows[3].tested, report.rows[3].unclear.len())
        };
        assert_eq!(results(2), (0, 1, 0), "it got an error");
        assert_eq!(results(3), (0, 1, 1), "it got the same stream, or was told in this way");
    }

    #[test]
    fn silence_is_told_by_the_fault_and_by_the_row() {
        let of = |row: AttemptRow| {
            let mut fixture = fixture();
            fixture.attempt(row);
            found(&fixture).0
        };
        assert_eq!(of(hit(2, 1, 2_500)), ["gave_up", "no_read_timeout"]);
        let without_a_token = AttemptRow { first_token: None, status: 0, ..hit(2, 2, 2_500) };
        let left = AttemptRow { outcome: AttemptOutcome::Abandoned, ..without_a_token };
        assert!(of(left).is_empty(), "it hung up");
        let stayed = AttemptRow { outcome: AttemptOutcome::Unfinished, ..without_a_token };
        assert_eq!(of(stayed), ["no_read_timeout"]);
    }

    #[test]
    fn a_request_whose_client_left_an_attempt_of_no_request_and_a_run_without_rows_are_not_judged()
    {
        let mut fixture = fixture();
        fixture.requests(0..1_000, 1, RequestOutcome::GaveUp);
        fixture.attempt(AttemptRow { fault: None, ..hit(3, 0, 500) });
        fixture.attempt(AttemptRow { request: None, fault: None, ..hit(0, 0, 500) });
        let (ids, report) = found(&fixture);
        assert!(ids.is_empty());
        assert_eq!((report.attempts, report.judgement()), (0, Judgement::Inconclusive));
        let mut recording = fixture.recording();
        recording.attempts.clear();
        assert!(recorded_findings(&fixture.scenario, &recording).is_none());
    }
}
