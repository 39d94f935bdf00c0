//! Limits that the provider's answers state in their headers.

use crate::rig::{Rig, deployment, group};
use squall_router::{
    DeploymentConfig, GroupConfig, LimitScope, RateLimits, RouterEvent, RouterInput, StartAttempt,
    UpstreamLimits,
};
use std::time::Duration;

fn learning(name: &str) -> DeploymentConfig {
    let limits = RateLimits { from_headers: true, ..RateLimits::default() };
    DeploymentConfig { limits, ..deployment(name, 1) }
}

fn rig(deployments: Vec<DeploymentConfig>) -> Rig {
    Rig::new(vec![GroupConfig { deployments, ..group(&[]) }])
}

fn requests(limit: u32, remaining: u32) -> UpstreamLimits {
    UpstreamLimits {
        limit_requests: Some(limit),
        remaining_requests: Some(remaining),
        ..UpstreamLimits::default()
    }
}

fn answer(rig: &mut Rig, start: StartAttempt, headers: UpstreamLimits) {
    rig.tell(RouterInput::LimitHeaders { attempt: start.attempt, headers });
    rig.finish(start.attempt);
}

#[test]
fn headers_are_wanted_of_deployments_that_learn_and_of_no_others() {
    let mut rig = rig(vec![learning("learns"), deployment("does-not", 1)]);
    for _ in 0..2 {
        let start = rig.arrive().start();
        assert_eq!(start.wants_limits, start.deployment.0 == 0);
        rig.finish(start.attempt);
    }
}

#[test]
fn once_nothing_remains_the_others_serve_until_it_has_refilled() {
    let mut rig = rig(vec![learning("a"), learning("b")]);
    let start = rig.arrive().start();
    assert_eq!(start.deployment.0, 0);
    answer(&mut rig, start, requests(60, 0));
    let picks: Vec<_> = (0..4).map(|_| rig.serve()).collect();
    assert_eq!(picks, [1; 4], "before a 429 was ever seen");
    // Sixty a minute: one a second.
    rig.after(Duration::from_secs(1));
    assert!((0..2).map(|_| rig.serve()).any(|to| to == 0));
}

#[test]
fn one_that_is_alone_lets_the_request_wait_for_the_refill() {
    let mut rig = rig(vec![learning("a")]);
    let start = rig.arrive().start();
    answer(&mut rig, start, requests(30, 0));
    let step = rig.arrive();
    assert!(step.started().is_none());
    let reached = |note: &RouterEvent| {
        matches!(note, RouterEvent::LimitReached { limit: LimitScope::Requests, .. })
    };
    assert!(step.note(reached).is_some());
    let began = rig.now;
    rig.next_tick().start();
    assert_eq!(rig.now.since(began), Duration::from_secs(2));
}

#[test]
fn what_a_provider_has_not_counted_yet_is_under_way() {
    let mut rig = rig(vec![learning("a"), deployment("spare", 0)]);
    let first = rig.arrive().start();
    let _second = rig.arrive().start();
    rig.tell(RouterInput::LimitHeaders { attempt: first.attempt, headers: requests(60, 1) });
    assert!(rig.arrive().started().is_none(), "the one that remains is taken by the second");
}

#[test]
fn what_is_not_to_be_learned_is_not() {
    let mut rig = rig(vec![deployment("a", 1)]);
    let start = rig.arrive().start();
    answer(&mut rig, start, requests(60, 0));
    assert_eq!(rig.serve(), 0);
}
