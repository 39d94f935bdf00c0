//! Spend budgets over restarts and changes of configuration.

use crate::rig::{Rig, deployment, group};
use squall_determinism::Timestamp;
use squall_router::{
    DeploymentConfig, GroupConfig, Money, Price, RouterConfig, RouterEvent, RouterInput,
    SpendBudget, SpendBudgetId, SpendPeriod, UtcOffset,
};
use std::time::Duration;

/// 200 tokens of each request at 5: 1,000 a request.
fn paid(name: &str, from: u16) -> DeploymentConfig {
    let price = Price { input: Money(5), output: Money(5) };
    DeploymentConfig { price, spends_from: vec![SpendBudgetId(from)], ..deployment(name, 1) }
}

fn daily(name: &str, limit: u64) -> SpendBudget {
    let period = SpendPeriod::Day(UtcOffset::default());
    SpendBudget { name: name.into(), period, ..SpendBudget::rolling(Money(limit), Duration::ZERO) }
}

fn config(deployments: Vec<DeploymentConfig>, spend_budgets: Vec<SpendBudget>) -> RouterConfig {
    let chat = GroupConfig { deployments, max_queue_wait: Duration::ZERO, ..group(&[]) };
    RouterConfig { groups: vec![chat], spend_budgets, ..RouterConfig::default() }
}

fn restored(spent: u64, until: Timestamp) -> RouterInput {
    RouterInput::SpendRestored { budget: SpendBudgetId(0), spent: Money(spent), until }
}

#[test]
fn what_a_router_has_spent_is_not_spent_again_by_the_next() {
    let one = || config(vec![paid("a", 0), deployment("free", 1)], vec![daily("team", 3_000)]);
    let mut first = Rig::of(one());
    while first.serve() != 0 {}
    let saved = first.router.spend_budget_snapshots().next().expect("it has a budget");
    assert_eq!((saved.spent, saved.until), (Money(1_000), Some(Timestamp::from_secs(86_400))));

    let mut second = Rig::of(one());
    second.tell(restored(saved.spent.0, saved.until.expect("a period")));
    let paid = (0..10).filter(|_| second.serve() == 0).count();
    assert_eq!(paid, 2, "the rest of three");
    second.now = Timestamp::from_secs(86_400);
    second.tick();
    let paid = (0..10).filter(|_| second.serve() == 0).count();
    assert_eq!(paid, 3, "another day");
}

#[test]
fn an_exhausted_budget_is_restored_as_one_and_one_whose_period_is_over_is_not() {
    let one = || config(vec![paid("a", 0)], vec![daily("team", 1_000)]);
    let mut rig = Rig::of(one());
    let step = rig.tell(restored(1_000, Timestamp::from_secs(60)));
    assert!(step.note(|note| matches!(note, RouterEvent::SpendBudgetExceeded { .. })).is_some());
    let refused = rig.arrive().failure();
    assert_eq!((refused.status, refused.retry_after), (429, Some(Duration::from_secs(60))));

    let mut rig = Rig::of(one());
    rig.after(Duration::from_secs(60));
    rig.tell(restored(u64::MAX, Timestamp::from_secs(60)));
    rig.serve();
}

#[test]
fn what_a_file_lies_about_holds_no_longer_than_a_period() {
    let mut rig = Rig::of(config(vec![paid("a", 0)], vec![daily("team", 1_000)]));
    rig.tell(restored(u64::MAX, Timestamp::MAX));
    assert_eq!(rig.arrive().failure().retry_after, Some(Duration::from_secs(86_400)));
    let before = rig.router.ignored();
    rig.tell(RouterInput::SpendRestored {
        budget: SpendBudgetId(7),
        spent: Money(1),
        until: Timestamp::MAX,
    });
    assert_eq!(rig.router.ignored(), before + 1, "there is no such budget");
}

#[test]
fn a_budget_keeps_what_was_spent_when_others_come_before_it() {
    let mut rig = Rig::of(config(vec![paid("a", 0)], vec![daily("team", 1_000)]));
    rig.serve();
    let other = config(vec![paid("a", 1)], vec![daily("new", 1_000), daily("team", 1_000)]);
    let (config, _) = rig.router.prepare(other).expect("it can be run with");
    rig.tell(RouterInput::Reconfigure { config });
    assert_eq!(rig.arrive().failure().status, 429, "nothing is left of its own");
    let spent: Vec<_> = rig.router.spend_budget_snapshots().map(|each| each.spent.0).collect();
    assert_eq!(spent, [0, 1_000]);
    assert_eq!(rig.router.spend_budget_names().collect::<Vec<_>>(), ["new", "team"]);
}
