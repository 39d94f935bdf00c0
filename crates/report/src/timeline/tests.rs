//! What is told of recordings.

use super::*;
use squall_record::{AttemptRow, NoteRow, RecordedEvent, RequestOutcome};
use squall_router::{AttemptId, CooldownCause, DeploymentId, RouterEvent as Decision};
use squall_testkit::by_hand::{FAILED, Fixture, at};

fn note(millis: u64, note: RecordedEvent) -> NoteRow {
    NoteRow { at: at(millis), request: None, note }
}

fn decided(millis: u64, decision: Decision) -> NoteRow {
    note(millis, RecordedEvent::Router(decision))
}

const NORTH: DeploymentId = DeploymentId(0);

fn ejected(millis: u64, cause: CooldownCause) -> NoteRow {
    decided(
        millis,
        Decision::CooldownStarted { deployment: NORTH, cause, until: at(millis + 2_000) },
    )
}

fn told(run: &Fixture, notes: Vec<NoteRow>) -> Vec<String> {
    let mut recording = run.recording();
    recording.notes = notes;
    let lines = timeline(&run.scenario, &recording);
    lines
        .iter()
        .map(|line| format!("{}: {}", squall_judge::text::moment(line.at), line.text))
        .collect()
}

#[test]
fn an_outage_is_told_from_the_fault_to_the_return() {
    let mut run = Fixture::new();
    run.weighted(0..20_000).weighted(40_000..100_000);
    run.first(1, 20_000..40_000, 300);
    run.requests(30_000..31_000, 4, FAILED);
    let failed = |millis: u64, index: u64| {
        let attempt = AttemptId {
            request: squall_router::RequestKey { slot: 0, generation: 0 },
            nth: index as u16,
        };
        decided(
            millis,
            Decision::AttemptFailed {
                attempt,
                deployment: NORTH,
                class: squall_failure::FailureClass::Server,
            },
        )
    };
    let mut notes = vec![note(20_000, RecordedEvent::FaultStarted { provider: 0, fault: 0 })];
    notes.extend((0..3).map(|place| failed(20_100 + place, place)));
    notes.push(ejected(20_200, CooldownCause::ConsecutiveFailures));
    notes.push(ejected(22_400, CooldownCause::ProbeFailed));
    notes.push(ejected(26_600, CooldownCause::ProbeFailed));
    notes.push(note(30_000, RecordedEvent::FaultEnded { provider: 0, fault: 0 }));
    notes.push(decided(31_200, Decision::Recovered { deployment: NORTH }));
    let told = told(&run, notes);
    let parts = [
        "fault begins at a (north): 503",
        "a ejected after 3 failed attempts: too many in a row; until 22.2 s at least",
        "2 probes of a fail, until 26.6 s",
        "fault ends at a (north): 503",
        "clients lose 4 requests",
        "probe of a succeeds: it is back, after 11 s without traffic",
    ];
    let mut last = 0;
    for part in parts {
        let place = told.iter().position(|line| line.contains(part));
        let place = place.unwrap_or_else(|| panic!("{part} is not in {told:#?}"));
        assert!(place >= last, "{part} is told too early: {told:#?}");
        last = place;
    }
}

#[test]
fn the_first_failure_after_a_fault_is_told_with_its_status() {
    let mut run = Fixture::new();
    let class = squall_failure::FailureClass::Overloaded;
    run.attempt(AttemptRow {
        outcome: squall_record::AttemptOutcome::Failed { class },
        status: 529,
        fault: Some(0),
        ..squall_testkit::by_hand::answered(0, at(20_300))
    });
    let told =
        told(&run, vec![note(20_000, RecordedEvent::FaultStarted { provider: 0, fault: 0 })]);
    assert!(
        told.iter().any(|line| line.contains("first failure at a: overloaded (529)")),
        "{told:?}"
    );
}

#[test]
fn many_occurrences_are_told_in_few_lines() {
    let run = Fixture::new();
    let throttles = (0..500).map(|place| ejected(place * 150, CooldownCause::Throttled));
    let told = told(&run, throttles.collect());
    assert_eq!(told, ["0 s: a throttled: left alone 500 times, until 74.9 s"]);
}

#[test]
fn of_a_run_in_which_nothing_happened_nothing_is_told() {
    let mut run = Fixture::new();
    run.requests(0..100_000, 100, RequestOutcome::Succeeded);
    let recording = run.recording();
    assert_eq!(timeline(&run.scenario, &recording), []);
}

#[test]
fn a_run_that_goes_on_is_told_in_the_words_of_its_report() {
    let run = Fixture::new();
    let class = squall_failure::FailureClass::Overloaded;
    let failed = AttemptRow {
        outcome: squall_record::AttemptOutcome::Failed { class },
        status: 529,
        fault: Some(0),
        ..squall_testkit::by_hand::answered(0, at(20_300))
    };
    let lost = squall_record::RequestRow {
        outcome: FAILED,
        ..squall_testkit::by_hand::succeeded(at(20_500), 500)
    };
    let notes = [
        note(20_000, RecordedEvent::FaultStarted { provider: 0, fault: 0 }),
        ejected(20_400, CooldownCause::FailureShare),
        decided(33_000, Decision::Recovered { deployment: NORTH }),
    ];
    let mut running = RunningTimeline::new(&run.scenario, 3);
    running.note(&notes[0]);
    running.attempt(&failed);
    running.note(&notes[1]);
    let lines = running.lines();
    let whole = {
        let mut recording = run.recording();
        recording.notes = notes.to_vec();
        recording.attempts = vec![failed];
        timeline(&run.scenario, &recording)
    };
    assert_eq!(lines[..], whole[..3], "told as it happens, and afterwards");
    running.request(&lost);
    running.request(&lost);
    running.note(&notes[2]);
    let texts: Vec<_> = running.lines().into_iter().map(|line| line.text).collect();
    assert_eq!(
        texts,
        [
            "a ejected: too large a share of its attempts; until 22.4 s at least",
            "clients lose 2 requests: server, until 21 s",
            "probe of a succeeds: it is back, after 12.6 s without traffic",
        ],
        "the latest three"
    );
}
