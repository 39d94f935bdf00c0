//! 65 to 81: fallbacks.
//!
//! Not here: 69, 70 and 75 are the gateway's (unknown names, response headers), 81 is the reader's, and 73
//! and 74 are not there: a fallback names a group, and sends the request as it came.

use super::{ALL, World, is_success, rig_by, rpm, server, single};
use crate::rig::{Rig, failed, group};
use squall_failure::FailureClass;
use squall_router::{
    CooldownRule, FallbackRule, Fallbacks, GroupConfig, GroupId, LitellmStrategy, Outcome, Profile,
    Retries, RetryBudget, RouterConfig, Strategy,
};
use std::time::Duration;

/// Groups of one deployment each, in which nothing cools down; each falls back to the places given.
fn chain(fallbacks: &[&[u16]], retries: u16) -> Vec<GroupConfig> {
    let groups = fallbacks.iter().enumerate().map(|(n, to)| GroupConfig {
        name: format!("g{n}"),
        fallbacks: Fallbacks::to(to.iter().map(|&to| GroupId(to)).collect()),
        retries: Retries::new(retries),
        cooldown: CooldownRule::Never,
        ..group(&["only"])
    });
    groups.collect()
}

/// Calls of one request where everything fails.
fn calls(groups: Vec<GroupConfig>, fallback_rule: FallbackRule, profile: Profile) -> u32 {
    let all: Vec<u16> = (0..groups.len() as u16).collect();
    let config = RouterConfig {
        groups,
        fallback_rule,
        retry_budget: RetryBudget::UNLIMITED,
        ..RouterConfig::default()
    };
    let config = match profile {
        Profile::LITELLM_1_80 => config.with_profile(profile),
        _ => config,
    };
    let mut rig = Rig::of(config);
    rig.after(Duration::from_secs(1));
    let mut world = World::new(rig, &all, server());
    world.request();
    world.calls()
}

#[test]
fn a_group_that_fails_with_its_retries_hands_over_to_its_fallback() {
    for profile in ALL {
        let groups = vec![
            GroupConfig {
                fallbacks: Fallbacks::to(vec![GroupId(1)]),
                ..group(&["a1", "a2", "a3"])
            },
            GroupConfig { name: "b".into(), ..group(&["b"]) },
        ];
        let mut world = World::new(rig_by(profile, groups), &[0, 1, 2], server());
        assert!(is_success(&world.request()), "{profile:?}");
        assert_eq!(world.calls(), 3 + 1);
        assert_eq!(world.calls[3], 1);
    }
}

#[test]
fn a_chain_of_groups_with_small_limits_ends_at_the_one_that_has_room() {
    let limits = [1, 1, 0, 10];
    for profile in ALL {
        let mut groups = chain(&[&[1], &[2], &[3], &[]], 0);
        for (group, limit) in groups.iter_mut().zip(limits) {
            group.deployments[0].limits = rpm(limit);
            group.strategy = Strategy::LowestUsage;
            group.max_queue_wait = Duration::ZERO;
        }
        let mut world = World::new(rig_by(profile, groups), &[], server());
        assert!(is_success(&world.request()));
        assert_eq!(world.calls[..4], [1, 0, 0, 0], "{profile:?}");
        let successes = world.successes(10);
        assert_eq!((successes, &world.calls[..4]), (10, &[1, 1, 0, 9][..]), "{profile:?}");
    }
    let is_usage =
        |group: &GroupConfig| group.strategy == Strategy::Litellm(LitellmStrategy::UsageBasedV2);
    let config = RouterConfig {
        groups: vec![GroupConfig { strategy: Strategy::LowestUsage, ..single() }],
        ..RouterConfig::default()
    };
    assert!(config.with_profile(Profile::LITELLM_1_80).groups.iter().all(is_usage));
}

#[test]
fn an_unreachable_host_hands_over_to_its_fallback() {
    for profile in ALL {
        let groups = chain(&[&[1], &[]], 2);
        let mut world = World::new(rig_by(profile, groups), &[0], failed(FailureClass::Connect));
        assert!(is_success(&world.request()), "{profile:?}");
    }
}

