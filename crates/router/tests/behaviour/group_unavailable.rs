//! When every deployment of a group cools down, a setting decides, and a note tells of it. Checks apart
//! from traffic.

use crate::rig::{Rig, failed, group, no_jitter, throttled};
use squall_failure::FailureClass;
use squall_router::{
    DeploymentId, GroupConfig, HealthChecks, RouterConfig, RouterEvent, RouterInput, RouterOutput,
    UnavailablePolicy,
};
use std::time::Duration;

/// A group of two that both cool down for 5 s.
fn out(when_unavailable: UnavailablePolicy) -> Rig {
    let chat = GroupConfig { when_unavailable, retry_rule: no_jitter(), ..group(&["a", "b"]) };
    let mut rig = Rig::new(vec![chat]);
    while rig.router.cooling().count() < 2 {
        let start = rig.arrive_with(|arrival| arrival.overrides.retries = Some(0)).start();
        rig.fail(start.attempt, failed(FailureClass::Server));
    }
    rig
}

fn is_told(step: &crate::rig::Step) -> bool {
    step.note(|note| matches!(note, RouterEvent::GroupUnavailable { .. })).is_some()
}

#[test]
fn it_waits_for_the_first_to_return() {
    let mut rig = out(UnavailablePolicy::Wait);
    let step = rig.arrive();
    assert!(is_told(&step) && step.started().is_none());
    rig.next_tick();
    assert_eq!(rig.now.as_secs_f64(), 5.0);
    assert_eq!(rig.router.in_flight(), 1);
}

#[test]
fn it_fails_with_the_time_at_which_the_first_returns() {
    let mut rig = out(UnavailablePolicy::Fail);
    rig.after(Duration::from_secs(2));
    let step = rig.arrive();
    assert!(is_told(&step));
    assert_eq!(step.failure().retry_after, Some(Duration::from_secs(3)));
}

#[test]
fn it_uses_them_all_the_same_but_not_those_that_are_throttled() {
    let mut rig = out(UnavailablePolicy::Panic);
    let step = rig.arrive();
    assert!(is_told(&step));
    let first = step.start();
    rig.fail(first.attempt, throttled(Some(600)));
    for _ in 0..4 {
        let start = rig.arrive().start();
        assert_ne!(start.deployment, first.deployment);
        rig.finish(start.attempt);
    }
}

#[test]
fn it_says_what_it_is_told_to_say() {
    let mut rig = out(UnavailablePolicy::FailStating(Duration::from_secs(42)));
    let step = rig.arrive();
    assert!(is_told(&step));
    assert_eq!(step.failure().retry_after, Some(Duration::from_secs(42)));
}

#[test]
fn checks_are_asked_for_each_in_its_turn_and_a_recovered_deployment_is_used_again() {
    let checks = HealthChecks { every: Duration::from_secs(9), ..HealthChecks::default() };
    let mut rig = Rig::of(RouterConfig {
        groups: vec![group(&["a", "b", "c"])],
        health_checks: Some(checks),
        ..RouterConfig::default()
    });
    let mut asked = Vec::new();
    while rig.now.as_secs_f64() < 17.0 {
        let step = rig.next_tick();
        asked.extend(step.outputs.iter().filter_map(|output| match output {
            RouterOutput::Check { deployment, timeout } => {
                assert_eq!(*timeout, checks.timeout);
                Some((rig.now.as_secs_f64() as u64, deployment.0))
            }
            _ => None,
        }));
    }
    assert_eq!(asked, [(0, 0), (3, 1), (6, 2), (9, 0), (12, 1), (15, 2), (18, 0)]);

    let check = |rig: &mut Rig, passed| {
        rig.tell(RouterInput::Checked { deployment: DeploymentId(1), passed })
    };
    (0..2).for_each(|_| drop(check(&mut rig, false)));
    assert!((0..3).any(|_| rig.serve() == 1));
    let step = check(&mut rig, false);
    let changed =
        |note: &RouterEvent| matches!(note, RouterEvent::HealthChanged { healthy: false, .. });
    assert!(step.note(changed).is_some());
    assert!((0..6).all(|_| rig.serve() != 1));
    (0..2).for_each(|_| drop(check(&mut rig, true)));
    assert!((0..3).any(|_| rig.serve() == 1));
}
