//! What is shown of a run made by hand: `north`, behind `a`, errs from 20 s to 30 s.

use super::*;
use squall_router::{CooldownCause, DeploymentId};
use squall_testkit::by_hand::{FAILED, Fixture, answered, at, succeeded, throttled};

fn second(second: u64, offered: u64) -> DriveTick {
    DriveTick { elapsed: Duration::from_secs(second), offered, in_flight: 3 }
}

fn watched() -> LiveView {
    LiveView::new(&Fixture::new().scenario, None)
}

fn note(millis: u64, note: RecordedEvent) -> FeedRow {
    FeedRow::Note(NoteRow { at: at(millis), request: None, note })
}

fn decided(millis: u64, event: RouterEvent) -> FeedRow {
    note(millis, RecordedEvent::Router(event))
}

/// A second of traffic that is well: 6, 3 and 1 attempts, and ten requests of 200 ms.
fn calm(view: &mut LiveView, from: u64) {
    for (deployment, count) in [(0, 6), (1, 3), (2, 1)] {
        for _ in 0..count {
            view.row(FeedRow::Attempt(answered(deployment, at(from * 1_000 + 100))));
            view.row(FeedRow::Request(succeeded(at(from * 1_000 + 300), 200)));
        }
    }
    view.tick(second(from + 1, (from + 1) * 10), 0);
}

const EJECTED: RouterEvent = RouterEvent::CooldownStarted {
    deployment: DeploymentId(0),
    cause: CooldownCause::ConsecutiveFailures,
    until: Timestamp::from_secs(24),
};

#[test]
fn a_run_that_has_not_begun_has_names_and_no_figures() {
    let snapshot = watched().snapshot();
    assert_eq!((&*snapshot.scenario, snapshot.seed, snapshot.duration_s), ("by-hand", 7, 100.0));
    assert_eq!(snapshot.phase.as_deref(), Some("calm"));
    let names: Vec<_> = snapshot.deployments.iter().map(|each| &*each.name).collect();
    assert_eq!(names, ["a", "b", "c", "d"]);
    assert_eq!(snapshot.now, RecentFigures::default());
    assert_eq!(snapshot.deployments[0].share, None);
    let due: Vec<_> = snapshot.deployments.iter().map(|each| each.weight_share).collect();
    assert_eq!(due, [Some(0.6), Some(0.3), Some(0.1), Some(1.0)]);
}

#[test]
fn calm_traffic_has_the_shares_of_its_weights() {
    let mut view = watched();
    (0..8).for_each(|from| calm(&mut view, from));
    let snapshot = view.snapshot();
    let now = &snapshot.now;
    assert_eq!((now.offered_rps, now.succeeded_rps, now.failed_rps), (10.0, 10.0, 0.0));
    assert_eq!((now.success, now.amplification), (Some(1.0), Some(1.0)));
    // Two digits of a histogram.
    assert!((199..=201).contains(&now.p50_ms.unwrap()), "{now:?}");
    assert_eq!(snapshot.so_far.offered, 80);
    assert_eq!(snapshot.so_far.attempts, 80);
    assert_eq!(snapshot.in_flight, 3);
    let shares: Vec<_> = snapshot.deployments.iter().map(|each| each.share).collect();
    assert_eq!(shares, [Some(0.6), Some(0.3), Some(0.1), None]);
    assert_eq!(snapshot.deployments[0].attempts_rps, 6.0);
    assert_eq!(snapshot.course.offered_rps, [10.0; 8]);
    assert_eq!(snapshot.deployments[1].course_rps, [3.0; 8]);
    assert!(snapshot.events.is_empty() && snapshot.faults.is_empty());
}

