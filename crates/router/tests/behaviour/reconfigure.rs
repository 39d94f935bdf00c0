//! From one configuration to another: nothing that runs is lost, and what is new holds at once.

use crate::rig::{Rig, Step, failed, group, throttled};
use squall_failure::FailureClass;
use squall_router::{
    AssignedIds, ConfigId, DeploymentId, GroupConfig, GroupId, Outcome, RateLimit, RateLimits,
    RateWindow, RouterConfig, RouterEvent, RouterInput, RouterOutput, TenantConfig, TenantId,
};
use std::time::Duration;

fn weighted(weights: &[(&str, u32)]) -> GroupConfig {
    let names: Vec<_> = weights.iter().map(|&(name, _)| name).collect();
    let mut group = group(&names);
    for (deployment, &(_, weight)) in group.deployments.iter_mut().zip(weights) {
        deployment.weight = weight;
    }
    group
}

fn config(groups: Vec<GroupConfig>) -> RouterConfig {
    RouterConfig { groups, ..RouterConfig::default() }
}

/// A rig with a second configuration that waits to be taken on.
fn rig(from: Vec<GroupConfig>, to: Vec<GroupConfig>) -> (Rig, AssignedIds) {
    let mut rig = Rig::new(from);
    let (_, numbers) = rig.router.prepare(config(to)).unwrap();
    (rig, numbers)
}

fn change(rig: &mut Rig) -> Step {
    rig.tell(RouterInput::Reconfigure { config: ConfigId(1) })
}

fn shares(rig: &mut Rig, requests: u32) -> Vec<u32> {
    let mut counts = vec![0; 8];
    (0..requests).for_each(|_| counts[usize::from(rig.serve())] += 1);
    counts
}

#[test]
fn new_weights_hold_from_the_next_request_on() {
    let (mut rig, _) =
        rig(vec![weighted(&[("eu", 9), ("us", 1)])], vec![weighted(&[("eu", 1), ("us", 9)])]);
    assert_eq!(shares(&mut rig, 100)[..2], [90, 10]);
    let step = change(&mut rig);
    assert!(step.note(|note| matches!(note, RouterEvent::Reconfigured { .. })).is_some());
    assert_eq!(shares(&mut rig, 100)[..2], [10, 90]);
}

#[test]
fn there_is_a_way_back_to_where_it_began() {
    let (mut rig, _) = rig(vec![weighted(&[("eu", 1), ("us", 0)])], vec![weighted(&[("us", 1)])]);
    change(&mut rig);
    assert_eq!(rig.serve(), 1);
    rig.tell(RouterInput::Reconfigure { config: ConfigId(0) });
    assert_eq!(rig.serve(), 0);
}

#[test]
fn an_attempt_at_a_deployment_that_is_gone_ends_as_if_it_were_there() {
    let (mut rig, _) = rig(vec![group(&["old"])], vec![group(&["new"])]);
    let running = rig.arrive().start();
    change(&mut rig);
    assert_eq!(rig.serve(), 1);
    let outcome = rig.finish(running.attempt).outcome();
    assert!(matches!(outcome, Some(Outcome::Succeeded { deployment: DeploymentId(0), .. })));
}

#[test]
fn a_retry_goes_to_the_deployments_that_are_there_now() {
    let (mut rig, _) = rig(vec![group(&["old"])], vec![group(&["new"])]);
    let running = rig.arrive().start();
    change(&mut rig);
    let retry = rig.fail(running.attempt, failed(FailureClass::Server)).start();
    assert_eq!(retry.deployment, DeploymentId(1));
}

#[test]
fn those_who_wait_start_at_once_where_the_change_makes_room() {
    let mut narrow = group(&["only"]);
    narrow.deployments[0].limits.concurrency = Some(1);
    let mut wide = narrow.clone();
    wide.deployments[0].limits.concurrency = Some(3);
    let (mut rig, _) = rig(vec![narrow], vec![wide]);
    rig.arrive().start();
    assert!(rig.arrive().started().is_none());
    assert!(rig.arrive().started().is_none());
    let step = change(&mut rig);
    let is_start = |output: &&RouterOutput| matches!(output, RouterOutput::StartAttempt(_));
    assert_eq!(step.outputs.iter().filter(is_start).count(), 2);
}

#[test]
fn those_who_wait_in_a_group_that_is_gone_are_told_so() {
    let mut chat = group(&["only"]);
    chat.deployments[0].limits.concurrency = Some(1);
    let other = GroupConfig { name: "other".into(), ..group(&["other"]) };
    let (mut rig, numbers) = rig(vec![chat], vec![other]);
    assert_eq!(numbers.groups, [GroupId(1)]);
    let running = rig.arrive().start();
    rig.arrive();
    let step = change(&mut rig);
    assert_eq!(step.failure().class, FailureClass::Overloaded);
    assert!(rig.finish(running.attempt).outcome().is_some());
    assert_eq!(rig.arrive().failure().class, FailureClass::Overloaded, "asked for all the same");
    assert_eq!(rig.router.in_flight(), 0);
}

