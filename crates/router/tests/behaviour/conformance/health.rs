//! 111 to 119: health, order, priority and money. 114 cannot be said (a check without a deployment), and
//! 120, the outage, is a scenario: `scenarios/router/litellm-outage.yaml`.

use super::{ALL, World, is_success, ours, rig_by, server};
use crate::rig::{Rig, group};
use squall_failure::FailureClass;
use squall_router::{
    DeploymentId, Fallbacks, GroupConfig, GroupId, HealthChecks, Money, Price, RateLimits, Retries,
    RouterConfig, RouterEvent, RouterInput, SpendBudget, SpendBudgetId,
};
use std::collections::BTreeSet;
use std::time::Duration;

fn checked(checks: Option<HealthChecks>) -> Rig {
    let groups = vec![group(&["a", "b", "c"])];
    Rig::of(RouterConfig { groups, health_checks: checks, ..RouterConfig::default() })
}

fn fail_checks(rig: &mut Rig, deployment: u16, times: u32) {
    for _ in 0..times {
        rig.tell(RouterInput::Checked { deployment: DeploymentId(deployment), passed: false });
    }
}

fn candidates(rig: &mut Rig) -> usize {
    (0..12).map(|_| rig.serve()).collect::<BTreeSet<_>>().len()
}

#[test]
fn of_three_the_one_that_fails_its_checks_is_passed_over() {
    let mut rig = checked(Some(HealthChecks::default()));
    fail_checks(&mut rig, 1, 3);
    assert_eq!(candidates(&mut rig), 2);
    let mut rig = checked(None);
    fail_checks(&mut rig, 1, 3);
    assert_eq!(candidates(&mut rig), 3, "without checks");
}

#[test]
fn without_checks_that_have_come_back_nothing_is_passed_over() {
    let mut rig = checked(Some(HealthChecks::default()));
    assert_eq!(candidates(&mut rig), 3);
    for deployment in 0..3 {
        fail_checks(&mut rig, deployment, 3);
    }
    assert_eq!(candidates(&mut rig), 3, "checks that find all ill say nothing");
}

#[test]
fn all_goes_to_order_1_while_it_is_healthy() {
    for profile in ALL {
        let mut group = group(&["second", "first"]);
        group.deployments[0].order = 2;
        group.deployments[1].order = 1;
        let mut rig = rig_by(profile, vec![group]);
        assert!((0..20).all(|_| rig.serve() == 1), "{profile:?}");
    }
}

#[test]
fn when_order_1_fails_order_2_and_3_are_tried_before_a_fallback() {
    let mut tiers = group(&["one", "two", "three"]);
    for (order, deployment) in tiers.deployments.iter_mut().enumerate() {
        deployment.order = order as u8;
    }
    tiers.fallbacks = Fallbacks::to(vec![GroupId(1)]);
    let other = GroupConfig { name: "other".into(), ..group(&["other"]) };
    let mut rig = Rig::new(vec![tiers, other]);
    let mut step = rig.arrive();
    for wanted in 0..4 {
        let start = step.start();
        assert_eq!(start.deployment.0, wanted);
        step = rig.fail(start.attempt, server());
    }
}

#[test]
fn of_those_who_wait_the_lowest_number_goes_first_and_who_waits_too_long_leaves_nothing_behind() {
    let mut chat = GroupConfig { max_queue_wait: Duration::from_secs(2), ..group(&["only"]) };
    chat.deployments[0].limits = RateLimits { concurrency: Some(1), ..RateLimits::default() };
    let mut rig = ours(chat);
    let running = rig.arrive().start();
    rig.arrive_with(|arrival| arrival.priority = 9);
    let high = rig.arrive_with(|arrival| arrival.priority = 1).accepted();
    let next = rig.finish(running.attempt).start();
    assert_eq!(next.attempt.request, high);
    rig.after(Duration::from_secs(2));
    assert_eq!(rig.tick().failure().class, FailureClass::Throttled);
    assert!(rig.finish(next.attempt).started().is_none());
    assert_eq!(rig.router.in_flight(), 0);
}

#[test]
fn a_provider_whose_budget_is_exceeded_is_dropped_and_all_dropped_is_an_error_of_its_own() {
    let spend_budgets = vec![SpendBudget::rolling(Money(1_000), Duration::from_secs(3_600))];
    for profile in ALL {
        let mut chat = GroupConfig {
            retries: Retries::new(0),
            max_queue_wait: Duration::ZERO,
            ..group(&["paid", "free"])
        };
        chat.deployments[0].price = Price { input: Money(5), output: Money(5) };
        chat.deployments[0].spends_from = vec![SpendBudgetId(0)];
        let with = |groups| RouterConfig {
            groups,
            spend_budgets: spend_budgets.clone(),
            ..RouterConfig::default()
        };
        let mut rig = Rig::of(with(vec![chat.clone()]).with_profile(profile));
        let paid = (0..100).filter(|_| rig.serve() == 0).count();
        assert_eq!(paid, 1, "{profile:?}: 200 tokens at 5 are all there is");

        chat.deployments.truncate(1);
        let mut rig = Rig::of(with(vec![chat]).with_profile(profile));
        rig.serve();
        let refused = rig.arrive();
        assert_eq!(refused.failure().class, FailureClass::QuotaSpent, "{profile:?}");
        rig.after(Duration::from_secs(3_600));
        rig.serve();
    }
}

#[test]
fn a_budget_that_is_exceeded_is_told_of() {
    let mut chat = group(&["paid"]);
    chat.deployments[0].price = Price { input: Money(5), output: Money(5) };
    chat.deployments[0].spends_from = vec![SpendBudgetId(0)];
    let spend_budgets = vec![SpendBudget::rolling(Money(1_000), Duration::from_secs(60))];
    let config = RouterConfig { groups: vec![chat], spend_budgets, ..RouterConfig::default() };
    let mut rig = Rig::of(config);
    let start = rig.arrive().start();
    let step = rig.finish(start.attempt);
    assert!(step.note(|note| matches!(note, RouterEvent::SpendBudgetExceeded { .. })).is_some());
    let mut world = World::new(rig, &[], server());
    assert!(
        !is_success(&world.request()),
        "nothing is left, and the period is longer than anyone waits"
    );
}
