//! A deployment that returns takes a share that grows with time, whatever the strategy.

use crate::rig::{Rig, deployment, failed, group};
use squall_determinism::Share;
use squall_failure::FailureClass;
use squall_router::{
    DeploymentId, FallbackChoice, Fallbacks, GroupConfig, GroupId, HealthChecks, Hedge, HedgeAfter,
    RouterConfig, RouterEvent, RouterInput, SlowStart, Strategy,
};
use std::time::Duration;

const RULE: SlowStart =
    SlowStart { window: Duration::from_secs(20), aggression: 1_000, least: Share::percent(10) };

fn ramped(deployments: &[&str]) -> GroupConfig {
    GroupConfig { slow_start: Some(RULE), ..group(deployments) }
}

/// Deployment 0 trips, and is found well again by its probe.
fn returned(chat: GroupConfig) -> Rig {
    let mut rig = Rig::new(vec![chat]);
    rig.trip_first();
    rig.after(Duration::from_secs(5)).tick();
    loop {
        let start = rig.arrive().start();
        let step = rig.finish(start.attempt);
        if step.note(|note| matches!(note, RouterEvent::Recovered { .. })).is_some() {
            return rig;
        }
    }
}

/// Its health checks fail, and pass again.
fn passed_again(chat: GroupConfig) -> Rig {
    back_in(vec![chat])
}

fn back_in(groups: Vec<GroupConfig>) -> Rig {
    let mut rig = Rig::of(RouterConfig {
        groups,
        health_checks: Some(HealthChecks::default()),
        ..RouterConfig::default()
    });
    for (times, passed) in [(3, false), (2, true)] {
        for _ in 0..times {
            rig.tell(RouterInput::Checked { deployment: DeploymentId(0), passed });
        }
    }
    rig
}

/// Of so many requests, evenly over a second, how many deployment 0 gets.
fn in_a_second(rig: &mut Rig, requests: u32) -> usize {
    let each = Duration::from_secs(1) / requests;
    (0..requests).filter(|_| rig.after(each).serve() == 0).count()
}

#[test]
fn its_share_grows_from_a_tenth_to_the_whole_and_nothing_is_caught_up() {
    let mut rig = returned(ramped(&["back", "other"]));
    let shares: Vec<_> = (0..24).map(|_| in_a_second(&mut rig, 100)).collect();
    // Half of a hundred, times the twentieths that have passed.
    for (second, &share) in shares.iter().enumerate().take(20) {
        let most = 50.0 * ((second + 1) as f64 / 20.0).max(0.1);
        assert!(share as f64 <= most + 1.0 && share as f64 >= most - 5.0, "{second}: {shares:?}");
    }
    assert!(shares[20..].iter().all(|&share| (49..=51).contains(&share)), "{shares:?}");
}

#[test]
fn under_every_strategy_it_takes_no_more_than_its_ramp_allows() {
    for strategy in Strategy::BUILT_IN {
        let mut chat = ramped(&["back", "other", "third"]);
        chat.strategy = strategy.clone();
        let mut rig = passed_again(chat);
        let most = |second: u32| 100.0 / 3.0 * (f64::from(second + 1) / 20.0).max(0.1);
        let (mut taken, mut allowed) = (0, 0.0);
        for second in 0..20 {
            taken += in_a_second(&mut rig, 100);
            allowed += most(second);
            let name = strategy.name();
            assert!(taken as f64 <= allowed + 1.0, "{name}: {taken} of {allowed} by {second}");
        }
    }
}

#[test]
fn aggression_says_whether_it_grows_sooner_or_later() {
    let by = |aggression| {
        let rule = SlowStart { aggression, ..RULE };
        let chat = GroupConfig { slow_start: Some(rule), ..group(&["back", "other"]) };
        let mut rig = returned(chat);
        (0..10).map(|_| in_a_second(&mut rig, 100)).sum::<usize>()
    };
    let (later, even, sooner) = (by(500), by(1_000), by(2_000));
    assert!(later < even && even < sooner, "{later}, {even}, {sooner}");
}

#[test]
fn where_there_is_nobody_else_it_takes_everything() {
    let mut rig = returned(ramped(&["only"]));
    assert!((0..50).all(|_| rig.serve() == 0));
}

#[test]
fn a_later_order_serves_what_a_returned_first_one_does_not_take_yet() {
    let mut chat = ramped(&["first", "standby"]);
    chat.deployments[1].order = 1;
    let mut rig = returned(chat);
    let share = in_a_second(&mut rig, 100);
    assert!((9..=12).contains(&share), "{share}");
    rig.after(Duration::from_secs(20)).serve();
    assert!((0..50).all(|_| rig.serve() == 0));
}

