//! Replicas that share a spend budget through a store.

use super::shared_state::{Fleet, REPLICAS};
use squall_router::shared_state::{Store, StoreConfig, SyncRequest};
use squall_router::{
    DeploymentConfig, GroupConfig, Money, Price, RouterConfig, RouterEvent, SharedEvent,
    SpendBudget, SpendBudgetId, SpendPeriod, UtcOffset,
};
use std::time::Duration;

const DOLLAR: u64 = 1_000_000_000_000;
const DAY: Duration = Duration::from_secs(86_400);

/// A budget that pays for 300 requests, of a cent each.
fn config(period: SpendPeriod) -> RouterConfig {
    let budget =
        SpendBudget { name: "day".into(), period, ..SpendBudget::rolling(Money(3 * DOLLAR), DAY) };
    let price = Price { input: Money(DOLLAR / 10_000), output: Money(0) };
    let deployment = DeploymentConfig {
        price,
        spends_from: vec![SpendBudgetId(0)],
        ..DeploymentConfig::new("eu")
    };
    let group = GroupConfig {
        deployments: vec![deployment],
        max_queue_wait: Duration::ZERO,
        ..GroupConfig::new("chat")
    };
    RouterConfig { groups: vec![group], spend_budgets: vec![budget], ..RouterConfig::default() }
}

fn spent(fleet: &mut Fleet, place: usize) -> u64 {
    let snapshot = fleet.routers[place].spend_budget_snapshots().next().expect("a budget");
    snapshot.spent.0 / (DOLLAR / 100)
}

/// Requests until nobody is served any longer: so many at each replica, ten times a second.
fn spend_all(fleet: &mut Fleet, spread: [usize; REPLICAS], seconds: usize) -> usize {
    let mut served = 0;
    for _ in 0..seconds * 10 {
        for (place, requests) in spread.into_iter().enumerate() {
            served += fleet.answered(place, requests);
        }
        fleet.pass(Duration::from_millis(100));
    }
    served
}

#[test]
fn replicas_share_a_budget_however_their_requests_are_spread() {
    for spread in [[1, 1, 1], [3, 0, 0], [1, 0, 5]] {
        let mut fleet = Fleet::of(config(SpendPeriod::Rolling(DAY)), 0);
        let served = spend_all(&mut fleet, spread, 60);
        // The last request of each replica may cost more than was in hand.
        assert!((297..=300 + REPLICAS).contains(&served), "{spread:?}: {served} of 300");
        fleet.pass(Duration::from_secs(1));
        for place in 0..REPLICAS {
            assert_eq!(spent(&mut fleet, place), served as u64, "all know what all have spent");
            let is_out = |it: &RouterEvent| matches!(it, RouterEvent::SpendBudgetExceeded { .. });
            assert_eq!(fleet.told(place, is_out), 1, "each says so once");
        }
    }
}

#[test]
fn a_replica_with_all_of_the_traffic_is_not_refused_while_there_is_plenty() {
    let mut fleet = Fleet::of(config(SpendPeriod::Rolling(DAY)), 0);
    assert_eq!(spend_all(&mut fleet, [3, 0, 0], 9), 270);
}

#[test]
fn without_the_store_each_replica_spends_its_part_and_afterwards_there_is_no_burst() {
    let mut fleet = Fleet::of(config(SpendPeriod::Rolling(DAY)), 0);
    fleet.store = None;
    fleet.pass(Duration::from_secs(2));
    for place in 0..REPLICAS {
        assert_eq!(fleet.told(place, |it| *it == RouterEvent::Shared(SharedEvent::StoreAway)), 1);
        assert_eq!(fleet.answered(place, 300), 100);
    }
    fleet.store = Some(Store::new(StoreConfig::default(), 2));
    assert_eq!(spend_all(&mut fleet, [5, 5, 5], 10), 0, "everything is spent");
}

#[test]
fn what_the_others_have_left_of_a_store_that_was_lost_is_spent_once_it_is_back() {
    let mut fleet = Fleet::of(config(SpendPeriod::Rolling(DAY)), 0);
    assert_eq!(spend_all(&mut fleet, [1, 1, 1], 3), 90);
    fleet.store = None;
    fleet.pass(Duration::from_secs(3));
    assert_eq!(fleet.answered(1, 300), 70, "the rest of its part");
    fleet.store = Some(Store::new(StoreConfig::default(), 2));
    let served = spend_all(&mut fleet, [2, 2, 2], 20);
    assert!((137..=140 + REPLICAS).contains(&served), "{served} of the 140 that are left");
}

#[test]
fn a_calendar_day_ends_at_midnight_for_all_replicas() {
    let midnight_in = |seconds: u64| (DAY.as_secs() - seconds) * 1_000_000_000;
    let period = SpendPeriod::Day(UtcOffset::default());
    let mut fleet = Fleet::of(config(period), midnight_in(30));
    let first = spend_all(&mut fleet, [5, 5, 5], 20);
    assert!((297..=300 + REPLICAS).contains(&first), "{first} of 300");
    fleet.pass(Duration::from_secs(20));
    let second = spend_all(&mut fleet, [0, 9, 0], 20);
    assert!((297..=300 + REPLICAS).contains(&second), "{second} of the next day's 300");
}

#[test]
fn a_day_that_begins_while_the_store_is_away_gives_each_replica_its_part() {
    let period = SpendPeriod::Day(UtcOffset::default());
    let mut fleet = Fleet::of(config(period), (DAY.as_secs() - 10) * 1_000_000_000);
    spend_all(&mut fleet, [10, 10, 10], 3);
    fleet.store = None;
    fleet.pass(Duration::from_secs(10));
    assert_eq!([0, 1, 2].map(|place| fleet.answered(place, 300)), [100; 3]);
}

#[test]
fn a_replica_that_leaves_gives_back_what_it_has_not_spent() {
    let mut fleet = Fleet::of(config(SpendPeriod::Rolling(DAY)), 0);
    assert_eq!(fleet.answered(0, 1), 1);
    let leaving = fleet.routers[0].leave_shared().expect("it shares");
    let store = fleet.store.as_mut().expect("it is there");
    store.sync(fleet.now, &SyncRequest { replica: 1, ..leaving }).expect("it is taken");
    let (now, mut served) = (fleet.now, 1);
    for step in 0..600 {
        served += fleet.answered(1, 1) + fleet.answered(2, 1);
        // The one that has left is not asked any more.
        fleet.pass_but(0, now + Duration::from_millis(100 * (step + 1)));
    }
    assert!((297..=300 + REPLICAS).contains(&served), "{served} of 300");
}

#[test]
fn another_limit_keeps_what_was_spent() {
    let mut fleet = Fleet::of(config(SpendPeriod::Rolling(DAY)), 0);
    assert_eq!(spend_all(&mut fleet, [1, 1, 1], 5), 150);
    let mut half = config(SpendPeriod::Rolling(DAY));
    half.spend_budgets[0].limit = Money(2 * DOLLAR);
    fleet.reconfigure(half);
    let served = spend_all(&mut fleet, [1, 1, 1], 60);
    assert!((47..=50 + REPLICAS).contains(&served), "{served} of the 50 that are left");
}
