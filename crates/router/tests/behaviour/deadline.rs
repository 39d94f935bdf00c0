//! Where a request goes after a silence, and how its deadline is shared out over what is still to be tried.

use crate::rig::{Rig, Step, failed, group, throttled};
use squall_determinism::Timestamp;
use squall_failure::FailureClass;
use squall_router::{
    AfterTimeout, CooldownRule, DeadlineSharing, Fallbacks, GroupConfig, GroupId, RouterEvent,
    RouterInput,
};
use std::time::Duration;

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// `chat` of these, which falls back to `small`; nothing is ever skipped.
fn with_fallback(deployments: &[&str]) -> Vec<GroupConfig> {
    let chat = GroupConfig {
        fallbacks: Fallbacks::to(vec![GroupId(1)]),
        max_queue_wait: Duration::ZERO,
        cooldown: CooldownRule::Never,
        ..group(deployments)
    };
    let small = GroupConfig { cooldown: CooldownRule::Never, ..GroupConfig::new("small") };
    vec![chat, GroupConfig { deployments: group(&["little"]).deployments, ..small }]
}

fn due_by(deadline: u64, deployments: &[&str]) -> Vec<GroupConfig> {
    let mut groups = with_fallback(deployments);
    groups[0].deadline = secs(deadline);
    groups
}

fn is_too_late(step: &Step) -> bool {
    step.note(|note| matches!(note, RouterEvent::TooLate { .. })).is_some()
}

/// So many answers that each begin after this long.
fn answer(rig: &mut Rig, times: u32, group: u16, after: Duration) {
    for _ in 0..times {
        let start = rig.arrive_with(|arrival| arrival.group = GroupId(group)).start();
        rig.after(after);
        rig.tell(RouterInput::FirstToken { attempt: start.attempt });
        rig.finish(start.attempt);
    }
}

#[test]
fn after_a_time_out_the_fallback_comes_before_the_silent_one() {
    let mut rig = Rig::new(with_fallback(&["only"]));
    rig.arrive();
    let step = rig.next_tick();
    assert_eq!(rig.now, Timestamp::from_secs(30));
    assert_eq!(step.start().deployment.0, 1, "not the silent one once more");
}

#[test]
fn after_a_time_out_a_sibling_comes_before_the_fallback() {
    let mut rig = Rig::new(with_fallback(&["eu", "us"]));
    let first = rig.arrive().start().deployment.0;
    assert_eq!(rig.next_tick().start().deployment.0, 1 - first);
    assert_eq!(rig.next_tick().start().deployment.0, 2);
}

#[test]
fn a_sibling_that_is_silent_itself_comes_behind_the_fallback() {
    let mut groups = with_fallback(&["eu", "us"]);
    groups[0].cooldown = CooldownRule::default();
    let mut rig = Rig::new(groups);
    let first = rig.arrive().start().deployment.0;
    let second = rig.arrive().start().deployment.0;
    assert_ne!(first, second, "one request waits at each");
    rig.after(secs(30));
    assert_eq!(rig.tick().start().deployment.0, 2);
}

#[test]
fn where_nothing_else_is_left_the_silent_one_is_asked_again() {
    let mut groups = with_fallback(&["only"]);
    groups[0].fallbacks = Fallbacks::default();
    let mut rig = Rig::new(groups);
    rig.arrive();
    let step = rig.next_tick();
    let again = step.started().unwrap_or_else(|| rig.next_tick().start());
    assert_eq!(again.deployment.0, 0);
}

#[test]
fn with_retry_the_groups_retries_come_first() {
    let mut groups = with_fallback(&["only"]);
    groups[0].after_timeout = AfterTimeout::Retry;
    let mut rig = Rig::new(groups);
    rig.arrive();
    let step = rig.next_tick();
    let again = step.started().unwrap_or_else(|| rig.next_tick().start());
    assert_eq!(again.deployment.0, 0);
}

#[test]
fn half_of_a_short_deadline_is_the_fallbacks() {
    let mut rig = Rig::new(due_by(20, &["only"]));
    rig.arrive();
    let step = rig.next_tick();
    assert_eq!(rig.now, Timestamp::from_secs(10));
    assert_eq!(step.start().deployment.0, 1);
    assert!(rig.next_tick().outcome().is_some());
    assert_eq!(rig.now, Timestamp::from_secs(20));
}

#[test]
fn siblings_and_fallbacks_have_an_equal_share() {
    let mut rig = Rig::new(due_by(18, &["eu", "us"]));
    rig.arrive();
    rig.next_tick().start();
    assert_eq!(rig.now, Timestamp::from_secs(6));
    assert_eq!(rig.next_tick().start().deployment.0, 2);
    assert_eq!(rig.now, Timestamp::from_secs(12));
}

#[test]
fn a_fallback_that_is_known_to_be_quick_is_left_what_it_needs() {
    let mut rig = Rig::new(due_by(20, &["only"]));
    answer(&mut rig, 20, 1, Duration::from_millis(300));
    let began = rig.now;
    rig.arrive();
    rig.next_tick().start();
    assert_eq!(rig.now.since(began), Duration::from_millis(19_500), "the floor is left");
}