#[test]
fn an_outage_is_shown_from_the_fault_to_the_return() {
    let mut view = watched();
    (0..20).for_each(|from| calm(&mut view, from));
    view.row(note(20_000, RecordedEvent::FaultStarted { provider: 0, fault: 0 }));
    let failed = AttemptRow {
        outcome: AttemptOutcome::Failed { class: FailureClass::Server },
        status: 503,
        fault: Some(0),
        ..answered(0, at(20_200))
    };
    (0..5).for_each(|_| view.row(FeedRow::Attempt(failed)));
    view.row(FeedRow::Attempt(throttled(1, at(20_300), Duration::from_secs(1))));
    let lost = RequestRow { outcome: FAILED, ..succeeded(at(20_400), 300) };
    view.row(FeedRow::Request(lost));
    view.row(decided(20_700, EJECTED));
    view.tick(second(21, 210), 0);
    let broken = view.snapshot();
    assert_eq!(broken.phase.as_deref(), Some("outage"));
    assert_eq!(broken.faults.len(), 1);
    assert_eq!(broken.faults[0].provider, "a (north)");
    assert!(broken.faults[0].what.contains("503"), "{broken:?}");
    let a = &broken.deployments[0];
    assert_eq!((a.state, a.state_for_s), (StateView::Ejected, Some(3.0)));
    assert_eq!((a.failed, a.throttled, a.failed_so_far), (5, 0, 5));
    assert_eq!((broken.deployments[1].failed, broken.deployments[1].throttled), (0, 1));
    assert_eq!(broken.now.failures, [("server".to_owned(), 1)]);
    // Forty of four calm seconds, and the one that was lost.
    assert_eq!(broken.now.success, Some(40.0 / 41.0));
    let texts: Vec<_> = broken.events.iter().map(|event| &*event.text).collect();
    for (text, part) in
        texts.iter().zip(["fault begins at a", "first failure at a", "clients lose 1", "a ejected"])
    {
        assert!(text.contains(part), "{part} is not in {texts:#?}");
    }

    view.row(note(30_000, RecordedEvent::FaultEnded { provider: 0, fault: 0 }));
    view.row(decided(31_000, RouterEvent::Recovered { deployment: DeploymentId(0) }));
    (31..37).for_each(|from| calm(&mut view, from));
    let back = view.snapshot();
    assert_eq!(back.deployments[0].state, StateView::Healthy);
    assert_eq!(back.deployments[0].share, Some(0.6));
    assert_eq!((back.now.success, back.now.failures.len(), back.faults.len()), (Some(1.0), 0, 0));
    assert_eq!(back.so_far.failed, 1);
    let last = back.events.last().unwrap();
    assert_eq!((last.tone, &*last.at), ("good", "31 s"));
    assert!(last.text.contains("probe of a succeeds"), "{last:?}");
}

#[test]
fn nothing_is_under_way_in_a_run_that_has_ended() {
    let mut view = watched();
    calm(&mut view, 0);
    view.row(FeedRow::Request(succeeded(at(1_100), 200)));
    let ending = RunEnding { verdict: Some("met".to_owned()), ..RunEnding::default() };
    view.ended(ending.clone());
    let snapshot = view.snapshot();
    assert_eq!(
        (snapshot.in_flight, snapshot.so_far.offered, snapshot.so_far.succeeded),
        (0, 11, 11)
    );
    assert_eq!(snapshot.ending, Some(ending));
}

#[test]
fn of_another_gateway_no_state_is_claimed() {
    let mut view = LiveView::new(&Fixture::new().scenario, Some("litellm"));
    calm(&mut view, 0);
    let snapshot = view.snapshot();
    assert_eq!(snapshot.target.as_deref(), Some("litellm"));
    assert!(snapshot.deployments.iter().all(|each| each.state == StateView::Unknown));
    assert_eq!(snapshot.deployments[0].share, Some(0.6), "providers see it");
}

#[test]
fn rows_that_no_run_has_are_passed_over() {
    let mut view = watched();
    view.row(FeedRow::Attempt(answered(u16::MAX, at(100))));
    view.row(decided(100, RouterEvent::Recovered { deployment: DeploymentId(99) }));
    view.row(note(100, RecordedEvent::FaultStarted { provider: 99, fault: 99 }));
    let unfinished = RequestRow { outcome: RequestOutcome::Unfinished, ..succeeded(at(0), 100) };
    view.row(FeedRow::Request(unfinished));
    view.tick(second(1, 1), 7);
    let snapshot = view.snapshot();
    assert_eq!((snapshot.so_far.attempts, snapshot.missed_rows), (0, 7));
    assert_eq!(snapshot.so_far.success, None);
}

#[test]
fn a_long_run_takes_no_more_room_than_a_short_one() {
    let mut view = watched();
    for from in 0..5_000 {
        calm(&mut view, from);
        // Far enough apart to be lines of their own.
        view.row(decided(
            from * 10_000,
            RouterEvent::CooldownEnded { deployment: DeploymentId(0) },
        ));
        view.row(decided(from * 10_000, EJECTED));
    }
    let snapshot = view.snapshot();
    assert_eq!(snapshot.events.len(), EVENTS);
    assert!(snapshot.course.offered_rps.len() <= 240);
    assert!(view.ticks.len() as u64 <= WINDOW + 2);
}
