//! Fallback groups.

use crate::rig::{Rig, failed, group, throttled};
use squall_failure::FailureClass;
use squall_router::{Fallbacks, GroupConfig, GroupId, Retries, RouterEvent};
use std::time::Duration;

/// `chat` with one deployment (0), falling back at once to `small` (1).
fn two_groups() -> Vec<GroupConfig> {
    let chat = GroupConfig {
        fallbacks: Fallbacks::to(vec![GroupId(1)]),
        max_queue_wait: Duration::ZERO,
        retries: Retries::new(0),
        ..group(&["large"])
    };
    vec![chat, GroupConfig { name: "small".to_owned(), ..group(&["little"]) }]
}

#[test]
fn a_group_whose_retries_are_spent_hands_over_to_its_fallback() {
    let mut rig = Rig::new(two_groups());
    let start = rig.arrive().start();
    let step = rig.fail(start.attempt, failed(FailureClass::Server));
    assert_eq!(step.start().deployment.0, 1);
    assert!(step.note(|note| matches!(note, RouterEvent::FellBack { .. })).is_some());
}

#[test]
fn a_group_that_is_out_as_a_whole_is_not_even_tried() {
    let mut rig = Rig::new(two_groups());
    let start = rig.arrive().start();
    rig.fail(start.attempt, throttled(Some(10)));
    assert_eq!(rig.arrive().start().deployment.0, 1);
}

#[test]
fn a_prompt_too_long_for_one_group_goes_to_the_next_at_once() {
    let mut chat = two_groups();
    chat[0].retries = Retries::new(5);
    let mut rig = Rig::new(chat);
    let start = rig.arrive().start();
    let step = rig.fail(start.attempt, failed(FailureClass::ContextWindow).with_status(400));
    assert_eq!(step.start().deployment.0, 1);
}

#[test]
fn when_the_last_group_fails_the_client_is_told_the_last_failure() {
    let mut groups = two_groups();
    groups[1].retries = Retries::new(0);
    let mut rig = Rig::new(groups);
    let start = rig.arrive().start();
    let fallback = rig.fail(start.attempt, failed(FailureClass::Server)).start();
    let step = rig.fail(fallback.attempt, failed(FailureClass::Overloaded).with_status(503));
    assert_eq!(step.failure().status, 503);
}

#[test]
fn with_nowhere_left_the_client_is_told_when_to_come_back() {
    let chat = GroupConfig { max_queue_wait: Duration::ZERO, ..group(&["only"]) };
    let mut rig = Rig::new(vec![chat]);
    let start = rig.arrive().start();
    let step = rig.fail(start.attempt, throttled(Some(7)));
    assert_eq!(step.failure().retry_after, Some(Duration::from_secs(7)));
    rig.after(Duration::from_secs(2));
    let refused = rig.arrive().failure();
    assert_eq!(refused.class, FailureClass::Throttled);
    assert_eq!(refused.retry_after, Some(Duration::from_secs(5)), "what is left of it");
}