#[test]
fn an_attempt_is_not_cut_before_nearly_all_answers_of_its_group_have_begun() {
    let mut rig = Rig::new(with_fallback(&["only"]));
    answer(&mut rig, 20, 0, secs(15));
    let began = rig.now;
    rig.arrive_with(|arrival| arrival.deadline = Some(secs(20)));
    rig.next_tick().start();
    assert!(rig.now.since(began) >= secs(15), "{:?}", rig.now.since(began));
}

#[test]
fn what_the_shared_deadline_cuts_short_says_nothing_of_its_deployment() {
    let mut groups = due_by(6, &["only"]);
    groups[0].cooldown = CooldownRule::default();
    let mut rig = Rig::new(groups);
    for _ in 0..20 {
        rig.arrive();
        let fallback = rig.next_tick().start();
        assert_eq!(fallback.deployment.0, 1);
        rig.finish(fallback.attempt);
    }
    assert_eq!(rig.router.cooling().count(), 0, "three seconds are no silence yet");
}

#[test]
fn without_sharing_the_first_attempt_may_have_it_all() {
    let mut groups = due_by(20, &["only"]);
    groups[0].deadline_sharing = None;
    let mut rig = Rig::new(groups);
    rig.arrive();
    assert!(rig.next_tick().outcome().is_some());
    assert_eq!(rig.now, Timestamp::from_secs(20));
}

#[test]
fn an_attempt_that_could_not_end_is_not_begun_and_the_client_is_told_at_once() {
    let mut rig = Rig::new(due_by(2, &["only"]));
    let start = rig.arrive().start();
    rig.after(Duration::from_millis(900));
    let fallback = rig.fail(start.attempt, failed(FailureClass::ContextWindow)).start();
    rig.after(Duration::from_millis(700));
    let step = rig.fail(fallback.attempt, failed(FailureClass::Server).with_status(502));
    assert_eq!(step.started(), None, "400 ms are left");
    assert_eq!(step.failure().status, 502);

    let start = rig.arrive_with(|arrival| arrival.deadline = Some(Duration::from_millis(900)));
    rig.after(Duration::from_millis(440));
    let failure = failed(FailureClass::ContextWindow).with_status(400);
    let step = rig.fail(start.start().attempt, failure);
    assert!(is_too_late(&step), "460 ms are left");
    assert_eq!(step.started(), None);
    assert_eq!(step.failure().status, 400);
}

#[test]
fn nothing_is_begun_with_less_time_than_half_of_the_answers_take() {
    let mut rig = Rig::new(due_by(20, &["only"]));
    answer(&mut rig, 20, 1, secs(5));
    let start = rig.arrive().start();
    rig.after(secs(9));
    let step = rig.fail(start.attempt, failed(FailureClass::ContextWindow));
    assert_eq!(step.start().deployment.0, 1, "eleven seconds are enough");
    let start = rig.arrive_with(|arrival| arrival.deadline = Some(secs(11))).start();
    rig.after(secs(5));
    let step = rig.fail(start.attempt, failed(FailureClass::ContextWindow).with_status(400));
    assert!(step.started().is_some(), "six are");
    let start = rig.arrive_with(|arrival| arrival.deadline = Some(secs(7))).start();
    rig.after(secs(3));
    let step = rig.fail(start.attempt, failed(FailureClass::ContextWindow).with_status(400));
    assert!(is_too_late(&step), "four are not");
    assert_eq!(step.failure().status, 400);
}

#[test]
fn a_first_attempt_is_made_however_little_time_there_is() {
    let mut rig = Rig::new(due_by(20, &["only"]));
    answer(&mut rig, 20, 0, secs(5));
    rig.arrive_with(|arrival| arrival.deadline = Some(Duration::from_millis(100))).start();
}

#[test]
fn whoever_waits_in_a_queue_leaves_its_fallback_its_turn() {
    let mut groups = due_by(20, &["only"]);
    groups[0].cooldown = CooldownRule::default();
    groups[0].max_queue_wait = secs(60);
    let mut rig = Rig::new(groups);
    let start = rig.arrive().start();
    rig.fail(start.attempt, throttled(Some(9)));
    rig.arrive_with(|arrival| arrival.deadline = Some(secs(4)));
    let step = rig.arrive_with(|arrival| arrival.deadline = Some(secs(4)));
    assert_eq!(step.start().deployment.0, 1, "nine seconds are beyond its two");
}

#[test]
fn the_floor_can_be_set() {
    let mut groups = due_by(20, &["eu", "us"]);
    groups[0].deadline_sharing = Some(DeadlineSharing { floor: secs(15) });
    groups[1].deadline_sharing = Some(DeadlineSharing { floor: secs(15) });
    let mut rig = Rig::new(groups);
    let start = rig.arrive().start();
    rig.after(secs(6));
    let step = rig.fail(start.attempt, failed(FailureClass::Server));
    assert!(is_too_late(&step));
}