/// With lists that lead back, as `default_fallbacks` makes them, the reference goes round as often as its
/// depth allows. By ours no group is tried twice.
#[test]
fn two_groups_with_a_wrong_key_each_end_with_that_error_and_not_in_a_loop() {
    let unauthorized = failed(FailureClass::Auth).with_status(401);
    for profile in ALL {
        let groups = chain(&[&[1], &[0]], 0);
        let rig = Rig::of(match profile {
            Profile::LITELLM_1_80 => {
                RouterConfig { groups, ..RouterConfig::default() }.with_profile(profile)
            }
            _ => RouterConfig { groups, ..RouterConfig::default() },
        });
        let mut world = World::new(rig, &[0, 1], unauthorized);
        match world.request() {
            Outcome::Failed { failure, .. } => assert_eq!(failure.class, FailureClass::Auth),
            other => panic!("not failed: {other:?}"),
        }
        let most = if profile == Profile::LITELLM_1_80 { 6 } else { 2 };
        assert_eq!(world.calls(), most, "{profile:?}");
    }
}

#[test]
fn of_eight_fallbacks_1_80_tries_all_whatever_its_depth_and_ours_as_many_as_it_may() {
    let mut lists: Vec<&[u16]> = vec![&[]; 9];
    lists[0] = &[1, 2, 3, 4, 5, 6, 7, 8];
    let nested = FallbackRule::LitellmNested { max_depth: 2, weighted_failover: false };
    assert_eq!(calls(chain(&lists, 0), nested, Profile::LITELLM_1_80), 9);
    let once = FallbackRule::DepthFirst { max_moves: 2 };
    assert_eq!(calls(chain(&lists, 0), once, Profile::Squall), 3);
}

#[test]
fn a_chain_of_fallbacks_ends_at_the_depth_allowed() {
    let lists: [&[u16]; 6] = [&[1], &[2], &[3], &[4], &[5], &[]];
    let nested = FallbackRule::LitellmNested { max_depth: 3, weighted_failover: false };
    assert_eq!(calls(chain(&lists, 0), nested, Profile::LITELLM_1_80), 4);
    let once = FallbackRule::DepthFirst { max_moves: 3 };
    assert_eq!(calls(chain(&lists, 0), once, Profile::Squall), 4);
}

#[test]
fn two_retries_and_two_fallbacks_multiply_to_nine_calls_unless_a_budget_forbids() {
    let lists: [&[u16]; 3] = [&[1, 2], &[], &[]];
    let nested = FallbackRule::LITELLM;
    assert_eq!(calls(chain(&lists, 2), nested, Profile::LITELLM_1_80), 9);

    let spent = RetryBudget { min_per_second: 0, ..RetryBudget::default() };
    let rig = Rig::with_budget(chain(&lists, 2), spent);
    let mut world = World::new(rig, &[0, 1, 2], server());
    (0..100).for_each(|_| {
        world.request();
    });
    assert!(world.calls() <= 120, "100 requests and a fifth: {}", world.calls());
}

#[test]
fn a_refusal_by_the_content_policy_has_a_fallback_of_its_own() {
    let refused = failed(FailureClass::ContentPolicy).with_status(400);
    for profile in ALL {
        let with_policy_list = |list| {
            let mut groups = chain(&[&[1], &[], &[]], 0);
            groups[0].fallbacks.content_policy = list;
            World::new(rig_by(profile, groups), &[0], refused)
        };
        let mut world = with_policy_list(Some(vec![GroupId(2)]));
        assert!(is_success(&world.request()), "{profile:?}");
        assert_eq!(world.calls[..3], [1, 0, 1], "{profile:?}");
        let mut world = with_policy_list(Some(Vec::new()));
        assert!(!is_success(&world.request()), "{profile:?}: nowhere to go");
    }
}