#[test]
fn a_session_is_not_held_to_a_deployment_that_has_had_its_share() {
    let affinity = Some(Duration::from_secs(600));
    let mut chat = GroupConfig { session_affinity: affinity, ..ramped(&["back", "other"]) };
    chat.strategy = Strategy::from_word("least_busy").expect("a strategy");
    let mut rig = returned(chat);
    let ask = |rig: &mut Rig, session| {
        let start = rig.arrive_with(|arrival| arrival.session = Some(session)).start();
        rig.finish(start.attempt);
        start.deployment.0
    };
    let first: Vec<_> = (0..100).map(|_| ask(&mut rig, 7)).collect();
    assert!(first.iter().filter(|&&id| id == 0).count() <= 6, "{first:?}");
}

#[test]
fn a_deployment_that_is_added_and_one_whose_checks_pass_again_grow_into_their_shares() {
    let mut rig = Rig::new(vec![ramped(&["old"])]);
    let two = RouterConfig { groups: vec![ramped(&["old", "new"])], ..RouterConfig::default() };
    let (config, _) = rig.router.prepare(two).expect("it is complete");
    rig.serve();
    rig.tell(RouterInput::Reconfigure { config });
    let to_the_old = in_a_second(&mut rig, 100);
    assert!((93..=96).contains(&to_the_old), "{to_the_old}");

    let mut rig = passed_again(ramped(&["back", "other"]));
    assert!((4..=7).contains(&in_a_second(&mut rig, 100)));
}

#[test]
fn at_the_start_and_without_the_setting_everyone_has_its_whole_share_at_once() {
    let mut fresh = Rig::new(vec![ramped(&["a", "b"])]);
    assert_eq!(in_a_second(&mut fresh, 100), 50);
    let mut off = returned(group(&["back", "other"]));
    assert!((49..=51).contains(&in_a_second(&mut off, 100)));
}

#[test]
fn tokens_and_weights_count_as_they_do_for_the_strategy() {
    let mut chat = ramped(&[]);
    chat.deployments = vec![deployment("back", 1), deployment("other", 9)];
    let mut rig = returned(chat);
    rig.after(Duration::from_secs(10));
    let share = in_a_second(&mut rig, 200);
    assert!((9..=12).contains(&share), "half of a tenth of 200: {share}");
}

/// A primary alone in its group, with a fallback.
fn with_fallback() -> Vec<GroupConfig> {
    let primary =
        GroupConfig { fallbacks: Fallbacks::to(vec![GroupId(1)]), ..ramped(&["primary"]) };
    vec![primary, GroupConfig { name: "spare".to_owned(), ..group(&["spare"]) }]
}

#[test]
fn a_primary_that_is_alone_takes_its_traffic_back_from_its_fallback_step_by_step() {
    let mut rig = back_in(with_fallback());
    let shares: Vec<_> = (0..22).map(|_| in_a_second(&mut rig, 100)).collect();
    for (second, &share) in shares.iter().enumerate().take(20) {
        let most = 100.0 * ((second + 1) as f64 / 20.0).max(0.1);
        assert!(share as f64 <= most + 1.0 && share as f64 >= most - 6.0, "{second}: {shares:?}");
    }
    assert_eq!(shares[21], 100, "{shares:?}");
}

#[test]
fn a_fallback_that_is_out_as_well_leaves_everything_to_the_primary() {
    let mut rig = back_in(with_fallback());
    for _ in 0..3 {
        rig.tell(RouterInput::Checked { deployment: DeploymentId(1), passed: false });
    }
    while rig.router.cooling().count() == 0 {
        let step = rig.arrive_with(|arrival| arrival.group = GroupId(1));
        rig.fail(step.start().attempt, failed(FailureClass::Server));
    }
    assert!((0..50).all(|_| rig.serve() == 0));
}

#[test]
fn a_request_that_allows_no_fallback_is_served_by_the_primary() {
    let mut rig = back_in(with_fallback());
    for _ in 0..50 {
        let start = rig.arrive_with(|arrival| arrival.overrides.fallbacks = FallbackChoice::None);
        let start = start.start();
        assert_eq!(start.deployment.0, 0);
        rig.finish(start.attempt);
    }
}

#[test]
fn a_second_attempt_beside_a_slow_one_does_not_go_to_a_deployment_that_has_had_its_share() {
    let after = HedgeAfter::Time(Duration::from_secs(1));
    let hedge = Some(Hedge { after, ..Hedge::default() });
    for (slow_start, hedged) in [(Some(RULE), false), (None, true)] {
        let chat = GroupConfig { hedge, slow_start, ..group(&["back", "other"]) };
        let mut rig = passed_again(chat);
        let served: Vec<_> = (0..3).map(|_| rig.serve()).collect();
        assert!(served.contains(&0), "it has had its share: {served:?}");
        let starts: Vec<_> = (0..2).map(|_| rig.arrive().start().deployment.0).collect();
        assert!(starts.contains(&1), "{starts:?}");
        let step = rig.after(Duration::from_secs(1)).tick();
        let second = step.note(|note| matches!(note, RouterEvent::Hedged { .. }));
        assert_eq!(second.is_some(), hedged);
    }
}
