//! Retries: where to, when, and how many.

use crate::rig::{Rig, deployment, failed, group, no_jitter, throttled};
use squall_determinism::Share;
use squall_failure::FailureClass;
use squall_router::{
    Cooldown, FailureCooldown, GroupConfig, Outcome, Retries, RetryBudget, RouterEvent,
};
use std::time::Duration;

#[test]
fn a_failed_attempt_is_tried_at_an_untried_sibling_at_once() {
    let mut rig = Rig::new(vec![group(&["eu", "us", "ap"])]);
    let first = rig.arrive().start();
    let second = rig.fail(first.attempt, failed(FailureClass::Server)).start();
    let third = rig.fail(second.attempt, failed(FailureClass::Server)).start();
    let mut tried = [first, second, third].map(|start| start.deployment.0);
    tried.sort_unstable();
    assert_eq!(tried, [0, 1, 2]);
}

#[test]
fn it_waits_only_when_no_untried_sibling_is_usable() {
    let mut rig = Rig::new(vec![group(&["only"])]);
    let start = rig.arrive().start();
    let step = rig.fail(start.attempt, failed(FailureClass::Server));
    assert!(step.started().is_none());
    let Some(RouterEvent::RetryScheduled { wait, .. }) =
        step.note(|note| matches!(note, RouterEvent::RetryScheduled { .. }))
    else {
        panic!("no wait was told of: {step:?}");
    };
    assert!(wait.jitter <= wait.ceiling && wait.delay == wait.jitter, "{wait:?}");
    assert_eq!(rig.next_tick().start().deployment.0, 0);
    assert_eq!(rig.now.since(squall_determinism::Timestamp::ZERO), wait.delay);
}

#[test]
fn a_wait_is_never_shorter_than_retry_after() {
    let mut rig = Rig::new(vec![GroupConfig { retry_rule: no_jitter(), ..group(&["only"]) }]);
    let start = rig.arrive().start();
    assert!(rig.fail(start.attempt, throttled(Some(3))).started().is_none());
    rig.after(Duration::from_nanos(2_999_999_999));
    assert!(rig.tick().started().is_none(), "one nanosecond too early");
    // The jitter is at most a nanosecond here.
    rig.after(Duration::from_nanos(2));
    assert!(rig.tick().started().is_some());
}

#[test]
fn those_who_were_asked_to_wait_until_one_moment_do_not_all_come_back_at_it() {
    let mut rig = Rig::new(vec![group(&["only"])]);
    let running: Vec<_> = (0..20).map(|_| rig.arrive().start()).collect();
    for start in &running {
        assert!(rig.fail(start.attempt, throttled(Some(3))).started().is_none());
    }
    let mut moments: Vec<_> = Vec::new();
    while rig.router.next_timer().is_some() && moments.len() < 20 {
        if rig.next_tick().started().is_some() {
            moments.push(rig.now);
        }
    }
    assert!(moments.iter().all(|&at| at >= squall_determinism::Timestamp::from_secs(3)));
    moments.dedup();
    assert!(moments.len() >= 15, "{} different moments", moments.len());
}

#[test]
fn retry_after_holds_for_every_other_request_too() {
    let mut rig = Rig::new(vec![group(&["eu", "us"])]);
    let start = rig.arrive().start();
    rig.fail(start.attempt, throttled(Some(3)));
    rig.after(Duration::from_millis(2_999));
    for _ in 0..20 {
        assert_ne!(rig.serve(), start.deployment.0);
    }
    rig.after(Duration::from_millis(1)).tick();
    let picks: Vec<_> = (0..20).map(|_| rig.serve()).collect();
    assert!(picks.contains(&start.deployment.0), "it is used again: {picks:?}");
}

#[test]
fn a_request_that_is_wrong_is_not_tried_again() {
    let mut rig = Rig::new(vec![group(&["eu", "us"])]);
    let start = rig.arrive().start();
    let step = rig.fail(start.attempt, failed(FailureClass::BadRequest).with_status(400));
    assert_eq!(step.failure().status, 400);
}

#[test]
fn retries_end_at_their_number() {
    let deployments = (0..6).map(|n| deployment(&format!("d{n}"), 1)).collect();
    let chat = GroupConfig { deployments, retries: Retries::new(2), ..GroupConfig::new("chat") };
    let mut rig = Rig::new(vec![chat]);
    let mut step = rig.arrive();
    for _ in 0..3 {
        assert!(step.outcome().is_none());
        step = rig.fail(step.start().attempt, failed(FailureClass::Server));
    }
    assert_eq!(step.failure().class, FailureClass::Server);
}

#[test]
fn a_stream_that_has_begun_is_not_tried_again() {
    let mut rig = Rig::new(vec![group(&["eu", "us"])]);
    let start = rig.arrive().start();
    rig.tell(squall_router::RouterInput::FirstToken { attempt: start.attempt });
    let step = rig.fail(start.attempt, failed(FailureClass::Cut));
    assert!(matches!(step.outcome(), Some(Outcome::Failed { committed: true, .. })), "{step:?}");
}

#[test]
fn the_budget_bounds_retries_to_its_share_of_requests() {
    let budget = RetryBudget {
        ratio: Share::percent(20),
        min_per_second: 0,
        window: Duration::from_secs(10),
    };
    let mut chat = group(&["eu", "us"]);
    let failure =
        FailureCooldown { consecutive: 0, min_attempts: u32::MAX, ..FailureCooldown::default() };
    chat.cooldown = Cooldown { failure, ..Cooldown::default() }.into();
    let mut rig = Rig::with_budget(vec![chat], budget);
    let (mut attempts, mut refused) = (0, 0);
    for _ in 0..100 {
        let mut step = rig.arrive();
        while let Some(start) = step.started() {
            attempts += 1;
            step = rig.fail(start.attempt, failed(FailureClass::Server));
        }
        refused += u32::from(
            step.note(|note| matches!(note, RouterEvent::RetryBudgetExhausted { .. })).is_some(),
        );
    }
    assert_eq!(attempts, 100 + 20);
    assert!(refused >= 80, "{refused} were told of");
}

#[test]
fn an_answer_for_an_attempt_that_has_ended_is_ignored_and_counted() {
    let mut rig = Rig::new(vec![group(&["eu", "us"])]);
    let start = rig.arrive().start();
    rig.finish(start.attempt);
    assert!(rig.finish(start.attempt).outputs.is_empty());
    assert!(rig.fail(start.attempt, failed(FailureClass::Cut)).outputs.is_empty());
    assert_eq!(rig.router.ignored(), 2);
}
