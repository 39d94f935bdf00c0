//! Time-outs, deadlines, and clients that leave.

use crate::rig::{Rig, group};
use squall_determinism::Timestamp;
use squall_failure::FailureClass;
use squall_router::{
    AttemptTimeouts, CancelReason, GroupConfig, Outcome, RouterInput, RouterOutput,
};
use std::time::Duration;

fn quick() -> GroupConfig {
    let timeouts = AttemptTimeouts {
        first_token: Duration::from_secs(2),
        total: Duration::from_secs(10),
        stream_total: Some(Duration::from_secs(10)),
        ..AttemptTimeouts::default()
    };
    // How a deadline is shared out has tests of its own.
    let deadline_sharing = None;
    let deadline = Duration::from_secs(15);
    GroupConfig { timeouts, deadline, deadline_sharing, ..group(&["eu", "us"]) }
}

fn cancelled(step: &crate::rig::Step) -> Option<CancelReason> {
    step.outputs.iter().find_map(|output| match output {
        RouterOutput::CancelAttempt { reason, .. } => Some(*reason),
        _ => None,
    })
}

#[test]
fn a_stream_without_a_first_token_in_time_is_tried_elsewhere() {
    let mut rig = Rig::new(vec![quick()]);
    let start = rig.arrive().start();
    let step = rig.next_tick();
    assert_eq!(rig.now, Timestamp::from_secs(2));
    assert_eq!(cancelled(&step), Some(CancelReason::FirstTokenTimeout));
    assert_ne!(step.start().deployment, start.deployment);
}

#[test]
fn an_answer_that_is_not_streamed_has_the_total_time() {
    let mut rig = Rig::new(vec![quick()]);
    rig.arrive_with(|arrival| arrival.stream = false);
    let step = rig.next_tick();
    assert_eq!(rig.now, Timestamp::from_secs(10));
    assert_eq!(cancelled(&step), Some(CancelReason::TotalTimeout));
}

#[test]
fn a_stream_that_never_ends_is_ended() {
    let mut rig = Rig::new(vec![quick()]);
    let start = rig.arrive().start();
    rig.tell(RouterInput::FirstToken { attempt: start.attempt });
    let step = rig.next_tick();
    assert_eq!(rig.now, Timestamp::from_secs(10));
    assert!(matches!(step.outcome(), Some(Outcome::Failed { committed: true, .. })));
}

#[test]
fn by_default_no_stream_is_too_long_and_no_whole_answer_before_ten_minutes() {
    let mut rig = Rig::new(vec![group(&["only"])]);
    let start = rig.arrive().start();
    rig.tell(RouterInput::FirstToken { attempt: start.attempt });
    rig.after(Duration::from_secs(7_199));
    assert!(rig.tick().outputs.is_empty(), "128,000 tokens at 18 a second");
    rig.finish(start.attempt);
    let whole = rig.arrive_with(|arrival| arrival.stream = false).start();
    rig.after(Duration::from_secs(599));
    assert!(rig.tick().outputs.is_empty());
    assert!(matches!(rig.finish(whole.attempt).outcome(), Some(Outcome::Succeeded { .. })));
}

#[test]
fn the_deadline_counts_from_arrival_whatever_was_tried() {
    let mut rig = Rig::new(vec![GroupConfig { deadline: Duration::from_secs(3), ..quick() }]);
    rig.arrive();
    rig.next_tick().start();
    let step = rig.next_tick();
    assert_eq!(rig.now, Timestamp::from_secs(3));
    assert_eq!(cancelled(&step), Some(CancelReason::Deadline));
    assert_eq!(step.failure().class, FailureClass::Timeout);
    assert_eq!(step.failure().status, 504);
}

#[test]
fn the_shorter_of_two_deadlines_holds() {
    let mut rig = Rig::new(vec![quick()]);
    rig.arrive_with(|arrival| arrival.deadline = Some(Duration::from_secs(1)));
    assert!(rig.next_tick().outcome().is_some());
    assert_eq!(rig.now, Timestamp::from_secs(1));
}

#[test]
fn a_client_that_leaves_stops_its_attempt() {
    let mut rig = Rig::new(vec![quick()]);
    let request = rig.arrive().accepted();
    let step = rig.tell(RouterInput::ClientGone { request });
    assert_eq!(cancelled(&step), Some(CancelReason::ClientGone));
    assert_eq!(step.outcome(), Some(Outcome::ClientGone));
    assert_eq!(rig.router.in_flight(), 0);
    assert_eq!(rig.router.next_timer(), None);
}

#[test]
fn a_late_tick_fires_what_was_due_before_the_input_it_comes_with() {
    let mut rig = Rig::new(vec![quick()]);
    let start = rig.arrive().start();
    rig.after(Duration::from_secs(5));
    let step = rig.tell(RouterInput::Finished { attempt: start.attempt, usage: None });
    assert_eq!(cancelled(&step), Some(CancelReason::FirstTokenTimeout), "it was due at 2 s");
    assert_eq!(rig.router.ignored(), 1, "the answer came too late");
}

#[test]
fn time_does_not_go_back() {
    let mut rig = Rig::new(vec![quick()]);
    rig.after(Duration::from_secs(10));
    rig.arrive();
    rig.now = Timestamp::from_secs(1);
    rig.arrive();
    assert_eq!(rig.router.next_timer(), Some(Timestamp::from_secs(12)));
    let due = [rig.next_tick(), rig.next_tick()].map(|step| cancelled(&step).is_some());
    assert!(due.iter().any(|&due| due));
}
