//! Fallback groups.

use crate::rig::{Rig, failed, group, throttled};
use squall_failure::FailureClass;
use squall_router::{
    AttemptId, Fallbacks, GroupConfig, GroupId, Outcome, Retries, RouterEvent, RouterInput,
};
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

/// The same with retries, and a Retry-After of this long at the primary.
fn throttled_primary(rig: &mut Rig, secs: u64) -> (AttemptId, crate::rig::Step) {
    let start = rig.arrive().start();
    let step = rig.fail(start.attempt, throttled(Some(secs)));
    (start.attempt, step)
}

fn with_retries() -> Vec<GroupConfig> {
    let mut groups = two_groups();
    groups[0].retries = Retries::default();
    groups
}

#[test]
fn a_short_retry_after_is_waited_for_rather_than_another_model() {
    let mut rig = Rig::new(with_retries());
    let (_, step) = throttled_primary(&mut rig, 2);
    assert_eq!((step.started(), step.outcome()), (None, None));
    let again = rig.next_tick();
    let again = again.started().unwrap_or_else(|| rig.next_tick().start());
    assert_eq!(again.deployment.0, 0);
    assert!(rig.now >= squall_determinism::Timestamp::from_secs(2), "not before it was asked to");
    assert!(matches!(rig.finish(again.attempt).outcome(), Some(Outcome::Succeeded { .. })));
}

#[test]
fn it_is_waited_for_once() {
    let mut rig = Rig::new(with_retries());
    throttled_primary(&mut rig, 2);
    let again = rig.next_tick();
    let again = again.started().unwrap_or_else(|| rig.next_tick().start());
    let step = rig.fail(again.attempt, throttled(Some(2)));
    assert_eq!(step.start().deployment.0, 1);
}

#[test]
fn whoever_comes_meanwhile_goes_to_the_fallback_at_once() {
    let mut rig = Rig::new(with_retries());
    throttled_primary(&mut rig, 2);
    assert_eq!(rig.arrive().start().deployment.0, 1);
}

#[test]
fn a_longer_retry_after_is_not_waited_for_nor_one_that_nobody_asked_for() {
    let mut rig = Rig::new(with_retries());
    assert_eq!(throttled_primary(&mut rig, 3).1.start().deployment.0, 1);
    let mut rig = Rig::new(with_retries());
    let start = rig.arrive().start();
    assert_eq!(rig.fail(start.attempt, throttled(None)).start().deployment.0, 1);
}

#[test]
fn it_is_not_waited_for_where_the_deadline_is_near() {
    let mut rig = Rig::new(with_retries());
    let start = rig.arrive_with(|arrival| arrival.deadline = Some(Duration::from_secs(2))).start();
    assert_eq!(rig.fail(start.attempt, throttled(Some(2))).start().deployment.0, 1);
}

#[test]
fn the_wait_can_be_turned_off() {
    let mut groups = with_retries();
    groups[0].short_retry_after = Duration::ZERO;
    let mut rig = Rig::new(groups);
    assert_eq!(throttled_primary(&mut rig, 2).1.start().deployment.0, 1);
}

#[test]
fn a_refusal_by_the_content_policy_is_an_answer_unless_a_list_says_otherwise() {
    let refused = failed(FailureClass::ContentPolicy).with_status(400);
    let mut rig = Rig::new(two_groups());
    let start = rig.arrive().start();
    let step = rig.fail(start.attempt, refused);
    assert_eq!((step.started(), step.failure().class), (None, FailureClass::ContentPolicy));
    let mut groups = two_groups();
    groups[0].fallbacks.content_policy = Some(vec![GroupId(1)]);
    let mut rig = Rig::new(groups);
    let start = rig.arrive().start();
    assert_eq!(rig.fail(start.attempt, refused).start().deployment.0, 1);
}

#[test]
fn a_request_that_names_its_fallbacks_has_them_for_refusals_too() {
    let mut rig = Rig::new(two_groups());
    let step = rig.arrive_with(|arrival| {
        let small = squall_router::GroupList::new([GroupId(1)]);
        arrival.overrides.fallbacks = squall_router::FallbackChoice::These(small);
    });
    let refused = failed(FailureClass::ContentPolicy).with_status(400);
    let step = rig.tell(RouterInput::Failed { attempt: step.start().attempt, failure: refused });
    assert_eq!(step.start().deployment.0, 1);
}
