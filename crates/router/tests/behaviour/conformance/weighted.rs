//! 1 to 15: weighted selection.

use super::{ALL, World, declared, is_success, litellm, ours, rig_by, shares};
use crate::rig::{Rig, failed, group};
use squall_failure::FailureClass;
use squall_router::{CooldownRule, GroupConfig, GroupId, GroupNames, Profile, RouterConfig};
use std::time::Duration;

/// The list's tolerance of a share of 1,000 draws.
fn is_near(count: u32, share: f64, of: u32) -> bool {
    let sigma = (f64::from(of) * share * (1.0 - share)).sqrt();
    (f64::from(count) - f64::from(of) * share).abs() <= 3.0 * sigma
}

#[test]
fn rpm_6_and_1440_give_the_second_more_than_89_percent() {
    for profile in ALL {
        let group = declared(&[(None, Some(6), None), (None, Some(1_440), None)]);
        let [_, second] = shares(&mut rig_by(profile, vec![group]), 1_000);
        assert!(second > 890, "{profile:?}: {second}");
    }
}

#[test]
fn tpm_5_and_90_give_the_second_more_than_89_percent() {
    let group = || declared(&[(None, None, Some(5)), (None, None, Some(90))]);
    let [_, second] = shares(&mut litellm(group()), 1_000);
    assert!(second > 890, "{second}");
    // As limits they would let nothing through: ours counts them as shares of thousands.
    let group = declared(&[(None, None, Some(500_000)), (None, None, Some(9_000_000))]);
    let [_, second] = shares(&mut ours(group), 1_000);
    assert!(second > 890, "{second}");
}

#[test]
fn a_group_with_one_deployment_among_others_gets_all_its_picks() {
    let small = GroupConfig { name: "small".into(), ..group(&["s"]) };
    let mut rig = Rig::new(vec![group(&["a", "b"]), small]);
    for _ in 0..20 {
        let start = rig.arrive_with(|arrival| arrival.group = GroupId(1)).start();
        rig.finish(start.attempt);
        assert_eq!(start.deployment.0, 2);
    }
}

#[test]
fn an_alias_is_served_by_the_group_it_stands_for() {
    let turbo = GroupConfig { aliases: vec!["gpt-4".into()], ..GroupConfig::new("gpt-3.5-turbo") };
    let config = RouterConfig { groups: vec![turbo], ..RouterConfig::default() };
    let names = GroupNames::new(&config, &[GroupId(0)]);
    assert_eq!(names.find("gpt-4"), names.find("gpt-3.5-turbo"));
}

#[test]
fn a_weight_on_the_second_only_gives_the_first_nothing() {
    let group = || declared(&[(None, None, None), (Some(1), None, None)]);
    let [first, _] = shares(&mut ours(group()), 1_000);
    assert_eq!(first, 0);
    // 1.80 asks the first whether there are weights.
    let [first, _] = shares(&mut litellm(group()), 1_000);
    assert!(is_near(first, 0.5, 1_000), "{first}");
}

#[test]
fn without_weight_rpm_and_tpm_selection_is_uniform() {
    for profile in ALL {
        let group = declared(&[(None, None, None), (None, None, None)]);
        let [first, _] = shares(&mut rig_by(profile, vec![group]), 1_000);
        assert!(is_near(first, 0.5, 1_000), "{profile:?}: {first}");
    }
}

#[test]
fn weights_2_and_1_give_two_thirds() {
    for profile in ALL {
        let group = declared(&[(Some(2), None, None), (Some(1), None, None)]);
        let [first, _] = shares(&mut rig_by(profile, vec![group]), 999);
        assert!(is_near(first, 2.0 / 3.0, 999), "{profile:?}: {first}");
    }
}

#[test]
fn weights_8_to_2_give_80_percent_within_three_sigma_and_ours_exactly() {
    let group = || declared(&[(Some(8), None, None), (Some(2), None, None)]);
    let [first, _] = shares(&mut litellm(group()), 3_000);
    assert!(is_near(first, 0.8, 3_000), "{first}");
    assert_eq!(shares(&mut ours(group()), 3_000), [2_400, 600]);
}

#[test]
fn weight_decides_where_weight_and_rpm_disagree() {
    for profile in ALL {
        let group = declared(&[(Some(9), Some(1_000), None), (Some(1), Some(9_000), None)]);
        let [first, _] = shares(&mut rig_by(profile, vec![group]), 1_000);
        assert!(is_near(first, 0.9, 1_000), "{profile:?}: {first}");
    }
}

#[test]
fn weights_that_are_all_0_are_uniform_and_nothing_errors() {
    let group = || declared(&[(Some(0), None, None), (Some(0), None, None)]);
    assert_eq!(shares(&mut ours(group()), 1_000), [500, 500]);
    // 1.80 divides by zero.
    let mut world = World::new(litellm(group()), &[], failed(FailureClass::Server));
    assert!(!is_success(&world.request()));
}

#[test]
fn a_deployment_that_returns_from_cooldown_has_its_full_weight_at_once() {
    for profile in ALL {
        let group = declared(&[(Some(8), None, None), (Some(2), None, None)]);
        let mut rig = rig_by(profile, vec![group]);
        cool_the_first(&mut rig);
        rig.after(Duration::from_secs(6)).tick();
        let [first, _] = shares(&mut rig, 1_000);
        assert!(is_near(first, 0.8, 1_000), "{profile:?}: {first}");
    }
}

/// Fails every attempt at the first deployment until it cools down.
fn cool_the_first(rig: &mut Rig) {
    for _ in 0..100 {
        if rig.router.cooling().next().is_some() {
            return;
        }
        let mut start = rig.arrive().start();
        while start.deployment.0 == 0 {
            match rig.fail(start.attempt, super::server()).started() {
                Some(retry) => start = retry,
                None => return,
            }
        }
        rig.finish(start.attempt);
    }
    panic!("it never cooled down");
}

#[test]
fn the_profile_is_a_choice_that_can_be_taken_back() {
    let by_default = GroupConfig { cooldown: CooldownRule::default(), ..group(&["a", "b"]) };
    let native = RouterConfig { groups: vec![by_default], ..RouterConfig::default() };
    let back = native.clone().with_profile(Profile::LITELLM_1_80).with_profile(Profile::Squall);
    assert_eq!(back.groups[0].strategy, native.groups[0].strategy);
    assert_eq!(back.groups[0].cooldown, native.groups[0].cooldown);
    assert_eq!(back.groups[0].retry_rule, native.groups[0].retry_rule);
    assert_eq!(back.groups[0].when_unavailable, native.groups[0].when_unavailable);
    assert_eq!(back.groups[0].max_queue_wait, native.groups[0].max_queue_wait);
    assert_eq!(back.retry_budget, native.retry_budget);
    assert_eq!(back.fallback_rule, native.fallback_rule);
}
