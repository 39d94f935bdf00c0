//! Requests of simulated runs, explained.

use core::ops::ControlFlow;
use squall_explain::{ExplainError, Explainer, RequestSelector};
use squall_record::{Recording, RequestOutcome, RowRetention};
use squall_scenario::Scenario;
use squall_sim::{SimOptions, simulate};

/// Two deployments and a fallback. `north` errs from 2 s on, `south` is throttled by its provider.
const SCENARIO: &str = "
name: explained
seed: 7
duration: 10s
traffic: { group: chat, arrivals: even, rate: 2, prompt_tokens: 100, output_tokens: 20, stream: 100% }
providers:
  north: { ttft: 100ms, itl: 10ms, faults: [ { at: 2s, for: 8s, error: 503 } ] }
  south: { ttft: 200ms, itl: 10ms, faults: [ { at: 4s, for: 6s, throttle: { retry_after: 3s } } ] }
  spare: { ttft: 300ms, itl: 10ms }
router:
  groups:
    chat:
      deployments:
        - { name: north, provider: north, weight: 2 }
        - { name: south, provider: south, weight: 1 }
      cooldown: { failure: { consecutive: 2, base: 2s, cap: 4s } }
      fallback: [spare]
    spare:
      deployments: [ { name: spare, provider: spare } ]
expect: [ success_rate >= 99% ]
";

fn recording(text: &str) -> Recording {
    let scenario = Scenario::read("explained.yaml", text).expect("the scenario is whole");
    simulate(&scenario, SimOptions::default()).expect("it can be run")
}

fn explained(recording: &Recording, which: RequestSelector) -> Result<String, ExplainError> {
    Ok(Explainer::new("explained.yaml", recording)?.explain(which)?.to_text())
}

