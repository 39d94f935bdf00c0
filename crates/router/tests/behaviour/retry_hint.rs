//! Every refusal says when to come back.

use crate::rig::{Rig, deployment, failed, group};
use squall_failure::FailureClass;
use squall_router::{
    DeploymentConfig, DeploymentId, GroupConfig, HealthChecks, RateLimits, Retries, RouterConfig,
    RouterInput, TenantConfig, TenantId, UnavailablePolicy,
};
use std::time::Duration;

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn one_at_once() -> RateLimits {
    RateLimits { concurrency: Some(1), ..RateLimits::default() }
}

fn narrow() -> GroupConfig {
    let deployments = vec![DeploymentConfig { limits: one_at_once(), ..deployment("a", 1) }];
    GroupConfig { deployments, max_queue_wait: Duration::ZERO, ..group(&[]) }
}

/// Serves so many requests, each of which takes so long.
fn serve(rig: &mut Rig, times: u32, lasts: Duration) {
    for _ in 0..times {
        let start = rig.arrive().start();
        rig.after(lasts).finish(start.attempt);
    }
}

#[test]
fn a_place_frees_as_often_as_places_did_of_late() {
    let mut rig = Rig::new(vec![narrow()]);
    serve(&mut rig, 3, secs(4));
    rig.arrive().start();
    let refused = rig.arrive().failure();
    assert_eq!((refused.status, refused.retry_after), (429, Some(secs(4))));
}

#[test]
fn where_nothing_is_known_a_second_is_said() {
    let mut rig = Rig::new(vec![narrow()]);
    rig.arrive().start();
    assert_eq!(rig.arrive().failure().retry_after, Some(secs(1)));
}

#[test]
fn a_place_of_a_group_or_a_tenant_is_waited_for_like_one_of_a_deployment() {
    let of_group =
        GroupConfig { limits: one_at_once(), max_queue_wait: Duration::ZERO, ..group(&["a"]) };
    let mut rig = Rig::new(vec![of_group]);
    serve(&mut rig, 3, secs(3));
    rig.arrive().start();
    assert_eq!(rig.arrive().failure().retry_after, Some(secs(3)));

    let tenants = vec![TenantConfig { name: "team".to_owned(), limits: one_at_once() }];
    let groups = vec![GroupConfig { max_queue_wait: Duration::ZERO, ..group(&["a"]) }];
    let mut rig = Rig::of(RouterConfig { groups, tenants, ..RouterConfig::default() });
    for _ in 0..3 {
        let start = rig.arrive_with(|arrival| arrival.tenant = Some(TenantId(0))).start();
        rig.after(secs(6)).finish(start.attempt);
    }
    rig.arrive_with(|arrival| arrival.tenant = Some(TenantId(0))).start();
    let refused = rig.arrive_with(|arrival| arrival.tenant = Some(TenantId(0))).failure();
    assert_eq!(refused.retry_after, Some(secs(6)));
}

#[test]
fn a_full_queue_is_to_be_served_first() {
    let config = GroupConfig { max_queue_wait: secs(600), max_queued: 2, ..narrow() };
    let mut rig = Rig::new(vec![config]);
    let mut running = rig.arrive().start();
    rig.arrive();
    rig.arrive();
    for _ in 0..3 {
        running = rig.after(secs(5)).finish(running.attempt).start();
        rig.arrive();
    }
    let refused = rig.arrive().failure();
    assert_eq!(refused.retry_after, Some(secs(15)), "two that wait, and this one");
}

#[test]
fn an_unhealthy_deployment_returns_with_the_checks_that_it_has_to_pass() {
    let checks = HealthChecks { every: secs(10), timeout: secs(1), unhealthy: 1, healthy: 3 };
    let chat = GroupConfig {
        when_unavailable: UnavailablePolicy::Fail,
        deployments: vec![deployment("a", 1), DeploymentConfig { weight: 0, ..deployment("b", 1) }],
        ..group(&[])
    };
    let config =
        RouterConfig { groups: vec![chat], health_checks: Some(checks), ..RouterConfig::default() };
    let mut rig = Rig::of(config);
    rig.tick();
    rig.tell(RouterInput::Checked { deployment: DeploymentId(0), passed: false });
    // The next one is due in ten seconds, and is the first of three.
    let refused = rig.arrive().failure();
    assert_eq!((refused.status, refused.retry_after), (503, Some(secs(30))));
    rig.after(secs(10)).tick();
    rig.tell(RouterInput::Checked { deployment: DeploymentId(0), passed: true });
    assert_eq!(rig.arrive().failure().retry_after, Some(secs(20)));
}

#[test]
fn a_probe_under_way_is_answered_soon() {
    let chat = GroupConfig {
        when_unavailable: UnavailablePolicy::Fail,
        retries: Retries::new(0),
        ..group(&["a"])
    };
    let mut rig = Rig::new(vec![chat]);
    while let Some(start) = rig.arrive().started() {
        rig.fail(start.attempt, failed(FailureClass::Server));
    }
    rig.next_tick();
    rig.arrive().start();
    let refused = rig.arrive().failure();
    assert_eq!(
        (refused.status, refused.retry_after),
        (503, Some(Duration::from_millis(500))),
        "no answer is expected sooner"
    );
}