#[test]
fn a_cooldown_outlives_a_change_of_something_else_and_ends_with_its_deployment() {
    let (mut rig, _) =
        rig(vec![weighted(&[("eu", 1), ("us", 1)])], vec![weighted(&[("eu", 1), ("us", 5)])]);
    rig.router.prepare(config(vec![group(&["us"])])).unwrap();
    let start = rig.arrive().start();
    assert_eq!(start.deployment, DeploymentId(0));
    rig.fail(start.attempt, throttled(Some(60)));
    change(&mut rig);
    assert_eq!(rig.router.cooling().count(), 1);
    assert_eq!(shares(&mut rig, 20)[0], 0);
    let step = rig.tell(RouterInput::Reconfigure { config: ConfigId(2) });
    let ended = |note: &RouterEvent| {
        matches!(note, RouterEvent::CooldownEnded { deployment: DeploymentId(0) })
    };
    assert!(step.note(ended).is_some());
}

#[test]
fn another_limit_is_no_new_burst() {
    let per_minute = |per_minute| RateLimits {
        rpm: Some(RateLimit { per_minute, window: RateWindow::Gcra { burst: None } }),
        ..RateLimits::default()
    };
    let limited = |limit| {
        let mut chat = GroupConfig { max_queue_wait: Duration::ZERO, ..group(&["only"]) };
        chat.deployments[0].limits = per_minute(limit);
        chat
    };
    let (mut rig, _) = rig(vec![limited(10)], vec![limited(12)]);
    assert_eq!(shares(&mut rig, 10)[0], 10);
    change(&mut rig);
    let started = (0..10).filter(|_| rig.arrive().started().is_some()).count();
    assert_eq!(started, 2);
}

#[test]
fn a_configuration_that_cannot_run_changes_nothing() {
    let mut rig = Rig::new(vec![group(&["only"])]);
    assert!(rig.router.prepare(config(Vec::new())).is_err());
    assert_eq!(rig.tell(RouterInput::Reconfigure { config: ConfigId(1) }).outputs, []);
    assert_eq!(rig.router.ignored(), 1);
    assert_eq!(rig.serve(), 0);
}

#[test]
fn what_is_forgotten_cannot_hold_any_more_and_its_number_is_given_again() {
    let mut rig = Rig::new(vec![group(&["a"])]);
    let (first, _) = rig.router.prepare(config(vec![group(&["b"])])).unwrap();
    let (second, _) = rig.router.prepare(config(vec![group(&["c"])])).unwrap();
    assert_eq!((first, second), (ConfigId(1), ConfigId(2)));
    rig.tell(RouterInput::Reconfigure { config: first });
    rig.router.forget(first);
    assert_eq!(rig.serve(), 1, "what holds goes on to hold");
    assert_eq!(rig.tell(RouterInput::Reconfigure { config: first }).outputs, []);
    assert_eq!(rig.router.ignored(), 1);
    let (again, numbers) = rig.router.prepare(config(vec![group(&["d"])])).unwrap();
    assert_eq!((again, numbers.deployments), (first, vec![DeploymentId(3)]));
    rig.tell(RouterInput::Reconfigure { config: again });
    assert_eq!(rig.serve(), 3);
    rig.tell(RouterInput::Reconfigure { config: second });
    assert_eq!(rig.serve(), 2, "others keep their numbers");
}

#[test]
fn a_tenant_keeps_its_number_wherever_it_stands() {
    let tenant = |name: &str, concurrency| TenantConfig {
        name: name.into(),
        limits: RateLimits { concurrency, ..RateLimits::default() },
    };
    let with = |tenants| RouterConfig { tenants, ..config(vec![group(&["only"])]) };
    let mut rig = Rig::of(with(vec![tenant("a", Some(1)), tenant("b", None)]));
    let (_, numbers) =
        rig.router.prepare(with(vec![tenant("b", None), tenant("a", Some(1))])).unwrap();
    assert_eq!(numbers.tenants, [TenantId(1), TenantId(0)]);
    let of_a = |rig: &mut Rig| rig.arrive_with(|arrival| arrival.tenant = Some(TenantId(0)));
    let running = of_a(&mut rig).start();
    change(&mut rig);
    assert!(of_a(&mut rig).started().is_none(), "its place is taken still");
    assert!(rig.finish(running.attempt).started().is_some());
}