/// The first request of which `wanted` holds, as text.
fn first(recording: &Recording, wanted: impl Fn(&str) -> bool) -> String {
    let explainer = Explainer::new("explained.yaml", recording).expect("there is a journal");
    let mut found = None;
    let told = |explanation: squall_explain::Explanation| {
        let text = explanation.to_text();
        if wanted(&text) {
            found = Some(text);
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    };
    explainer.explain_all(told).expect("the journal replays");
    found.expect("there is such a request")
}

#[test]
fn a_request_that_is_served_at_once_has_a_short_timeline() {
    let recording = recording(SCENARIO);
    insta::assert_snapshot!(
        explained(&recording, RequestSelector::Number(0)).expect("it is there")
    );
}

#[test]
fn a_request_that_fails_over_says_what_failed_what_that_did_and_who_was_left() {
    let recording = recording(SCENARIO);
    insta::assert_snapshot!(first(&recording, |text| text.contains("is ejected until")));
}

#[test]
fn a_request_that_falls_back_says_who_was_excluded_until_when() {
    let recording = recording(SCENARIO);
    insta::assert_snapshot!(first(&recording, |text| text.contains("falls back")));
}

#[test]
fn every_request_of_the_viral_spike_is_explained_as_its_rows_have_it() {
    let text = include_str!("../../../scenarios/viral-spike.yaml");
    let recording = recording(text);
    let explainer = Explainer::new("viral-spike.yaml", &recording).expect("there is a journal");
    let mut explained = 0;
    let told = |explanation: squall_explain::Explanation| {
        let request = explanation.request;
        assert_eq!(explanation.disagreements(), [""; 0], "request {request}");
        let row = explanation.row.expect("it has a row");
        assert_eq!(row.request, request);
        for (made, seen) in explanation.attempts().iter().zip(&explanation.rows_of_attempts) {
            assert_eq!(made.deployment.0, seen.deployment, "request {request}");
            assert_eq!(made.started, seen.started, "request {request}");
        }
        let text = explanation.to_text();
        let ended = text.lines().last().unwrap_or_default().contains("ended: ");
        assert!(ended, "request {request}: {text}");
        explained += 1;
        ControlFlow::Continue(())
    };
    explainer.explain_all(told).expect("the journal replays");
    assert_eq!(explained, recording.requests.len());
    assert!(explained > 1_000, "{explained}");
}

#[test]
fn the_slowest_and_the_first_that_failed_are_found() {
    let recording = recording(include_str!("../../../scenarios/viral-spike.yaml"));
    let lasted = |row: &squall_record::RequestRow| row.ended.since(row.intended);
    let slowest = recording.requests.iter().map(lasted).max().expect("there are requests");
    let found = RequestSelector::Slowest.resolve(&recording).expect("there is one");
    assert_eq!(lasted(&recording.requests[found as usize]), slowest);
    let failed = |row: &&squall_record::RequestRow| {
        matches!(row.outcome, RequestOutcome::Failed { .. } | RequestOutcome::GaveUp)
    };
    match RequestSelector::FirstFailed.resolve(&recording) {
        Ok(found) => {
            let row = recording.requests[found as usize];
            let first = recording.requests.iter().filter(failed).map(|row| row.ended).min();
            assert_eq!(Some(row.ended), first);
        }
        Err(error) => {
            assert!(!recording.requests.iter().any(|row| failed(&row)), "{error}");
        }
    }
}

#[test]
fn what_cannot_be_explained_is_refused_with_a_word() {
    let mut recording = recording(SCENARIO);
    let error = explained(&recording, RequestSelector::Number(1_000)).expect_err("it is not there");
    assert!(error.to_string().contains("has no request 1000: it has 0 to 19"), "{error}");

    let mut rows = recording.clone();
    rows.requests.retain(|row| row.outcome == RequestOutcome::Succeeded);
    let error = explained(&rows, RequestSelector::FirstFailed);
    assert!(matches!(error, Err(ExplainError::NoneFailed)), "{error:?}");
    rows.requests.clear();
    let error = explained(&rows, RequestSelector::Slowest);
    assert!(matches!(error, Err(ExplainError::NoRows)), "{error:?}");
    assert!(explained(&rows, RequestSelector::Number(3)).is_ok(), "the journal has it");

    let mut other = recording.clone();
    other.header.scenario_text = SCENARIO.replace("weight: 2", "weight: 9");
    let error = explained(&other, RequestSelector::Number(5)).expect_err("another router");
    assert!(matches!(error, ExplainError::Replay(..)), "{error}");
    assert!(error.to_string().contains("does not match"), "{error}");

    recording.journal = None;
    let error = explained(&recording, RequestSelector::Number(0)).expect_err("no journal");
    assert!(error.to_string().contains("squall run"), "{error}");
}

#[test]
fn a_run_without_a_journal_is_refused_and_one_that_was_cut_short_is_told_as_far_as_it_goes() {
    let scenario = Scenario::read("explained.yaml", SCENARIO).expect("the scenario is whole");
    let options = SimOptions { keep: RowRetention::Rows, journal: false };
    let without = simulate(&scenario, options).expect("it can be run");
    let error = explained(&without, RequestSelector::Number(0));
    assert!(matches!(error, Err(ExplainError::NoJournal)), "{error:?}");

    let mut cut = recording(SCENARIO);
    let bytes = cut.journal.clone().expect("there is a journal");
    let frames = squall_record::JournalReader::new(&bytes).and_then(|reader| reader.frames());
    let mut writer = squall_record::JournalWriter::default();
    frames.expect("it is whole").into_iter().take(2).for_each(|frame| writer.frame(frame));
    cut.journal = Some(writer.into_bytes());
    cut.requests.clear();
    let text = explained(&cut, RequestSelector::Number(0)).expect("its arrival is there");
    assert!(text.contains("had not ended when the recording ends"), "{text}");
}

#[test]
fn a_request_is_named_by_its_number_or_its_token() {
    let read = |text: &str| text.parse::<RequestSelector>();
    assert_eq!(read("17"), Ok(RequestSelector::Number(17)));
    assert_eq!(read("squall-17-420-60"), Ok(RequestSelector::Number(17)));
    assert_eq!(read("squall-17-420-60-5"), Ok(RequestSelector::Number(17)));
    for wrong in ["", "-1", "seventeen", "squall-", "99999999999999999999999"] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_request_whose_client_called_again_is_told_call_by_call() {
    let client = "client: { retries: openai-python }, stream: 100% }\nproviders:";
    let text = SCENARIO
        .replace("stream: 100% }\nproviders:", client)
        .replace("\n      fallback: [spare]", "\n      retries: 0");
    let recording = recording(&text);
    let retried = recording.requests.iter().find(|row| row.calls > 1).expect("some are");
    let text =
        explained(&recording, RequestSelector::Number(retried.request)).expect("it is there");
    assert!(!text.contains("not agreed"), "{text}");
    insta::assert_snapshot!(text);
}
